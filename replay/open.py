"""Where a recording comes from: what a user writes as SESSION."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

from ..recorder.importing.files import file_id, read_file
from ..recorder.journal import JournalReader
from ..schemas.errors import RequestError
from ..schemas.files.cassette import read_cassette
from ..schemas.recording import MemoryRecording, Recording
from ..schemas.summary import Summary

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
        db: path or URL of the journal; not touched where a file is meant.

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
        recording.info = replace(recording.info, match=await _policy(recording))
        yield recording


async def _policy(recording: Recording) -> dict[str, Any] | None:
    """Read the match policy that an imported cassette brought along: it stands in the first record."""
    async for batch in recording.batches(0, 1):
        try:
            policy = batch[0].json().get("match")
        except (ValueError, AttributeError):
            return None
        return cast("dict[str, Any]", policy) if isinstance(policy, dict) else None
    return None


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
    """Where the bundled conversation's cassette is installed."""
    return Path(str(files("earwitness.replay").joinpath("data", "demo.ndjson")))


def bundled_recording() -> MemoryRecording:
    """Read the bundled conversation; its public id is ``demo``."""
    path = bundled_path()
    with path.open(encoding="utf-8", newline="\n") as lines:
        cassette = read_cassette(lines, name=path.name)
    summary = Summary()
    for frame in cassette.frames:
        summary.apply(frame)
    return MemoryRecording(summary.info("demo"), cassette.frames)
