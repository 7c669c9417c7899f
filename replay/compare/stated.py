"""Read what a server's event states about a conversation, one value at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from ...schemas.dialects.normalise import normalise
from ...schemas.frame import Frame, parse_object
from ...schemas.values import Json, integer, members, objects, string

__all__ = ["Statement", "Subject", "is_telling", "statements"]

Subject = tuple[str, ...]
"""What a statement is about: ``("item", ID, "part", "0", "transcript")``, ``("response", ID, "status")``."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A value that the server states.

    Attributes:
        seq: the record with it.
        type: its event type, in canonical naming.
        subject: what it is about.
        value: what is stated; None if ``absent``.
        echo: whether it stands in an object that repeats an item, where null and absence say nothing.
        absent: whether nothing was stated where something could have been.
        response_id: of the event or its response.
    """

    seq: int
    type: str
    subject: Subject
    value: Any
    echo: bool
    absent: bool
    response_id: str | None


_WHOLE_TEXTS: Final = {
    "response.output_text.done": "text",
    "response.output_audio_transcript.done": "transcript",
}
_ARGUMENTS: Final = ("response.function_call_arguments.done", "response.mcp_call_arguments.done")
_ITEM_FIELDS: Final = ("type", "role", "status", "name", "call_id", "arguments", "output")
_PART_FIELDS: Final = ("text", "transcript")
_RESPONSE_FIELDS: Final = ("status", "status_details", "usage", "metadata", "conversation_id")
_TRANSCRIBED: Final = "conversation.item.input_audio_transcription.completed"


_ABSENT: Final = object()


def is_telling(kind: str) -> bool:
    """Whether events of a canonical type can state something."""
    return kind.endswith((".done", ".retrieved", ".completed"))


def statements(frame: Frame) -> Iterator[Statement]:
    """Yield the statements in a server's event, one for each value that it gives."""
    event = parse_object(frame.payload)
    if event is None or string(event, "type") is None:
        return
    event = normalise(event)
    kind: str = event["type"]
    response_id = string(event, "response_id")
    item_id = string(event, "item_id")

    def state(subject: Subject, value: Any, *, echo: bool = False) -> Statement:
        absent = value is _ABSENT
        return Statement(frame.seq, kind, subject, None if absent else value, echo, absent, response_id)

    if kind in _WHOLE_TEXTS and item_id is not None:
        name = _WHOLE_TEXTS[kind]
        if name in event:
            yield state(("item", item_id, "part", str(integer(event, "content_index") or 0), name), event[name])
    elif kind in _ARGUMENTS and item_id is not None:
        for name in ("arguments", "name", "call_id"):
            if name in event:
                yield state(("item", item_id, name), event[name])
    elif kind == _TRANSCRIBED and item_id is not None and event.get("status") != "in_progress":
        index = str(integer(event, "content_index") or 0)
        if "transcript" in event:
            yield state(("item", item_id, "part", index, "transcription"), event["transcript"])
        if event.get("usage") is not None:
            yield state(("item", item_id, "part", index, "transcription usage"), event["usage"])
    elif kind == "response.content_part.done" and item_id is not None:
        index = str(integer(event, "content_index") or 0)
        part = members(event, "part")
        for name in _fields_of_part(part):
            yield state(("item", item_id, "part", index, name), part.get(name, _ABSENT), echo=True)
    elif kind in ("conversation.item.done", "conversation.item.retrieved", "response.output_item.done"):
        for subject, value in _of_item(members(event, "item")):
            yield state(subject, value, echo=True)
    elif kind == "response.done":
        response = members(event, "response")
        response_id = string(response, "id") or response_id
        if response_id is None:
            return
        for name in _RESPONSE_FIELDS:
            if response.get(name) is not None:
                yield state(("response", response_id, name), response[name])
        outputs = objects(response, "output")
        if "output" in response:
            ids = [string(item, "id") for item in outputs if item is not None]
            nothing = response["output"] is None
            yield state(("response", response_id, "output"), None if nothing else ids, echo=nothing)
        for item in outputs:
            for subject, value in _of_item(item or {}):
                yield state(subject, value, echo=True)


def _of_item(item: Json) -> Iterator[tuple[Subject, Any]]:
    item_id = string(item, "id")
    if item_id is None:
        return
    for name in _ITEM_FIELDS:
        if item.get(name) is not None:
            yield ("item", item_id, name), item[name]
    content = objects(item, "content")
    if string(item, "type") == "message" and not content:
        yield ("item", item_id, "content"), item.get("content", _ABSENT)
    for index, part in enumerate(content):
        for name in _fields_of_part(part or {}):
            yield ("item", item_id, "part", str(index), name), (part or {}).get(name, _ABSENT)


def _fields_of_part(part: Json) -> list[str]:
    """The texts that a statement of a part gives, and the one that it could give and does not."""
    expected = {"output_audio": "transcript", "output_text": "text", None: "transcript"}.get(string(part, "type"))
    return [name for name in _PART_FIELDS if name in part or name == expected]
