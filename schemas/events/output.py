"""The streamed output of a response: items, parts, text, audio, calls."""

from __future__ import annotations

from typing import Annotated, Literal

from .base import GA, ServerEvent
from .items import Item, Part

__all__ = [
    "ResponseContentPartAdded",
    "ResponseContentPartDone",
    "ResponseFunctionCallArgumentsDelta",
    "ResponseFunctionCallArgumentsDone",
    "ResponseMcpCallArgumentsDelta",
    "ResponseMcpCallArgumentsDone",
    "ResponseMcpCallCompleted",
    "ResponseMcpCallFailed",
    "ResponseMcpCallInProgress",
    "ResponseOutputAudioDelta",
    "ResponseOutputAudioDone",
    "ResponseOutputAudioTranscriptDelta",
    "ResponseOutputAudioTranscriptDone",
    "ResponseOutputItemAdded",
    "ResponseOutputItemDone",
    "ResponseOutputTextDelta",
    "ResponseOutputTextDone",
]


class _Output(ServerEvent):
    response_id: str | None = None
    output_index: int | None = None
    """Which item of the response this is about."""


class _OutputItem(_Output):
    item: Item | None = None


class _OnItem(_Output):
    item_id: str | None = None


class _OnPart(_OnItem):
    content_index: int | None = None
    """Which part of the item this is about."""


class _Delta(_OnPart):
    delta: str | None = None
    obfuscation: Annotated[str | None, GA] = None
    """Random padding, so that sizes reveal nothing; not content."""


class _ContentPart(_OnPart):
    part: Part | None = None
    """Its ``type`` is ``text`` or ``audio``, not ``output_…``, even in GA."""


class ResponseOutputItemAdded(_OutputItem):
    """The response begins an item."""

    type: Literal["response.output_item.added"]


class ResponseOutputItemDone(_OutputItem):
    """An item of the response is finished or was cut off; its status says which."""

    type: Literal["response.output_item.done"]


class ResponseContentPartAdded(_ContentPart):
    """An item begins a content part."""

    type: Literal["response.content_part.added"]


class ResponseContentPartDone(_ContentPart):
    """A content part is finished."""

    type: Literal["response.content_part.done"]


class ResponseOutputTextDelta(_Delta):
    """A piece of text."""

    type: Literal["response.output_text.delta", "response.text.delta"]


class ResponseOutputTextDone(_OnPart):
    """The complete text of a part."""

    type: Literal["response.output_text.done", "response.text.done"]
    text: str | None = None


class ResponseOutputAudioDelta(_Delta):
    """A piece of audio: base64, in the response's output format."""

    type: Literal["response.output_audio.delta", "response.audio.delta"]


class ResponseOutputAudioDone(_OnPart):
    """All audio of a part has been sent."""

    type: Literal["response.output_audio.done", "response.audio.done"]


class ResponseOutputAudioTranscriptDelta(_Delta):
    """A piece of the transcript of the model's own speech."""

    type: Literal["response.output_audio_transcript.delta", "response.audio_transcript.delta"]


class ResponseOutputAudioTranscriptDone(_OnPart):
    """The complete transcript of a part."""

    type: Literal["response.output_audio_transcript.done", "response.audio_transcript.done"]
    transcript: str | None = None


class _FunctionCall(_OnItem):
    call_id: str | None = None


class ResponseFunctionCallArgumentsDelta(_FunctionCall):
    """A piece of a function call's arguments."""

    type: Literal["response.function_call_arguments.delta"]
    delta: str | None = None
    obfuscation: Annotated[str | None, GA] = None


class ResponseFunctionCallArgumentsDone(_FunctionCall):
    """The complete arguments of a function call."""

    type: Literal["response.function_call_arguments.done"]
    name: Annotated[str | None, GA] = None
    arguments: str | None = None


class ResponseMcpCallArgumentsDelta(_OnItem):
    """A piece of an MCP call's arguments. GA."""

    type: Literal["response.mcp_call_arguments.delta"]
    delta: str | None = None
    obfuscation: str | None = None


class ResponseMcpCallArgumentsDone(_OnItem):
    """The complete arguments of an MCP call. GA."""

    type: Literal["response.mcp_call_arguments.done"]
    arguments: str | None = None


class _McpCall(ServerEvent):
    output_index: int | None = None
    item_id: str | None = None


class ResponseMcpCallInProgress(_McpCall):
    """The server is calling the MCP server. GA."""

    type: Literal["response.mcp_call.in_progress"]


class ResponseMcpCallCompleted(_McpCall):
    """The MCP server has answered. GA."""

    type: Literal["response.mcp_call.completed"]


class ResponseMcpCallFailed(_McpCall):
    """The MCP call failed. GA."""

    type: Literal["response.mcp_call.failed"]
