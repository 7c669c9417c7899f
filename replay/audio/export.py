"""Write the sound of recordings to files: tracks, the whole call in stereo, single items."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, cast, get_args

import numpy as np
import orjson

from ...schemas.errors import CannotWrite, RequestError
from ...schemas.recording import Recording
from ...schemas.state import Item
from ..output import new_file
from .encode import FileFormat, file_format, file_rate, refuse_too_long, sound_file
from .formats import NS, Samples, ns_to_samples
from .mix import Mixer, Track, render
from .pieces import AudioProblem, Piece
from .timeline import AsHeard, Interval, Side, Timeline, read_timeline

__all__ = ["AudioReport", "ItemFile", "Sound", "TrackChoice", "read_audio", "write_audio", "write_items"]

TrackChoice = Literal["user", "assistant", "both", "mono"]
Progress = Callable[[float], None]

_KEPT: Final = 100
"""Characters of an item's id, or role, in the name of its file. The number before them tells files apart."""

_SIDES: Final[dict[TrackChoice, tuple[Side, ...]]] = {
    "user": ("user",),
    "assistant": ("assistant",),
    "both": ("user", "assistant"),
    "mono": ("user", "assistant"),
}


@dataclass(frozen=True, slots=True)
class AudioReport:
    """What was written.

    ``start_ns`` is the place of the file's first sample on the first session's clock; ``problems`` names audio that
    could not be used as it stands.
    """

    target: Path
    format: FileFormat
    rate: int
    channels: int
    samples: int
    start_ns: int = 0
    problems: list[AudioProblem] = field(default_factory=list[AudioProblem])

    @property
    def seconds(self) -> float:
        """How long it plays."""
        return self.samples / self.rate


async def write_audio(
    recordings: Recording | Sequence[Recording],
    target: str | Path,
    *,
    track: TrackChoice = "both",
    item: str | None = None,
    as_: AsHeard = "heard",
    start: int | None = None,
    end: int | None = None,
    format: str | None = None,  # noqa: A002  (the command's own word)
    force: bool = False,
    progress: Progress | None = None,
) -> AudioReport:
    """Write the sound of a session, or of several linked ones, to one file.

    The file's clock is the session's: its first sample is the moment when the session opened (or ``start``). Several
    sessions follow each other at the distance at which they opened.

    Args:
        recordings: one, or several: in order of time where one of them does not say when it opened, else in any.
        target: the file; its suffix names the format unless ``format`` does.
        track: ``both`` is stereo, the user left and the assistant right; ``mono`` the sum of the two.
        item: an item's id: the sound of this item alone, from its first sample; ``track`` does not matter then.
        as_: ``heard`` cuts the assistant's items where they were truncated or cleared; ``generated`` and
            ``delivered`` give all of what arrived.
        start: nanoseconds on that clock; what lies before is left out.
        end: nanoseconds on that clock; what lies behind is left out.
        format: ``wav``, ``flac`` or ``ogg`` (Opus).
        force: overwrite an existing file.
        progress: is told how much is done, from 0 to 1.

    Raises:
        RequestError: no such item, no audio, an impossible choice.
        OutputExists: the target exists and ``force`` is false.
        CannotWrite: the target cannot be written, or a WAV file cannot be that long.
    """
    target = Path(target)
    kind = file_format(target, format)
    mix = await _mix(recordings, kind, track, item, as_, start, end, _part_of(progress, 0.0, 0.5))
    writing = _part_of(progress, 0.5, 1.0)
    await _write(mix.sources, mix.mixer, target, kind, mix.rate, mix.channels, force=force, progress=writing)
    problems = mix.problems + mix.mixer.problems
    return AudioReport(target, kind, mix.rate, mix.channels, mix.mixer.samples, start or 0, problems)


class Sound(NamedTuple):
    """Sound in memory.

    Attributes:
        samples: 16-bit integers (int16), ``(n, 2)`` in stereo, the user left and the assistant right, else ``(n,)``.
        rate: samples per second.
    """

    samples: Samples
    rate: int


async def read_audio(
    recordings: Recording | Sequence[Recording],
    *,
    track: TrackChoice = "both",
    item: str | None = None,
    as_: AsHeard = "heard",
    start: int | None = None,
    end: int | None = None,
) -> Sound:
    """Return the sound that :func:`write_audio` writes to a WAV file; all of it in memory.

    Raises:
        RequestError: no such item, no audio, an impossible choice.
    """
    mix = await _mix(recordings, "wav", track, item, as_, start, end, None)
    samples = np.zeros((mix.mixer.samples, mix.channels), np.int16)
    at = 0

    def keep(block: Samples) -> None:
        nonlocal at
        samples[at : at + len(block)] = block
        at += len(block)

    await render(mix.sources, mix.mixer, keep)
    return Sound(samples if mix.channels == 2 else samples[:, 0], mix.rate)


@dataclass(frozen=True, slots=True)
class _Mix:
    """What is to be heard of recordings, ready to be rendered."""

    sources: Sequence[Recording]
    mixer: Mixer
    rate: int
    channels: int
    problems: list[AudioProblem]


async def _mix(
    recordings: Recording | Sequence[Recording],
    kind: FileFormat,
    track: TrackChoice,
    item: str | None,
    as_: AsHeard,
    start: int | None,
    end: int | None,
    progress: Progress | None,
) -> _Mix:
    sources = _in_order(recordings) if isinstance(recordings, Sequence) else [recordings]
    _check(track, as_, start, end)
    timelines = await _read(sources, progress)
    if item is not None:
        tracks = item_tracks(sources, timelines, item, as_)
        channels = 1
    else:
        tracks = timeline_tracks(sources, timelines, track, as_)
        channels = 2 if track == "both" else 1
    if not tracks:
        raise _silent(sources, timelines, track, item)
    rate = file_rate(max(each.piece.format.rate for each in tracks), kind)
    first = ns_to_samples(start or 0, rate)
    last = None if end is None else ns_to_samples(end, rate)
    everything = max(ns_to_samples(each.end_ns, rate) for each in tracks)
    if first >= everything:
        raise RequestError(
            f"There is no sound from {(start or 0) / NS:.3f} s on: it ends at {everything / rate:.3f} s.",
            hint="Begin earlier.",
        )
    mixer = Mixer(tracks, rate, channels, start=first, end=None if last is None else min(last, everything))
    # Timelines and tracks of a long call are large; what is needed of them is in the mixer.
    return _Mix(sources, mixer, rate, channels, [problem for timeline in timelines for problem in timeline.problems])


def _in_order(recordings: Sequence[Recording]) -> list[Recording]:
    """Recordings by the time at which they opened; as they stand where that is not known of all."""
    opened = [recording.info.opened_at for recording in recordings]
    known = [moment for moment in opened if moment is not None]
    if len(known) < len(opened):
        return list(recordings)
    return [recordings[index] for index in sorted(range(len(known)), key=known.__getitem__)]


def _check(track: str, as_: str, start: int | None, end: int | None) -> None:
    if track not in _SIDES:
        raise RequestError(f"{track!r} is no track.", hint=f"Choose one of {', '.join(_SIDES)}.")
    if as_ not in get_args(AsHeard):
        raise RequestError(f"{as_!r} is no view of the audio.", hint=f"Choose one of {', '.join(get_args(AsHeard))}.")
    if (start or 0) < 0 or (end is not None and end <= (start or 0)):
        raise RequestError(
            "The part of the session that was asked for is empty.", hint="Its end lies before its start."
        )


def _part_of(progress: Progress | None, start: float, end: float) -> Progress | None:
    """Tell of a part of the work as that part of the whole."""
    return None if progress is None else lambda done: progress(start + done * (end - start))


async def _read(sources: Sequence[Recording], progress: Progress | None) -> list[Timeline]:
    return [
        await read_timeline(
            recording,
            with_text=False,
            progress=_part_of(progress, number / len(sources), (number + 1) / len(sources)),
        )
        for number, recording in enumerate(sources)
    ]


async def _write(
    sources: Sequence[Recording],
    mixer: Mixer,
    target: Path,
    kind: FileFormat,
    rate: int,
    channels: int,
    *,
    force: bool,
    progress: Progress | None = None,
) -> None:
    try:
        refuse_too_long(target, kind, mixer.samples, channels)
        with new_file(target, force=force) as path, sound_file(path, kind, rate, channels, mixer.samples) as write:
            await render(sources, mixer, write, progress)
    finally:
        mixer.close()


def timeline_tracks(
    recordings: Sequence[Recording], timelines: Sequence[Timeline], track: TrackChoice, as_: AsHeard
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
            for placed in timeline.placed(_SIDES[track], as_)
        )
        length = max((placed.end_ns for placed in timeline.placed()), default=Fraction(0))
        follows = base + max(length, Fraction(recording.info.duration_ns or 0))
    return tracks


def item_tracks(
    recordings: Sequence[Recording], timelines: Sequence[Timeline], item_id: str, as_: AsHeard
) -> list[Track]:
    """The sound of one item from its first sample on, its parts one behind the other.

    Raises:
        RequestError: no session has the item, or its sound is not there.
    """
    for source, timeline in enumerate(timelines):
        conversation = timeline.conversation
        for item in (*conversation.items, *conversation.deleted, *conversation.out_of_band):
            if item.id == item_id:
                return _in_a_row(_pieces(timeline, item, as_), source)
    where = recordings[0].info.id if len(recordings) == 1 else "these sessions"
    raise RequestError(
        f"There is no item {item_id} in {where}.",
        hint="`earwitness show SESSION` lists the items with their ids.",
        item=item_id,
    )


def _pieces(timeline: Timeline, item: Item, as_: AsHeard) -> list[Piece]:
    playbacks = [playback for playback in timeline.playbacks if playback.item_id == item.id]
    if playbacks:
        pieces = [playback.piece(heard_only=as_ == "heard") for playback in playbacks]
        if not any(piece.size for piece in pieces):
            raise RequestError(
                f"Nothing of item {item.id} was heard: it was cut before it began.",
                hint="Its audio as it was generated can be had with --as generated.",
                item=item.id,
            )
        return pieces
    if item.role == "user":
        return timeline.stream.item(item)
    raise RequestError(
        f"Item {item.id} ({item.type}) has no audio.", hint="Its text is in the transcript.", item=item.id
    )


def _in_a_row(pieces: Sequence[Piece], source: int) -> list[Track]:
    tracks: list[Track] = []
    at = Fraction(0)
    for piece in pieces:
        tracks.append(Track(at, (0,), piece, source))
        at = tracks[-1].end_ns
    return tracks


def _silent(
    recordings: Sequence[Recording], timelines: Sequence[Timeline], track: TrackChoice, item: str | None
) -> RequestError:
    names = ", ".join(recording.info.id for recording in recordings)
    if item is not None:
        return RequestError(f"Item {item} has no audio.", hint="Its text is in the transcript.", item=item)
    whose = {"user": "audio of the user", "assistant": "audio of the assistant"}.get(track, "audio")
    hint = ""
    if any(timeline.placed() for timeline in timelines):
        hint = "The other side has some: --track both."
    elif any(timeline.intervals() for timeline in timelines):
        hint = "Who was speaking when is known from events, not the sound: the transcript has the times."
    return RequestError(f"The recording holds no {whose}: {names}.", hint=hint, track=track)


@dataclass(frozen=True, slots=True)
class ItemFile:
    """One entry of the manifest of :func:`write_items`.

    Times are milliseconds on the session's clock; ``why_not`` says why an item with speech has no file.
    """

    item: str
    session: str
    role: str | None
    file: str | None
    rate: int | None = None
    samples: int | None = None
    sha256: str | None = None
    start_ms: float | None = None
    end_ms: float | None = None
    cut: str | None = None
    why_not: str | None = None


async def write_items(
    recordings: Recording | Sequence[Recording],
    folder: str | Path,
    *,
    as_: AsHeard = "heard",
    format: str = "wav",  # noqa: A002  (the command's own word)
    force: bool = False,
    progress: Progress | None = None,
) -> list[ItemFile]:
    """Write every spoken item to a file of its own, and ``manifest.json`` beside them.

    Files are named by order, role and item id. The manifest is written last: where it is, all files are.

    Raises:
        RequestError: nobody speaks in the recording.
        OutputExists: a file exists and ``force`` is false.
        CannotWrite: the folder or a file in it cannot be written.
    """
    sources = list(recordings) if isinstance(recordings, Sequence) else [recordings]
    folder = Path(folder)
    kind = file_format(folder, format)
    _check("both", as_, None, None)
    timelines = await _read(sources, _part_of(progress, 0.0, 0.5))
    spoken = [
        (source, timeline, item)
        for source, timeline in enumerate(timelines)
        for item in (*timeline.conversation.items, *timeline.conversation.deleted, *timeline.conversation.out_of_band)
        if _speaks(timeline, item)
    ]
    if not spoken:
        raise _silent(sources, timelines, "both", None)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotWrite(f"{folder} cannot be made: {error.strerror}.", file=str(folder)) from error
    intervals = [_by_item(timeline) for timeline in timelines]
    entries: list[ItemFile] = []
    writing = _part_of(progress, 0.5, 1.0)
    for number, (source, timeline, item) in enumerate(spoken, 1):
        name = f"{number:03d}-{_file_name(item.role or 'assistant')}-{_file_name(item.id)}.{kind}"
        interval = intervals[source].get(item.id)
        entries.append(
            await _write_item(sources[source], timeline, item, interval, folder / name, kind, as_, force=force)
        )
        if writing is not None:
            writing(number / len(spoken))
    manifest = orjson.dumps([asdict(entry) for entry in entries], option=orjson.OPT_INDENT_2) + b"\n"
    with new_file(folder / "manifest.json", force=force) as path:
        path.write_bytes(manifest)
    return entries


def _file_name(stated: str) -> str:
    """An id or a role as part of a file's name: what every file system takes, in characters and length."""
    return re.sub(r"[^0-9A-Za-z_-]", "_", stated)[:_KEPT]


def _by_item(timeline: Timeline) -> dict[str | None, Interval]:
    """When each item was spoken, from its first part to its last."""
    found: dict[str | None, Interval] = {}
    for each in timeline.intervals():
        before = found.get(each.item_id)
        found[each.item_id] = each if before is None else replace(before, end_ns=max(before.end_ns, each.end_ns))
    return found


def _speaks(timeline: Timeline, item: Item) -> bool:
    return (
        any(playback.item_id == item.id for playback in timeline.playbacks)
        or item.span is not None
        or any(part.audio.total for part in item.content)
    )


async def _write_item(
    recording: Recording,
    timeline: Timeline,
    item: Item,
    interval: Interval | None,
    target: Path,
    kind: FileFormat,
    as_: AsHeard,
    *,
    force: bool,
) -> ItemFile:
    session = recording.info.id
    playbacks = [playback for playback in timeline.playbacks if playback.item_id == item.id]
    start = None if interval is None else round(interval.start_ns / 1e6, 3)
    end = None if interval is None else round(interval.end_ns / 1e6, 3)
    cut = next((playback.cut for playback in playbacks if playback.cut), None)
    entry: dict[str, Any] = {"start_ms": start, "end_ms": end, "cut": cut}
    try:
        tracks = _in_a_row(_pieces(timeline, item, as_), 0)
    except RequestError as error:
        why = cast("str", error.data.get("why") or error.message)
        return ItemFile(item.id, session, item.role, None, why_not=why, **entry)
    rate = file_rate(max(each.piece.format.rate for each in tracks), kind)
    mixer = Mixer(tracks, rate, 1)
    await _write([recording], mixer, target, kind, rate, 1, force=force)
    return ItemFile(item.id, session, item.role, target.name, rate, mixer.samples, _digest(target), **entry)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
