"""Session configuration in both shapes, and the events that state or change it."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from .base import GA, PREVIEW, ClientEvent, Json, Model, Number, Only, ServerEvent, known
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


AZURE: Final = Only("Azure")


class AudioFormat(Model):
    """An audio format in GA shape."""

    type: Annotated[str, known("audio/pcm", "audio/pcmu", "audio/pcma")] | None = None
    rate: Number | None = None
    """Samples per second; 24000 for ``audio/pcm``, not stated for G.711, which is 8000."""


class VoiceObject(Model):
    """A voice that is more than a name: OpenAI's custom voices (``id``), Azure's (``name`` and ``type``)."""

    id: str | None = None
    name: Annotated[str | None, AZURE] = None
    type: Annotated[str | None, AZURE] = None


Voice = str | VoiceObject
FlatFormat = Annotated[str, known("pcm16", "g711_ulaw", "g711_alaw")] | dict[str, Json]
"""A name in preview; an object where a vendor mixes the shapes."""
Modalities = list[Annotated[str, known("text", "audio")]]
MaxTokens = Number | Annotated[str, known("inf")]


class TurnDetection(Model):
    """How the server detects that the user starts and stops speaking; null if the client commits itself."""

    type: Annotated[str, known("server_vad", "semantic_vad", "azure_semantic_vad", "none")] | None = None
    create_response: bool | None = None
    """Whether the end of speech starts a response."""
    interrupt_response: bool | None = None
    """Whether the start of speech cancels one."""
    threshold: Number | None = None
    prefix_padding_ms: Number | None = None
    """Audio kept from before speech was detected; already included in ``audio_start_ms``."""
    silence_duration_ms: Number | None = None
    idle_timeout_ms: Annotated[Number | None, GA] = None
    """Silence after which the server speaks unprompted."""
    eagerness: Annotated[str, known("low", "medium", "high", "auto")] | None = None
    """``semantic_vad`` only."""


class TranscriptionConfig(Model):
    """How the user's audio is transcribed."""

    model: str | None = None
    language: str | None = None
    languages: Annotated[list[str] | None, GA] = None
    prompt: str | None = None
    keywords: Annotated[list[str] | None, GA] = None
    delay: Annotated[str | None, GA] = None


class NoiseReduction(Model):
    """Noise reduction ahead of turn detection and the model."""

    type: Annotated[str, known("near_field", "far_field", "azure_deep_noise_suppression")] | None = None
    strength: Annotated[Number | None, GA] = None


class InputAudioConfig(Model):
    """The user's audio, in GA shape."""

    format: AudioFormat | str | None = None
    transcription: TranscriptionConfig | None = None
    noise_reduction: NoiseReduction | None = None
    turn_detection: TurnDetection | None = None


class OutputAudioConfig(Model):
    """The model's audio, in GA shape."""

    format: AudioFormat | str | None = None
    voice: Voice | None = None
    speed: Number | None = None


class AudioConfig(Model):
    """Audio in both directions, in GA shape."""

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
    """Limits of the context that truncation keeps."""

    post_instructions: Number | None = None


class TruncationStrategy(Model):
    """How the server shortens its own context, which it does without sending an event."""

    type: Annotated[str, known("retention_ratio")] | None = None
    retention_ratio: Number | None = None
    token_limits: TokenLimits | None = None


class ClientSecret(Model):
    """An ephemeral key; in a recording, its ``value`` is a marker."""

    value: str | None = None
    expires_at: Json = None
    """Seconds since 1970; in a request, ``{anchor, seconds}``."""
    expires_after: Json = None


class _FlatAudio(Model):
    """Preview's flat audio fields, which a transcription session has too."""

    modalities: Annotated[Modalities | None, PREVIEW] = None
    """One of ``["text"]`` and ``["text", "audio"]``."""
    input_audio_format: Annotated[FlatFormat | None, PREVIEW] = None
    input_audio_transcription: Annotated[TranscriptionConfig | None, PREVIEW] = None
    input_audio_noise_reduction: Annotated[NoiseReduction | None, PREVIEW] = None
    turn_detection: Annotated[TurnDetection | None, PREVIEW] = None
    client_secret: Annotated[ClientSecret | None, PREVIEW] = None


class Session(_FlatAudio):
    """A session's configuration: GA's nested shape, preview's flat one, or a vendor's mixture of both.

    ``session.update`` holds only what is to change.
    """

    type: Annotated[Annotated[str, known("realtime", "transcription")] | None, GA] = None
    id: str | None = None
    object: Annotated[str, known("realtime.session", "realtime.transcription_session")] | None = None
    model: str | None = None
    expires_at: Number | None = None
    """Seconds since 1970."""
    instructions: str | None = None
    output_modalities: Annotated[Modalities | None, GA] = None
    """One of ``["text"]`` and ``["audio"]``, which implies a transcript."""
    audio: Annotated[AudioConfig | None, GA] = None
    tools: list[Tool] | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: Annotated[bool | None, GA] = None
    max_output_tokens: Annotated[MaxTokens | None, GA] = None
    reasoning: Annotated[Reasoning | None, GA] = None
    prompt: Annotated[Prompt | None, GA] = None
    tracing: str | Tracing | None = None
    truncation: Annotated[str | TruncationStrategy | None, GA] = None
    """``auto``, ``disabled``, or how much to keep."""
    include: Annotated[list[str] | None, GA] = None
    """Extra fields to send: ``item.input_audio_transcription.logprobs``."""
    max_response_output_tokens: Annotated[MaxTokens | None, PREVIEW] = None
    voice: Annotated[Voice | None, PREVIEW] = None
    speed: Annotated[Number | None, PREVIEW] = None
    output_audio_format: Annotated[FlatFormat | None, PREVIEW] = None
    temperature: Annotated[Number | None, PREVIEW] = None
    input_audio_sampling_rate: Annotated[Number | None, AZURE] = None
    """The rate of a ``pcm16`` input."""


class TranscriptionSession(_FlatAudio):
    """A preview session that only transcribes; in GA, a session of type ``transcription``."""

    include: list[str] | None = None
    id: str | None = None
    object: Annotated[str, known("realtime.transcription_session")] | None = None
    expires_at: Number | None = None


class SessionUpdate(ClientEvent):
    """Change the session's configuration; what is absent stays as it is."""

    type: Literal["session.update"]
    session: Session | None = None


class SessionCreated(ServerEvent):
    """The session exists, with its default configuration."""

    type: Literal["session.created"]
    session: Session | None = None


class SessionUpdated(ServerEvent):
    """The complete configuration after an update."""

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
