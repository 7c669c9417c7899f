"""Models of every preview and GA event, and of two live ones, for reading, documentation and JSON Schema.

:func:`parse_event` reads one event. Nothing on the relay's or the fold's path uses these models; they work on plain
dictionaries.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType
from typing import Any, Final, Literal, get_args

from pydantic import ValidationError

from ..dialects.vocabulary import EVENT_TYPES
from . import buffers, conversation, live, output, response, service, session, transcription
from .base import ClientEvent, Model, ServerEvent, UnknownEvent, VendorEvent, event_type

__all__ = [
    "MODELS",
    "ClientEvent",
    "Event",
    "Model",
    "ServerEvent",
    "UnknownEvent",
    "VendorEvent",
    "parse_event",
    "sender_of",
]

Event = ClientEvent | ServerEvent | VendorEvent | UnknownEvent

FAMILIES: Final = (session, conversation, transcription, buffers, response, output, service, live)
"""The modules with events, in the order in which they occur in a session."""


def _models() -> Iterator[tuple[str, type[ClientEvent | ServerEvent]]]:
    """Yield every event model under every name of its ``type``."""
    for family in FAMILIES:
        for export in family.__all__:
            model = getattr(family, export)
            if isinstance(model, type) and issubclass(model, ClientEvent | ServerEvent):
                for name in get_args(model.model_fields["type"].annotation):
                    yield name, model


MODELS: Final[MappingProxyType[str, type[ClientEvent | ServerEvent]]] = MappingProxyType(dict(_models()))
"""The model of each event type, by its name on the wire."""


def sender_of(name: str) -> Literal["client", "server"] | None:
    """Return which side sends events of a type; None for a type without a model that no table names."""
    if name in EVENT_TYPES:
        return EVENT_TYPES[name].sender
    model = MODELS.get(name)
    return None if model is None else "client" if issubclass(model, ClientEvent) else "server"


def parse_event(data: Any, sender: Literal["client", "server"] | None = None) -> Event:
    """Read one parsed JSON value as an event. Never raises.

    No dialect is needed: every model reads each vocabulary's shape, and mixtures.

    Args:
        data: any JSON value.
        sender: who sent it, or None if unknown. A type that only the other side sends is read as unknown.

    Returns:
        the event's model; :class:`VendorEvent` for a type known only by name; :class:`UnknownEvent` for
        anything else.
    """
    if not isinstance(data, dict):
        return UnknownEvent(data, "not an object")
    name = event_type(data)
    if name is None:
        return UnknownEvent(data, "no type")
    own_sender = sender_of(name)
    if own_sender is None:
        return UnknownEvent(data, "unknown type")
    if sender is not None and own_sender != sender:
        return UnknownEvent(data, "other sender")
    try:
        return MODELS.get(name, VendorEvent).model_validate(data)
    except ValidationError as error:
        return UnknownEvent(data, "unknown shape", tuple(_problems(error)))


def _problems(error: ValidationError) -> Iterator[str]:
    for problem in error.errors(include_url=False, include_context=False, include_input=False):
        yield f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}"
