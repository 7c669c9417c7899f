"""Which sound goes into a file, and where: the tracks of whole sessions or of one item, for :mod:`.mix`. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Final, Literal

from ...schemas.errors import RequestError
from ...schemas.recording import Recording
from ...schemas.state import Item
from ..unread import UnreadSound, unread
from .formats import NS
from .mix import Track
from .pieces import AudioProblem, Piece, Side
from .playback import Reading
from .timeline import Timeline

__all__ = [
    "TRACKS",
    "TrackChoice",
    "in_a_row",
    "inexact_spans",
    "item_pieces",
    "item_tracks",
    "nothing_to_hear",
    "timeline_tracks",
]

TrackChoice = Literal["user", "assistant", "both", "mono"]

TRACKS: Final[dict[TrackChoice, tuple[Side, ...]]] = {
    "user": ("user",),
    "assistant": ("assistant",),
    "both": ("user", "assistant"),
    "mono": ("user", "assistant"),
}


def timeline_tracks(
    recordings: Sequence[Recording], timelines: Sequence[Timeline], track: TrackChoice, as_: Reading
) -> list[Track]:
    """Lay the sound of sessions on one clock, that of the first."""
    channels: dict[Side, tuple[int, ...]] = {"user": (0,), "assistant": (1,) if track == "both" else (0,)}
    tracks: list[Track] = []
    opened = recordings[0].info.opened_at if recordings else None
    follows = Fraction(0)
    for source, (recording, timeline) in enumerate(zip(recordings, timelines, strict=True)):
        base = follows
        if opened is not None and recording.info.opened_at is not None:
            apart = recording.info.opened_at - opened
            base = Fraction(max((apart.days * 86400 + apart.seconds) * NS + apart.microseconds * 1000, 0))
        tracks += (
            Track(base + placed.start_ns, channels[placed.side], placed.piece, source)
            for placed in timeline.placed(TRACKS[track], as_)
        )
        length = max((placed.end_ns for placed in timeline.placed()), default=Fraction(0))
        follows = base + max(length, Fraction(recording.info.duration_ns or 0))
    return tracks


def item_tracks(
    recordings: Sequence[Recording], timelines: Sequence[Timeline], item_id: str, as_: Reading
) -> list[Track]:
    """Return the sound of one item from its first sample on, its parts one after the other.

    Raises:
        RequestError: no session has the item, or its sound is not there.
    """
    for source, timeline in enumerate(timelines):
        conversation = timeline.conversation
        for item in (*conversation.items, *conversation.deleted, *conversation.out_of_band):
            if item.id == item_id:
                return in_a_row(item_pieces(timeline, item, as_), source)
    where = recordings[0].info.id if len(recordings) == 1 else "these sessions"
    raise RequestError(
        f"There is no item {item_id} in {where}.",
        hint="`earwitness show SESSION` lists the items with their ids.",
        item=item_id,
    )


def item_pieces(timeline: Timeline, item: Item, as_: Reading) -> list[Piece]:
    """Return the sound of an item, part by part.

    Raises:
        RequestError: it has none, or none of it was heard, or which part of the input it is cannot be told.
    """
    playbacks = timeline.plan.of_item(item.id)
    if playbacks:
        pieces = [playback.piece(heard_only=as_ == "heard") for playback in playbacks]
        if not any(piece.size for piece in pieces):
            raise RequestError(
                f"Nothing of item {item.id} was heard: it was cut before it began.",
                hint="--as generated writes its whole audio.",
                item=item.id,
            )
        return pieces
    if item.role == "user":
        return timeline.stream.item(item)
    raise RequestError(
        f"Item {item.id} ({item.type}) has no audio.", hint="Its text is in the transcript.", item=item.id
    )


def in_a_row(pieces: Sequence[Piece], source: int) -> list[Track]:
    """Put pieces of one recording one after the other, from time 0 on."""
    tracks: list[Track] = []
    at = Fraction(0)
    for piece in pieces:
        tracks.append(Track(at, (0,), piece, source))
        at = tracks[-1].end_ns
    return tracks


def inexact_spans(timelines: Sequence[Timeline], item_id: str) -> list[AudioProblem]:
    """Say so where it is not certain to the sample which part of the input an item is."""
    spans = [
        item.span for timeline in timelines for item in timeline.conversation.items if item.id == item_id and item.span
    ]
    return [
        AudioProblem(
            span.seqs.last,
            "inexact",
            "nobody stated where the item ends in the input"
            if span.within_ms is None
            else f"which part of the input the item is, is known to within {span.within_ms:.0f} ms",
        )
        for span in spans
        if span.reliable and span.within_ms != 0
    ]


def nothing_to_hear(
    recordings: Sequence[Recording],
    timelines: Sequence[Timeline],
    track: TrackChoice,
    item: str | None,
    not_read: UnreadSound | None,
) -> RequestError:
    """Return the error that says what of the sound asked for is missing, and what there is.

    Args:
        recordings: the sessions.
        timelines: theirs.
        track: what was asked for.
        item: likewise.
        not_read: sound in frames that are not read; it is named, and the recording not called silent.
    """
    names = ", ".join(recording.info.id for recording in recordings)
    if item is not None:
        return RequestError(f"Item {item} has no audio.", hint="Its text is in the transcript.", item=item)
    if not_read is not None:
        speak = [line for each in timelines if (line := unread(each.conversation).of_vocabulary("audio"))]
        hint = speak[0] if speak else "What these frames mean is not known to this program; `export` keeps them."
        return RequestError(f"The sound of {names} cannot be written: {not_read}.", hint=hint, track=track)
    whose = {"user": "audio of the user", "assistant": "audio of the assistant"}.get(track, "audio")
    hint = ""
    if any(timeline.placed() for timeline in timelines):
        hint = "The other side has some: use --track both."
    elif any(timeline.intervals() for timeline in timelines):
        hint = "Who was speaking when is known from events, not the sound: the transcript has the times."
    return RequestError(f"The recording holds no {whose}: {names}.", hint=hint, track=track)
