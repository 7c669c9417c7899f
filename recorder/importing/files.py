"""From a file to sessions: tell what it is, read it, write it to the journal."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from ...schemas.errors import DamagedFile, NotRecognised
from ...schemas.files.cassette import Cassette, is_cassette, read_cassette
from ...schemas.frame import Frame
from ...schemas.statements import CloseStatement, CutoffStatement, OpenStatement, Source
from .capture import is_capture, read_capture
from .imported import ImportedSession, imported_session

if TYPE_CHECKING:
    from ..journal import Journal

__all__ = ["file_id", "import_files", "import_session", "read_file"]

_COMMIT_EVERY: Final = 1000
"""Frames between waits for the journal, so that a long file does not pile up in memory."""


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
    header, frames = cassette.header, cassette.frames
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
    why = "the source ends here, without a close" if damaged is None else f"the source is damaged at line {damaged}"
    return replace(imported_session(opening, frames, why), match=header.match)


def _statement(frame: Frame) -> dict[str, Any]:
    try:
        value = frame.json()
    except ValueError:
        return {}
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


async def import_files(db: str, paths: Sequence[Path], *, partial: bool = False) -> list[tuple[Path, list[str]]]:
    """Import all sessions of the files; nothing is written before all of them were read.

    Args:
        db: path or URL of the journal; made where there is none.
        paths: cassettes and captures.
        partial: as for :func:`read_file`.

    Returns:
        each path with the public ids of its new sessions, in the file's order.

    Raises:
        NotRecognised, DamagedFile: as :func:`read_file`.
        StoreError: the journal cannot be written.
    """
    from ..journal import Journal

    found = [(path, read_file(path, partial=partial)) for path in paths]
    journal = await Journal.open(db)
    try:
        return [(path, [await import_session(journal, session) for session in sessions]) for path, sessions in found]
    finally:
        await journal.aclose()


async def import_session(journal: Journal, session: ImportedSession) -> str:
    """Write a session to the journal as it is; give its new public id.

    Raises:
        StoreWriteFailed: the journal refused a write.
    """
    first, *frames, last = session.frames
    opening = session.opening
    if session.match is not None:
        opening = opening.model_copy(update={"match": session.match})
    writer = await journal.begin(opening, offset_ns=first.offset_ns)
    for number, frame in enumerate(frames):
        # An erased payload stays erased: what is left of it is its envelope.
        payload = frame.payload or b""
        writer.append(frame.kind, frame.sender, payload, frame.offset_ns, type=frame.type, redacted=frame.redacted)
        if number % _COMMIT_EVERY == _COMMIT_EVERY - 1:
            await writer.commit()
    statement = _statement(last)
    ending = CloseStatement if last.kind == "close" else CutoffStatement
    await writer.end(ending.model_validate(statement), last.offset_ns)
    erased = [frame.seq for frame in frames if frame.erased]
    if erased:
        await journal.erase(writer.id, erased, "erased in the source")
    return writer.id
