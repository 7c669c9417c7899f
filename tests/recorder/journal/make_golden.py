"""Make the golden file of the current schema version: ``python -m tests.recorder.journal.make_golden``.

It is made once per version and kept for ever: every later version must upgrade and read it.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sqlite3
from pathlib import Path

from earwitness.recorder.journal import Journal, JournalReader, WriterSettings
from earwitness.recorder.journal.database.schema import SCHEMA_VERSION
from earwitness.schemas.frame import Frame
from earwitness.schemas.statements import CloseStatement, NoteStatement

from tests.recorder.journal.builders import ENDING, MESSAGES, OPENING, audio_event, write_session

DATA = Path(__file__).parents[2] / "data"
SMALL = WriterSettings(page_size=4096)


def told(frame: Frame) -> list:
    """What a reader is told of a frame, short enough to keep."""
    payload = frame.payload
    digest = None if payload is None else hashlib.sha256(payload).hexdigest()
    return [frame.seq, frame.offset_ns, frame.kind, frame.sender, frame.type, list(frame.redacted), digest]


async def describe(path: Path) -> dict:
    """Everything that a reader is told of a journal."""
    sessions = {}
    async with await JournalReader.open(path) as reader:
        for info in await reader.sessions():
            frames = [told(frame) async for batch in reader.recording(info.id).batches() for frame in batch]
            sessions[info.id] = {
                "status": info.status,
                "model": info.model,
                "dialect": info.dialect,
                "labels": dict(info.labels),
                "frames": frames,
            }
    return sessions


async def make(path: Path) -> None:
    clock = iter(range(60))

    def now() -> str:
        return f"2026-03-01T10:00:{next(clock):02}.000000Z"

    async with await Journal.open(path, settings=SMALL, now=now) as journal:
        await write_session(journal, public_id="left", end=False)
    async with await Journal.open(path, settings=SMALL, now=now) as journal:
        await write_session(journal, public_id="plain")
        await journal.erase("plain", [3, 5], "an example")
        writer = await journal.begin(OPENING, public_id="clockless", offset_ns=None)
        writer.append("text", "client", audio_event(bytes(range(31))), None, type="input_audio_buffer.append")
        writer.append("text", "client", b'{"x":"redacted:hmac-sha256:00"}', None, redacted=("x",))
        writer.note(NoteStatement(note="an example"), None)
        await writer.end(CloseStatement(by="server"), None)
        assert len(MESSAGES) == 7
        assert ENDING.code == 1000
        head = journal.head
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    expected = {"head": head, "sessions": await describe(path)}
    path.with_suffix(".json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    target = DATA / f"journal-{SCHEMA_VERSION}.sqlite"
    asyncio.run(make(target))
    for suffix in (".lock", "-wal", "-shm"):
        target.with_name(target.name + suffix).unlink(missing_ok=True)
