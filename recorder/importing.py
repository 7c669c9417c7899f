"""From a file to sessions: open it, and write what it holds to the journal."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import ExitStack, closing
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..schemas.errors import NotRecognised
from ..schemas.files.imported import ImportedSession, NewFrameList
from ..schemas.files.read import read_sessions
from ..schemas.statements import CloseStatement, CutoffStatement
from ..schemas.summary import statement_of
from .frame_spool import FrameSpool

if TYPE_CHECKING:
    from .journal import Journal

__all__ = ["file_id", "import_files", "import_session", "read_file"]

_COMMIT_EVERY: Final = 1000
"""Frames between waits for the journal, so that a long file does not pile up in memory."""
_COMMIT_BYTES: Final = 4 << 20
"""The same in bytes: frames may be large."""


def file_id(path: Path) -> str:
    """Return a stable public id for a session that is read from a file without a journal."""
    return hashlib.sha256(path.name.encode()).hexdigest()[:20]


def read_file(path: Path, *, partial: bool = False, keep: NewFrameList = list) -> list[ImportedSession]:
    """Return the sessions of a cassette or capture, in order.

    Args:
        path: the file; it is read line by line.
        partial: of a damaged file, return what stands before the damage; the ``close`` record says so.
        keep: makes the list in which the frames of a session are kept.

    Raises:
        NotRecognised: it is neither, or cannot be read as text.
        DamagedFile: a line cannot be read and ``partial`` is false.
    """
    try:
        with path.open(encoding="utf-8") as lines:
            return read_sessions(lines, path, partial=partial, keep=keep)
    except (FileNotFoundError, IsADirectoryError) as error:
        what = "is a folder" if isinstance(error, IsADirectoryError) else "does not exist"
        raise NotRecognised(f"{path} {what}.", hint="Give the path of a cassette or capture.", file=str(path)) from None
    except UnicodeDecodeError:
        raise NotRecognised(
            f"{path} is not UTF-8 text.", hint="Cassettes and captures are JSON lines.", file=str(path)
        ) from None
    except OSError as error:
        raise NotRecognised(f"{path} cannot be read: {error.strerror}.", file=str(path)) from None


async def import_files(db: str, paths: Sequence[Path], *, partial: bool = False) -> list[tuple[Path, list[str]]]:
    """Import all sessions of the files; nothing is written before all of them were read.

    What was read waits in a temporary file, so that memory does not grow with the size of the files.

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

    with ExitStack() as spools:

        def keep() -> FrameSpool:
            return spools.enter_context(closing(FrameSpool()))

        found = [(path, read_file(path, partial=partial, keep=keep)) for path in paths]
        async with await Journal.open(db) as journal:
            return [(path, [await import_session(journal, each) for each in sessions]) for path, sessions in found]


async def import_session(journal: Journal, session: ImportedSession) -> str:
    """Write a session to the journal as it is; return its new public id.

    Raises:
        StoreWriteFailed: the journal refused a write.
    """
    opening = session.opening
    if session.match != opening.match:
        opening = opening.model_copy(update={"match": session.match})
    writer = await journal.begin(opening, offset_ns=session.frames[0].offset_ns)
    last, erased, waiting = session.frames[-1], list[int](), 0
    for frame in islice(session.frames, 1, len(session.frames) - 1):
        if frame.erased:
            erased.append(frame.seq)
        # An erased payload stays erased: what is left of it is its envelope.
        payload = frame.payload or b""
        writer.append(frame.kind, frame.sender, payload, frame.offset_ns, type=frame.type, redacted=frame.redacted)
        waiting += len(payload)
        if frame.seq % _COMMIT_EVERY == 0 or waiting > _COMMIT_BYTES:
            await writer.commit()
            waiting = 0
    ending = CloseStatement if last.kind == "close" else CutoffStatement
    await writer.end(ending.model_validate(statement_of(last)), last.offset_ns)
    if erased:
        await journal.erase(writer.id, erased, "erased in the source")
    return writer.id
