"""Reads the sessions of a file, whichever kind it is."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import chain
from pathlib import PurePath
from typing import cast

import msgspec

from ..errors import DamagedFile, NotRecognised
from ..frame import Frame
from ..statements import OpenStatement, Source
from ..summary import statement_of
from .capture import is_capture, read_capture
from .cassette import Cassette, is_cassette, read_cassette
from .imported import ImportedSession, NewFrameList, imported_session
from .kept import KEPT, kept_of

__all__ = ["read_sessions"]


def read_sessions(
    text: str | Iterable[str], path: PurePath, *, partial: bool = False, keep: NewFrameList = list
) -> list[ImportedSession]:
    """Return the sessions of a cassette or capture, in order.

    Args:
        text: the whole file, or its lines.
        path: the file's path; its name is recorded.
        partial: for a damaged file, return what comes before the damage; the ``close`` record says so.
        keep: makes the list in which the frames of a session are kept.

    Raises:
        NotRecognised: it is neither.
        DamagedFile: a line cannot be read and ``partial`` is false.
    """
    # Not splitlines(): JSON strings may hold U+2028 and its like unescaped.
    lines = iter(text.split("\n") if isinstance(text, str) else text)
    before: list[str] = []
    first = ""
    for first in lines:
        before.append(first)
        if first.strip():
            break
    lines = chain(before, lines)
    try:
        if is_cassette(first):
            return [_from_cassette(read_cassette(lines, name=path.name, keep=keep), path.name)]
        if is_capture(first):
            return read_capture(lines, name=path.name, keep=keep)
    except DamagedFile as error:
        if not partial:
            raise
        if "sessions" in error.data:
            return cast("list[ImportedSession]", error.data["sessions"])
        cassette, damaged = cast("Cassette", error.data["cassette"]), cast("int", error.data["line"])
        return [_from_cassette(cassette, path.name, damaged)]
    raise NotRecognised(
        f"{path} is neither a cassette nor a capture.",
        hint=(
            'A cassette begins with {"earwitness": "cassette", …}; a capture has lines like '
            '{"dir": "client", "t": 0.1, "event": {…}}.'
        ),
        file=str(path),
    )


def _from_cassette(cassette: Cassette, name: str, damaged: int | None = None) -> ImportedSession:
    header, frames = cassette.header, cassette.frames
    stated = bool(frames) and frames[0].kind == "open"
    kept = kept_of(cassette, 0 if stated else 1)
    first: Frame | None = None
    if stated:
        first = frames[0]
        if kept is not None:
            payload = json.dumps({**statement_of(first), KEPT: kept}).encode()
            first = msgspec.structs.replace(first, body=payload)
        opening = OpenStatement.model_validate(statement_of(first))
    else:
        # A cassette written by hand may leave the handshake to its header.
        opening = OpenStatement(
            origin="import",
            opened_at=header.opened_at,
            dialect=None if header.dialect == "unknown" else header.dialect,
            labels=header.labels,
            source=Source(format="cassette", name=name),
        )
        if kept is not None:
            opening = opening.model_copy(update={KEPT: kept})
    why = "the source ends here, without a close" if damaged is None else f"the source is damaged at line {damaged}"
    return imported_session(opening, frames, why, header.match, first=first)
