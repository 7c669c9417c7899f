"""The capture: one JSON object per message, as test suites keep them.

``{"dir": "client"|"server", "t": seconds or null, "event": {…}}``, and for the end of a connection
``{"dir": …, "t": …, "close": {"code": …, "reason": …}}``. Lines after a close are the next session.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final, cast

import orjson

from ..errors import DamagedFile
from ..frame import Frame, Sender, parse_json
from ..statements import CloseStatement, OpenStatement, Source
from ..values import TOO_DEEP, too_deep
from .imported import FrameList, ImportedSession, NewFrameList, imported_session

__all__ = ["is_capture", "read_capture"]

_NS_PER_S = 1_000_000_000
_SIDES = ("client", "server")
_BEGIN: Final = re.compile(r'\s*\{\s*"dir"\s*:\s*"(?:client|server)"')
_MOST_PROBLEMS: Final = 5
_INT64: Final = range(-(1 << 63), 1 << 63)


def is_capture(first_line: str) -> bool:
    """Whether a file that begins with this line is a capture."""
    try:
        value = parse_json(first_line)
    except ValueError:
        return _BEGIN.match(first_line) is not None  # a damaged one: its line will be named
    match value:
        case {"dir": "client" | "server", "event": _} | {"dir": "client" | "server", "close": _}:
            return True
        case _:
            return False


def read_capture(lines: Iterable[str], *, name: str, keep: NewFrameList = list) -> list[ImportedSession]:
    """Return the sessions of a capture, in order; ``keep`` makes the list in which the frames of one are kept.

    Times that the source did not have are None, never invented; the others are kept as they are, also where they go
    back. What is odd about them is among the problems of the session's :class:`.Source`. A session without a close in
    the source ends with a ``close`` record by the recorder that has no code and says so.

    Raises:
        DamagedFile: a line cannot be read. ``data``: ``line`` (from 1), ``reason``, and ``sessions`` with everything
            before it.
    """
    sessions: list[_Session] = []
    current: _Session | None = None
    number = 0
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            if current is None:
                current = _Session(name, len(sessions) + 1, keep())
                sessions.append(current)
            if current.take(line, number):
                current = None
        except ValueError as error:
            read = sum(session.count for session in sessions)
            done = [session.finish(f"the source is damaged at line {number}") for session in sessions]
            raise DamagedFile(
                f"{name}, line {number}: {error}.",
                hint=f"Lines before it that can be read: {read}; --partial imports them.",
                line=number,
                reason=str(error),
                sessions=done,
            ) from None
    return [session.finish("the source ends here, without a close") for session in sessions]


class _Session:
    """A connection of a capture while it is being read."""

    def __init__(self, name: str, part: int, frames: FrameList) -> None:
        self._source = Source(format="capture", name=name, part=part)
        self._problems: list[str] = []
        self._frames = frames
        self._last: int | None = None

    @property
    def count(self) -> int:
        """Number of lines read."""
        return len(self._frames)

    def take(self, line: str, number: int) -> bool:
        """Take a line; return True if it closes the connection."""
        value = _object(parse_json(line), "the line")
        if too_deep(value.get("event")):
            raise ValueError(TOO_DEEP)
        side = value.get("dir")
        if side not in _SIDES:
            raise ValueError("'dir' is neither 'client' nor 'server'")
        offset = self._offset(value.get("t"), number)
        if "event" in value:
            event = value["event"]
            stated = cast("dict[str, Any]", event).get("type") if isinstance(event, dict) else None
            self._add(side, "text", offset, _dump(event), stated if isinstance(stated, str) else None)
            return False
        close = _object(value.get("close"), "'close'")
        code, reason = close.get("code"), close.get("reason")
        statement = CloseStatement(
            code=code if isinstance(code, int) else None, reason=reason if isinstance(reason, str) else "", by=side
        )
        self._add("recorder", "close", offset, statement.to_payload())
        return True

    def _offset(self, t: Any, number: int) -> int | None:
        if t is None:
            return None
        if isinstance(t, bool) or not isinstance(t, int | float):
            raise ValueError("'t' is neither null nor a number of seconds")
        if abs(t) > _INT64.stop / _NS_PER_S or (offset := round(t * _NS_PER_S)) not in _INT64:
            self._problems.append(f"line {number}: 't' is too large for a time: {str(t)[:20]}; its record has none")
            return None
        before = self._last or 0
        if offset < before:
            self._problems.append(f"line {number}: 't' goes back, from {before / _NS_PER_S:g} to {t:g}")
        self._last = offset
        return offset

    def _add(self, sender: Sender, kind: Any, offset: int | None, payload: bytes, type_: str | None = None) -> None:
        self._frames.append(Frame(len(self._frames) + 1, offset, kind, sender, type_, payload))

    def finish(self, why: str) -> ImportedSession:
        """Return the session; ``why`` says how it ends if it has no close."""
        source = self._source
        if len(self._problems) > _MOST_PROBLEMS:
            more = len(self._problems) - _MOST_PROBLEMS
            self._problems[_MOST_PROBLEMS:] = [f"and {more} more lines with such times"]
        if self._problems:
            source = source.model_copy(update={"problems": self._problems})
        return imported_session(OpenStatement(origin="import", source=source), self._frames, why)


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{what} is not a JSON object")
    return cast("dict[str, Any]", value)


def _dump(event: Any) -> bytes:
    try:
        return orjson.dumps(event)
    except TypeError:
        import json

        return json.dumps(event, separators=(",", ":")).encode()
