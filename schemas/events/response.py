"""Responses: asked for, created, done, with status and usage."""

from __future__ import annotations

from typing import Annotated, Literal

from .base import ClientEvent, Json, Model, Number, ServerEvent, known
from .items import Item
from .session import AudioConfig, AudioFormat, FlatFormat, MaxTokens, Modalities, Prompt, Reasoning, Voice
from .tools import Tool, ToolChoice

__all__ = [
    "CachedTokens",
    "InputTokens",
    "OutputTokens",
    "Response",
    "ResponseCancel",
    "ResponseCreate",
    "ResponseCreated",
    "ResponseDone",
    "ResponseError",
    "ResponseRequest",
    "StatusDetails",
    "Usage",
]


class CachedTokens(Model):
    """Cached input tokens by kind."""

    text_tokens: Number | None = None
    audio_tokens: Number | None = None
    image_tokens: Number | None = None


class InputTokens(Model):
    """Input tokens by kind."""

    text_tokens: Number | None = None
    audio_tokens: Number | None = None
    image_tokens: Number | None = None
    cached_tokens: Number | None = None
    cached_tokens_details: CachedTokens | None = None


class OutputTokens(Model):
    """Output tokens by kind."""

    text_tokens: Number | None = None
    audio_tokens: Number | None = None
    reasoning_tokens: Number | None = None


class Usage(Model):
    """What a response cost."""

    total_tokens: Number | None = None
    input_tokens: Number | None = None
    output_tokens: Number | None = None
    input_token_details: InputTokens | None = None
    output_token_details: OutputTokens | None = None


class ResponseError(Model):
    """Why a response failed."""

    type: str | None = None
    code: str | None = None
    message: str | None = None


class StatusDetails(Model):
    """More about a response's status."""

    type: Annotated[str, known("completed", "cancelled", "incomplete", "failed")] | None = None
    reason: Annotated[str, known("turn_detected", "client_cancelled", "max_output_tokens", "content_filter")] | None = (
        None
    )
    error: ResponseError | None = None


class _Configured(Model):
    """What a request states and a response echoes, in both shapes."""

    conversation_id: str | None = None
    """Null for a response outside the conversation."""
    output_modalities: Modalities | None = None
    """GA."""
    audio: AudioConfig | None = None
    """GA; only ``output`` has a meaning here."""
    max_output_tokens: MaxTokens | None = None
    metadata: dict[str, Json] | None = None
    """The client's own, echoed."""
    modalities: Modalities | None = None
    """Preview; canonical ``output_modalities``."""
    voice: Voice | None = None
    """Preview; canonical ``audio.output.voice``."""
    output_audio_format: FlatFormat | AudioFormat | None = None
    """Preview; canonical ``audio.output.format``."""
    temperature: Number | None = None
    """Preview; GA has none."""


class ResponseRequest(_Configured):
    """How a response is to be made; what is absent is taken from the session."""

    conversation: Annotated[str, known("auto", "none")] | None = None
    """``none``: outside the conversation."""
    instructions: str | None = None
    input: list[Item] | None = None
    """The whole context, in place of the conversation; may refer to items of it."""
    tools: list[Tool] | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    prompt: Prompt | None = None
    reasoning: Reasoning | None = None
    max_response_output_tokens: MaxTokens | None = None
    """Preview; canonical ``max_output_tokens``."""
    commit: bool | None = None
    """Earliest preview: commit the input buffer first."""
    cancel_previous: bool | None = None
    """Earliest preview: cancel a response that is running."""


class Response(_Configured):
    """A response of the model."""

    id: str | None = None
    object: Annotated[str, known("realtime.response")] | None = None
    status: Annotated[str, known("in_progress", "completed", "cancelled", "incomplete", "failed")] | None = None
    status_details: StatusDetails | str | None = None
    """xAI states a bare string."""
    output: list[Item] | None = None
    usage: Usage | None = None


class ResponseCreate(ClientEvent):
    """Ask the model to answer."""

    type: Literal["response.create"]
    response: ResponseRequest | None = None


class ResponseCancel(ClientEvent):
    """Stop a response that is being made."""

    type: Literal["response.cancel"]
    response_id: str | None = None
    """Absent: the one of the conversation."""


class ResponseCreated(ServerEvent):
    """The model begins to answer."""

    type: Literal["response.created"]
    response: Response | None = None


class ResponseDone(ServerEvent):
    """The answer has ended, whatever its status; all its items, without audio."""

    type: Literal["response.done"]
    response: Response | None = None
    response_id: str | None = None
    """xAI."""
    usage: Usage | None = None
    """xAI; canonical ``response.usage``."""
