"""What a session cost, as far as its server stated it: the values that :mod:`earwitness.replay.usage` makes.

Counts are mappings by kind. A kind that nobody stated is absent: that is not 0.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Basis", "ResponseUsage", "TranscriptionUsage", "Usage"]

Basis = Literal["sum", "last", "not known"]


@dataclass(frozen=True, slots=True)
class ResponseUsage:
    """Usage of responses, added up.

    ``input`` and ``output`` count tokens by kind: ``tokens`` (all of them), ``text``, ``audio``, ``image``,
    ``cached`` (with ``cached_text``, ``cached_audio``, ``cached_image``; part of the others) and ``reasoning``.
    """

    responses: int
    """How many responses there are."""
    stated: int
    """How many of them state their usage."""
    basis: Basis
    """``sum``: each statement is of its own response, and they are added. ``last``: each is of the session so far, and
    the last one counts. ``not known``: the recording does not tell which; then there are no counts."""
    total: float | None = None
    input: dict[str, float] = field(default_factory=dict[str, float])
    output: dict[str, float] = field(default_factory=dict[str, float])
    other: dict[str, float] = field(default_factory=dict[str, float])
    """Vendors' own numbers by path, such as ``billable_audio_seconds``."""
    partial: list[str] = field(default_factory=list[str])
    """Counts that some of the statements lack, such as ``input.audio``: there may be more than is stated."""
    if_sum: float | None = None
    """Where the basis is not known: all tokens, if the statements are to be added."""
    if_last: float | None = None
    """Where the basis is not known: all tokens, if each statement is of the session so far."""


@dataclass(frozen=True, slots=True)
class TranscriptionUsage:
    """Usage of transcriptions of the user's audio, which another model makes: by tokens or by seconds, as stated."""

    transcriptions: int
    """How many have ended, with a transcript or without."""
    stated: int
    """How many of them state their usage."""
    total: float | None = None
    input: dict[str, float] = field(default_factory=dict[str, float])
    output: dict[str, float] = field(default_factory=dict[str, float])
    seconds: float | None = None
    other: dict[str, float] = field(default_factory=dict[str, float])
    partial: list[str] = field(default_factory=list[str])


@dataclass(frozen=True, slots=True)
class Usage:
    """Usage of a session.

    ``responses`` has all of them; ``out_of_band`` has those outside the conversation once more, None if there are none
    or if the statements are not of one response each.
    """

    responses: ResponseUsage
    out_of_band: ResponseUsage | None
    transcriptions: TranscriptionUsage
    unread: dict[str, int] = field(default_factory=dict[str, int])
    """Events that state usage and are not read, by type: how many there are."""
