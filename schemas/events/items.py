"""Conversation items and their content parts."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .base import GA, PREVIEW, Json, Model, Number, known
from .tools import McpToolDescription

__all__ = [
    "FunctionCall",
    "FunctionCallOutput",
    "InputAudio",
    "InputImage",
    "InputText",
    "Item",
    "ItemReference",
    "McpApprovalRequest",
    "McpApprovalResponse",
    "McpCall",
    "McpError",
    "McpListTools",
    "Message",
    "OtherItem",
    "OtherPart",
    "OutputAudio",
    "OutputText",
    "Part",
    "ReferencePart",
]


class _Part(Model):
    id: Annotated[str | None, PREVIEW] = None
    """The item that an ``item_reference`` part names."""


class InputText(_Part):
    """Text that the user or the system wrote."""

    type: Literal["input_text"]
    text: str | None = None


class InputAudio(_Part):
    """Speech of the user."""

    type: Literal["input_audio"]
    audio: str | None = None
    """Base64, in the session's input format. Servers omit it, except when an item is retrieved."""
    transcript: str | None = None
    """Its transcription, by a different model than the one that answers; null until it is made."""


class InputImage(Model):
    """An image for the model to look at."""

    type: Literal["input_image"]
    image_url: str | None = None
    """A data URL with a PNG or JPEG."""
    detail: Annotated[str, known("auto", "low", "high")] | None = None


class OutputText(_Part):
    """Text that the model wrote; ``text`` in preview and in ``response.content_part.*``."""

    type: Literal["output_text", "text"]
    text: str | None = None


class OutputAudio(_Part):
    """Speech of the model; ``audio`` in preview and in ``response.content_part.*``."""

    type: Literal["output_audio", "audio"]
    audio: str | None = None
    """Base64, in the response's output format."""
    transcript: str | None = None
    """What was said; removed by a truncation."""


class ReferencePart(_Part):
    """A part of an ``item_reference``: the id of an earlier item. Preview."""

    type: Literal["item_reference"]


class OtherPart(Model):
    """A content part of another type, or in another shape."""

    type: Json = None


Part = Annotated[
    InputText | InputAudio | InputImage | OutputText | OutputAudio | ReferencePart | OtherPart,
    Field(union_mode="left_to_right"),
]


class _Item(Model):
    id: str | None = None
    """Chosen by the side that creates the item."""


class _StatedItem(_Item):
    object: Annotated[str, known("realtime.item")] | None = None
    status: Annotated[str, known("completed", "incomplete", "in_progress")] | None = None


class Message(_StatedItem):
    """Something said or written by the user, the assistant or the system."""

    type: Literal["message"]
    role: Annotated[str, known("user", "assistant", "system")] | None = None
    content: list[Part] | None = None
    """Absent or null means not stated, which is not the same as empty."""
    phase: Annotated[Annotated[str, known("commentary", "final_answer")] | None, GA] = None
    """Reasoning models: whether this is the final answer or a remark before it."""


class FunctionCall(_StatedItem):
    """The model asks the client to run a function."""

    type: Literal["function_call"]
    name: str | None = None
    call_id: str | None = None
    arguments: str | None = None
    """A string of JSON, written by the model; not always valid."""


class FunctionCallOutput(_StatedItem):
    """What the client's function returned."""

    type: Literal["function_call_output"]
    call_id: str | None = None
    output: str | None = None


class McpListTools(_Item):
    """The tools of an MCP server, as the Realtime server fetched them."""

    type: Literal["mcp_list_tools"]
    server_label: str | None = None
    tools: list[McpToolDescription] | None = None


class McpError(Model):
    """Why a tool call on an MCP server failed."""

    type: Annotated[str, known("protocol_error", "tool_execution_error", "http_error")] | None = None
    code: Number | None = None
    message: str | None = None


class McpCall(_Item):
    """A call of an MCP server's tool, made by the Realtime server itself."""

    type: Literal["mcp_call"]
    server_label: str | None = None
    name: str | None = None
    arguments: str | None = None
    output: str | None = None
    error: McpError | str | None = None
    approval_request_id: str | None = None


class McpApprovalRequest(_Item):
    """The server asks whether it may make a tool call."""

    type: Literal["mcp_approval_request"]
    server_label: str | None = None
    name: str | None = None
    arguments: str | None = None


class McpApprovalResponse(_Item):
    """The client's answer to an approval request."""

    type: Literal["mcp_approval_response"]
    approval_request_id: str | None = None
    approve: bool | None = None
    reason: str | None = None


class ItemReference(_StatedItem):
    """An item of the conversation, referred to by id in a response's ``input``."""

    type: Literal["item_reference"]


class OtherItem(Model):
    """An item of another type, or in another shape."""

    type: Json = None


Item = Annotated[
    Message
    | FunctionCall
    | FunctionCallOutput
    | McpListTools
    | McpCall
    | McpApprovalRequest
    | McpApprovalResponse
    | ItemReference
    | OtherItem,
    Field(union_mode="left_to_right"),
]
