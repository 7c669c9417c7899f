"""The model of a player with one queue: parts come in, cuts end what plays and empty what waits. Pure.

Both come in the order of the records. :mod:`.playback` says by which rules, and feeds it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

import numpy as np

from ...schemas.audio import AudioFormat
from ...schemas.state import Conversation, Item, Part, Response
from ..fold.output_audio import output_format
from .clock import Clock
from .cuts import Cut
from .formats import bytes_to_ns
from .pieces import Integers, bounds_of, ref_arrays
from .played import Playback, Played

__all__ = ["LATEST_START_NS", "STALL_NS", "PlayQueue"]

STALL_NS: Final = 500_000_000
"""A delta that comes later than it is due by more than this stalls the player, whose buffer evens out the rest. A
truncation that comes later than this after its item was over says nothing of what plays by then."""

LATEST_START_NS: Final = 2_000_000_000
"""How much later than modelled a player can have begun, if a truncation says so."""


@dataclass(slots=True, eq=False)
class _Entry:
    """A part in the queue: how it plays, and what bounds its place."""

    playback: Playback
    arrived_ns: Fraction
    free_ns: Fraction
    """When what plays before it is over."""
    told: bool
    """Whether ``output_audio_buffer.started`` says when it began."""
    stopped_ns: Fraction | None
    """When ``output_audio_buffer.stopped`` says that it was over."""

    @property
    def over_ns(self) -> Fraction:
        """When all of it that can be heard is over."""
        end = self.playback.heard_end_ns
        return end if self.stopped_ns is None else min(end, max(self.stopped_ns, self.playback.start_ns))

    @property
    def busy_until_ns(self) -> Fraction:
        """Until when nothing else plays."""
        playback = self.playback
        if playback.cut is not None or self.stopped_ns is None:
            return playback.heard_end_ns if playback.heard else Fraction(0)
        return max(playback.heard_end_ns, self.stopped_ns)


class PlayQueue:
    """Plays parts and ends them. Feed :meth:`add` and :meth:`cut` in the order of the records."""

    def __init__(self, conversation: Conversation, clock: Clock) -> None:
        self._conversation = conversation
        self._clock = clock
        self._responses: dict[str | None, Response] = {response.id: response for response in conversation.responses}
        self._started: dict[str | None, int] = {}
        self._stopped: dict[str | None, int] = {}
        for event in conversation.playback:
            name = event.type.rpartition(".")[2]
            if name in ("started", "stopped") and event.response_id is not None:
                moments = self._started if name == "started" else self._stopped
                moments.setdefault(event.response_id, event.seq)
        self._free_ns = Fraction(0)
        self._entries: list[_Entry] = []
        self._by_item: dict[str, list[_Entry]] = {}
        self._live: list[_Entry] = []
        self._truncations: dict[str, list[Cut]] = {}

    @property
    def playbacks(self) -> list[Playback]:
        """How each part played, in the order in which they were added."""
        return [entry.playback for entry in self._entries]

    def add(self, item: Item, part: Part, *, played: bool = True) -> None:
        """Add a part; it plays after those before it, or not at all."""
        response = self._responses.get(item.response_id)
        seqs, lengths = ref_arrays(part.audio)
        first_seq = int(seqs[0])
        stated = output_format(self._conversation.session, response, first_seq)
        arrived = Fraction(self._clock.at(first_seq))
        started = self._started.pop(item.response_id, None) if played else None
        begins = max(arrived, self._free_ns) if played else arrived
        if started is not None:
            begins = Fraction(self._clock.at(started))
        whole = int(lengths.sum(dtype=np.int64)) // stated.sample_size * stated.sample_size
        stretches = self._stretches(begins, stated, seqs, lengths, whole)
        playback = Playback(item.id, part.index, item.response_id, stated, seqs, lengths, stretches, whole, whole)
        stopped = self._stopped.get(item.response_id)
        stopped_ns = None if stopped is None else Fraction(self._clock.at(stopped))
        entry = _Entry(playback, arrived, self._free_ns, started is not None, stopped_ns)
        self._entries.append(entry)
        if not played:
            seq = first_seq if response is None or response.created_seq is None else response.created_seq
            entry.playback = replace(playback, heard=0, cut="out of band", cut_seq=seq)
            return
        self._by_item.setdefault(item.id, []).append(entry)
        self._live.append(entry)
        for cut in self._truncations.get(item.id, ()):
            self._end(entry, self._limit(entry, cut), cut)
        self._free_ns = max(self._free_ns, entry.busy_until_ns)

    def cut(self, cut: Cut) -> None:
        """End what plays at that moment, and what waits."""
        if cut.item_id is not None:
            self._truncate(cut, cut.item_id)
        elif cut.at_ns is not None:
            self._stop(cut, Fraction(cut.at_ns))
        else:
            self._end_unknown(cut)
        self._free_ns = max((entry.busy_until_ns for entry in self._live), default=Fraction(0))
        if cut.at_ns is not None:
            at = Fraction(cut.at_ns) - STALL_NS - LATEST_START_NS
            self._live = [entry for entry in self._live if entry.over_ns > at and not _never_begun(entry)]

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

    def _limit(self, entry: _Entry, cut: Cut) -> int | None:
        """How many bytes of a part a truncation of its item leaves; None if the part comes before it."""
        index = entry.playback.content_index
        if index < cut.content_index:
            return None
        return 0 if index > cut.content_index else entry.playback.bytes_of_ms(cut.end_ms or 0)

    def _end(self, entry: _Entry, limit: int | None, cut: Cut) -> None:
        playback = entry.playback
        if limit is not None and limit < playback.heard:
            entry.playback = replace(playback, heard=limit, cut=cut.why, cut_seq=cut.seq)

    def _truncate(self, cut: Cut, item_id: str) -> None:
        self._truncations.setdefault(item_id, []).append(cut)
        parts = self._by_item.get(item_id, [])
        target = next((each for each in parts if each.playback.content_index == cut.content_index), None)
        waiting: list[_Entry] = []
        if target is not None and cut.at_ns is None:
            if (self._limit(target, cut) or 0) < target.playback.size and target in self._live:
                after = self._live[self._live.index(target) + 1 :]
                waiting = [entry for entry in after if entry.playback.cut is None]
        elif target is not None and cut.at_ns is not None and cut.at_ns <= target.over_ns + STALL_NS:
            at = Fraction(cut.at_ns)
            behind = False
            moved = self._anchor(target, cut, at)
            for entry in self._live:
                if entry is not target and entry.playback.start_ns + (moved if behind else 0) >= at:
                    waiting.append(entry)
                behind = behind or entry is target
        for entry in parts:
            self._end(entry, self._limit(entry, cut), cut)
        for entry in waiting:
            if entry.playback.item_id != item_id or entry.playback.content_index > cut.content_index:
                self._drop(entry, cut, target.playback.heard_end_ns if target is not None else entry.arrived_ns)

    def _anchor(self, entry: _Entry, cut: Cut, at: Fraction) -> Fraction:
        """Move a part to where a truncation at a moment says that it played; return by how much.

        It says nothing where it is the server's, where the part was cut before or its beginning is known, where
        nothing or all of it was played, and where the part would have begun before it came, before what it waited for
        was over, or later than a player can have begun.
        """
        playback = entry.playback
        played = playback.bytes_of_ms(cut.end_ms or 0)
        if entry.told or not cut.by_player or playback.cut is not None or not 0 < played < playback.size:
            return Fraction(0)
        late = at - playback.ns_of(played)
        earliest = max(entry.arrived_ns, entry.free_ns) - playback.start_ns
        if late > LATEST_START_NS or late < earliest or (late < 0 and len(playback.stretches) > 1):
            return Fraction(0)
        entry.playback = playback.moved(late, played)
        return max(late, Fraction(0))

    def _stop(self, cut: Cut, at: Fraction) -> None:
        for entry in self._live:
            if entry.over_ns <= at:
                continue
            if entry.playback.start_ns >= at:
                self._drop(entry, cut, at)
            else:
                self._end(entry, entry.playback.bytes_until(at), cut)

    def _end_unknown(self, cut: Cut) -> None:
        """End the parts of a response at a moment that nobody knows."""
        for entry in self._live:
            playback = entry.playback
            if cut.response_id is not None and playback.response_id == cut.response_id and playback.cut is None:
                entry.playback = replace(playback, heard=0, cut=cut.why, cut_seq=cut.seq, known=False)

    def _drop(self, entry: _Entry, cut: Cut, ns: Fraction) -> None:
        """Leave a part out that was waiting at a moment: it stands there, unheard."""
        playback = entry.playback
        if playback.heard:
            if len(playback.stretches) == 1:
                playback = playback.moved(max(entry.arrived_ns, ns) - playback.start_ns)
            entry.playback = replace(playback, heard=0, cut="never begun", cut_seq=cut.seq, behind=cut.why)


def _never_begun(entry: _Entry) -> bool:
    return not entry.playback.heard and entry.playback.size > 0
