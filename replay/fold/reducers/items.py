"""Reducers of the conversation's items."""

from __future__ import annotations

from ....schemas.state import McpTools, Truncation
from ....schemas.values import Json, integer, members, number, objects, string
from ..answers import answer
from ..identity import announced_item, find_item, id_in, of_assistant, requested_id, stated_item
from ..merge import audio_length, merge_item, place_item
from ..working import ItemWork, Output, Request, State

__all__ = [
    "item_added",
    "item_deleted",
    "item_done",
    "item_retrieved",
    "item_truncated",
    "mcp_list_tools_completed",
    "mcp_list_tools_failed",
    "mcp_list_tools_in_progress",
    "take_item",
]


def item_added(state: State, event: Json) -> None:
    """``conversation.item.added`` and ``.created``: the item is on record, at its place."""
    stated = members(event, "item")
    item = announced_item(state, stated)
    if item is not None:
        _record(state, item, stated, event, final=False)


def item_done(state: State, event: Json) -> None:
    """``conversation.item.done``: the item as it ended. A null predecessor here moves nothing."""
    stated = members(event, "item")
    item = stated_item(state, stated)
    if item is not None:
        _record(state, item, stated, event, final=True)


def _record(state: State, item: ItemWork, stated: Json, event: Json, *, final: bool) -> None:
    item.on_record = True
    merge_item(state, item, stated, final=final)
    if item.role is None and item.type == "message" and item.wire_id in state.speech_of:
        item.role = "user"
    if item.deleted_seq is not None:
        return
    # Some vendors add the item while it is being spoken.
    if item.created_by is None and item.wire_id in state.speech_of and item.role == "user":
        item.created_by = "speech"
    request = answer(state, event)
    if item.created_by is None:
        _say_who(state, item, request)
    if item.response is not None:
        item.response.in_band = True  # whatever was read off its fields before: its item is in the conversation
    take_item(state, item)
    if request is not None and string(request.event, "previous_item_id") == "root":
        event = {**event, "previous_item_id": "root"}
    place_item(state, item, event)


def _say_who(state: State, item: ItemWork, request: Request | None) -> None:
    if request is not None:
        item.created_by = "client"
        item.request_seq = request.seq
        item.id_by_client = string(members(request.event, "item"), "id") == item.wire_id
        _take_asked(state, item, members(request.event, "item"))
        _take_sent_audio(state, item, request)
    elif state.seq in state.doubts.undecided:
        item.created_by = "client"
    elif item.role == "assistant" and item.status == "in_progress":
        item.created_by = "model"
    else:
        item.created_by = "server"


def _take_asked(state: State, item: ItemWork, asked: Json) -> None:
    """What an acknowledgement leaves out is as the client asked for it."""
    left_out = {"role": item.role is None, "content": not item.parts}
    merge_item(state, item, {key: asked.get(key) for key, absent in left_out.items() if absent}, final=False)


def _take_sent_audio(state: State, item: ItemWork, request: Request) -> None:
    """Audio that a client put into an item lies in the client's event."""
    for index, part in enumerate(objects(members(request.event, "item"), "content")):
        if part is not None and part.get("audio") is not None and index in item.parts:
            item.parts[index].audio.add(request.seq, audio_length(state, part["audio"]))


def take_item(state: State, item: ItemWork) -> None:
    """Keep what an item means beside the conversation: a function's output, the tools of a server."""
    if item.type == "function_call_output" and item.call_id is not None:
        output = _sent_as(state.outputs.get(item.call_id), item)
        if output is None:
            output = state.outputs[item.call_id] = Output(item.output)
        output.item_id = item.id
        output.output = item.output if item.output is not None else output.output
        output.seqs.add(state.seq)
    elif item.type == "mcp_list_tools":
        tools = _tools(state, item.id)
        server_label = string(item.fields, "server_label")
        tools.server_label = server_label or tools.server_label
        stated = item.fields.get("tools")
        tools.tools = stated if isinstance(stated, list) and stated else tools.tools
        error = item.fields.get("error")
        tools.error = error if error is not None else tools.error


def _sent_as(output: Output | None, item: ItemWork) -> Output | None:
    """The one of a call's outputs that an item is: the newest unless an earlier one says the same and it does not."""
    newest = output
    while output is not None and output.output != item.output:
        output = output.before
    return output or newest


def item_retrieved(state: State, event: Json) -> None:
    """``conversation.item.retrieved``: the item as the server holds it. It says nothing about its place."""
    stated = members(event, "item")
    item = stated_item(state, stated)
    if item is None:
        return
    answer(state, event)
    merge_item(state, item, stated, final=item.status != "in_progress")
    take_item(state, item)
    if not item.on_record and item.deleted_seq is None:
        item.on_record = True
        _say_who(state, item, None)
        place_item(state, item, {})


def item_deleted(state: State, event: Json) -> None:
    """``conversation.item.deleted``: the item leaves the conversation; the record keeps it."""
    item_id = id_in(event)
    request = answer(state, event)
    if item_id is None:  # xAI leaves it empty
        state.problem("bad-field", "item_id")
        item_id = None if request is None else id_in(request.event)
    if item_id is None:
        return
    newest = find_item(state, item_id)
    item = next((item for item in newest.same_id() if item.deleted_seq is None), newest)
    item.seqs.add(state.seq)
    if item.deleted_seq is None:
        item.deleted_seq = state.seq
        state.deleted.append(item)


def item_truncated(state: State, event: Json) -> None:
    """``conversation.item.truncated``: the cut is done. Without a client's request the server made it itself."""
    end = number(event, "audio_end_ms")
    if end is None:
        state.problem("bad-field", "audio_end_ms")
        return
    item_id = id_in(event)
    if item_id is None:
        state.problem("bad-field", "item_id")
        item_id = requested_id(state, "conversation.item.truncate")
    if item_id is None:
        return
    index = integer(event, "content_index") or 0
    item = of_assistant(state, item_id) or find_item(state, item_id)
    item.seqs.add(state.seq)
    item.truncated = True
    request = answer(state, {**event, "item_id": item_id})
    cut = None if request is None else state.truncation_asked.get(request.seq)
    if cut is None:
        cut = Truncation(item.id, index, end, "done", "server")
        state.truncations.append(cut)
    cut.status = "done"
    cut.audio_end_ms, cut.content_index = end, index
    cut.done_seq, cut.done_ns = state.seq, state.ns


def _tools(state: State, item_id: str) -> McpTools:
    tools = state.mcp.get(item_id)
    if tools is None:
        tools = state.mcp[item_id] = McpTools(item_id, "in_progress")
    tools.seqs.add(state.seq)
    return tools


def _tools_of(state: State, event: Json) -> McpTools | None:
    item_id = string(event, "item_id")
    if item_id is None:
        state.problem("bad-field", "item_id")
        return None
    return _tools(state, item_id)


def mcp_list_tools_in_progress(state: State, event: Json) -> None:
    """``mcp_list_tools.in_progress``: a server's tools are being listed."""
    tools = _tools_of(state, event)
    if tools is not None:
        tools.status = "in_progress"


def mcp_list_tools_completed(state: State, event: Json) -> None:
    """``mcp_list_tools.completed``: the tools are in the item."""
    tools = _tools_of(state, event)
    if tools is not None:
        tools.status = "completed"


def mcp_list_tools_failed(state: State, event: Json) -> None:
    """``mcp_list_tools.failed``: no tools; an error where the event or the item states one."""
    tools = _tools_of(state, event)
    if tools is not None:
        tools.status = "failed"
        error = event.get("error")
        tools.error = error if error is not None else tools.error
