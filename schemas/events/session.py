"""Session configuration in both shapes, and the events that state or change it."""

from __future__ import annotations

from typing import Annotated, Literal

from .base import ClientEvent, Json, Model, Number, ServerEvent, known
from .tools import Tool, ToolChoice

__all__ = [
    "AudioConfig",
    "AudioFormat",
    "ClientSecret",
    "InputAudioConfig",
    "NoiseReduction",
    "OutputAudioConfig",
    "Prompt",
    "Reasoning",
    "Session",
    "SessionCreated",
    "SessionUpdate",
    "SessionUpdated",
    "TokenLimits",
    "Tracing",
    "TranscriptionConfig",
    "TranscriptionSession",
    "TranscriptionSessionCreated",
    "TranscriptionSessionUpdate",
    "TranscriptionSessionUpdated",
    "TruncationStrategy",
    "TurnDetection",
    "Voice",
    "VoiceObject",
]


class AudioFormat(Model):
    """An audio format in GA shape."""

    type: Annotated[str, known("audio/pcm", "audio/pcmu", "audio/pcma")] | None = None
    rate: Number | None = None
    """Samples per second; 24000 for ``audio/pcm``, not stated for G.711, which is 8000."""


class VoiceObject(Model):
    """A voice that is more than a name: OpenAI's custom voices (``id``), Azure's (``name`` and ``type``)."""

    id: str | None = None
    name: str | None = None
    type: str | None = None


Voice = str | VoiceObject
FlatFormat = Annotated[str, known("pcm16", "g711_ulaw", "g711_alaw")]
Modalities = list[Annotated[str, known("text", "audio")]]
MaxTokens = Number | Annotated[str, known("inf")]


class TurnDetection(Model):
    """How the server tells that the user has begun and ended to speak; null where the client commits itself."""

    type: Annotated[str, known("server_vad", "semantic_vad", "azure_semantic_vad", "none")] | None = None
    create_response: bool | None = None
    """Whether the end of speech starts a response."""
    interrupt_response: bool | None = None
    """Whether the start of speech cancels one."""
    threshold: Number | None = None
    prefix_padding_ms: Number | None = None
    """Audio kept from before speech was detected; already part of ``audio_start_ms``."""
    silence_duration_ms: Number | None = None
    idle_timeout_ms: Number | None = None
    """GA: silence after which the server speaks up by itself."""
    eagerness: Annotated[str, known("low", "medium", "high", "auto")] | None = None
    """``semantic_vad`` only."""


class TranscriptionConfig(Model):
    """How the user's audio is transcribed."""

    model: str | None = None
    language: str | None = None
    languages: list[str] | None = None
    prompt: str | None = None
    keywords: list[str] | None = None
    delay: str | None = None


class NoiseReduction(Model):
    """Noise reduction before turn detection and model."""

    type: Annotated[str, known("near_field", "far_field", "azure_deep_noise_suppression")] | None = None
    strength: Number | None = None


class InputAudioConfig(Model):
    """The user's audio, GA shape."""

    format: AudioFormat | str | None = None
    transcription: TranscriptionConfig | None = None
    noise_reduction: NoiseReduction | None = None
    turn_detection: TurnDetection | None = None


class OutputAudioConfig(Model):
    """The model's audio, GA shape."""

    format: AudioFormat | str | None = None
    voice: Voice | None = None
    speed: Number | None = None


class AudioConfig(Model):
    """Audio both ways, GA shape."""

    input: InputAudioConfig | None = None
    output: OutputAudioConfig | None = None


class Prompt(Model):
    """A stored prompt, by reference."""

    id: str | None = None
    version: str | None = None
    variables: dict[str, Json] | None = None


class Reasoning(Model):
    """How hard the model thinks before it answers."""

    effort: Annotated[str, known("minimal", "low", "medium", "high", "xhigh")] | None = None


class Tracing(Model):
    """Names for the vendor's trace of the session."""

    workflow_name: str | None = None
    group_id: str | None = None
    metadata: Json = None


class TokenLimits(Model):
    """Bounds of the context that truncation keeps."""

    post_instructions: Number | None = None


class TruncationStrategy(Model):
    """How the server shortens its own context. It does so without any event."""

    type: Annotated[str, known("retention_ratio")] | None = None
    retention_ratio: Number | None = None
    token_limits: TokenLimits | None = None


class ClientSecret(Model):
    """An ephemeral key. In a recording its ``value`` is a marker."""

    value: str | None = None
    expires_at: Json = None
    """Seconds since 1970; in a request, ``{anchor, seconds}``."""
    expires_after: Json = None


class _FlatAudio(Model):
    """Preview's flat audio fields, which a transcription session has too. Canonical: below ``audio.input``."""

    modalities: Modalities | None = None
    """Preview; canonical ``output_modalities``."""
    input_audio_format: FlatFormat | AudioFormat | None = None
    """Preview; canonical ``audio.input.format``."""
    input_audio_transcription: TranscriptionConfig | None = None
    """Preview; canonical ``audio.input.transcription``."""
    input_audio_noise_reduction: NoiseReduction | None = None
    """Preview; canonical ``audio.input.noise_reduction``."""
    turn_detection: TurnDetection | None = None
    """Preview; canonical ``audio.input.turn_detection``."""
    client_secret: ClientSecret | None = None
    """Preview."""
    include: list[str] | None = None


class Session(_FlatAudio):
    """A session's configuration: GA's nested shape, preview's flat one, or a vendor's mixture of both.

    In ``session.update`` only what is to change is there.
    """

    type: Annotated[str, known("realtime", "transcription")] | None = None
    """GA; preview does not state it."""
    id: str | None = None
    object: Annotated[str, known("realtime.session", "realtime.transcription_session")] | None = None
    model: str | None = None
    expires_at: Number | None = None
    """Seconds since 1970."""
    instructions: str | None = None
    output_modalities: Modalities | None = None
    """GA: one of text and audio; audio implies its transcript."""
    audio: AudioConfig | None = None
    """GA."""
    tools: list[Tool] | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    max_output_tokens: MaxTokens | None = None
    reasoning: Reasoning | None = None
    prompt: Prompt | None = None
    tracing: str | Tracing | None = None
    truncation: str | TruncationStrategy | None = None
    """``auto``, ``disabled``, or how much to keep."""
    max_response_output_tokens: MaxTokens | None = None
    """Preview; canonical ``max_output_tokens``."""
    voice: Voice | None = None
    """Preview; canonical ``audio.output.voice``."""
    speed: Number | None = None
    """Preview; canonical ``audio.output.speed``."""
    output_audio_format: FlatFormat | AudioFormat | None = None
    """Preview; canonical ``audio.output.format``."""
    temperature: Number | None = None
    """Preview; GA has none."""
    input_audio_sampling_rate: Number | None = None
    """Azure; the rate of a ``pcm16`` input."""


class TranscriptionSession(_FlatAudio):
    """A preview session that only transcribes; in GA a session of type ``transcription``."""

    id: str | None = None
    object: Annotated[str, known("realtime.transcription_session")] | None = None
    expires_at: Number | None = None


class SessionUpdate(ClientEvent):
    """Change the session's configuration; what is absent stays as it is."""

    type: Literal["session.update"]
    session: Session | None = None


class SessionCreated(ServerEvent):
    """The session exists; its default configuration."""

    type: Literal["session.created"]
    session: Session | None = None


class SessionUpdated(ServerEvent):
    """The configuration after an update, as a whole."""

    type: Literal["session.updated"]
    session: Session | None = None


class TranscriptionSessionUpdate(ClientEvent):
    """Change a transcription session's configuration. Preview; ``session.update`` in GA."""

    type: Literal["transcription_session.update"]
    session: TranscriptionSession | None = None


class TranscriptionSessionCreated(ServerEvent):
    """The transcription session exists. Preview; ``session.created`` in GA."""

    type: Literal["transcription_session.created"]
    session: TranscriptionSession | None = None


class TranscriptionSessionUpdated(ServerEvent):
    """A transcription session's configuration after an update. Preview; ``session.updated`` in GA."""

    type: Literal["transcription_session.updated"]
    session: TranscriptionSession | None = None
