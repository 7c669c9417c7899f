"""Responses: requested, created, done, with status and usage."""

from __future__ import annotations

from typing import Annotated, Literal

from .base import GA, PREVIEW, ClientEvent, Failure, Json, Model, Number, Only, ServerEvent, known
from .items import Item
from .session import AudioConfig, FlatFormat, MaxTokens, Modalities, Prompt, Reasoning, Voice
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
    image_tokens: Annotated[Number | None, GA] = None
    cached_tokens: Number | None = None
    cached_tokens_details: Annotated[CachedTokens | None, GA] = None


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


class StatusDetails(Model):
    """More about a response's status."""

    type: Annotated[str, known("completed", "cancelled", "incomplete", "failed")] | None = None
    reason: Annotated[str, known("turn_detected", "client_cancelled", "max_output_tokens", "content_filter")] | None = (
        None
    )
    error: Failure | None = None


class _Configured(Model):
    """What a request states and a response repeats, in both shapes."""

    output_modalities: Annotated[Modalities | None, GA] = None
    audio: Annotated[AudioConfig | None, GA] = None
    """Only ``output`` has a meaning here."""
    metadata: dict[str, Json] | None = None
    """The client's own, repeated by the server."""
    modalities: Annotated[Modalities | None, PREVIEW] = None
    voice: Annotated[Voice | None, PREVIEW] = None
    output_audio_format: Annotated[FlatFormat | None, PREVIEW] = None
    temperature: Annotated[Number | None, PREVIEW] = None


class ResponseRequest(_Configured):
    """How to make a response; what is absent is taken from the session."""

    conversation: Annotated[str, known("auto", "none")] | None = None
    """``none``: outside the conversation."""
    instructions: str | None = None
    input: list[Item] | None = None
    """The whole context, used instead of the conversation; may refer to its items."""
    tools: list[Tool] | None = None
    tool_choice: ToolChoice | None = None
    max_output_tokens: Annotated[MaxTokens | None, GA] = None
    parallel_tool_calls: Annotated[bool | None, GA] = None
    prompt: Annotated[Prompt | None, GA] = None
    reasoning: Annotated[Reasoning | None, GA] = None
    max_response_output_tokens: Annotated[MaxTokens | None, PREVIEW] = None
    commit: Annotated[bool | None, PREVIEW] = None
    """Earliest API only: commit the input buffer first."""
    cancel_previous: Annotated[bool | None, PREVIEW] = None
    """Earliest API only: cancel a running response."""


class Response(_Configured):
    """A response of the model."""

    id: str | None = None
    object: Annotated[str, known("realtime.response")] | None = None
    conversation_id: str | None = None
    """Null for a response outside the conversation."""
    status: Annotated[str, known("in_progress", "completed", "cancelled", "incomplete", "failed")] | None = None
    status_details: StatusDetails | str | None = None
    """A plain string in xAI."""
    output: list[Item] | None = None
    usage: Usage | None = None
    max_output_tokens: MaxTokens | None = None


class ResponseCreate(ClientEvent):
    """Ask the model to answer."""

    type: Literal["response.create"]
    response: ResponseRequest | None = None


class ResponseCancel(ClientEvent):
    """Stop a response in progress."""

    type: Literal["response.cancel"]
    response_id: str | None = None
    """Absent: the response in the conversation."""


class ResponseCreated(ServerEvent):
    """The model begins a response."""

    type: Literal["response.created"]
    response: Response | None = None


class ResponseDone(ServerEvent):
    """The response has ended, with whatever status; holds all its items, without audio."""

    type: Literal["response.done"]
    response: Response | None = None
    response_id: Annotated[str | None, Only("xAI")] = None
    usage: Annotated[Usage | None, Only("xAI")] = None
