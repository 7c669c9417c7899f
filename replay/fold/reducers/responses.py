"""Reducers of responses: their life, their output items, and the deltas of those."""

from __future__ import annotations

from typing import Any, Final, Literal, cast

from ....schemas.state import PlaybackEvent, Response
from ....schemas.values import Json, integer, members, objects, string
from ..answers import answer, settle_turn
from ..merge import audio_length, find_item, find_response, merge_item, merge_part, part_of, touch_response
from ..working import ItemWork, PartWork, Request, State, TextStream
from .items import item_of, take_item

__all__ = [
    "arguments_delta",
    "arguments_done",
    "audio_delta",
    "audio_done",
    "content_part_added",
    "content_part_done",
    "mcp_call_status",
    "output_item_added",
    "output_item_done",
    "playback",
    "response_created",
    "response_done",
    "take_audio_delta",
    "text_delta",
    "text_done",
    "transcript_delta",
    "transcript_done",
]

_OWN_FIELDS: Final = frozenset(
    ("id", "object", "status", "status_details", "output", "conversation_id", "metadata", "usage")
)
_AUDIO: Final = "output_audio"
_TEXT: Final = "output_text"


def response_created(state: State, event: Json) -> None:
    """``response.created``: a response begins, because the client asked or because the user's turn ended."""
    stated = members(event, "response")
    response_id = string(stated, "id")
    if response_id is None:
        state.problem("bad-field", "response.id")
        return
    response = find_response(state, response_id)
    response.seqs.add(state.seq)
    if response.created_seq is None:
        response.created_seq, response.created_ns = state.seq, state.ns
        _find_trigger(state, response, event)
    if response.done_seq is not None:  # it comes late: what it says of the status is over
        stated = {key: value for key, value in stated.items() if key != "status"}
    _merge_response(state, response, stated)


def _find_trigger(state: State, response: Response, event: Json) -> None:
    request = answer(state, event)
    if request is not None:
        _take_request(state, response, request)
    elif state.seq in state.doubts.undecided:  # one of the client's requests, it is not known which
        response.trigger = "client"
    elif state.turn is not None:
        response.trigger, response.trigger_seq, response.trigger_ns = state.turn.by, state.turn.seq, state.turn.ns
        state.turn = None


def _take_request(state: State, response: Response, request: Request) -> None:
    response.trigger, response.trigger_seq, response.trigger_ns = "client", request.seq, request.ns
    response.request_seq = request.seq
    wire = request.wire.get("response")
    response.request = cast("Json", wire) if isinstance(wire, dict) else {}
    if response.request.get("conversation") == "none":
        state.stated_out_of_band.add(response.id)


def _merge_response(state: State, response: Response, stated: Json) -> None:
    response.status = string(stated, "status") or response.status
    if stated.get("status_details") is not None:
        response.status_details = stated["status_details"]
    response.usage = members(stated, "usage") or response.usage
    response.metadata = members(stated, "metadata") or response.metadata
    response.conversation_id = string(stated, "conversation_id") or response.conversation_id
    config = {key: value for key, value in stated.items() if key not in _OWN_FIELDS and value is not None}
    response.config = {**response.config, **config} if response.config else config
    if response.conversation_id is not None:
        response.in_band = True
        if state.conversation_id is None:
            state.conversation_id = response.conversation_id
    elif response.id in state.stated_out_of_band or "conversation_id" in stated:
        # Stated as null: outside the conversation, unless an item of it turns up there. Not stated (early preview,
        # other vendors) says nothing.
        response.in_band = any(item.on_record for item in _items_of(state, response))


def _items_of(state: State, response: Response) -> list[ItemWork]:
    return [state.items[item_id] for item_id in response.output if item_id in state.items]


def response_done(state: State, event: Json) -> None:
    """``response.done``: the response's end, with everything that it put out."""
    stated = members(event, "response")
    response_id = string(stated, "id") or string(event, "response_id")
    if response_id is None:
        state.problem("bad-field", "response.id")
        return
    response = find_response(state, response_id)
    response.seqs.add(state.seq)
    response.done_seq, response.done_ns = state.seq, state.ns
    _merge_response(state, response, stated)
    for index, output in enumerate(objects(stated, "output")):
        item_id = None if output is None else string(output, "id")
        if output is None or item_id is None:
            state.problem("bad-field", f"response.output[{index}].id")
            continue
        item = find_item(state, item_id)
        _bind(state, item, response, index)
        merge_item(state, item, output, final=True)
        take_item(state, item)
    cancel = answer(state, event)
    if cancel is not None and response.cancel_seq is None:
        response.cancel_seq, response.cancel_ns = cancel.seq, cancel.ns
    request = settle_turn(state, response)
    if request is not None:
        _take_request(state, response, request)


def output_item_added(state: State, event: Json) -> None:
    """``response.output_item.added``: an item of a response begins."""
    _output_item(state, event, final=False)


def output_item_done(state: State, event: Json) -> None:
    """``response.output_item.done``: the item as the response ended it."""
    _output_item(state, event, final=True)


def _output_item(state: State, event: Json, *, final: bool) -> None:
    found = item_of(state, event)
    if found is None:
        return
    item, stated = found
    response = touch_response(state, event)
    if response is not None:
        _bind(state, item, response, integer(event, "output_index"))
    merge_item(state, item, stated, final=final)
    take_item(state, item)


def _bind(state: State, item: ItemWork, response: Response, index: int | None) -> None:
    """Note an item as a response's output; in band it takes a place at the end until one is stated."""
    if item.response is None:
        item.response = response
        item.created_by = "model"
    if item.id not in response.output:
        at = len(response.output) if index is None else min(max(index, 0), len(response.output))
        response.output.insert(at, item.id)
    if response.first_output_ns is None and response.done_seq is None:
        response.first_output_ns = state.ns
    if item not in state.order and response.in_band and item.deleted_seq is None:
        state.order.somewhere(item)


def _part_of_event(state: State, event: Json, kind: str) -> tuple[ItemWork, PartWork] | None:
    item_id = string(event, "item_id")
    if item_id is None:
        state.problem("bad-field", "item_id")
        return None
    item = find_item(state, item_id)
    response = touch_response(state, event)
    if response is not None:
        _bind(state, item, response, integer(event, "output_index"))
        item.role = item.role or "assistant"
    part = part_of(state, item, integer(event, "content_index") or 0, kind)
    part.seqs.add(state.seq)
    return item, part


def content_part_added(state: State, event: Json) -> None:
    """``response.content_part.added``: a part begins."""
    _content_part(state, event, final=False)


def content_part_done(state: State, event: Json) -> None:
    """``response.content_part.done``: the part as it ended; some vendors leave it out of their event."""
    _content_part(state, event, final=True)


def _content_part(state: State, event: Json, *, final: bool) -> None:
    stated = members(event, "part")
    found = _part_of_event(state, event, string(stated, "type") or _TEXT)
    if found is None:
        return
    merge_part(state, found[1], stated, final=final)
    if final and found[1].status == "in_progress":
        found[1].status = "completed"


def _text_of(part: PartWork, field: Literal["text", "transcript"]) -> TextStream:
    return part.text if field == "text" else part.transcript


def _delta(state: State, event: Json, kind: str, field: Literal["text", "transcript"]) -> None:
    delta = string(event, "delta")
    if delta is None:
        state.problem("bad-field", "delta")
        return
    found = _part_of_event(state, event, kind)
    if found is None:
        return
    item, part = found
    _text_of(part, field).add(state.seq, delta)
    state.text_sinks[field][item.id, part.index] = _text_of(part, field).add
    if item.response is not None and item.response.first_text_ns is None:
        item.response.first_text_ns = state.ns


def text_delta(state: State, event: Json) -> None:
    """``response.output_text.delta``: more text."""
    _delta(state, event, _TEXT, "text")


def transcript_delta(state: State, event: Json) -> None:
    """``response.output_audio_transcript.delta``: more of the model's transcript of its own speech."""
    _delta(state, event, _AUDIO, "transcript")


def text_done(state: State, event: Json) -> None:
    """``response.output_text.done``: the whole text."""
    _whole(state, event, _TEXT, "text")


def transcript_done(state: State, event: Json) -> None:
    """``response.output_audio_transcript.done``: the whole transcript."""
    _whole(state, event, _AUDIO, "transcript")


def _whole(state: State, event: Json, kind: str, field: Literal["text", "transcript"]) -> None:
    found = _part_of_event(state, event, kind)
    text = string(event, field)
    if found is not None and text is not None:
        _text_of(found[1], field).stated = text


def audio_delta(state: State, event: Json) -> None:
    """``response.output_audio.delta``: more sound."""
    take_audio_delta(state, event, audio_length(state, event.get("delta")))


def take_audio_delta(state: State, event: Json, length: int) -> None:
    """Add the audio of the record at hand to the part that the event names."""
    found = _part_of_event(state, event, _AUDIO)
    if found is None:
        return
    item, part = found
    if not part.audio:
        part.first_audio_ns = state.ns
    part.audio.add(state.seq, length)
    state.audio_sinks[item.id, part.index] = part.audio.add
    if item.response is not None and item.response.first_audio_ns is None:
        item.response.first_audio_ns = state.ns


def audio_done(state: State, event: Json) -> None:
    """``response.output_audio.done``: the sound of the part is complete."""
    found = _part_of_event(state, event, _AUDIO)
    if found is not None:
        found[1].audio_done = True


def arguments_delta(state: State, event: Json) -> None:
    """``response.function_call_arguments.delta`` and ``response.mcp_call_arguments.delta``: more of the arguments."""
    item = _call_item(state, event)
    delta = string(event, "delta")
    if item is None or delta is None:
        return
    item.arguments.add(state.seq, delta)
    state.text_sinks["arguments"][item.id, 0] = item.arguments.add


def arguments_done(state: State, event: Json) -> None:
    """``…arguments.done``: the whole arguments; from here on the client can call."""
    item = _call_item(state, event)
    if item is None:
        return
    arguments = string(event, "arguments")
    if arguments is not None:
        item.arguments.stated = arguments
    item.name = string(event, "name") or item.name
    item.arguments_seq, item.arguments_ns = state.seq, state.ns


def _call_item(state: State, event: Json) -> ItemWork | None:
    item_id = string(event, "item_id")
    if item_id is None:
        state.problem("bad-field", "item_id")
        return None
    new = item_id not in state.items
    item = find_item(state, item_id)
    item.seqs.add(state.seq)
    response = touch_response(state, event)
    if new:
        item.type = "mcp_call" if "mcp" in (string(event, "type") or "") else "function_call"
    if response is not None:
        _bind(state, item, response, integer(event, "output_index"))
    item.call_id = string(event, "call_id") or item.call_id
    if item.type == "function_call":
        state.calls[item] = None
    return item


def mcp_call_status(state: State, event: Json) -> None:
    """``response.mcp_call.in_progress``, ``.completed``, ``.failed``: how the call of a server's tool goes."""
    item_id = string(event, "item_id")
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


def playback(state: State, event: Json) -> None:
    """``output_audio_buffer.started``, ``.stopped``, ``.cleared``: what the other end plays (WebRTC, SIP)."""
    kind = string(event, "type") or ""
    if kind.endswith(".cleared"):
        answer(state, event)
    state.playback.append(PlaybackEvent(kind, string(event, "response_id"), state.seq, state.ns))
