"""The records behind a line of a transcript, grouped by what they are."""

from __future__ import annotations

from array import array
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Final

from ....schemas.frame import Frame
from ....schemas.recording import Recording, SessionInfo
from ....schemas.refs import Seqs

__all__ = ["EventGroup", "EventLog", "Noted"]

_UNTIMED: Final = -(1 << 63)


@dataclass(frozen=True, slots=True)
class EventGroup:
    """Records of one type from one sender.

    ``first_ns`` and ``last_ns`` are the times of the first and last of them; None without a clock.
    """

    type: str
    sender: str
    seqs: Seqs
    first_ns: int | None
    last_ns: int | None


class EventLog:
    """What each record of a session is: type, sender, time; a few bytes for each."""

    def __init__(self) -> None:
        self._names: dict[tuple[str, str], int] = {}
        self._kinds = array("i")
        self._offsets = array("q")

    def note(self, frames: Iterable[Frame]) -> None:
        """Note the next frames, in order and without a gap from seq 0."""
        for frame in frames:
            name = (frame.type or frame.kind, frame.sender)
            self._kinds.append(self._names.setdefault(name, len(self._names)))
            self._offsets.append(_UNTIMED if frame.offset_ns is None else frame.offset_ns)

    def groups(self, seqs: Seqs) -> list[EventGroup]:
        """Group records by type and sender, in order of the first of each."""
        by_kind: dict[int, Seqs] = {}
        for seq in seqs:
            if seq < len(self._kinds):
                by_kind.setdefault(self._kinds[seq], Seqs()).add(seq)
        names = list(self._names)
        return [
            EventGroup(*names[kind], group, self._time(group.first), self._time(group.last))
            for kind, group in by_kind.items()
        ]

    def _time(self, seq: int | None) -> int | None:
        offset = _UNTIMED if seq is None else self._offsets[seq]
        return None if offset == _UNTIMED else offset


class Noted:
    """A recording that notes its records in a log while it is read from the beginning."""

    def __init__(self, recording: Recording, log: EventLog) -> None:
        self._recording = recording
        self._log = log

    @property
    def info(self) -> SessionInfo:
        """The summary of the recording."""
        return self._recording.info

    async def batches(self, start: int = 0, stop: int | None = None) -> AsyncIterator[list[Frame]]:
        """As the recording's own."""
        async for batch in self._recording.batches(start, stop):
            self._log.note(batch)
            yield batch
