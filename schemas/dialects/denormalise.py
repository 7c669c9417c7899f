"""Convert canonical events and objects back to the names and shapes of a session's own dialect.

Use it to compare a state with a vendor's documentation. ``denormalise(normalise(event), "preview") == event`` for
every event that is pure preview. What preview cannot express (MCP, ``truncation``, a PCM rate other than 24 kHz) stays
in its GA place; the session's ``type``, which preview does not have, is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast

from ..audio import FORMAT_NAMES, FORMATS
from .shapes import OUTPUT_PARTS, REQUEST_FIELDS, RESPONSE_FIELDS, SESSION_FIELDS, FieldRule
from .vocabulary import PREVIEW_NAMES, Dialect

__all__ = ["denormalise", "denormalise_item", "denormalise_part", "denormalise_response", "denormalise_session"]

Json = dict[str, Any]
Adapter = Callable[[Json], Json]

_PART_NAMES: Final = {canonical: own for own, canonical in OUTPUT_PARTS.items()}


def denormalise(event: Json, dialect: Dialect) -> Json:
    """Convert a canonical event to a dialect's names and shapes.

    Args:
        event: an event as :func:`~earwitness.schemas.dialects.normalise.normalise` returns it.
        dialect: ``preview`` or ``ga``; for any other, the event is returned unchanged.
    """
    name = event.get("type")
    if not isinstance(name, str):
        return event
    if dialect == "preview":
        session = event.get("session")
        if isinstance(session, dict) and cast("Json", session).get("type") == "transcription":
            event = {**event, "type": name.replace("session.", "transcription_session.", 1)}
        elif name in PREVIEW_NAMES:
            event = {**event, "type": PREVIEW_NAMES[name]}
        for key, adapter in _PREVIEW.items():
            event = _adapt(event, key, adapter)
        if name == "response.create":
            event = _adapt(event, "response", _request)
        return event
    return _adapt(event, "part", denormalise_part) if dialect == "ga" else event


def denormalise_session(session: Json) -> Json:
    """Convert a session object to preview's flat shape."""
    flat = _flatten(session, SESSION_FIELDS)
    if flat.get("type") in ("realtime", "transcription"):
        del flat["type"]
    return flat


def denormalise_response(response: Json) -> Json:
    """Convert a server's response object and its items to preview's flat shape."""
    flat = _flatten(response, RESPONSE_FIELDS)
    for key in ("output", "input"):
        flat = _adapt_each(flat, key, denormalise_item)
    return flat


def denormalise_item(item: Json) -> Json:
    """Rename an item's assistant content parts to preview's names."""
    return _adapt_each(item, "content", denormalise_part)


def denormalise_part(part: Json) -> Json:
    """Rename an assistant's content part to its name in preview, and in GA's ``response.content_part.*``."""
    name = part.get("type")
    return {**part, "type": _PART_NAMES[name]} if isinstance(name, str) and name in _PART_NAMES else part


def _request(response: Json) -> Json:
    """Convert ``response`` of a ``response.create``, whose other fields are flat already."""
    return _flatten(response, REQUEST_FIELDS)


_PREVIEW: Final[dict[str, Adapter]] = {
    "session": denormalise_session,
    "response": denormalise_response,
    "item": denormalise_item,
    "part": denormalise_part,
}


def _adapt(event: Json, key: str, adapter: Adapter) -> Json:
    value = event.get(key)
    return {**event, key: adapter(cast("Json", value))} if isinstance(value, dict) else event


def _adapt_each(fields: Json, key: str, adapter: Adapter) -> Json:
    """Adapt every object of a list."""
    values = fields.get(key)
    if not isinstance(values, list):
        return fields
    adapted = [
        adapter(cast("Json", value)) if isinstance(value, dict) else value for value in cast("list[object]", values)
    ]
    return {**fields, key: adapted}


def _flatten(fields: Json, rules: tuple[FieldRule, ...]) -> Json:
    """Move fields to their flat places, and remove objects that this leaves empty."""
    flat = dict(fields)
    for rule in rules:
        *parents, name = rule.ga
        holders = [flat]
        for key in parents:
            inner = holders[-1].get(key)
            if not isinstance(inner, dict):
                break
            holders[-1][key] = inner = dict(cast("Json", inner))
            holders.append(inner)
        if len(holders) > len(parents) and name in holders[-1] and rule.preview not in flat:
            value = holders[-1][name]
            if rule.is_format:
                value = _format_name(value, fields)
                if value is _NO_NAME:
                    continue
            del holders[-1][name]
            flat[rule.preview] = value
        for key, outer, inner in reversed(list(zip(parents, holders, holders[1:], strict=False))):
            if not inner:
                del outer[key]
    return flat


_NO_NAME: Final = object()


def _format_name(value: Any, session: Json) -> Any:
    """Return an audio format's preview name; ``_NO_NAME`` if preview has none."""
    if not isinstance(value, dict):
        return cast("object", value)
    stated = cast("Json", value)
    name = FORMAT_NAMES.get(stated["type"]) if isinstance(stated.get("type"), str) else None
    if name is None:
        return _NO_NAME
    default = dict(FORMATS[name])
    at_stated_rate = {**default, "rate": session.get("input_audio_sampling_rate")}
    return name if stated == default or (name == "pcm16" and stated == at_stated_rate) else _NO_NAME
