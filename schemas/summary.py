"""The summary of a session, from its frames: what ``list`` shows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final, cast
from urllib.parse import parse_qs, urlsplit

from .dialects.detect import DialectReading
from .frame import Frame
from .recording import SessionInfo, SessionStatus

__all__ = ["Summary", "parse_time"]

_SWITCHING_PROTOCOLS: Final = 101


def parse_time(text: Any) -> datetime | None:
    """Read an ISO 8601 time; None where it is none. A time without a zone is UTC."""
    if not isinstance(text, str):
        return None
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        return None
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Summary:
    """Reads a session's summary off its frames, one at a time.

    Only the recorder's statements and the first few small events are parsed.
    """

    def __init__(self) -> None:
        self._open: dict[str, Any] = {}
        self._dialect = DialectReading()
        self._model: str | None = None
        self._status: SessionStatus = "open"
        self._close_code: int | None = None
        self._frames = 0
        self._last_ns: int | None = None

    def apply(self, frame: Frame) -> None:
        """Take the session's next frame."""
        self._frames = frame.seq + 1
        if frame.offset_ns is not None:
            self._last_ns = frame.offset_ns
        if frame.kind == "text":
            if frame.type is not None and frame.audio is None and not self.settled:
                self._look(frame)
        elif frame.kind == "open":
            self._open = _object(frame)
            request = _part(self._open, "request")
            self._dialect = DialectReading(_text(request.get("target")), _headers(request))
        elif frame.kind == "close":
            code = _object(frame).get("code")
            self._close_code = code if isinstance(code, int) and not isinstance(code, bool) else None
            self._status = "closed"
        elif frame.kind == "cutoff":
            self._status = "cut off"

    @property
    def settled(self) -> bool:
        """Whether events no longer tell anything new: from now on only counts, time and the end change."""
        return self._dialect.settled and self._model is not None

    def _look(self, frame: Frame) -> None:
        event = _object(frame)
        self._dialect.observe(event)
        if self._model is None and frame.type in ("session.created", "session.updated"):
            session = event.get("session")
            self._model = _text(cast("dict[str, Any]", session).get("model")) if isinstance(session, dict) else None

    def info(self, public_id: str) -> SessionInfo:
        """Give the summary of the frames so far."""
        opening = self._open
        target = _text(_part(opening, "request").get("target"))
        status = _part(opening, "response").get("status", _SWITCHING_PROTOCOLS)
        return SessionInfo(
            id=public_id,
            opened_at=parse_time(opening.get("opened_at")),
            status="refused" if status != _SWITCHING_PROTOCOLS else self._status,
            dialect=_text(opening.get("dialect")) or self._dialect.dialect,
            target=target,
            upstream=_text(opening.get("upstream")),
            model=self._model or _query_model(target),
            frames=self._frames,
            duration_ns=self._last_ns,
            close_code=self._close_code,
            labels=_strings(_part(opening, "labels")),
            links=_strings(_part(opening, "links")),
            source=_text(_part(opening, "source").get("name")),
        )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _object(frame: Frame) -> dict[str, Any]:
    try:
        value = frame.json()
    except ValueError:
        return {}
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _part(value: dict[str, Any], key: str) -> dict[str, Any]:
    part = value.get(key)
    return cast("dict[str, Any]", part) if isinstance(part, dict) else {}


def _strings(value: dict[str, Any]) -> dict[str, str]:
    return {key: text for key, text in value.items() if isinstance(text, str)}


def _headers(request: dict[str, Any]) -> list[tuple[str, str]]:
    headers: list[tuple[str, str]] = []
    for header in cast("list[Any]", request.get("headers") or []):
        match header:
            case [str(name), str(value)]:
                headers.append((name, value))
            case _:
                pass
    return headers


def _query_model(target: str | None) -> str | None:
    """Read the model, or Azure's deployment, off the request target."""
    if target is None:
        return None
    query = parse_qs(urlsplit(target).query)
    for name in ("model", "deployment"):
        if query.get(name):
            return query[name][0]
    return None
