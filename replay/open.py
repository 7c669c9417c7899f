"""Opens a recording: what a user writes as SESSION."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

from ..recorder.importing import file_id, read_file
from ..recorder.journal import JournalReader
from ..schemas.errors import RequestError
from ..schemas.recording import MemoryRecording, Recording
from ..schemas.summary import opening_info, statement_of

__all__ = ["bundled_path", "bundled_recording", "is_file_reference", "open_recording"]

_FILE_ENDINGS = (".ndjson", ".jsonl", ".json")
_PART = re.compile(r"^(?P<path>.+)#(?P<part>\d+)$")


def is_file_reference(reference: str) -> bool:
    """Whether a SESSION names a file rather than a session of the journal.

    It does if it has a separator or the ending of a cassette or capture; public ids have neither.
    """
    path = _split(reference)[0]
    return "/" in path or path.endswith(_FILE_ENDINGS)


@asynccontextmanager
async def open_recording(reference: str, db: str) -> AsyncGenerator[Recording]:
    """Open what SESSION names, for reading.

    Args:
        reference: public id, unique prefix of one, ``latest``, or the path of a cassette or capture; ``PATH#N`` for
            the N-th session of a file that holds several.
        db: path or URL of the journal; not touched if a file is meant.

    Raises:
        SessionNotFound, AmbiguousSession: no or several sessions have that id.
        StoreError: the journal cannot be read.
        FileError: the file cannot be read.
        RequestError: the file holds several sessions and none is named.
    """
    if is_file_reference(reference):
        yield _from_file(reference)
        return
    async with await JournalReader.open(db) as reader:
        info = await reader.resolve(reference)
        recording = reader.recording(info.id)
        # The summary has no column for the match policy of an imported cassette: it is in the first record.
        async for batch in recording.batches(0, 1):
            recording.info = replace(info, match=opening_info(statement_of(batch[0])).match)
        yield recording


def _split(reference: str) -> tuple[str, int | None]:
    match = _PART.match(reference)
    return (match["path"], int(match["part"])) if match else (reference, None)


def _from_file(reference: str) -> Recording:
    name, part = _split(reference)
    sessions = read_file(Path(name))
    if part is None and len(sessions) > 1:
        raise RequestError(
            f"{name} holds {len(sessions)} sessions.",
            hint=f"Name one: {name}#1 … {name}#{len(sessions)}.",
            sessions=len(sessions),
        )
    if part is not None and not 1 <= part <= len(sessions):
        raise RequestError(f"{name} has no session {part}.", hint=f"It holds {len(sessions)}.", sessions=len(sessions))
    number = part or 1
    return sessions[number - 1].recording(
        f"{file_id(Path(name))}-{number}" if len(sessions) > 1 else file_id(Path(name))
    )


def bundled_path() -> Path:
    """Return where the bundled conversation's cassette is installed."""
    return Path(str(files("earwitness.replay").joinpath("data", "demo.ndjson")))


def bundled_recording() -> MemoryRecording:
    """Return the bundled conversation; its public id is ``demo``."""
    (session,) = read_file(bundled_path())
    return session.recording("demo")
