"""The summary of a session, from its frames: what ``list`` shows.

How an ``open`` record names session, model, dialect and target is decided here.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import parse_qs, urlsplit

from .dialects.detect import DialectReading
from .frame import Frame, parse_object
from .recording import SessionInfo, SessionStatus
from .values import Json, integer, members, string

if TYPE_CHECKING:
    from .state import Conversation

__all__ = [
    "MODEL_PARAMETERS",
    "SWITCHING_PROTOCOLS",
    "Summary",
    "dialect_reading",
    "model_of",
    "opening_info",
    "parse_time",
    "statement_of",
    "time_text",
]

MODEL_PARAMETERS: Final = ("model", "deployment")
"""The query parameters that name a model; the second is Azure's."""

SWITCHING_PROTOCOLS: Final = 101
"""The HTTP status of a handshake that makes a session."""


def parse_time(text: Any) -> datetime | None:
    """Return an ISO 8601 time in UTC; None for anything else. A time without a zone is UTC."""
    if not isinstance(text, str):
        return None
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        return None
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def time_text(time: datetime) -> str:
    """Write a time in UTC as statements and cassettes do: ISO 8601 with microseconds and ``Z``."""
    return time.isoformat(timespec="microseconds").replace("+00:00", "Z")


def statement_of(frame: Frame) -> Json:
    """Return the JSON object that a frame holds; an empty one if it holds none that can be read."""
    return parse_object(frame.payload) or {}


def opening_info(statement: Json) -> SessionInfo:
    """Return what an ``open`` record says of its session; the id is empty.

    The model is what the request asked for; the server may name another in ``session.created``. The dialect is the
    stated one, else that of the handshake.

    Args:
        statement: the record's JSON object. Nothing is taken for granted of it: other programs write cassettes.
    """
    target = string(members(statement, "request"), "target")
    status = members(statement, "response").get("status", SWITCHING_PROTOCOLS)
    return SessionInfo(
        id="",
        opened_at=parse_time(statement.get("opened_at")),
        status="open" if status == SWITCHING_PROTOCOLS else "refused",
        dialect=string(statement, "dialect") or dialect_reading(statement).dialect,
        target=target,
        upstream=string(statement, "upstream"),
        model=_query_model(target),
        labels=_strings(members(statement, "labels")),
        links=_strings(members(statement, "links")),
        source=string(members(statement, "source"), "name"),
        match=members(statement, "match") if isinstance(statement.get("match"), dict) else None,
    )


def dialect_reading(statement: Json) -> DialectReading:
    """Return the reading of a session's dialect that its handshake begins."""
    request = members(statement, "request")
    return DialectReading(string(request, "target"), _headers(request))


def model_of(info: SessionInfo, conversation: Conversation) -> str | None:
    """Return the model that a session ran on: what the server last said, else what its summary says."""
    return conversation.session.model or info.model


class Summary:
    """Builds a session's summary from its frames, one at a time.

    Only the recorder's statements and the first few small events are parsed.

    Args:
        known: the summary of frames that are not shown to it.
    """

    def __init__(self, known: SessionInfo | None = None) -> None:
        self._info = known or SessionInfo(id="")
        self._dialect = DialectReading()
        self._dialect_known = known is not None
        self._model: str | None = None
        self._status = self._info.status
        self._close_code = self._info.close_code
        self._frames = self._info.frames
        self._last_ns = self._info.duration_ns

    def apply(self, frame: Frame) -> None:
        """Take the session's next frame."""
        self._frames = frame.seq + 1
        if frame.offset_ns is not None:
            self._last_ns = frame.offset_ns
        if frame.kind == "text":
            if frame.type is not None and frame.audio is None and not self.settled:
                self._look(frame)
        elif frame.kind == "open":
            statement = statement_of(frame)
            self._info = opening_info(statement)
            self._status = self._info.status
            self._dialect = dialect_reading(statement)
            self._dialect_known = bool(string(statement, "dialect"))
        elif frame.kind == "close":
            self._close_code = integer(statement_of(frame), "code")
            self._end("closed")
        elif frame.kind == "cutoff":
            self._end("cut off")

    def _end(self, status: SessionStatus) -> None:
        if self._status != "refused":
            self._status = status

    @property
    def settled(self) -> bool:
        """Whether later events change nothing but the counts, the time and the end."""
        return self._dialect.settled and self._model is not None

    def _look(self, frame: Frame) -> None:
        event = statement_of(frame)
        self._dialect.observe(event)
        if self._model is None and frame.type in ("session.created", "session.updated"):
            self._model = string(members(event, "session"), "model")

    def info(self, public_id: str) -> SessionInfo:
        """Return the summary of the frames so far."""
        return replace(
            self._info,
            id=public_id,
            status=self._status,
            dialect=self._info.dialect if self._dialect_known else self._dialect.dialect,
            model=self._model or self._info.model,
            frames=self._frames,
            duration_ns=self._last_ns,
            close_code=self._close_code,
        )


def _strings(value: Json) -> dict[str, str]:
    return {key: text for key, text in value.items() if isinstance(text, str)}


def _headers(request: Json) -> list[tuple[str, str]]:
    headers: list[tuple[str, str]] = []
    stated = request.get("headers")
    for header in cast("list[Any]", stated) if isinstance(stated, list) else []:
        match header:
            case [str(name), str(value)]:
                headers.append((name, value))
            case _:
                pass
    return headers


def _query_model(target: str | None) -> str | None:
    try:
        query = parse_qs(urlsplit(target or "").query)
    except ValueError:  # "//[" and the like
        return None
    return next((query[name][0] for name in MODEL_PARAMETERS if query.get(name)), None)
