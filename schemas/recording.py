"""A recording: one session to read, wherever it is kept."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from .frame import Frame

__all__ = ["MemoryRecording", "Recording", "SessionInfo", "SessionStatus"]

SessionStatus = Literal["open", "closed", "cut off", "refused"]
"""``open``: still growing. ``refused``: the upstream answered the handshake with another status than 101."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionInfo:
    """The summary of a session: a projection of its records, never consulted as truth.

    Attributes:
        id: public id.
        opened_at: wall clock, UTC; None if an import had no clock.
        status: whether the session is open, and if not how it ended.
        dialect: the vocabulary that it speaks.
        target: request path and query, secrets replaced; None for an import without one.
        upstream: base URL of the upstream.
        model: the model that the server or the request named.
        frames: number of records so far.
        duration_ns: offset of the last record; None without a clock.
        close_code: RFC 6455 code; None while open, cut off or refused.
        labels: as set by the user.
        links: ids of other sessions by role (``previous``, ``drives``).
        source: file name of an import.
        match: the match policy that a cassette carries; None for the defaults.
    """

    id: str
    opened_at: datetime | None = None
    status: SessionStatus = "open"
    dialect: str = "unknown"
    target: str | None = None
    upstream: str | None = None
    model: str | None = None
    frames: int = 0
    duration_ns: int | None = None
    close_code: int | None = None
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    links: Mapping[str, str] = field(default_factory=dict[str, str])
    source: str | None = None
    match: Mapping[str, Any] | None = None

    @property
    def url(self) -> str | None:
        """Where the client's handshake went, secrets replaced; None for an import that had no target."""
        return None if self.target is None else (self.upstream or "").rstrip("/") + self.target


class Recording(Protocol):
    """One session in a journal, a cassette or memory."""

    @property
    def info(self) -> SessionInfo:
        """The summary as of opening."""
        ...

    def batches(self, start: int = 0, stop: int | None = None) -> AsyncIterator[list[Frame]]:
        """Yield the frames with ``start <= seq < stop`` in order, in lists of bounded size.

        It can be called again. A session that is still growing is read up to what is committed when the iteration
        gets there.
        """
        ...


class MemoryRecording:
    """A recording in memory: read from a cassette, or made by a test.

    Args:
        info: its summary.
        frames: its frames, ``frames[n].seq == n``.
    """

    def __init__(self, info: SessionInfo, frames: Sequence[Frame]) -> None:
        self.info = info
        self.frames = frames

    async def batches(self, start: int = 0, stop: int | None = None) -> AsyncIterator[list[Frame]]:
        """Yield the frames with ``start <= seq < stop`` in order, in lists of at most 1000."""
        end = len(self.frames) if stop is None else min(stop, len(self.frames))
        for first in range(max(start, 0), end, 1000):
            yield list(self.frames[first : min(first + 1000, end)])
