"""Reducers of responses: their life, their output items, and the deltas of those."""

from __future__ import annotations

from typing import Final, Literal, cast

from ....schemas.state import PlaybackEvent, Response, TimedWord
from ....schemas.values import Json, integer, members, number, objects, string
from ..answers import answer, settle_turn
from ..identity import (
    id_in,
    open_response,
    output_of_event,
    response_named,
    reuse_response,
    stated_item,
)
from ..merge import audio_length, find_response, merge_item, merge_part, part_of, touch_response
from ..stated_formats import check_first_sound
from ..text_stream import TextStream
from ..working import ItemWork, PartWork, Request, State
from .items import take_item

__all__ = [
    "audio_delta",
    "audio_done",
    "bind",
    "content_part_added",
    "content_part_done",
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
    "word_timed",
]

_OWN_FIELDS: Final = frozenset(
    ("id", "object", "status", "status_details", "output", "conversation_id", "metadata", "usage")
)
_AUDIO: Final = "output_audio"
_TEXT: Final = "output_text"


def response_created(state: State, event: Json) -> None:
    """``response.created``: a response begins, because the client asked or because the user's turn ended."""
    stated = members(event, "response")
    response_id = id_in(stated, "id")
    if response_id is None:
        state.problem("bad-field", "response.id")
        return
    response = find_response(state, response_id)
    if response.created_seq is not None and response.done_seq is not None:
        response = reuse_response(state, response_id)
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
    response.conversation_id = id_in(stated, "conversation_id") or response.conversation_id
    config = {key: value for key, value in stated.items() if key not in _OWN_FIELDS and value is not None}
    response.config = {**response.config, **config} if response.config else config
    if response.conversation_id is not None:
        response.in_band = True
        if state.conversation_id is None:
            state.conversation_id = response.conversation_id
    elif response.id in state.stated_out_of_band or stated.get("conversation_id", "") is None:
        # Stated as null: outside the conversation, unless an item of it turns up there. Not stated (early preview,
        # other vendors) and empty (Qwen) say nothing.
        response.in_band = any(item.on_record for item in state.output_items[response.id])


def response_done(state: State, event: Json) -> None:
    """``response.done``: the response's end, with everything that it put out."""
    stated = members(event, "response")
    response_id = response_named(state, event)
    if response_id is None:
        state.problem("bad-field", "response.id")
        return
    response = find_response(state, response_id)
    response.seqs.add(state.seq)
    response.done_seq, response.done_ns = state.seq, state.ns
    _merge_response(state, response, stated)
    listed: list[ItemWork] = []
    for index, output in enumerate(objects(stated, "output")):
        item = None if output is None else _listed(state, response, index, output)
        if output is None or item is None:
            state.problem("bad-field", f"response.output[{index}].id")
            continue
        listed.append(item)
        bind(state, item, response, None)
        merge_item(state, item, output, final=True)
        take_item(state, item)
    _put_in_line(state, response, listed)
    cancel = answer(state, event)
    if cancel is not None and response.cancel_seq is None:
        response.cancel_seq, response.cancel_ns = cancel.seq, cancel.ns
    request = settle_turn(state, response)
    if request is not None:
        _take_request(state, response, request)


def _listed(state: State, response: Response, index: int, output: Json) -> ItemWork | None:
    """The item that ``response.done`` lists. One that came without its id has it from here."""
    item_id = id_in(output, "id")
    if item_id is not None and item_id in state.items:
        return stated_item(state, output, response)
    unnamed = [item for item in state.output_items[response.id] if not item.wire_id and item.type == output.get("type")]
    item = unnamed[0] if unnamed else None
    if item is None:
        return stated_item(state, output, response) if item_id is not None or output.get("content") else None
    if item_id is not None:
        del state.items[item.id]
        response.output[response.output.index(item.id)] = item_id
        item.id = item.wire_id = item_id
        state.items[item_id] = item
    return item


def _put_in_line(state: State, response: Response, listed: list[ItemWork]) -> None:
    """Order a response's items as ``response.done`` lists them; what it leaves out keeps its place by arrival."""
    line = list(dict.fromkeys([*listed, *state.output_items[response.id]]))
    response.output[:] = [item.id for item in line]
    if listed and len(line) > 1:
        state.order.put_in_line(line)
    for item in line:
        state.close_output(item)


def output_item_added(state: State, event: Json) -> None:
    """``response.output_item.added``: an item of a response begins."""
    _output_item(state, event, final=False)


def output_item_done(state: State, event: Json) -> None:
    """``response.output_item.done``: the item as the response ended it."""
    _output_item(state, event, final=True)


def _output_item(state: State, event: Json, *, final: bool) -> None:
    stated = members(event, "item")
    response = touch_response(state, event)
    item = _at_index(state, event, response, stated)
    if item is None:
        item = stated_item(state, stated, response)
    if item is None:
        return
    if response is not None:
        bind(state, item, response, integer(event, "output_index"))
    merge_item(state, item, stated, final=final)
    take_item(state, item)


def _at_index(state: State, event: Json, response: Response | None, stated: Json) -> ItemWork | None:
    """The item that a statement without an id is about, by response and output index."""
    index = integer(event, "output_index")
    if response is None or index is None or id_in(stated, "id") is not None:
        return None
    item = state.outputs_at.get((response.id, index))
    return item if item is not None and item.type == (string(stated, "type") or item.type) else None


def bind(state: State, item: ItemWork, response: Response, index: int | None) -> None:
    """Note an item as a response's output; in band it takes a place at the end until one is stated.

    Args:
        state: the working state.
        item: the item.
        response: the response.
        index: its output index. It identifies an item that has no id. It never orders: some servers repeat it.
    """
    if item.response is None:
        item.response = response
        item.created_by = "model"
    if index is not None:
        state.outputs_at[response.id, index] = item
    if item.id not in response.output:
        response.output.append(item.id)
        state.output_items[response.id].append(item)
    if response.first_output_ns is None and response.done_seq is None:
        response.first_output_ns = state.ns
    if item not in state.order and response.in_band and item.deleted_seq is None:
        state.order.somewhere(item)


def _part_of_event(state: State, event: Json, kind: str, *, telling: bool) -> tuple[ItemWork, PartWork] | None:
    response = touch_response(state, event)
    item = output_of_event(state, event, response, "message", telling=telling)
    if item is None:
        return None
    if response is None and not id_in(event):
        response = open_response(state)
    if response is not None:
        bind(state, item, response, integer(event, "output_index"))
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
    telling = bool(stated.get("text") or stated.get("transcript"))
    found = _part_of_event(state, event, string(stated, "type") or _TEXT, telling=telling)
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
    found = _part_of_event(state, event, kind, telling=bool(delta))
    if found is None:
        return
    item, part = found
    _text_of(part, field).add(state.seq, delta)
    state.open_text(field, item, part.index, _text_of(part, field).add)
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
    text = string(event, field)
    found = _part_of_event(state, event, kind, telling=bool(text))
    if found is not None and text is not None and _text_of(found[1], field).conclude(text):
        state.problem("stated-in-pieces", f"{found[0].id}: another text of the same part is added to the one before")


def audio_delta(state: State, event: Json) -> None:
    """``response.output_audio.delta``: more sound."""
    take_audio_delta(state, event, audio_length(state, event.get("delta")))


def take_audio_delta(state: State, event: Json, length: int) -> None:
    """Add the audio of the record at hand to the part that the event names."""
    found = _part_of_event(state, event, _AUDIO, telling=length > 0)
    if found is None:
        return
    item, part = found
    if not part.audio:
        part.first_audio_ns = state.ns
        check_first_sound(state, event, item)
    part.audio.add(state.seq, length)
    if item.wire_id:
        state.audio_sinks[item.wire_id, part.index] = part.audio.add
    if item.response is not None and item.response.first_audio_ns is None:
        item.response.first_audio_ns = state.ns


def audio_done(state: State, event: Json) -> None:
    """``response.output_audio.done``: the sound of the part is complete."""
    found = _part_of_event(state, event, _AUDIO, telling=False)
    if found is not None:
        found[1].audio_done = True


def word_timed(state: State, event: Json) -> None:
    """``response.audio_timestamp.delta`` of Azure Voice Live: where a word lies on the sound of its part."""
    found = _part_of_event(state, event, _AUDIO, telling=False)
    text, start, length = string(event, "text"), number(event, "audio_offset_ms"), number(event, "audio_duration_ms")
    if found is None or string(event, "timestamp_type") not in (None, "word"):
        return
    if text is None or start is None or length is None or start < 0 or length < 0:
        state.problem("bad-field", "audio_timestamp")
        return
    found[1].words.append(TimedWord(text, start, start + length))


def playback(state: State, event: Json) -> None:
    """``output_audio_buffer.started``, ``.stopped``, ``.cleared``: what the other end plays (WebRTC, SIP)."""
    kind = string(event, "type") or ""
    if kind.endswith(".cleared"):
        answer(state, event)
    state.playback.append(PlaybackEvent(kind, string(event, "response_id"), state.seq, state.ns))
