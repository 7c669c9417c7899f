"""The input audio buffer, and the output audio buffer of WebRTC and SIP sessions."""

from __future__ import annotations

from typing import Literal

from .base import ClientEvent, Json, Number, ServerEvent

__all__ = [
    "InputAudioBufferAppend",
    "InputAudioBufferClear",
    "InputAudioBufferCleared",
    "InputAudioBufferCommit",
    "InputAudioBufferCommitted",
    "InputAudioBufferDtmfEventReceived",
    "InputAudioBufferSpeechStarted",
    "InputAudioBufferSpeechStopped",
    "InputAudioBufferTimeoutTriggered",
    "OutputAudioBufferClear",
    "OutputAudioBufferCleared",
    "OutputAudioBufferStarted",
    "OutputAudioBufferStopped",
]


class InputAudioBufferAppend(ClientEvent):
    """More of the user's audio."""

    type: Literal["input_audio_buffer.append"]
    audio: str | None = None
    """Base64, in the session's input format, at most 15 MiB."""


class InputAudioBufferClear(ClientEvent):
    """Drop what has not been committed."""

    type: Literal["input_audio_buffer.clear"]


class InputAudioBufferCommit(ClientEvent):
    """Turn what was appended into a user item."""

    type: Literal["input_audio_buffer.commit"]


class OutputAudioBufferClear(ClientEvent):
    """Stop playing. WebRTC and SIP."""

    type: Literal["output_audio_buffer.clear"]


class InputAudioBufferCleared(ServerEvent):
    """The input buffer is empty."""

    type: Literal["input_audio_buffer.cleared"]


class InputAudioBufferCommitted(ServerEvent):
    """The input buffer became a user item, by the client's commit or by turn detection."""

    type: Literal["input_audio_buffer.committed"]
    item_id: str | None = None
    previous_item_id: str | None = None


class InputAudioBufferSpeechStarted(ServerEvent):
    """The server hears the user begin to speak."""

    type: Literal["input_audio_buffer.speech_started"]
    item_id: str | None = None
    """The user item to come."""
    audio_start_ms: Number | None = None
    """From the start of all audio written in the session, padding included."""


class InputAudioBufferSpeechStopped(ServerEvent):
    """The server hears the user stop speaking."""

    type: Literal["input_audio_buffer.speech_stopped"]
    item_id: str | None = None
    audio_end_ms: Number | None = None
    """From the start of all audio written in the session."""


class InputAudioBufferTimeoutTriggered(ServerEvent):
    """Nobody spoke for ``idle_timeout_ms``; the silence is committed. GA."""

    type: Literal["input_audio_buffer.timeout_triggered"]
    item_id: str | None = None
    audio_start_ms: Number | None = None
    audio_end_ms: Number | None = None


class InputAudioBufferDtmfEventReceived(ServerEvent):
    """A telephone key was pressed. SIP; GA."""

    type: Literal["input_audio_buffer.dtmf_event_received"]
    event: str | None = None
    """The key."""
    received_at: Json = None
    """Seconds since 1970."""


class _Playback(ServerEvent):
    response_id: str | None = None


class OutputAudioBufferStarted(_Playback):
    """The server began playing a response. WebRTC and SIP."""

    type: Literal["output_audio_buffer.started", "output_audio_buffer.audio_started"]


class OutputAudioBufferStopped(_Playback):
    """A response has been played to its end. WebRTC and SIP."""

    type: Literal["output_audio_buffer.stopped", "output_audio_buffer.audio_stopped"]


class OutputAudioBufferCleared(_Playback):
    """Playback was cut off, by speech or by the client. WebRTC and SIP."""

    type: Literal["output_audio_buffer.cleared", "output_audio_buffer.audio_cleared"]
