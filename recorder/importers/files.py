"""From a file to sessions: tell what it is, read it, write it to the journal."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ...schemas.cassette import Cassette, is_cassette, read_cassette
from ...schemas.errors import DamagedFile, NotRecognised
from ...schemas.frame import Frame
from ...schemas.statements import NoteStatement, OpenStatement, Source
from .capture import is_capture, read_capture
from .session import ImportedSession

if TYPE_CHECKING:
    from ..journal import Journal

__all__ = ["file_id", "import_file", "read_file"]

log = logging.getLogger(__name__)


def file_id(path: Path) -> str:
    """Give a stable public id to a session that is read from a file without a journal."""
    return hashlib.sha256(path.name.encode()).hexdigest()[:20]


def read_file(path: Path, *, partial: bool = False) -> list[ImportedSession]:
    """Read the sessions of a cassette or capture.

    Args:
        path: the file.
        partial: of a damaged file, give what can be read before the damage, marked with a note in the record.

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
            f"{path} is no text in UTF-8.", hint="Cassettes and captures are JSON lines.", file=str(path)
        ) from None
    except OSError as error:
        raise NotRecognised(f"{path} cannot be read: {error.strerror}.", file=str(path)) from None
    # Not splitlines(): JSON strings may hold U+2028 and its like unescaped.
    lines = text.split("\n")
    first = next((line for line in lines if line.strip()), "")
    try:
        if is_cassette(first):
            return [_from_cassette(read_cassette(lines, name=path.name), path)]
        if is_capture(first):
            return read_capture(lines, name=path.name)
    except DamagedFile as error:
        if not partial:
            raise
        if "sessions" in error.data:
            return cast("list[ImportedSession]", error.data["sessions"])
        return [_from_cassette(cast("Cassette", error.data["cassette"]), path, damaged=cast("int", error.data["line"]))]
    raise NotRecognised(
        f"{path} is neither a cassette nor a capture.",
        hint=(
            'A cassette begins with {"earwitness": "cassette", …}; a capture has lines like '
            '{"dir": "client", "t": 0.1, "event": {…}}.'
        ),
        file=str(path),
    )


def _from_cassette(cassette: Cassette, path: Path, *, damaged: int | None = None) -> ImportedSession:
    header, frames = cassette.header, list(cassette.frames)
    if frames and frames[0].kind == "open":
        opening = OpenStatement.model_validate(_statement(frames[0]))
    else:
        # A cassette that somebody wrote by hand may leave the handshake to its header.
        opening = OpenStatement(
            origin="import",
            opened_at=header.opened_at,
            dialect=None if header.dialect == "unknown" else header.dialect,
            labels=header.labels,
            source=Source(format="cassette", name=path.name),
        )
        first = Frame(0, frames[0].offset_ns if frames else None, "open", "recorder", None, opening.to_payload())
        frames = [first, *(_moved(frame, frame.seq + 1) for frame in frames)]
    if damaged is not None:
        note = NoteStatement(note=f"the source is damaged at line {damaged}")
        frames.append(Frame(len(frames), frames[-1].offset_ns, "note", "recorder", None, note.to_payload()))
    return ImportedSession(opening, frames)


def _statement(frame: Frame) -> Any:
    try:
        return frame.json()
    except ValueError:
        return {}


def _moved(frame: Frame, seq: int) -> Frame:
    return Frame(seq, frame.offset_ns, frame.kind, frame.sender, frame.type, frame.body, redacted=frame.redacted)


async def import_file(journal: Journal, path: Path, *, partial: bool = False) -> list[str]:
    """Import all sessions of a file; nothing is written before all of it was read.

    Returns:
        the public ids of the new sessions, in the file's order.

    Raises:
        NotRecognised, DamagedFile: as :func:`read_file`.
        StoreWriteFailed: the journal refused a write.
    """
    return [await _write(journal, session) for session in read_file(path, partial=partial)]
