"""What was played and heard of the assistant's audio: from when to when, how much of each part, and what tells so.

What is recorded is what arrived, not what a loudspeaker did. The model in between is a player with one queue:

* A part plays when its first delta arrives or when what plays before it is over, whichever is later, at the speed of
  speech. It stalls where a delta comes later than it is due by more than :data:`STALL_NS`.
* A truncation (asked for by the client and not refused, or made by the server) ends it at ``audio_end_ms`` of its
  audio; ``output_audio_buffer.cleared`` ends it at that moment, if the recording has a clock. What was waiting in the
  queue by then is never heard, and deltas of the part that come later do not start it again.
* ``output_audio_buffer.started`` says when a response's audio really began, ``.stopped`` when it was over: where a
  session has these events, they count. Where it has no sound, they alone say when the assistant was speaking.

The plan is made once, from a conversation and the times of its records; transcripts, sound files and pages ask it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Final, Literal, get_args

import numpy as np

from ...schemas.audio import AudioFormat
from ...schemas.state import Conversation, Item, Part, Response, Truncation
from ..fold.output_audio import output_format
from .clock import Clock, StateClock
from .formats import NS, bytes_to_ns
from .pieces import Integers, Interval, Piece, Placed, bounds_of, ref_arrays

__all__ = ["READINGS", "STALL_NS", "Basis", "Playback", "PlaybackPlan", "Played", "Reading", "plan_playback"]

Reading = Literal["generated", "delivered", "heard"]
"""What of a conversation is shown: what the model produced, what crossed to the client, what can have been heard."""
READINGS: Final[tuple[Reading, ...]] = get_args(Reading)

STALL_NS: Final = 500_000_000
"""A delta that comes later than it is due by more than this stalls the player, whose buffer evens out the rest."""

Basis = Literal["truncated", "cleared", "never begun"]
"""What cut a part: a truncation; cleared playback; or a cut in what played before it, so that it never began."""


@dataclass(frozen=True, slots=True)
class Played:
    """A stretch of a part without a stall: bytes ``start`` to ``end`` of its audio, from ``start_ns`` on."""

    start_ns: Fraction
    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class Playback:
    """How one content part of an assistant's item played.

    Attributes:
        item_id: the item.
        content_index: its content part.
        response_id: the response that it belongs to.
        format: what the bytes are.
        seqs: the records with its audio.
        lengths: decoded bytes of each.
        stretches: where its audio lies on the session's clock if nothing cuts it.
        size: its bytes in all, whole samples.
        heard: how many of them can have been heard.
        cut: why not all of them were; None if they were.
        cut_seq: the record that cut it.
    """

    item_id: str
    content_index: int
    response_id: str | None
    format: AudioFormat
    seqs: Integers
    lengths: Integers
    stretches: list[Played] = field(repr=False)
    size: int
    heard: int
    cut: Basis | None = None
    cut_seq: int | None = None

    def ns_of(self, byte: int) -> Fraction:
        """When a byte of its audio is due."""
        stretch = next((each for each in reversed(self.stretches) if each.start < byte), self.stretches[0])
        return stretch.start_ns + bytes_to_ns(byte - stretch.start, self.format)

    @property
    def start_ns(self) -> Fraction:
        """When it begins."""
        return self.stretches[0].start_ns

    @property
    def heard_end_ns(self) -> Fraction:
        """When the last of it was heard; its beginning if nothing was."""
        return self.ns_of(self.heard) if self.heard else self.start_ns

    @property
    def heard_ms(self) -> float:
        """Milliseconds of its audio that can have been heard."""
        return self.heard / self.format.bytes_per_ms

    @property
    def total_ms(self) -> float:
        """Milliseconds of its audio in all."""
        return self.size / self.format.bytes_per_ms

    def piece(self, *, heard_only: bool) -> Piece:
        """Return its audio as one piece, without stalls."""
        return Piece.of(self.seqs, self.lengths, self.format, end=self.heard if heard_only else self.size)

    def placed(self, *, heard_only: bool) -> Iterator[Placed]:
        """Yield its audio at its places on the session's clock."""
        limit = self.heard if heard_only else self.size
        for stretch in self.stretches:
            end = min(stretch.end, limit)
            if stretch.start < end:
                piece = Piece.of(self.seqs, self.lengths, self.format, start=stretch.start, end=end)
                yield Placed(stretch.start_ns, "assistant", piece, self.item_id)


class PlaybackPlan:
    """How the assistant's audio of a session played. Made by :func:`plan_playback`.

    Attributes:
        playbacks: the parts, in the order in which they were queued.
        by_events: when responses without recorded sound played, as ``output_audio_buffer`` events say.
    """

    def __init__(self, playbacks: list[Playback], by_events: list[Interval]) -> None:
        self.playbacks = playbacks
        self.by_events = by_events
        self._by_part = {(each.item_id, each.content_index): each for each in playbacks}

    def of_part(self, item_id: str, content_index: int) -> Playback | None:
        """Return how a content part played; None if no sound of it is on record."""
        return self._by_part.get((item_id, content_index))

    def of_item(self, item_id: str) -> list[Playback]:
        """Return how the parts of an item played."""
        return [each for each in self.playbacks if each.item_id == item_id]

    @property
    def unheard_ms(self) -> float:
        """Milliseconds of audio that were produced and cannot have been heard."""
        return sum(each.total_ms - each.heard_ms for each in self.playbacks)

    def intervals(self) -> list[Interval]:
        """Return when the assistant can be heard speaking, part by part."""
        by_audio = (
            Interval(
                "assistant", each.item_id, int(each.start_ns), int(each.heard_end_ns), "audio", each.cut is not None
            )
            for each in self.playbacks
            if each.heard
        )
        return [*by_audio, *self.by_events]


def plan_playback(conversation: Conversation, clock: Clock | None = None) -> PlaybackPlan:
    """Play the assistant's audio by the model.

    Args:
        conversation: the folded session.
        clock: when each of its records came; by the times that the conversation itself holds if None.
    """
    clock = StateClock(conversation) if clock is None else clock
    player = _Player(conversation, clock)
    for item, part in _spoken_parts(conversation):
        player.queue(item, part)
    with_audio = {playback.response_id for playback in player.played}
    return PlaybackPlan(player.played, list(_told_by_events(conversation, clock, with_audio)))


def _spoken_parts(conversation: Conversation) -> list[tuple[Item, Part]]:
    """The content parts that came from the server as audio, in the order in which their audio began to arrive."""
    found = [
        (next(iter(part.audio))[0], item, part)
        for item in (*conversation.items, *conversation.deleted, *conversation.out_of_band)
        if item.created_by != "client" and item.role != "user"
        for part in item.content
        if part.audio.total
    ]
    return [(item, part) for _, item, part in sorted(found, key=lambda entry: entry[0])]


def _told_by_events(conversation: Conversation, clock: Clock, with_audio: set[str | None]) -> Iterator[Interval]:
    responses = {response.id: response for response in conversation.responses}
    started: tuple[str, int] | None = None
    for event in conversation.playback:
        name = event.type.rpartition(".")[2]
        if name == "started" and event.response_id is not None:
            started = (event.response_id, clock.at(event.seq))
        elif name in ("stopped", "cleared") and started is not None:
            response_id, start = started
            started = None
            if response_id not in with_audio:
                output = responses[response_id].output if response_id in responses else []
                end = max(start, clock.at(event.seq))
                yield Interval("assistant", output[0] if output else None, start, end, "events", name == "cleared")


@dataclass(frozen=True, slots=True)
class _Flush:
    """The queue was emptied: by what, and when."""

    seq: int
    at_ns: int
    why: Basis


class _Player:
    def __init__(self, conversation: Conversation, clock: Clock) -> None:
        self._conversation = conversation
        self._clock = clock
        self._responses: dict[str | None, Response] = {response.id: response for response in conversation.responses}
        self._truncations: dict[str, list[Truncation]] = {}
        for truncation in conversation.truncations:
            if truncation.status != "refused":
                self._truncations.setdefault(truncation.item_id, []).append(truncation)
        self._started: dict[str | None, int] = {}
        self._stopped: dict[str | None, int] = {}
        self._cleared: list[_Flush] = []
        for event in conversation.playback:
            name = event.type.rpartition(".")[2]
            if name == "cleared" and clock.known:  # without a clock its moment means nothing
                self._cleared.append(_Flush(event.seq, clock.at(event.seq), "cleared"))
            elif name in ("started", "stopped") and event.response_id is not None:
                moments = self._started if name == "started" else self._stopped
                moments.setdefault(event.response_id, event.seq)
        self._free_ns = Fraction(0)
        self._flushes: list[_Flush] = []
        self.played: list[Playback] = []

    def queue(self, item: Item, part: Part) -> None:
        response = self._responses.get(item.response_id)
        seqs, lengths = ref_arrays(part.audio)
        first_seq = int(seqs[0])
        stated = output_format(self._conversation.session, response, first_seq)
        begins = max(Fraction(self._clock.at(first_seq)), self._free_ns)
        started = self._started.pop(item.response_id, None)
        if started is not None:
            begins = Fraction(self._clock.at(started))
        whole = int(lengths.sum(dtype=np.int64)) // stated.sample_size * stated.sample_size
        stretches = self._stretches(begins, stated, seqs, lengths, whole)
        playback = Playback(item.id, part.index, item.response_id, stated, seqs, lengths, stretches, whole, whole)
        heard, flush = self._heard(playback, first_seq)
        if flush is not None:
            playback = replace(playback, heard=heard, cut=flush.why, cut_seq=flush.seq)
        self.played.append(playback)
        self._free_ns = max(self._free_ns, playback.heard_end_ns)
        stopped = self._stopped.get(item.response_id)
        if stopped is not None:
            self._free_ns = max(self._free_ns, Fraction(self._clock.at(stopped)))

    def _stretches(
        self, begins: Fraction, stated: AudioFormat, seqs: Integers, lengths: Integers, whole: int
    ) -> list[Played]:
        arrivals = self._clock.times(seqs)
        starts = bounds_of(lengths)[:-1]
        stretches = [Played(begins, 0, whole)]
        if arrivals is None:
            return stretches
        late = arrivals - starts * float(bytes_to_ns(1, stated))
        shift = float(begins)
        for index in np.flatnonzero(late - shift > STALL_NS).tolist():
            if late[index] - shift <= STALL_NS:
                continue
            at = int(starts[index])
            at += -at % stated.sample_size
            if at >= whole:
                break
            last = stretches[-1]
            stretches[-1] = Played(last.start_ns, last.start, at)
            stretches.append(Played(Fraction(int(arrivals[index])), at, whole))
            shift = float(late[index])
        return [each for each in stretches if each.end > each.start] or stretches[:1]

    def _heard(self, playback: Playback, first_seq: int) -> tuple[int, _Flush | None]:
        """How many bytes of a part were heard, and what cut it."""
        for flush in self._flushes:
            if first_seq < flush.seq:
                return 0, replace(flush, why="never begun")
        heard, cut = playback.size, None
        for flush in self._cleared:
            if first_seq < flush.seq and flush.at_ns < playback.ns_of(heard):
                heard, cut = _bytes_until(playback, Fraction(flush.at_ns)), flush
        for truncation in self._truncations.get(playback.item_id, []):
            if truncation.content_index > playback.content_index:
                continue
            limit = 0
            if truncation.content_index == playback.content_index:
                limit = _bytes_of_ms(truncation.audio_end_ms, playback.format)
            seq = truncation.request_seq if truncation.request_seq is not None else truncation.done_seq
            if limit < heard and seq is not None:
                heard, cut = limit, _Flush(seq, self._clock.at(seq), "truncated")
        if cut is not None:
            self._flushes.append(cut)
        return heard, cut


def _bytes_of_ms(ms: float, stated: AudioFormat) -> int:
    return int(Fraction(max(ms, 0)) * stated.rate / 1000) * stated.sample_size


def _bytes_until(playback: Playback, at_ns: Fraction) -> int:
    """The bytes that are due before a moment."""
    heard = 0
    for stretch in playback.stretches:
        if stretch.start_ns >= at_ns:
            break
        samples = int((at_ns - stretch.start_ns) * playback.format.rate / NS)
        heard = min(stretch.start + samples * playback.format.sample_size, stretch.end)
    return heard
