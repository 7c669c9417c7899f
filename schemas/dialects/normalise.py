"""Convert events of any dialect to canonical form: GA names and shapes.

Each event is converted by itself, so sessions that mix dialects are read as well. What has no canonical place (vendor
fields, ``temperature``, values of unknown form) stays where it is, under its own name. If an event states something in
both its preview place and its GA place, the GA place counts and the other is kept beside it. Nothing here raises,
whatever JSON an event holds, and no argument is changed: a canonical event is returned as it is, any other as a new
dictionary that shares what did not change.

``normalise(normalise(event)) == normalise(event)`` for every event. :mod:`~earwitness.schemas.dialects.denormalise`
converts back, as far as that is possible.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from ..audio import is_rate, named_format
from .shapes import INPUT_PARTS, OUTPUT_PARTS, REQUEST_FIELDS, SESSION_FIELDS, FieldRule
from .vocabulary import CANONICAL

__all__ = [
    "normalise",
    "normalise_item",
    "normalise_part",
    "normalise_response",
    "normalise_session",
]

Json = dict[str, Any]
Adapter = Callable[[Any], Any]


def normalise(event: Json) -> Json:
    """Convert an event to canonical form.

    Args:
        event: a parsed JSON object; its ``type`` decides. If that is unknown, the event is returned unchanged.
    """
    try:
        rule = _RULES.get(event.get("type"))  # type: ignore[arg-type]  # any JSON value may stand there
    except TypeError:  # a list or an object as type
        return event
    return event if rule is None else rule(event)


def normalise_session(session: Any) -> Any:
    """Convert a session object (of ``session.*`` or ``transcription_session.*``) to GA shape.

    Flat preview fields go to ``audio.input`` and ``audio.output``. ``input_audio_sampling_rate`` (Azure) states the
    rate of a ``pcm16`` input and stays as a field.
    """
    return _move_fields(cast("Json", session), SESSION_FIELDS) if isinstance(session, dict) else session


def normalise_response(response: Any) -> Any:
    """Convert a response object, of a server event or of the client's ``response.create``, to GA shape.

    ``output`` and ``input`` are lists of items.
    """
    if not isinstance(response, dict):
        return response
    result = _move_fields(cast("Json", response), REQUEST_FIELDS)
    for key in ("output", "input"):
        items = result.get(key)
        if isinstance(items, list):
            result = _with(result, key, _each(cast("list[Any]", items), normalise_item))
    return result


def normalise_item(item: Any) -> Any:
    """Rename the content parts of a conversation item to their GA names."""
    if not isinstance(item, dict):
        return item
    fields = cast("Json", item)
    content = fields.get("content")
    if not isinstance(content, list):
        return fields
    # Who speaks decides what `text` and `audio` mean; an item without a role can only be an assistant's, because
    # client-made parts have always been called `input_…`.
    adapter = _input_part if fields.get("role") in ("user", "system") else normalise_part
    return _with(fields, "content", _each(cast("list[Any]", content), adapter))


def normalise_part(part: Any) -> Any:
    """Rename an assistant's content part to its GA name: ``text`` is ``output_text``, ``audio`` is ``output_audio``.

    ``response.content_part.*`` says ``text`` and ``audio`` in GA too, where items say ``output_…``.
    """
    return _rename_part(part, OUTPUT_PARTS)


def _with(fields: Json, key: str, value: Any) -> Json:
    """Replace one value; the same object where it is the same value."""
    return fields if fields[key] is value else {**fields, key: value}


def _each(values: list[Any], adapter: Adapter) -> list[Any]:
    """Adapt every value; the same list where nothing changed."""
    adapted = [adapter(value) for value in values]
    return values if all(new is old for new, old in zip(adapted, values, strict=True)) else adapted


def _rename_part(part: Any, names: Mapping[str, str]) -> Any:
    if not isinstance(part, dict):
        return part
    fields = cast("Json", part)
    name = fields.get("type")
    new = names.get(name) if isinstance(name, str) else None
    return fields if new is None else {**fields, "type": new}


def _input_part(part: Any) -> Any:
    return _rename_part(part, INPUT_PARTS)


def _move_fields(fields: Json, rules: tuple[FieldRule, ...]) -> Json:
    """Move flat preview fields to their GA places."""
    fields = _convert_formats(fields)
    if fields.keys().isdisjoint(_FLAT_NAMES):
        return fields
    result = dict(fields)
    for rule in rules:
        if rule.preview not in fields:
            continue
        value = fields[rule.preview]
        if rule.is_format and isinstance(value, str):
            value = named_format(value)
            if isinstance(value, str):  # an unknown format ("not specified") has no place in an object
                continue
            if rule.preview == "input_audio_format":
                value = _at_rate(value, fields.get("input_audio_sampling_rate"))
        if _put(result, rule.ga, value):
            del result[rule.preview]
    return result


def _at_rate(named: Json, rate: Any) -> Json:
    """Set the rate of ``pcm16`` that Azure states beside it."""
    return {**named, "rate": rate} if "rate" in named and is_rate(rate) else named


def _put(fields: Json, path: tuple[str, ...], value: Any) -> bool:
    """Set a value at a path, copying the objects on the way; return False if another value is already there.

    ``fields`` itself is changed: it is the caller's own copy.
    """
    *parents, name = path
    for key in parents:
        inner = fields.get(key)
        if inner is None:
            inner = {}
        elif not isinstance(inner, dict):
            return False
        fields[key] = inner = dict(cast("Json", inner))
        fields = inner
    if name in fields and fields[name] != value:
        return False
    fields[name] = value
    return True


def _convert_formats(fields: Json) -> Json:
    """Convert ``audio.input.format: "pcm16"``, a mixture that some vendors send, to an object."""
    audio = fields.get("audio")
    if not isinstance(audio, dict):
        return fields
    sides = cast("Json", audio)
    for key in ("input", "output"):
        side = sides.get(key)
        if isinstance(side, dict) and isinstance(cast("Json", side).get("format"), str):
            named = cast("Json", side)
            converted = named_format(named["format"])
            if converted is not named["format"]:
                sides = {**sides, key: {**named, "format": converted}}
    return _with(fields, "audio", sides)


_FLAT_NAMES: Final = frozenset(rule.preview for rule in (*SESSION_FIELDS, *REQUEST_FIELDS))


def _renamed(event: Json) -> Json:
    return {**event, "type": CANONICAL[event["type"]]}


def _adapting(key: str, adapter: Adapter) -> Adapter:
    """Return a rule that converts one field."""

    def rule(event: Json) -> Json:
        value = event.get(key)
        return _with(event, key, adapter(value)) if isinstance(value, dict) else event

    return rule


_session: Final = _adapting("session", normalise_session)
_item: Final = _adapting("item", normalise_item)
_part: Final = _adapting("part", normalise_part)
_response: Final = _adapting("response", normalise_response)


def _transcription_session(event: Json) -> Json:
    """Convert a preview transcription session to a GA session of that ``type``."""
    result = _session(_renamed(event))
    session = result.get("session")
    if isinstance(session, dict):
        result["session"] = {"type": "transcription", **cast("Json", session)}
    return result


def _response_done(event: Json) -> Json:
    """Copy usage stated beside an empty ``response.usage`` (xAI) into the response."""
    result = _response(event)
    response, usage = result.get("response"), result.get("usage")
    if isinstance(usage, dict) and usage and isinstance(response, dict) and not cast("Json", response).get("usage"):
        return {**result, "response": {**cast("Json", response), "usage": usage}}
    return result


def _response_cancelled(event: Json) -> Json:
    """Read ``response.cancelled`` (older servers) as the ``response.done`` that other servers send for it."""
    result = _response(_renamed(event))
    response = result.get("response")
    stated = cast("Json", response) if isinstance(response, dict) else {}
    return {**result, "response": {**stated, "status": "cancelled"}}


def _transcribed(event: Json) -> Json:
    """Copy the transcript that some vendors call ``text``."""
    text = event.get("text")
    return {**event, "transcript": text} if isinstance(text, str) and event.get("transcript") is None else event


def _transcript_so_far(event: Json) -> Json:
    """Read Qwen's ``….text`` as xAI's ``….updated``: what is certain, ``text``, and what may change, ``stash``."""
    parts = [part for part in (event.get("text"), event.get("stash")) if isinstance(part, str)]
    return {**_renamed(event), **({"transcript": "".join(parts)} if parts else {})}


_RULES: Final[dict[str, Callable[[Json], Json]]] = {
    **dict.fromkeys(CANONICAL, _renamed),
    "transcription_session.created": _transcription_session,
    "transcription_session.update": _transcription_session,
    "transcription_session.updated": _transcription_session,
    "session.created": _session,
    "session.update": _session,
    "session.updated": _session,
    "conversation.item.added": _item,
    "conversation.item.create": _item,
    "conversation.item.created": _item,
    "conversation.item.done": _item,
    "conversation.item.input_audio_transcription.completed": _transcribed,
    "conversation.item.input_audio_transcription.text": _transcript_so_far,
    "conversation.item.retrieved": _item,
    "response.output_item.added": _item,
    "response.output_item.done": _item,
    "response.content_part.added": _part,
    "response.content_part.done": _part,
    "response.cancelled": _response_cancelled,
    "response.create": _response,
    "response.created": _response,
    "response.done": _response_done,
}
"""The rule of every event type that may need converting, by its name on the wire. GA's deltas never do."""
