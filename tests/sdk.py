"""The official package's event types: which there are, and an instance of each from its JSON Schema."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import openai.types.beta.realtime as preview
import openai.types.realtime as ga
from earwitness.schemas.dialects import vocabulary
from openai.types import live
from openai.types.live import connect_client_event, connect_server_event, fork_client_event, fork_server_event
from pydantic import BaseModel

UNIONS = {
    ("preview", "client"): preview.RealtimeClientEvent,
    ("preview", "server"): preview.RealtimeServerEvent,
    ("ga", "client"): ga.RealtimeClientEvent,
    ("ga", "server"): ga.RealtimeServerEvent,
}
TRANSLATION = (ga.RealtimeTranslationClientEvent, ga.RealtimeTranslationServerEvent)
LIVE = (
    live.ClientEvent,
    live.ServerEvent,
    connect_client_event.ConnectClientEvent,
    connect_server_event.ConnectServerEvent,
    fork_client_event.ForkClientEvent,
    fork_server_event.ForkServerEvent,
)
OF_EVENTS = {
    "beta/realtime/realtime": "preview",
    "realtime/realtime": "ga",
    "realtime/realtime_translation": "translation",
    "live/": "live",
    "live/connect": "live",
    "live/fork": "live",
    "beta/beta_responses": "another API",
    "responses/responses": "another API",
}
"""Every pair of files ``…client_event.py`` and ``…server_event.py`` of the package, and whose events they unite."""


def unions_of_events() -> set[str]:
    """What `OF_EVENTS` should name."""
    types = Path(openai.__file__).parent / "types"
    return {
        path.relative_to(types).as_posix().removesuffix("server_event.py").removesuffix("_")
        for path in types.rglob("*server_event.py")
    }


def vocabularies() -> dict[str, tuple[frozenset[str], frozenset[str]]]:
    """(the event types of our table, those of the package) of each vocabulary."""
    pairs = {
        "preview client": (vocabulary.PREVIEW_CLIENT, UNIONS["preview", "client"]),
        "preview server": (vocabulary.PREVIEW_SERVER, UNIONS["preview", "server"]),
        "ga client": (vocabulary.GA_CLIENT, UNIONS["ga", "client"]),
        "ga server": (vocabulary.GA_SERVER, UNIONS["ga", "server"]),
        "translation": (vocabulary.TRANSLATION, TRANSLATION),
        "live": (vocabulary.LIVE, LIVE),
    }
    return {name: (ours, frozenset(type_names(union))) for name, (ours, union) in pairs.items()}


def members(union: Any) -> Iterator[type[BaseModel]]:
    """The models of a union, or of a tuple of unions, through annotations and nested unions."""
    if isinstance(union, tuple):
        for each in union:
            yield from members(each)
    if isinstance(union, type) and issubclass(union, BaseModel):
        yield union
    for argument in typing.get_args(union):
        yield from members(argument)


def type_names(union: Any) -> list[str]:
    """The ``type`` of each model of a union, with repetitions."""
    return [name for model in members(union) for name in typing.get_args(model.model_fields["type"].annotation)]


def event_models() -> list[tuple[str, str, str, type[BaseModel]]]:
    """(dialect, sender, type, model) of every event of both vocabularies."""
    return [
        (dialect, sender, typing.get_args(model.model_fields["type"].annotation)[0], model)
        for (dialect, sender), union in UNIONS.items()
        for model in members(union)
    ]


def live_models(*names: str) -> list[tuple[str, str, str, type[BaseModel]]]:
    """The same of the live vocabulary's server events with these types."""
    models = {typing.get_args(model.model_fields["type"].annotation)[0]: model for model in members(LIVE)}
    return [("live", "server", name, models[name]) for name in names]


def instances(model: type[BaseModel]) -> Iterator[Any]:
    """Instances of a model with every optional field, until each alternative of each union has occurred."""
    schema = model.model_json_schema()
    seen: list[Any] = []
    for turn in range(_turns(schema, schema)):
        instance = _instance(schema, schema, turn)
        if instance not in seen:
            seen.append(instance)
            yield instance


def _resolved(schema: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    return root["$defs"][schema["$ref"].removeprefix("#/$defs/")] if "$ref" in schema else schema


def _alternatives(schema: dict[str, Any]) -> list[Any]:
    return [each for each in schema.get("anyOf") or schema.get("oneOf") or [] if each != {"type": "null"}]


def _turns(schema: Any, root: dict[str, Any]) -> int:
    """How many turns of `_instance` it takes to see every alternative below a schema."""
    if not isinstance(schema, dict):
        return 1
    schema = _resolved(schema, root)
    inner = (*_alternatives(schema), *schema.get("properties", {}).values())
    inner += (schema.get("items"), schema.get("additionalProperties"))
    choices = len(_alternatives(schema)) or len(schema.get("enum", [])) or 1
    return choices * max(_turns(each, root) for each in inner)


def _instance(schema: dict[str, Any], root: dict[str, Any], turn: int) -> Any:
    schema = _resolved(schema, root)
    alternatives = _alternatives(schema)
    if alternatives:
        return _instance(alternatives[turn % len(alternatives)], root, turn // len(alternatives))
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][turn % len(schema["enum"])]
    match schema.get("type"):
        case "object":
            named = {name: _instance(inner, root, turn) for name, inner in schema.get("properties", {}).items()}
            values = schema.get("additionalProperties")
            return {**named, "key": _instance(values, root, turn)} if isinstance(values, dict) else named
        case "array":
            # Two elements, so that a list of alternatives holds different ones.
            return [_instance(schema["items"], root, turn + n) for n in range(2)]
        case "string":
            return f"text {turn}"
        case "integer":
            return 7 + turn
        case "number":
            return 0.5 + turn
        case "boolean":
            return turn % 2 == 0
        case None:
            return {"any": ["value", None, 1]}
        case other:
            raise NotImplementedError(other)
