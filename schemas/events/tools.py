"""Tools that a session offers the model, and how it may choose among them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .base import Json, Model, known

__all__ = [
    "ApprovalFilter",
    "FunctionTool",
    "McpTool",
    "McpToolDescription",
    "OtherTool",
    "Tool",
    "ToolChoice",
    "ToolFilter",
    "ToolSelection",
]


class FunctionTool(Model):
    """A function that the client runs."""

    type: Literal["function"]
    name: str | None = None
    description: str | None = None
    parameters: Json = None
    """A JSON Schema."""


class ToolFilter(Model):
    """Selects tools of an MCP server, by name or by what they do."""

    tool_names: list[str] | None = None
    read_only: bool | None = None


class ApprovalFilter(Model):
    """Which tools of an MCP server need the client's approval."""

    always: ToolFilter | None = None
    never: ToolFilter | None = None


class McpTool(Model):
    """An MCP server or connector whose tools the Realtime server calls itself."""

    type: Literal["mcp"]
    server_label: str | None = None
    server_url: str | None = None
    server_description: str | None = None
    connector_id: str | None = None
    tunnel_id: str | None = None
    authorization: str | None = None
    """A credential; replaced by a marker in a recording."""
    headers: dict[str, Json] | None = None
    """May hold credentials, which are replaced by markers in a recording."""
    allowed_tools: list[str] | ToolFilter | None = None
    allowed_callers: list[str] | None = None
    require_approval: str | ApprovalFilter | None = None
    """``always``, ``never``, or for which tools."""
    defer_loading: bool | None = None


class OtherTool(Model):
    """A tool of another type, or in another shape."""

    type: Json = None


class McpToolDescription(Model):
    """One tool as its MCP server describes it."""

    name: str | None = None
    description: str | None = None
    input_schema: Json = None
    annotations: Json = None


class ToolSelection(Model):
    """The one tool that the model must use."""

    type: Annotated[str, known("function", "mcp")] | None = None
    name: str | None = None
    server_label: str | None = None


Tool = Annotated[FunctionTool | McpTool | OtherTool, Field(union_mode="left_to_right")]
ToolChoice = Annotated[str, known("auto", "none", "required")] | ToolSelection
