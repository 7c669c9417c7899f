"""What the recorder itself states about a session.

The JSON payloads of ``open``, ``close``, ``gap``, ``note`` and ``cutoff``. They are records like any other, hashed
into the chain, so the records alone say how a session went.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from .frame import Kind

__all__ = [
    "CloseStatement",
    "CutoffStatement",
    "GapStatement",
    "NoteStatement",
    "OpenStatement",
    "Request",
    "Response",
    "Source",
    "Statement",
]

Header = tuple[str, str]


class _Part(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True)


class Statement(_Part):
    """The payload of a record that the recorder makes."""

    kind: ClassVar[Kind]
    """The kind of its record."""

    def to_payload(self) -> bytes:
        """Return the record's bytes: JSON in UTF-8, absent values left out."""
        return self.model_dump_json(exclude_none=True).encode()


class Request(_Part):
    """The client's handshake as it went upstream, secrets replaced."""

    target: str
    """Path and query exactly as sent, such as ``/v1/realtime?model=gpt-realtime``."""
    headers: list[Header] = []
    """In the order sent, names as sent."""


class Response(_Part):
    """The upstream's answer to the handshake."""

    status: int
    headers: list[Header] = []
    body: str | None = None
    """Only for a refusal: text, with undecodable bytes replaced."""


class Source(_Part):
    """Where an imported session came from."""

    format: str
    name: str
    """File name without its folder."""
    part: int = 1
    """Which session of the file, from 1."""
    problems: list[str] | None = None
    """What of the file could not be taken as it stood, by line; absent if nothing."""


class OpenStatement(Statement):
    """Payload of the ``open`` record, seq 0."""

    kind: ClassVar[Kind] = "open"

    opened_at: str | None = None
    """Wall clock in UTC, ISO 8601 with microseconds and ``Z``; absent if an import had no clock."""
    origin: str = "proxy"
    """``proxy``, ``import`` or ``drive``."""
    program: str = ""
    """``earwitness/VERSION``."""
    upstream: str | None = None
    """Base URL of the upstream, without userinfo."""
    request: Request | None = None
    response: Response | None = None
    source: Source | None = None
    dialect: str | None = None
    """The dialect stated by a cassette; absent if it is detected from the frames."""
    labels: dict[str, str] = Field(default_factory=dict[str, str])
    links: dict[str, str] = Field(default_factory=dict[str, str])
    """Other sessions by role: ``previous`` (this one continues it), ``drives`` (this one plays it again)."""
    match: dict[str, Any] | None = None
    """The match policy of the cassette that it was imported from."""

    def to_payload(self) -> bytes:
        """Return the record's bytes; what was not stated is left out, so that a copy is a copy."""
        return self.model_dump_json(exclude_none=True, exclude_unset=True).encode()


class CloseStatement(Statement):
    """Payload of the ``close`` record: the last of a session that ended in an orderly way."""

    kind: ClassVar[Kind] = "close"

    code: int | None = None
    """RFC 6455 close code; 1005 for a close frame without code, 1006 for none at all; None for a refused handshake."""
    reason: str = ""
    by: Literal["client", "server", "recorder"]
    """Whose close came first."""
    handed: dict[str, int] = Field(default_factory=dict[str, int])
    """The last seq that was handed to the transport towards each side."""


class GapStatement(Statement):
    """Payload of a ``gap`` record: frames that crossed while the store could not take them."""

    kind: ClassVar[Kind] = "gap"

    frames: int
    bytes: int
    reason: str
    from_ns: int | None = None
    to_ns: int | None = None


class NoteStatement(Statement):
    """Payload of a ``note`` record: something that a reader of the session should know."""

    kind: ClassVar[Kind] = "note"

    note: str
    details: dict[str, Any] = Field(default_factory=dict[str, Any])


class CutoffStatement(Statement):
    """Payload of the ``cutoff`` record: the recorder died, the session's end is unknown."""

    kind: ClassVar[Kind] = "cutoff"

    reason: str
    found_at: str
