"""Places that hold calls, for tests: journals, cassettes, folders."""

from __future__ import annotations

import asyncio
from pathlib import Path

from earwitness.recorder import import_files
from earwitness.schemas.files.cassette import Cassette, CassetteHeader, write_cassette
from earwitness.schemas.recording import MemoryRecording

from tests.events import client, closing, server
from tests.sessions import recording


def talk(model: str) -> MemoryRecording:
    return recording(
        server("session.created", session={"id": "s", "type": "realtime", "model": model}),
        client("response.create", event_id="event_ask"),
        server("response.created", response={"id": "r", "status": "in_progress"}),
        server("response.done", response={"id": "r", "status": "completed", "output": []}),
        closing("client"),
        step_ms=500,
    )


def write(path: Path, session: MemoryRecording, **header: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    cassette = Cassette(CassetteHeader.model_validate({"dialect": "ga", **header}), list(session.frames))
    path.write_text("".join(f"{line}\n" for line in write_cassette(cassette)))
    return path


def journal(path: Path, *cassettes: Path) -> Path:
    """A journal with the sessions of these cassettes."""
    asyncio.run(import_files(str(path), list(cassettes)))
    return path
