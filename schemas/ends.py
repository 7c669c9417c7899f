"""How a session ended, or never began, as values of the state."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Close", "Refusal"]


@dataclass(slots=True)
class Close:
    """How the session ended."""

    seq: int
    offset_ns: int | None
    kind: Literal["close", "cutoff"]
    code: int | None = None
    reason: str = ""
    by: str | None = None
    handed: dict[str, int] = field(default_factory=dict[str, int])
    """The last seq handed to the transport towards each side; absent if the recorder did not say."""


@dataclass(slots=True)
class Refusal:
    """The answer to a handshake that made no session: its HTTP status and body, secrets replaced."""

    seq: int
    status: int
    body: str | None = None
