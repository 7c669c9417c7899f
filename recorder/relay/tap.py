"""The tap on a session: what the relay tells it becomes records of the journal.

The journal copes with a failing store by its own policy: with ``pass`` it takes what fits into its backlog and counts
the rest as a gap, with ``close`` it refuses, and the tap tells the relay to end the session.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from ...schemas.errors import StoreWriteFailed
from ...schemas.frame import Kind, Sender, sniff_type
from ...schemas.statements import CloseStatement, NoteStatement
from .closing import SIDES

__all__ = ["Redact", "Sink", "Tap", "Traffic"]


@dataclass(slots=True)
class Traffic:
    """Messages and their bytes, by sender."""

    frames: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SIDES, 0))
    bytes: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SIDES, 0))

    def add(self, other: Traffic) -> None:
        """Add another count to this one."""
        for side in SIDES:
            self.frames[side] += other.frames[side]
            self.bytes[side] += other.bytes[side]


class Sink(Protocol):
    """What the tap needs of the journal's session writer."""

    @property
    def id(self) -> str:
        """Public id of the session."""
        ...

    def append(
        self,
        kind: Kind,
        sender: Sender,
        payload: bytes,
        offset_ns: int | None,
        *,
        type: str | None = None,  # noqa: A002  # the field's name in a frame
        redacted: tuple[str, ...] = (),
    ) -> int:
        """Take a record; return its seq."""
        ...

    async def commit(self) -> None:
        """Wait until everything taken so far is durable."""

    async def end(self, statement: CloseStatement, offset_ns: int | None) -> str:
        """Write the last record and wait until it is durable; return the ledger's head."""
        ...


Redact = Callable[[bytes, Sender, str | None], tuple[bytes, tuple[str, ...]]]
"""Takes secrets out of a message before it is recorded.

Takes the payload, its sender and its type; returns the payload to record and the JSON paths of what was replaced.
"""


class Tap:
    """Records one session.

    Args:
        sink: the session's writer in the journal.
        redact: takes secrets out of messages.
        passing: whether the session goes on while the store fails (``on_store_failure`` is ``pass``).
    """

    def __init__(self, sink: Sink, redact: Redact, *, passing: bool) -> None:
        self.sink = sink
        self._redact = redact
        self._passing = passing
        self.traffic = Traffic()

    def message(self, kind: Kind, sender: Sender, payload: bytes, offset_ns: int) -> int:
        """Record one whole message; return its seq.

        Raises:
            StoreWriteFailed: the store fails, and the session must not go on unrecorded.
        """
        self.traffic.frames[sender] += 1
        self.traffic.bytes[sender] += len(payload)
        if kind == "text":
            type_ = sniff_type(payload)
            payload, redacted = self._redact(payload, sender, type_)
            return self.sink.append(kind, sender, payload, offset_ns, type=type_, redacted=redacted)
        payload, redacted = self._redact(payload, sender, None)
        return self.sink.append(kind, sender, payload, offset_ns, redacted=redacted)

    def note(self, note: str, offset_ns: int, **details: object) -> None:
        """Record something that a reader of the session should know, if the store takes it."""
        statement = NoteStatement(note=note, details=details)
        with suppress(StoreWriteFailed):
            self.sink.append("note", "recorder", statement.to_payload(), offset_ns)

    async def commit(self) -> None:
        """Wait until everything recorded so far is durable.

        Raises:
            StoreWriteFailed: the store fails, and the session must not go on unrecorded.
        """
        try:
            await self.sink.commit()
        except StoreWriteFailed:
            if not self._passing:
                raise
