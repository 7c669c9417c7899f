"""A journal in memory, for tests of the relay that have nothing to do with the store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Literal

from earwitness.recorder.journal.writing.writer_settings import WriterSettings
from earwitness.schemas.frame import Frame
from earwitness.schemas.statements import CloseStatement, OpenStatement


class MemorySession:
    def __init__(self, journal: MemoryJournal, public_id: str, statement: OpenStatement) -> None:
        self.id = public_id
        self.journal = journal
        self.frames: list[Frame] = []
        self.committed = 0
        self.on_pressure: Callable[[bool], None] | None = None
        self.append("open", "recorder", statement.to_payload(), 0)

    def append(self, kind, sender, payload, offset_ns, *, type=None, redacted=()) -> int:  # noqa: A002
        assert isinstance(payload, bytes)
        if self.journal.failure is not None and self.journal.settings.on_store_failure == "close":
            raise self.journal.failure
        seq = len(self.frames)
        self.frames.append(Frame(seq, offset_ns, kind, sender, type, payload, redacted=redacted))
        return seq

    async def commit(self) -> None:
        due = len(self.frames)
        await self.journal.gate.wait()
        if self.journal.failure is not None:
            raise self.journal.failure
        self.committed = max(self.committed, due)

    async def end(self, statement: CloseStatement, offset_ns) -> str:
        self.append("close", "recorder", statement.to_payload(), offset_ns)
        await self.commit()
        return f"head-{self.id}"

    @property
    def opened(self) -> dict:
        return self.frames[0].json()

    @property
    def closed(self) -> dict:
        assert self.frames[-1].kind == "close", self.frames[-1]
        return self.frames[-1].json()

    @property
    def messages(self) -> list[tuple[str, str, bytes | None]]:
        return [(f.sender, f.kind, f.payload) for f in self.frames if f.kind in ("text", "binary")]

    @property
    def notes(self) -> list[dict]:
        return [f.json() for f in self.frames if f.kind == "note"]


class MemoryJournal:
    """Commits wait while ``gate`` is closed, and fail with ``failure`` where one is set."""

    def __init__(self, on_store_failure: Literal["close", "pass"] = "close") -> None:
        self.settings = WriterSettings(on_store_failure=on_store_failure)
        self.paused = False
        self.sessions: list[MemorySession] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.failure: Exception | None = None

    async def begin(
        self, statement: OpenStatement, *, public_id=None, offset_ns=0, on_pressure=None, on_failure=None
    ) -> MemorySession:
        if self.failure is not None and self.settings.on_store_failure == "close":
            raise self.failure
        session = MemorySession(self, public_id or f"s{len(self.sessions)}", statement)
        session.on_pressure = on_pressure
        self.sessions.append(session)
        return session
