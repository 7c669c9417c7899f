"""Reducers of calls: their arguments, and how those of a server's own tools go."""

from __future__ import annotations

from typing import Any

from ....schemas.values import Json, integer, string
from ..identity import find_item, id_in, open_response, output_of_event
from ..merge import touch_response
from ..working import ItemWork, State
from .responses import bind

__all__ = ["arguments_delta", "arguments_done", "mcp_call_status"]


def arguments_delta(state: State, event: Json) -> None:
    """``response.function_call_arguments.delta`` and ``response.mcp_call_arguments.delta``: more of the arguments."""
    delta = string(event, "delta")
    item = _call_item(state, event, telling=bool(delta))
    if item is None or delta is None:
        return
    item.arguments.add(state.seq, delta)
    state.open_text("arguments", item, 0, item.arguments.add)


def arguments_done(state: State, event: Json) -> None:
    """``…arguments.done``: the whole arguments; from here on the client can call."""
    arguments = string(event, "arguments")
    item = _call_item(state, event, telling=bool(arguments))
    if item is None:
        return
    if arguments is not None:
        item.arguments.state(arguments, final=True)
    item.name = string(event, "name") or item.name
    item.arguments_seq, item.arguments_ns = state.seq, state.ns


def _call_item(state: State, event: Json, *, telling: bool) -> ItemWork | None:
    response = touch_response(state, event)
    item = output_of_event(state, event, response, "call", telling=telling)
    if item is None:
        return None
    item.seqs.add(state.seq)
    if response is None and not id_in(event):
        response = open_response(state)
    if item.first_seq == state.seq or not (item.stated or item.parts):
        item.type = "mcp_call" if "mcp" in (string(event, "type") or "") else "function_call"
    if response is not None:
        bind(state, item, response, integer(event, "output_index"))
    item.call_id = id_in(event, "call_id") or item.call_id
    if item.type == "function_call":
        state.calls[item] = None
    return item


def mcp_call_status(state: State, event: Json) -> None:
    """``response.mcp_call.in_progress``, ``.completed``, ``.failed``: how the call of a server's tool goes."""
    item_id = id_in(event)
    if item_id is None:
        state.problem("bad-field", "item_id")
        return
    new = item_id not in state.items
    item = find_item(state, item_id)
    item.seqs.add(state.seq)
    if new:
        item.type = "mcp_call"
    item.status = (string(event, "type") or "").rsplit(".", 1)[-1]
    if item.status != "in_progress":
        item.done_ns = state.ns
    error: Any = event.get("error")
    if error is not None:
        item.fields["error"] = error
