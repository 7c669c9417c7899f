"""``dialects.md``: every event and field of both vocabularies, and what a conversion loses."""

from __future__ import annotations

import json
import types
from collections.abc import Iterator
from typing import Any, Final, Literal, Union, get_args, get_origin

from earwitness.schemas.audio import FORMATS
from earwitness.schemas.dialects.shapes import (
    INPUT_PARTS,
    LOSSES,
    OUTPUT_PARTS,
    REQUEST_FIELDS,
    RESPONSE_FIELDS,
    SESSION_FIELDS,
    FieldRule,
)
from earwitness.schemas.dialects.vocabulary import EVENT_TYPES, PREVIEW_NAMES, EventType, canonical_type
from earwitness.schemas.events import MODELS, sender_of
from earwitness.schemas.events.base import Model, Only
from earwitness.schemas.events.response import Response, ResponseRequest
from earwitness.schemas.events.session import Session, TranscriptionSession
from pydantic.fields import FieldInfo

from .markdown import code, from_docstring, table

__all__ = ["page"]

_MOVED: Final[dict[type[Model], tuple[FieldRule, ...]]] = {
    Session: SESSION_FIELDS,
    TranscriptionSession: SESSION_FIELDS,
    Response: RESPONSE_FIELDS,
    ResponseRequest: REQUEST_FIELDS,
}

_HEAD: Final = """\
# Dialects

The reference of every event and field, in the preview and the GA vocabulary, and of how one becomes the other.

*Made by `python -m docs.generate` from the tables in `schemas/`. Do not edit.*

A session speaks one of several vocabularies. earwitness records each as it is, and reads them all in one: the
**canonical** names and shapes, which are those of the GA API if it has any. Each event is converted by itself, so a
vendor may mix vocabularies within a session. Nothing is refused or dropped because of its dialect: what is not in these
tables is kept, counted and listed by name.

| dialect | where |
| --- | --- |
| `preview` | OpenAI with `OpenAI-Beta: realtime=v1` or the subprotocol `openai-beta.realtime-v1`; Azure under \
`/openai/realtime?api-version=…`; Azure Voice Live |
| `ga` | OpenAI under `/v1/realtime`; Azure under `/openai/v1/realtime`; xAI |
| `translation` | `/v1/realtime/translations`: recognised, not normalised |
| `live` | `/v1/live/sessions`: recognised, not normalised; `session.paused` and `session.resumed` have models |

A session's events count more than its address, and the names of the model's output (`response.audio.…` or
`response.output_audio.…`) count most.

In Python: `earwitness.schemas.normalise(event)` returns the canonical form,
`earwitness.schemas.denormalise(event, "preview")` converts back, `earwitness.schemas.detect(…)` returns the dialect, and
`earwitness.schemas.parse_event(data)` a typed model of either form.
"""

_FIELDS: Final = """\
Any field may be absent or null, and further fields may be added; all are kept. A field is in every vocabulary that has
the event or object, unless the second column names the only one. `event_id`, which every event has, is left out.
"""


def page() -> str:
    """The whole page."""
    return "\n".join(
        (
            _HEAD,
            "## Events\n",
            "`=`: under the canonical name. `–`: the vocabulary does not have it.\n",
            "### Client events\n",
            _event_table("client"),
            "### Server events\n",
            _event_table("server"),
            "### Events of vendors\n",
            "Known events that are in neither vocabulary.\n",
            _vendor_table(),
            "## Fields that move\n",
            "### `session`, in `session.*` and `transcription_session.*`\n",
            _moves(SESSION_FIELDS),
            "### `response`, in `response.created` and `response.done`\n",
            _moves(RESPONSE_FIELDS),
            "### `response`, in `response.create`\n",
            _moves(REQUEST_FIELDS),
            "### Values\n",
            _values(),
            "## What a conversion loses\n",
            table(
                ["what", "preview to GA (canonical)", "GA to preview"],
                [(loss.what, loss.forth, loss.back) for loss in LOSSES],
            ),
            "## Fields of every event\n",
            _FIELDS,
            *_events(),
            "## Objects in events\n",
            *_objects(),
        )
    )


def _event_table(sender: str) -> str:
    rows = [row for row in EVENT_TYPES.values() if row.sender == sender and not row.vendor]
    canonical = sorted({row.canonical for row in rows})
    return table(["canonical", "preview", "GA", "meaning"], (_event_row(name, rows) for name in canonical))


def _event_row(name: str, rows: list[EventType]) -> tuple[str, str, str, str]:
    own = [row for row in rows if row.canonical == name]
    preview = [row.name for row in own if row.preview] or [back for back in [PREVIEW_NAMES.get(name)] if back]
    ga = [row.name for row in own if row.ga]
    return code(name), _names(preview, name), _names(ga, name), _meaning(name)


def _names(names: list[str], canonical: str) -> str:
    return ", ".join("=" if name == canonical else code(name) for name in names) or "–"


def _meaning(name: str) -> str:
    return from_docstring(MODELS[name].__doc__) if name in MODELS else ""


def _vendor_table() -> str:
    return table(
        ["event", "sender", "vendor", "canonical", "meaning"],
        [
            (code(row.name), row.sender, row.vendor, code(row.canonical), _meaning(row.name))
            for row in EVENT_TYPES.values()
            if row.vendor
        ],
    )


def _moves(rules: tuple[FieldRule, ...]) -> str:
    return table(
        ["preview", "GA", "value"],
        [
            (code(rule.preview), code(".".join(rule.ga)), "an audio format, see below" if rule.is_format else rule.note)
            for rule in rules
        ],
    )


def _values() -> str:
    formats = [("audio format", code(f'"{name}"'), code(json.dumps(dict(shape)))) for name, shape in FORMATS.items()]
    outputs = [("part of the assistant", code(own), code(new)) for own, new in OUTPUT_PARTS.items()]
    inputs = [("part of the user or the system", code(own), code(new)) for own, new in INPUT_PARTS.items()]
    return table(["what", "preview", "GA"], [*formats, *outputs, *inputs])


def _events() -> Iterator[str]:
    seen: set[type[Model]] = set()
    for name in sorted(MODELS, key=lambda name: (canonical_type(name), name)):
        model = MODELS[name]
        if model in seen:
            continue
        seen.add(model)
        names = get_args(model.model_fields["type"].annotation)
        fields = _fields(model, skip=("type", "event_id"))
        yield f"### {', '.join(map(code, names))}\n"
        yield f"From the {sender_of(name)}. {from_docstring(model.__doc__)}\n"
        if fields:
            yield fields


def _objects() -> Iterator[str]:
    users = _users()
    for model in sorted(users, key=lambda model: model.__name__):
        yield f"### {model.__name__}\n"
        yield f"{from_docstring(model.__doc__)} In: {', '.join(sorted(users[model]))}.\n"
        yield _fields(model)


def _users() -> dict[type[Model], set[str]]:
    """Return every object model with the fields that hold it."""
    users: dict[type[Model], set[str]] = {}

    def walk(model: type[Model], name: str) -> None:
        for field, info in model.model_fields.items():
            for inner in _models(info.annotation):
                known_already = inner in users
                users.setdefault(inner, set()).add(code(f"{name}.{field}"))
                if not known_already:
                    walk(inner, inner.__name__)

    for name, model in MODELS.items():
        walk(model, name)
    return users


def _models(annotation: Any) -> Iterator[type[Model]]:
    if isinstance(annotation, type) and issubclass(annotation, Model):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)


def _fields(model: type[Model], skip: tuple[str, ...] = ()) -> str:
    moved = {rule.preview: ".".join(rule.ga) for rule in _MOVED.get(model, ())}
    rows = [
        (code(name), _only(info), _type(info.annotation), _about(info, moved.get(name)))
        for name, info in model.model_fields.items()
        if name not in skip
    ]
    return table(["field", "only", "value", "meaning"], rows) if rows else ""


def _only(info: FieldInfo) -> str:
    names = {"ga": "GA", "preview": "preview"}
    return ", ".join(names.get(mark.by, mark.by) for mark in info.metadata if isinstance(mark, Only))


def _about(info: FieldInfo, canonical: str | None) -> str:
    place = f"Canonical: {code(canonical)}." if canonical else ""
    return " ".join(filter(None, (from_docstring(info.description), place)))


_SCALARS: Final = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): ""}


def _type(annotation: Any) -> str:
    """Describe a value's type in words, without null, which is allowed everywhere."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation is Any:
        return "any JSON"
    if annotation in _SCALARS:
        return _SCALARS[annotation]
    if origin is Literal:
        return " or ".join(code(value) for value in arguments)
    if origin in (Union, types.UnionType):
        words = [_type(argument) for argument in arguments]
        if "integer" in words and "number" in words:
            words.remove("integer")
        return " or ".join(dict.fromkeys(filter(None, words)))
    if origin is list:
        return f"list of {_type(arguments[0])}"
    if origin is dict:
        return "object"
    if hasattr(annotation, "__metadata__"):
        examples = [example for mark in annotation.__metadata__ for example in getattr(mark, "examples", None) or ()]
        return ", ".join(map(code, examples)) + ", …" if examples else _type(arguments[0])
    return f"[{annotation.__name__}](#{annotation.__name__.lower()})"
