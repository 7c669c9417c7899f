"""From a file to sessions: open it, and write what it holds to the journal."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..schemas.errors import NotRecognised
from ..schemas.files.imported import ImportedSession
from ..schemas.files.read import read_sessions
from ..schemas.statements import CloseStatement, CutoffStatement
from ..schemas.summary import statement_of

if TYPE_CHECKING:
    from .journal import Journal

__all__ = ["file_id", "import_files", "import_session", "read_file"]

_COMMIT_EVERY: Final = 1000
"""Frames between waits for the journal, so that a long file does not pile up in memory."""


def file_id(path: Path) -> str:
    """Return a stable public id for a session that is read from a file without a journal."""
    return hashlib.sha256(path.name.encode()).hexdigest()[:20]


def read_file(path: Path, *, partial: bool = False) -> list[ImportedSession]:
    """Return the sessions of a cassette or capture, in order.

    Args:
        path: the file.
        partial: of a damaged file, return what stands before the damage; the ``close`` record says so.

    Raises:
        NotRecognised: it is neither, or cannot be read as text.
        DamagedFile: a line cannot be read and ``partial`` is false.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, IsADirectoryError) as error:
        what = "is a folder" if isinstance(error, IsADirectoryError) else "does not exist"
        raise NotRecognised(f"{path} {what}.", hint="Give the path of a cassette or capture.", file=str(path)) from None
    except UnicodeDecodeError:
        raise NotRecognised(
            f"{path} is not UTF-8 text.", hint="Cassettes and captures are JSON lines.", file=str(path)
        ) from None
    except OSError as error:
        raise NotRecognised(f"{path} cannot be read: {error.strerror}.", file=str(path)) from None
    return read_sessions(text, path, partial=partial)


async def import_files(db: str, paths: Sequence[Path], *, partial: bool = False) -> list[tuple[Path, list[str]]]:
    """Import all sessions of the files; nothing is written before all of them were read.

    Args:
        db: path or URL of the journal; created if needed.
        paths: cassettes and captures.
        partial: as for :func:`read_file`.

    Returns:
        Each path with the public ids of its new sessions, in the file's order.

    Raises:
        NotRecognised, DamagedFile: as :func:`read_file`.
        StoreError: the journal cannot be written.
    """
    from .journal import Journal

    found = [(path, read_file(path, partial=partial)) for path in paths]
    async with await Journal.open(db) as journal:
        return [(path, [await import_session(journal, session) for session in sessions]) for path, sessions in found]


async def import_session(journal: Journal, session: ImportedSession) -> str:
    """Write a session to the journal as it is; return its new public id.

    Raises:
        StoreWriteFailed: the journal refused a write.
    """
    first, *frames, last = session.frames
    opening = session.opening
    if session.match != opening.match:
        opening = opening.model_copy(update={"match": session.match})
    writer = await journal.begin(opening, offset_ns=first.offset_ns)
    for number, frame in enumerate(frames):
        # An erased payload stays erased: what is left of it is its envelope.
        payload = frame.payload or b""
        writer.append(frame.kind, frame.sender, payload, frame.offset_ns, type=frame.type, redacted=frame.redacted)
        if number % _COMMIT_EVERY == _COMMIT_EVERY - 1:
            await writer.commit()
    ending = CloseStatement if last.kind == "close" else CutoffStatement
    await writer.end(ending.model_validate(statement_of(last)), last.offset_ns)
    erased = [frame.seq for frame in frames if frame.erased]
    if erased:
        await journal.erase(writer.id, erased, "erased in the source")
    return writer.id
