"""The assistant's audio: when each part of it played, and how much of it can have been heard.

What is recorded is what arrived, not what a loudspeaker did. The model in between is a player with one queue:

* A part plays when its first delta arrives or when what plays before it is over, whichever is later, at the speed of
  speech. It stalls where a delta comes later than it is due by more than :data:`STALL_NS`.
* A truncation (asked for by the client and not refused, or made by the server) ends it at ``audio_end_ms`` of its
  audio; ``output_audio_buffer.cleared`` ends it at that moment. What was waiting in the queue by then is never heard,
  and deltas of the part that come later do not start it again.
* ``output_audio_buffer.started`` says when a response's audio really began, ``.stopped`` when it was over: where a
  session has these events, they count.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final, Literal

import numpy as np

from ...schemas.audio import AudioFormat
from ...schemas.state import Conversation, Item, Part, Truncation
from ..fold.output_audio import output_format
from .clock import Clock
from .formats import NS, bytes_to_ns
from .pieces import Integers, Piece, bounds_of, ref_arrays

__all__ = ["STALL_NS", "Playback", "Played", "plan_playback"]

STALL_NS: Final = 500_000_000
"""A delta that is due and comes later than by this stalls the player; smaller delays are taken as evened out."""

Cut = Literal["truncated", "cleared", "never begun"]


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
        cut: why not all of them were; None where they were.
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
    cut: Cut | None = None
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
        """When the last of it was heard; its beginning where nothing was."""
        return self.ns_of(self.heard) if self.heard else self.start_ns

    def piece(self, *, heard_only: bool) -> Piece:
        """Its audio as one piece, without stalls."""
        return Piece.of(self.seqs, self.lengths, self.format, end=self.heard if heard_only else self.size)


@dataclass(frozen=True, slots=True)
class _Flush:
    """The queue was emptied: by what, and when."""

    seq: int
    at_ns: int
    why: Cut


def spoken_parts(conversation: Conversation) -> list[tuple[Item, Part]]:
    """The content parts that came from the server as audio, in the order in which their audio began to arrive."""
    found = [
        (next(iter(part.audio))[0], item, part)
        for item in (*conversation.items, *conversation.deleted, *conversation.out_of_band)
        if item.created_by != "client" and item.role != "user"
        for part in item.content
        if part.audio.total
    ]
    return [(item, part) for _, item, part in sorted(found, key=lambda entry: entry[0])]


def plan_playback(conversation: Conversation, clock: Clock) -> list[Playback]:
    """Play the assistant's audio by the model, in the order in which it was queued."""
    responses = {response.id: response for response in conversation.responses}
    player = _Player(conversation, clock)
    for item, part in spoken_parts(conversation):
        response = responses.get(item.response_id) if item.response_id else None
        seqs, lengths = ref_arrays(part.audio)
        stated = output_format(conversation.session, response, int(seqs[0]))
        player.queue(item, part.index, response.id if response else item.response_id, stated, seqs, lengths)
    return player.played


class _Player:
    def __init__(self, conversation: Conversation, clock: Clock) -> None:
        self._clock = clock
        self._truncations: dict[str, list[Truncation]] = {}
        for truncation in conversation.truncations:
            if truncation.status != "refused":
                self._truncations.setdefault(truncation.item_id, []).append(truncation)
        kinds: dict[str, dict[str, int]] = {"started": {}, "stopped": {}}
        self._cleared: list[_Flush] = []
        for event in conversation.playback:
            name = event.type.rpartition(".")[2]
            if name == "cleared":
                self._cleared.append(_Flush(event.seq, clock.at(event.seq), "cleared"))
            elif name in kinds and event.response_id is not None:
                kinds[name].setdefault(event.response_id, event.seq)
        self._started, self._stopped = kinds["started"], kinds["stopped"]
        self._free_ns = Fraction(0)
        self._flushes: list[_Flush] = []
        self.played: list[Playback] = []

    def queue(
        self,
        item: Item,
        content_index: int,
        response_id: str | None,
        stated: AudioFormat,
        seqs: Integers,
        lengths: Integers,
    ) -> None:
        first_seq = int(seqs[0])
        begins = max(Fraction(self._clock.at(first_seq)), self._free_ns)
        if response_id is not None and response_id in self._started:
            begins = Fraction(self._clock.at(self._started.pop(response_id)))
        whole = int(lengths.sum(dtype=np.int64)) // stated.sample_size * stated.sample_size
        stretches = self._stretches(begins, stated, seqs, lengths, whole)
        playback = Playback(item.id, content_index, response_id, stated, seqs, lengths, stretches, whole, whole)
        heard, flush = self._heard(playback, first_seq)
        if flush is not None:
            playback = Playback(
                item.id,
                content_index,
                response_id,
                stated,
                seqs,
                lengths,
                stretches,
                whole,
                heard,
                flush.why,
                flush.seq,
            )
        self.played.append(playback)
        self._free_ns = max(self._free_ns, playback.heard_end_ns)
        if response_id is not None and response_id in self._stopped:
            self._free_ns = max(self._free_ns, Fraction(self._clock.at(self._stopped[response_id])))

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
                return 0, _Flush(flush.seq, flush.at_ns, "never begun")
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
