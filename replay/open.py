"""Opens a recording: what a user writes as SESSION."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path

from ..schemas.errors import RequestError
from ..schemas.recording import MemoryRecording, Recording

__all__ = [
    "FILE_ENDINGS",
    "bundled_path",
    "bundled_recording",
    "is_file_reference",
    "load_recordings",
    "open_recording",
    "read_recording",
    "read_recordings",
]

FILE_ENDINGS = (".ndjson", ".jsonl", ".json")
_PART = re.compile(r"^(?P<path>.+)#(?P<part>\d+)$")


def is_file_reference(reference: str) -> bool:
    """Whether a SESSION names a file rather than a session of the journal.

    It does if it has a separator or the ending of a cassette or capture; public ids have neither.
    """
    path = _split(reference)[0]
    return "/" in path or path.endswith(FILE_ENDINGS)


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
    # What reads files and what reads a database are imported where they are used: each needs its own libraries.
    if is_file_reference(reference):
        from ..recorder.importing import file_id

        yield read_recording(reference, file_id(Path(_split(reference)[0])), "-")
        return
    from ..recorder.journal import JournalReader

    async with await JournalReader.open(db) as reader:
        (info,) = await reader.with_policies([await reader.resolve(reference)])
        yield reader.recording(info.id)


def _split(reference: str) -> tuple[str, int | None]:
    match = _PART.match(reference)
    return (match["path"], int(match["part"])) if match else (reference, None)


def read_recordings(path: Path, name: str, mark: str = "#") -> list[MemoryRecording]:
    """Read all sessions of a cassette or capture.

    Args:
        path: the file.
        name: public id of its session.
        mark: between the name and the number of one of several, from 1.

    Raises:
        FileError: the file cannot be read.
    """
    from ..recorder.importing import read_file

    found = read_file(path)
    several = len(found) > 1
    return [each.recording(f"{name}{mark}{number}" if several else name) for number, each in enumerate(found, 1)]


def read_recording(reference: str, name: str | None = None, mark: str = "#") -> MemoryRecording:
    """Read one session of a cassette or capture.

    Args:
        reference: the path; ``PATH#N`` for the N-th session of several.
        name: as for :func:`read_recordings`; the file's own if None.
        mark: as for :func:`read_recordings`.

    Raises:
        FileError: the file cannot be read.
        RequestError: the file holds several sessions and none is named, or has no such session.
    """
    path, part = _split(reference)
    recordings = read_recordings(Path(path), name or Path(path).name, mark)
    count = len(recordings)
    if part is None and count > 1:
        raise RequestError(
            f"{path} holds {count} sessions.", hint=f"Name one: {path}#1 … {path}#{count}.", sessions=count
        )
    if part is not None and not 1 <= part <= count:
        raise RequestError(f"{path} has no session {part}.", hint=f"It holds {count}.", sessions=count)
    return recordings[(part or 1) - 1]


def load_recordings(sessions: Sequence[str | Path | Recording]) -> list[Recording]:
    """Read the sessions of files; a recording is itself. A file's session is called like the file.

    Raises:
        FileError: a file cannot be read.
    """
    recordings: list[Recording] = []
    names: set[str] = set()
    for session in sessions:
        if not isinstance(session, str | Path):
            recordings.append(session)
            continue
        path = Path(session)
        name = path.name if path.name not in names else str(path)
        names.add(name)
        recordings += read_recordings(path, name)
    return recordings


def bundled_path() -> Path:
    """Return where the bundled conversation's cassette is installed."""
    return Path(str(files("earwitness.replay").joinpath("data", "demo.ndjson")))


def bundled_recording() -> MemoryRecording:
    """Return the bundled conversation; its public id is ``demo``."""
    return read_recording(str(bundled_path()), "demo")
