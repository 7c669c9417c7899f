"""Calls of tools that the server runs itself (MCP): what was called where, who approved it, what came back. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ...schemas.failures import error_words
from ...schemas.state import Item
from ...schemas.values import string

__all__ = ["ServerCall", "approvals", "server_call", "unfinished"]


@dataclass(frozen=True, slots=True)
class ServerCall:
    """A call of a server's tool, or a request to approve one.

    Attributes:
        server: the server's label; None where nobody states it.
        name: the tool.
        arguments: as stated, or as far as they came.
        output: what came back; None where nothing did.
        error: why it failed, in words; None if nothing says that it did.
        approved: what the client said; None where it was not asked or has not answered.
        asked: whether the call waited for the client's approval.
    """

    server: str | None
    name: str | None
    arguments: str
    output: str | None = None
    error: str | None = None
    approved: bool | None = None
    asked: bool = False


def approvals(items: Iterable[Item]) -> dict[str, bool]:
    """Return what the client answered to requests for approval, by the id of the request's item."""
    found: dict[str, bool] = {}
    for item in items:
        request = string(item.fields, "approval_request_id")
        approve = item.fields.get("approve")
        if item.type == "mcp_approval_response" and request is not None and isinstance(approve, bool):
            found[request] = approve
    return found


def server_call(item: Item, approved: dict[str, bool]) -> ServerCall:
    """Read an ``mcp_call`` or ``mcp_approval_request`` item.

    Args:
        item: the item.
        approved: see :func:`approvals`.
    """
    asking = item.type == "mcp_approval_request"
    request = item.id if asking else string(item.fields, "approval_request_id")
    stated = item.fields.get("error")
    error = None if stated is None else error_words(stated) or "failed"
    if error is None and item.status == "failed":
        error = "failed"
    return ServerCall(
        server=string(item.fields, "server_label"),
        name=item.name,
        arguments=item.arguments or "",
        output=item.output,
        error=error,
        approved=approved.get(request or ""),
        asked=request is not None,
    )


def unfinished(item: Item, *, has_arguments: bool) -> str | None:
    """Return that a model's call is not whole: its arguments are those that came. None if it is, or is no call.

    Args:
        item: the item.
        has_arguments: whether the server said that the arguments are complete; some never say so of the item.
    """
    if item.type not in ("function_call", "mcp_call"):
        return None
    if item.status == "incomplete":
        return "incomplete call"
    return "unfinished call" if item.status == "in_progress" and not has_arguments else None
