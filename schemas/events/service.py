"""What the service itself says: errors, rate limits, tool listings, signs of life."""

from __future__ import annotations

from typing import Annotated, Literal

from .base import Failure, Model, Number, ServerEvent, known

__all__ = [
    "ErrorDetails",
    "ErrorEvent",
    "McpListToolsCompleted",
    "McpListToolsFailed",
    "McpListToolsInProgress",
    "Ping",
    "RateLimit",
    "RateLimitsUpdated",
]


class ErrorDetails(Failure):
    """What went wrong."""

    param: str | None = None
    event_id: str | None = None
    """The client event that caused it, if that had an id."""


class ErrorEvent(ServerEvent):
    """Something went wrong; the session usually goes on."""

    type: Literal["error"]
    error: ErrorDetails | None = None


class RateLimit(Model):
    """One limit: how much is left of it."""

    name: Annotated[str, known("requests", "tokens")] | None = None
    limit: Number | None = None
    remaining: Number | None = None
    reset_seconds: Number | None = None


class RateLimitsUpdated(ServerEvent):
    """What is left of the rate limits, after a response began (preview) or ended (GA)."""

    type: Literal["rate_limits.updated"]
    rate_limits: list[RateLimit] | None = None


class _McpListTools(ServerEvent):
    item_id: str | None = None


class McpListToolsInProgress(_McpListTools):
    """The server is asking an MCP server for its tools. GA."""

    type: Literal["mcp_list_tools.in_progress"]


class McpListToolsCompleted(_McpListTools):
    """The MCP server's tools are known. GA."""

    type: Literal["mcp_list_tools.completed"]


class McpListToolsFailed(_McpListTools):
    """The MCP server's tools could not be fetched. GA."""

    type: Literal["mcp_list_tools.failed"]


class Ping(ServerEvent):
    """A sign of life. xAI."""

    type: Literal["ping"]
    timestamp: Number | None = None
    """Milliseconds since 1970."""
