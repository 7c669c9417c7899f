"""Transcription of the user's audio: made by another model, in parallel with the conversation."""

from __future__ import annotations

from typing import Annotated, Literal

from .base import GA, Failure, Model, Number, Only, ServerEvent, known

__all__ = [
    "InputAudioTranscriptionCompleted",
    "InputAudioTranscriptionDelta",
    "InputAudioTranscriptionFailed",
    "InputAudioTranscriptionSegment",
    "InputAudioTranscriptionUpdated",
    "Language",
    "LogProb",
    "TranscriptionError",
    "TranscriptionUsage",
    "TranscriptionUsageDetails",
]


class LogProb(Model):
    """How certain the transcription is of one token."""

    token: str | None = None
    logprob: Number | None = None
    bytes: list[int] | None = None


class Language(Model):
    """A recognised language."""

    code: str | None = None


class TranscriptionUsageDetails(Model):
    """Input tokens by kind."""

    audio_tokens: Number | None = None
    text_tokens: Number | None = None


class TranscriptionUsage(Model):
    """What a transcription cost, by tokens or by duration."""

    type: Annotated[str, known("tokens", "duration")] | None = None
    seconds: Number | None = None
    """``duration`` only."""
    total_tokens: Number | None = None
    input_tokens: Number | None = None
    input_token_details: TranscriptionUsageDetails | None = None
    output_tokens: Number | None = None


class TranscriptionError(Failure):
    """Why a transcription failed."""

    param: str | None = None


class _OfPart(ServerEvent):
    item_id: str | None = None
    content_index: int | None = None


class InputAudioTranscriptionDelta(_OfPart):
    """A piece of the transcription; it may arrive while the model is already answering."""

    type: Literal["conversation.item.input_audio_transcription.delta"]
    delta: str | None = None
    logprobs: list[LogProb] | None = None
    obfuscation: Annotated[str | None, GA] = None
    """Random padding, so that sizes reveal nothing; not content."""


class InputAudioTranscriptionCompleted(_OfPart):
    """The complete transcription. xAI sends several, each replacing the one before."""

    type: Literal["conversation.item.input_audio_transcription.completed"]
    transcript: str | None = None
    usage: TranscriptionUsage | None = None
    logprobs: list[LogProb] | None = None
    languages: Annotated[list[Language] | None, GA] = None
    status: Annotated[str | None, Only("xAI")] = None
    """``in_progress`` if more will follow."""


class InputAudioTranscriptionSegment(_OfPart):
    """A stretch of the transcription with speaker and times. GA."""

    type: Literal["conversation.item.input_audio_transcription.segment"]
    id: str | None = None
    text: str | None = None
    speaker: str | None = None
    start: Number | None = None
    """Seconds from the start of the item's audio."""
    end: Number | None = None


class InputAudioTranscriptionFailed(_OfPart):
    """The transcription failed; the item itself is not affected."""

    type: Literal["conversation.item.input_audio_transcription.failed"]
    error: TranscriptionError | None = None


class InputAudioTranscriptionUpdated(_OfPart):
    """The transcription so far, replacing the one before. xAI."""

    type: Literal["conversation.item.input_audio_transcription.updated"]
    transcript: str | None = None
