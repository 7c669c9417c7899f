"""Small sessions to put into a journal, and what to expect of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pybase64
from earwitness.recorder.journal import Journal, JournalReader
from earwitness.schemas.frame import Frame, Kind, Sender
from earwitness.schemas.statements import CloseStatement, OpenStatement, Request, Response

APPEND = "input_audio_buffer.append"
OPENING = OpenStatement(
    opened_at="2026-03-01T10:00:00.000000Z",
    program="earwitness/test",
    upstream="wss://api.example.com",
    request=Request(target="/v1/realtime?model=gpt-realtime"),
    response=Response(status=101),
    labels={"who": "tester"},
)
ENDING = CloseStatement(code=1000, reason="bye", by="client", handed={"client": 2, "server": 3})


def audio_event(audio: bytes) -> bytes:
    return b'{"type":"input_audio_buffer.append","audio":"%s"}' % pybase64.b64encode(audio)


Message = tuple[Kind, Sender, str | None, bytes]

MESSAGES: list[Message] = [
    (
        "text",
        "server",
        "session.created",
        b'{"type":"session.created","event_id":"e1","session":{"model":"gpt-realtime"}}',
    ),
    ("text", "client", APPEND, audio_event(bytes(range(256)) * 4)),
    ("text", "client", APPEND, audio_event(b"\x00\x01" * 480)),
    ("text", "server", "made.up", b'{ "type": "made.up",\n"x": "\\u00e9", "x": 1 }'),
    ("binary", "client", None, b"\xff\xfe\x00"),
    ("text", "server", None, b"not json"),
    ("text", "client", None, b""),
]


async def write_session(
    journal: Journal, messages: Sequence[Message] = MESSAGES, *, end: bool = True, **options
) -> str:
    """Record a session and give its public id."""
    writer = await journal.begin(OPENING, **options)
    for number, (kind, sender, event_type, payload) in enumerate(messages, 1):
        assert writer.append(kind, sender, payload, number * 1000, type=event_type) == number
    if end:
        await writer.end(ENDING, (len(messages) + 1) * 1000)
    else:
        await writer.commit()
    return writer.id


async def read_frames(location: str | Path, ref: str) -> list[Frame]:
    """Read a whole session."""
    async with await JournalReader.open(location) as reader:
        recording = reader.recording((await reader.resolve(ref)).id)
        return [frame async for frames in recording.batches() for frame in frames]


def tamper(path: Path, *statements: str, values: tuple = ()) -> None:
    """Change an SQLite journal behind its triggers' back, and leave them as they were."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute("BEGIN IMMEDIATE")
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement, values)
        for _, sql in triggers:
            connection.execute(sql)
        connection.execute("COMMIT")
    finally:
        connection.close()
