"""The state of the input audio: one stream of all audio appended in a session, and what happened to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from .audio import AudioFormat
from .refs import AudioRefs, Seqs

__all__ = ["BufferEvent", "ClockName", "InputAudio", "InputClock", "InputFormat", "InputSpan", "Refuted", "SpeechSpan"]

Json = Any
ClockName = Literal["session", "buffer"]


@dataclass(slots=True)
class InputFormat:
    """The format of the input stream from a byte on, until the next format."""

    at_byte: int
    format: AudioFormat


@dataclass(slots=True)
class InputSpan:
    """The part of the input stream that became a user item.

    ``start_ms``/``end_ms`` are as the server stated them (VAD, timeout; padding included), by the clock that
    :class:`InputClock` tells; of a commit, they count from the start of all audio written in the session.
    ``start_byte``/``end_byte`` are the same span in decoded bytes of the input stream; what they are worth is in
    ``reliable`` and ``within_ms``.
    """

    source: Literal["vad", "commit", "timeout"]
    start_ms: float | None
    end_ms: float | None
    start_byte: int | None
    end_byte: int | None
    reliable: bool
    why_not: str | None = None
    within_ms: float | None = 0.0
    """How far the bytes may be off: 0 where they are certain; None where nothing tells."""
    seqs: Seqs = field(default_factory=Seqs)


@dataclass(slots=True)
class SpeechSpan:
    """One utterance as server VAD saw it, in ms as the server stated them."""

    item_id: str | None
    start_ms: float | None = None
    end_ms: float | None = None
    started_seq: int | None = None
    started_ns: int | None = None
    stopped_seq: int | None = None
    stopped_ns: int | None = None


@dataclass(slots=True)
class BufferEvent:
    """Something that happened to the input audio buffer. ``at_byte``: decoded bytes received by then."""

    type: str
    seq: int
    offset_ns: int | None
    at_byte: int
    item_id: str | None = None
    fields: dict[str, Json] = field(default_factory=dict[str, Json])


@dataclass(slots=True)
class Refuted:
    """Milliseconds do not count from there: ``why``, by what the server stated in record ``seq``."""

    clock: ClockName
    seq: int
    why: str


@dataclass(slots=True)
class InputClock:
    """Where the milliseconds of voice activity count from, inferred from all spans of the session.

    ``counts_from`` is ``session`` (its first sample, the rule of the API reference), ``buffer`` (the first sample since
    the last commit or clear), ``either`` (both readings are possible; spans of which they say different things are not
    reliable), ``unknown`` (neither is possible: another clock, or audio is missing), or None where no server stated
    any milliseconds.
    """

    counts_from: Literal["session", "buffer", "either", "unknown"] | None = None
    refuted: list[Refuted] = field(default_factory=list[Refuted])


@dataclass(slots=True)
class InputAudio:
    """The input audio buffer: one stream of all audio appended in the session."""

    audio: AudioRefs = field(default_factory=AudioRefs)
    """Every append in order. Byte 0 is the first byte appended in the session."""
    pending_from_byte: int = 0
    """Where the uncommitted audio begins."""
    speech: list[SpeechSpan] = field(default_factory=list[SpeechSpan])
    events: list[BufferEvent] = field(default_factory=list[BufferEvent])
    """The client's commits and clears, the server's answers, timeouts, DTMF, in order."""
    formats: list[InputFormat] = field(default_factory=list[InputFormat])
    """The formats of its bytes, in order; the first applies from byte 0 on."""
    clock: InputClock = field(default_factory=InputClock)
    """Where the milliseconds of voice activity count from."""
