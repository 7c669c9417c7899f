"""The state of the input audio: one stream of all audio appended in a session, and what happened to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from .audio import AudioFormat
from .refs import AudioRefs, Seqs

__all__ = ["BufferEvent", "InputAudio", "InputFormat", "InputSpan", "SpeechSpan"]

Json = Any


@dataclass(slots=True)
class InputFormat:
    """The format of the input stream from a byte on, until the next format."""

    at_byte: int
    format: AudioFormat


@dataclass(slots=True)
class InputSpan:
    """The part of the input stream that became a user item, by the session's sample clock.

    ``start_ms``/``end_ms`` count from the start of all audio written in the session (server VAD: as stated by the
    server, padding included); ``start_byte``/``end_byte`` are the same span in decoded bytes of the input stream.
    """

    source: Literal["vad", "commit", "timeout"]
    start_ms: float | None
    end_ms: float | None
    start_byte: int | None
    end_byte: int | None
    reliable: bool
    why_not: str | None = None
    seqs: Seqs = field(default_factory=Seqs)


@dataclass(slots=True)
class SpeechSpan:
    """One utterance as server VAD saw it, in ms of the input stream."""

    item_id: str | None
    start_ms: int | None = None
    end_ms: int | None = None
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
