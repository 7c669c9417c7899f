"""The event models against the official package, against real traffic, and against anything."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from earwitness.schemas.dialects import vocabulary
from earwitness.schemas.dialects.vocabulary import EVENT_TYPES
from earwitness.schemas.events import FAMILIES, MODELS, UnknownEvent, VendorEvent, items, parse_event, sender_of
from earwitness.schemas.events.base import ClientEvent, Model, Only, ServerEvent
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter

from tests import sdk
from tests.corpus import CORPUS, capture_params, needs_corpus

Json = dict[str, Any]
MODELLED = [*sdk.event_models(), *sdk.live_models("session.paused", "session.resumed")]
EVERY_EVENT = [pytest.param(sender, name, model, id=f"{dialect}-{name}") for dialect, sender, name, model in MODELLED]


def exact(value: Any) -> str:
    """JSON text, so that 1, 1.0 and true are told apart."""
    return json.dumps(value, sort_keys=True)


def read(event: Json, sender: Any = None) -> Model:
    parsed = parse_event(event, sender)
    assert not isinstance(parsed, UnknownEvent), parsed
    assert exact(parsed.to_json()) == exact(event)
    return parsed


def models_in(value: Any) -> Iterator[Model]:
    if isinstance(value, Model):
        yield value
        for name in type(value).model_fields:
            yield from models_in(getattr(value, name))
    elif isinstance(value, list):
        for element in value:
            yield from models_in(element)


@pytest.mark.parametrize(("sender", "name", "model"), EVERY_EVENT)
def test_every_event_of_the_package_is_read_and_comes_back_unchanged(
    sender: str, name: str, model: type[BaseModel]
) -> None:
    for instance in sdk.instances(model):
        parsed = read(instance, sender)
        assert type(parsed) is MODELS[name]
        assert parsed.model_dump(exclude_unset=True) == instance


ITEM_MODELS = [getattr(items, name) for name in items.__all__ if isinstance(getattr(items, name), type)]
ITEM_FIELDS = {name for model in ITEM_MODELS for name in model.model_fields}


@pytest.mark.parametrize(("sender", "name", "model"), EVERY_EVENT)
def test_every_field_of_the_package_is_declared(sender: str, name: str, model: type[BaseModel]) -> None:
    """The drift alarm for fields: it names what a newer package states and the models only keep."""
    undeclared = set()
    for instance in sdk.instances(model):
        for part in models_in(read(instance, sender)):
            # The package's preview has one class for all items and one for all parts, with the fields of each.
            declared = ITEM_FIELDS if type(part) in ITEM_MODELS else set()
            undeclared |= {
                f"{type(part).__name__}.{field}" for field in part.model_extra or {} if field not in declared
            }
    assert undeclared == set()


STATED_IN_TRAFFIC_ONLY = {
    "InputAudioBufferDtmfEventReceived.event_id",
    "OutputTokens.reasoning_tokens",
    "Session.expires_at",
    "Session.id",
    "Session.object",
    "TranscriptionSession.expires_at",
    "TranscriptionSession.id",
    "TranscriptionSession.object",
}
"""Fields that servers of both dialects state and whose place in the package's event types is elsewhere or nowhere."""


def test_a_field_is_marked_exactly_where_not_both_vocabularies_have_it() -> None:
    stated: dict[type[Model], dict[str, set[str]]] = {}
    for dialect, _, _, model in MODELLED:
        for instance in sdk.instances(model):
            for part in models_in(read(instance)):
                fields = stated.setdefault(type(part), {name: set() for name in ["", *type(part).model_fields]})
                for name in ["", *(part.model_fields_set & set(type(part).model_fields))]:
                    fields[name].add(dialect)
    wrong = {}
    for model, fields in stated.items():
        for name, info in model.model_fields.items():
            mark = next((mark.by for mark in info.metadata if isinstance(mark, Only)), None)
            own = fields[name]
            if own == fields[""]:
                right = mark is None or {mark} == own
            elif own and f"{model.__name__}.{name}" not in STATED_IN_TRAFFIC_ONLY:
                right = mark == min(own)
            else:
                right = (mark is None) == (f"{model.__name__}.{name}" in STATED_IN_TRAFFIC_ONLY)
            if not right:
                wrong[f"{model.__name__}.{name}"] = (mark, own)
    assert wrong == {}


@pytest.mark.parametrize(("sender", "name", "model"), EVERY_EVENT)
def test_no_object_of_the_package_is_read_as_another_kind(sender: str, name: str, model: type[BaseModel]) -> None:
    kinds = {type(part).__name__ for instance in sdk.instances(model) for part in models_in(read(instance, sender))}
    assert {kind for kind in kinds if kind.startswith("Other")} == set()


def with_one_null(value: Any) -> Iterator[Any]:
    """Copies of an event, each with null in place of one value of an object."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key != "type":
                yield {**value, key: None}
                yield from ({**value, key: changed} for changed in with_one_null(inner))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from ([*value[:index], changed, *value[index + 1 :]] for changed in with_one_null(inner))


@pytest.mark.parametrize(("sender", "name", "model"), EVERY_EVENT)
def test_null_may_stand_in_place_of_any_field(sender: str, name: str, model: type[BaseModel]) -> None:
    for event in with_one_null(next(sdk.instances(model))):
        read(event, sender)


@pytest.mark.parametrize("name", sorted(MODELS))
def test_any_field_may_be_absent_and_any_may_be_added(name: str) -> None:
    read({"type": name})
    assert read({"type": name, "new_field": {"a": [1, 1.0, None]}}).model_extra == {"new_field": {"a": [1, 1.0, None]}}


def test_every_known_type_has_a_model_or_is_a_vendors() -> None:
    assert set(MODELS) <= set(EVENT_TYPES) | vocabulary.LIVE
    by_name_only = set(EVENT_TYPES) - set(MODELS)
    assert by_name_only <= {*vocabulary.VENDOR_CLIENT, *vocabulary.VENDOR_SERVER}
    for name in by_name_only:
        assert isinstance(read({"type": name, "anything": 1}), VendorEvent)


@pytest.mark.parametrize("name", sorted(MODELS))
def test_a_model_belongs_to_the_side_that_sends_it_and_says_what_it_means(name: str) -> None:
    model = MODELS[name]
    assert issubclass(model, ClientEvent if sender_of(name) == "client" else ServerEvent)
    first_line = (model.__doc__ or "").splitlines()[0]
    assert first_line.endswith(".")


def test_the_families_export_every_model_once() -> None:
    names = [name for family in (*FAMILIES, items) for name in family.__all__]
    assert len(names) == len(set(names))


def test_an_unknown_enum_value_survives() -> None:
    event = {"type": "response.done", "response": {"status": "dreaming", "status_details": {"reason": "sheep"}}}
    assert read(event).model_dump(exclude_unset=True) == event


@pytest.mark.parametrize("item", [{"type": "hologram", "id": 5}, {"type": "message", "role": 1}, {}, {"type": ["x"]}])
def test_an_item_of_another_kind_or_shape_does_not_make_the_event_unreadable(item: Json) -> None:
    parsed = read({"type": "conversation.item.added", "item": item})
    assert isinstance(getattr(parsed, "item"), items.OtherItem)  # noqa: B009 - the field of a model chosen at run time


def test_lone_surrogates_and_deep_nesting_come_back() -> None:
    nested: list[Any] = []
    for _ in range(5000):
        nested = [nested]
    for field, value in (("delta", "\ud800"), ("\ud800", 1), ("new", nested), ("item_id", nested)):
        event = {"type": "response.output_text.delta", field: value}
        assert parse_event(event).to_json()[field] is value


def test_numbers_come_back_as_they_were_written() -> None:
    read({"type": "conversation.item.truncate", "audio_end_ms": 1.0, "content_index": 0})
    read({"type": "session.updated", "session": {"speed": 1, "temperature": 0.0, "expires_at": 10**30}})


@pytest.mark.parametrize(
    ("data", "sender", "reason"),
    [
        (None, None, "not an object"),
        ([{"type": "ping"}], None, "not an object"),
        ({}, None, "no type"),
        ({"type": None}, None, "no type"),
        ({"type": "response.dream"}, None, "unknown type"),
        ({"type": "response.create"}, "server", "other sender"),
        ({"type": "response.created"}, "client", "other sender"),
        ({"type": "session.paused"}, "client", "other sender"),
        ({"type": "session.started"}, "server", "unknown type"),
        ({"type": "response.created", "response": "text"}, None, "unknown shape"),
    ],
)
def test_what_cannot_be_read_says_why_and_is_kept(data: Any, sender: Any, reason: str) -> None:
    parsed = parse_event(data, sender)
    assert isinstance(parsed, UnknownEvent)
    assert parsed.reason == reason
    assert parsed.to_json() is data
    assert parsed.type == (data.get("type") if isinstance(data, dict) else None)


def test_an_unknown_shape_names_the_place() -> None:
    parsed = parse_event({"type": "response.output_audio.delta", "output_index": "0", "delta": 7})
    assert isinstance(parsed, UnknownEvent)
    assert [problem.partition(":")[0] for problem in parsed.problems] == ["output_index", "delta"]


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(), max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=10,
)
FIELDS = st.sampled_from(sorted({name for model in MODELS.values() for name in model.model_fields} | ITEM_FIELDS))


@given(ANY_JSON)
def test_any_json_is_read_and_comes_back(data: Any) -> None:
    assert exact(parse_event(data).to_json()) == exact(data)


@given(st.sampled_from(sorted(MODELS)), st.dictionaries(FIELDS | st.text(max_size=4), ANY_JSON, max_size=6))
def test_any_fields_in_any_known_event_come_back(name: str, fields: Json) -> None:
    event = {**fields, "type": name}
    assert exact(parse_event(event).to_json()) == exact(event)


@pytest.mark.parametrize("path", capture_params())
def test_a_capture_is_read_without_an_unknown_event(path: Path) -> None:
    for line in path.read_text().splitlines():
        record = json.loads(line)
        if "event" in record:
            read(record["event"], record["dir"])


@needs_corpus
def test_the_documented_examples_are_read_but_for_the_translation_vocabulary() -> None:
    lines = (CORPUS / "formats" / "spec-examples.not-traffic.jsonl").read_text().splitlines()
    events = [record["event"] for record in map(json.loads, lines) if record["event"] is not None]
    unread = {event["type"] for event in events if isinstance(parse_event(event), UnknownEvent)}
    assert unread == {
        " input_audio_buffer.dtmf_event_received",  # the document's own slip: a space before the name
        "session.close",
        "session.closed",
        "session.input_audio_buffer.append",
        "session.input_transcript.delta",
        "session.output_audio.delta",
        "session.output_transcript.delta",
    }


@pytest.mark.parametrize("name", sorted(MODELS))
def test_every_model_has_a_json_schema_that_allows_more(name: str) -> None:
    schema = TypeAdapter(MODELS[name]).json_schema()
    assert schema["additionalProperties"] is True
    assert name in str(schema["properties"]["type"])


def test_the_official_package_is_not_needed_at_run_time() -> None:
    code = "import sys, earwitness.schemas.events; print('openai' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
