"""When each record came: the session's clock, or the sample clock if the recording has none."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import Final

import numpy as np
import numpy.typing as npt

from ...schemas.frame import Frame
from ...schemas.state import Conversation
from .believed import Times, believed
from .pieces import AudioProblem

__all__ = ["Clock", "StateClock"]

_UNKNOWN: Final = -1


class Clock:
    """Offsets by seq, in nanoseconds since the session opened.

    A record without a time has that of the last record before it that has one. Times never fall, whatever the source
    stated (:mod:`.believed`). Where no record has a time (an import from a source without a clock), the input stream is
    the clock: a record's time is the length of the audio that the client had sent before it, as far as
    :meth:`fall_back` says.
    """

    def __init__(self) -> None:
        self._offsets = array("q")
        self._last: int | None = None
        self._corrected: Times | None = None
        self._read = False
        self._fallback: npt.NDArray[np.float64] | None = None
        self._fallback_seqs: npt.NDArray[np.integer] | None = None

    def read(self, frames: Iterable[Frame]) -> None:
        """Read the times of the next frames. The time of the opening record alone does not make a clock."""
        for frame in frames:
            if frame.offset_ns is not None and frame.kind != "open":
                self._last = frame.offset_ns
            self._offsets.append(_UNKNOWN if self._last is None else self._last)
        self._read = False

    @property
    def known(self) -> bool:
        """Whether any record has a time."""
        return self._last is not None

    def problems(self) -> list[AudioProblem]:
        """Return that records have another time than the one that was stated, if some do."""
        times = self._believed()
        if times is None:
            return []
        stated = np.frombuffer(self._offsets, np.int64)
        other = np.flatnonzero((times != stated) & (stated != _UNKNOWN))
        detail = f"the clock stepped back or jumped: the times of {len(other)} records are not those that were stated"
        return [AudioProblem(int(other[0]), "clock", detail)] if len(other) else []

    def _believed(self) -> Times | None:
        if not self._read:
            self._corrected, self._read = believed(np.frombuffer(self._offsets, np.int64)), True
        return self._corrected

    def fall_back(self, seqs: npt.NDArray[np.integer], sent_ns: npt.NDArray[np.float64]) -> None:
        """Set the length of the input stream: after the record ``seqs[n]`` it was ``sent_ns[n]`` long."""
        self._fallback_seqs, self._fallback = seqs, sent_ns

    def at(self, seq: int) -> int:
        """Return the time of a record in nanoseconds."""
        if self.known:
            times = self._believed()
            seq = min(seq, len(self._offsets) - 1)
            return max(self._offsets[seq], 0) if times is None else int(times[seq])
        if self._fallback is None or self._fallback_seqs is None:
            return 0
        before = int(np.searchsorted(self._fallback_seqs, seq, side="left"))
        return round(self._fallback[before - 1]) if before else 0

    def times(self, seqs: npt.NDArray[np.integer]) -> npt.NDArray[np.int64] | None:
        """Return the times of records; None if the recording has no clock."""
        if not self.known:
            return None
        corrected = self._believed()
        times = (np.frombuffer(self._offsets, np.int64) if corrected is None else corrected)[seqs]
        return np.maximum(times, 0, out=times)


class StateClock(Clock):
    """The times that a conversation itself holds: first audio of each part, and what can end playback."""

    def __init__(self, conversation: Conversation) -> None:
        super().__init__()
        self._known = conversation.last_ns is not None
        self._times: dict[int, int] = {}
        for item in (*conversation.items, *conversation.deleted, *conversation.out_of_band):
            for part in item.content:
                self._note(next(iter(part.audio), (None,))[0], part.first_audio_ns)
        for cut in conversation.truncations:
            self._note(cut.request_seq, cut.request_ns)
            self._note(cut.done_seq, cut.done_ns)
        for event in conversation.playback:
            self._note(event.seq, event.offset_ns)
        for span in conversation.input_audio.speech:
            self._note(span.started_seq, span.started_ns)
        for response in conversation.responses:
            self._note(response.cancel_seq, response.cancel_ns)
            self._note(response.done_seq, response.done_ns)
        if conversation.close is not None:
            self._note(conversation.close.seq, conversation.close.offset_ns)

    def _note(self, seq: int | None, ns: int | None) -> None:
        if seq is not None and ns is not None:
            self._times[seq] = ns

    @property
    def known(self) -> bool:
        """Whether the session had a clock."""
        return self._known

    def at(self, seq: int) -> int:
        """Return the time of a record in nanoseconds; 0 if the conversation does not hold it."""
        return self._times.get(seq, 0)

    def times(self, seqs: npt.NDArray[np.integer]) -> None:
        """Return None: a conversation does not hold when each delta came."""
