"""Merge what events state about items, parts and responses into the working state.

One rule runs through all of it: what is absent, null or empty is not stated, and takes nothing back.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

from ...schemas.audio import decode_base64
from ...schemas.state import Response
from ...schemas.values import Json, objects, string
from .identity import id_in, of_user
from .working import ItemWork, PartWork, State, TranscriptionWork

__all__ = [
    "audio_length",
    "find_response",
    "merge_item",
    "merge_part",
    "part_of",
    "place_item",
    "place_spoken",
    "touch_response",
]

_ITEM_FIELDS: Final = frozenset(
    ("id", "type", "role", "status", "content", "name", "call_id", "arguments", "output", "object")
)
_PART_FIELDS: Final = frozenset(("type", "text", "transcript", "audio", "image_url", "detail", "format"))
_UNFINISHED: Final = frozenset(("in_progress", None))
_USER_AUDIO: Final = "input_audio"


def audio_length(state: State, value: Any) -> int:
    """Return the decoded bytes of base64 audio; anything but base64 is a problem and counts as nothing."""
    if not isinstance(value, str):
        if value is not None:
            state.problem("bad-audio", "not a string")
        return 0
    audio = decode_base64(value)
    if audio is None:
        state.problem("bad-audio", "not base64")
        return 0
    return len(audio)


def find_response(state: State, response_id: str) -> Response:
    """The response of that id; one whose ``response.created`` was not seen is made."""
    response = state.responses.get(response_id)
    if response is None:
        response = state.responses[response_id] = Response(response_id, "in_progress")
    return response


def touch_response(state: State, event: Json) -> Response | None:
    """The response that an event names, with the event among its seqs."""
    response_id = id_in(event, "response_id")
    if response_id is None:
        return None
    response = find_response(state, response_id)
    response.seqs.add(state.seq)
    return response


def part_of(state: State, item: ItemWork, index: int, kind: str) -> PartWork:
    """The content part at an index; one that nobody announced is made, of the given type."""
    part = item.parts.get(index)
    if part is None:
        part = item.parts[index] = PartWork(index, kind)
    return part


def place_item(state: State, item: ItemWork, event: Json) -> None:
    """Put an item where an event says that it belongs in the conversation."""
    previous = id_in(event, "previous_item_id")
    if previous is None:
        state.order.somewhere(item)
    elif previous == "root":
        state.order.at_front(item)
    else:
        item.previous_item_id = previous
        state.order.after(item, state.items.get(previous), previous)


def place_spoken(state: State, item: ItemWork) -> None:
    """Put a user's item of which only its speech is on record before what followed it, until a place is stated.

    That is what came after its speech; without a record of that, the response that is running, if no user's turn is on
    record before it.
    """
    if item in state.order or item.deleted_seq is not None:
        return
    following = None if state.order.is_awaited(item) else _following(state, item)
    state.order.somewhere(item)
    if following is not None:
        state.order.before(item, following)


def _following(state: State, item: ItemWork) -> ItemWork | None:
    following: ItemWork | None = None
    speech = state.speech_of.get(item.wire_id or None)
    if speech is not None:
        at = speech.started_seq if speech.stopped_seq is None else speech.stopped_seq
        for other in state.order.backwards():
            if at is None or other.first_seq < at:
                break
            following = other
        return following
    for other in state.order.backwards():
        response = other.response
        if response is None or response.done_seq is not None:
            return None if of_user(other) else following
        following = other
    return following


def merge_item(state: State, item: ItemWork, stated: Json, *, final: bool) -> None:
    """Take over what an event states of an item.

    Args:
        state: the working state.
        item: the item.
        stated: the item object of the event, in canonical form.
        final: whether the event states the item as it ended, rather than as it began.
    """
    item.seqs.add(state.seq)
    item.stated = True
    kind = string(stated, "type")
    if kind is not None:
        item.type = kind
    item.role = string(stated, "role") or item.role
    item.name = string(stated, "name") or item.name
    item.call_id = id_in(stated, "call_id") or item.call_id
    item.output = _stated(stated, "output", item.output)
    arguments = string(stated, "arguments")
    if arguments or (arguments is not None and final):
        item.arguments.state(arguments, final=final)
    _merge_status(state, item, string(stated, "status"))
    for key, value in stated.items():
        if key not in _ITEM_FIELDS and value is not None:
            item.fields[key] = value
    for index, part in enumerate(_content(stated)):
        if part is None:
            state.problem("bad-field", f"content[{index}] is no object")
        else:
            merge_part(state, part_of(state, item, index, string(part, "type") or "unknown"), part, final=final)
            _settle_part(item.parts[index], item.status)
    if item.role is None and item.type == "message":
        item.role = _role_of(item)
    if item.type == "function_call":
        state.calls[item] = None


def _content(stated: Json) -> list[Json | None]:
    """The parts of an item; a bare text is one (chat style)."""
    content = stated.get("content")
    if isinstance(content, str):
        return [{"type": "output_text" if stated.get("role") == "assistant" else "input_text", "text": content}]
    return objects(stated, "content")


def _role_of(item: ItemWork) -> str | None:
    """Whose an item without a role is, by its parts: only a user's begin with ``input_``."""
    sides = {part.type.partition("_")[0] for part in item.parts.values()} & {"input", "output"}
    return {"input": "user", "output": "assistant"}[sides.pop()] if len(sides) == 1 else None


def _stated(fields: Json, key: str, old: str | None) -> str | None:
    value = string(fields, key)
    return old if value is None else value


def _merge_status(state: State, item: ItemWork, status: str | None) -> None:
    if status is None or (status in _UNFINISHED and item.status not in _UNFINISHED):
        return  # an item that has ended does not begin again: the statement comes late
    item.status = status
    if status not in _UNFINISHED and item.done_ns is None:
        item.done_ns = state.ns
    for part in item.parts.values():
        _settle_part(part, status)


def _settle_part(part: PartWork, status: str | None) -> None:
    if status == "completed" or (status == "incomplete" and part.status == "in_progress"):
        part.status = status


def merge_part(state: State, part: PartWork, stated: Json, *, final: bool) -> None:
    """Take over what an event states of a content part; arguments as for :func:`merge_item`.

    ``output_audio`` and ``output_text`` are the same part as ``audio`` and ``text``, which normalisation sees to.
    Audio that a server repeats is not taken again: the audio of a part is its deltas.
    """
    part.seqs.add(state.seq)
    part.announced = True
    part.type = string(stated, "type") or part.type
    text, transcript = string(stated, "text"), string(stated, "transcript")
    if text or (text is not None and final):
        part.text.state(text, final=final)
    if transcript or (transcript is not None and final):
        if part.type == _USER_AUDIO:
            _transcribed(state, part, transcript, final=final)
        else:
            part.transcript.state(transcript, final=final)
    image = string(stated, "image_url")
    if image is not None:
        part.image_url = _short_url(image)
    part.detail = string(stated, "detail") or part.detail
    for key, value in stated.items():
        if key not in _PART_FIELDS and value is not None:
            part.fields[key] = value


def _transcribed(state: State, part: PartWork, transcript: str, *, final: bool) -> None:
    """A user's transcript inside an item: an echo of its transcription, or news; the later statement counts."""
    if not transcript:
        return
    work = part.transcription
    if work is None:
        work = part.transcription = TranscriptionWork()
    if work.status == "completed" and (work.text == transcript or not final):
        return
    work.stream.settle(None, transcript)
    work.status, work.error = "completed", None
    work.seqs.add(state.seq)
    work.done_ns = state.ns if work.done_ns is None else work.done_ns


def _short_url(url: str) -> str:
    """A data URL by its media type and digest; any other URL as it is."""
    if not url.startswith("data:"):
        return url
    media_type = url[len("data:") :].split(",", 1)[0].split(";", 1)[0]
    digest = hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()
    return f"data:{media_type};sha256={digest}"
