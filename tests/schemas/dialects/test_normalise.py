"""Every dialect's names and shapes, brought to the canonical ones."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from earwitness.schemas.audio import FORMATS
from earwitness.schemas.dialects.normalise import (
    normalise,
    normalise_item,
    normalise_part,
    normalise_response,
    normalise_session,
)
from earwitness.schemas.dialects.shapes import OUTPUT_PARTS, REQUEST_FIELDS, SESSION_FIELDS, FieldRule
from earwitness.schemas.dialects.vocabulary import CANONICAL, EVENT_TYPES
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from tests import sdk
from tests.corpus import capture_params

Json = dict[str, Any]


def at(fields: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        fields = fields[key]
    return fields


def a_value_for(rule: FieldRule) -> tuple[Any, Any]:
    """A preview value of the field and its GA form."""
    return ("g711_ulaw", {"type": "audio/pcmu"}) if rule.is_format else ({"some": ["value"]}, {"some": ["value"]})


@pytest.mark.parametrize(("own", "canonical"), CANONICAL.items())
def test_an_event_gets_its_canonical_name_and_keeps_its_fields(own: str, canonical: str) -> None:
    event = {"type": own, "event_id": "e", "delta": "x", "vendor_field": None}
    told = {"response": {"status": "cancelled"}} if own == "response.cancelled" else {}
    assert normalise(event) == {**event, "type": canonical, **told}


@pytest.mark.parametrize("rule", SESSION_FIELDS, ids=lambda rule: rule.preview)
def test_a_flat_session_field_moves_to_its_ga_place(rule: FieldRule) -> None:
    value, expected = a_value_for(rule)
    session = normalise({"type": "session.updated", "session": {rule.preview: value, "id": "s"}})["session"]
    assert at(session, rule.ga) == expected
    assert rule.preview not in session
    assert session["id"] == "s"


@pytest.mark.parametrize("rule", SESSION_FIELDS, ids=lambda rule: rule.preview)
def test_null_in_a_flat_session_field_is_stated_in_ga_too(rule: FieldRule) -> None:
    session = normalise_session({rule.preview: None})
    assert at(session, rule.ga) is None
    assert rule.preview not in session


@pytest.mark.parametrize("rule", REQUEST_FIELDS, ids=lambda rule: rule.preview)
@pytest.mark.parametrize("name", ["response.create", "response.created", "response.done"])
def test_a_flat_response_field_moves_to_its_ga_place(rule: FieldRule, name: str) -> None:
    value, expected = a_value_for(rule)
    response = normalise({"type": name, "response": {rule.preview: value}})["response"]
    assert at(response, rule.ga) == expected
    assert rule.preview not in response


@pytest.mark.parametrize(("name", "shape"), FORMATS.items())
@pytest.mark.parametrize("side", ["input", "output"])
def test_a_named_audio_format_becomes_an_object(name: str, shape: Json, side: str) -> None:
    assert normalise_session({f"{side}_audio_format": name})["audio"][side]["format"] == dict(shape)
    assert normalise_session({"audio": {side: {"format": name}}})["audio"][side]["format"] == dict(shape)


def test_azures_sampling_rate_is_the_rate_of_pcm_input_only() -> None:
    session = {"input_audio_format": "pcm16", "output_audio_format": "pcm16", "input_audio_sampling_rate": 16000}
    audio = normalise_session(session)["audio"]
    assert audio["input"]["format"] == {"type": "audio/pcm", "rate": 16000}
    assert audio["output"]["format"] == {"type": "audio/pcm", "rate": 24000}
    g711 = normalise_session({"input_audio_format": "g711_ulaw", "input_audio_sampling_rate": 16000})
    assert g711["audio"]["input"]["format"] == {"type": "audio/pcmu"}
    assert g711["input_audio_sampling_rate"] == 16000


def test_an_unknown_format_stays_where_it_was() -> None:
    session = {"input_audio_format": "not specified", "audio": {"input": {"format": {"type": "audio/pcm"}}}}
    assert normalise_session(session) == session


def test_where_both_shapes_are_stated_the_ga_place_counts_and_the_other_is_kept() -> None:
    session = {"voice": "alloy", "speed": 1, "audio": {"output": {"voice": "marin", "speed": 1}}}
    assert normalise_session(session) == {"voice": "alloy", "audio": {"output": {"voice": "marin", "speed": 1}}}


def test_null_in_place_of_audio_gives_way_to_what_is_stated() -> None:
    assert normalise_session({"audio": None, "voice": "alloy"}) == {"audio": {"output": {"voice": "alloy"}}}
    assert normalise_session({"audio": {"output": None}, "voice": "alloy"}) == {"audio": {"output": {"voice": "alloy"}}}


def test_both_modalities_at_once_are_kept() -> None:
    assert normalise_session({"modalities": ["text", "audio"]}) == {"output_modalities": ["text", "audio"]}


def test_fields_without_a_ga_place_stay() -> None:
    assert normalise_response({"temperature": 0.8, "commit": True, "cancel_previous": True}) == {
        "temperature": 0.8,
        "commit": True,
        "cancel_previous": True,
    }


@pytest.mark.parametrize("verb", ["created", "update", "updated"])
def test_a_transcription_session_is_a_session_of_that_type(verb: str) -> None:
    event = {"type": f"transcription_session.{verb}", "session": {"input_audio_format": "pcm16", "include": ["x"]}}
    assert normalise(event) == {
        "type": f"session.{verb}",
        "session": {
            "type": "transcription",
            "include": ["x"],
            "audio": {"input": {"format": {"type": "audio/pcm", "rate": 24000}}},
        },
    }


ITEM_EVENTS = [
    "conversation.item.added",
    "conversation.item.create",
    "conversation.item.created",
    "conversation.item.done",
    "conversation.item.retrieved",
    "response.output_item.added",
    "response.output_item.done",
]


@pytest.mark.parametrize("name", ITEM_EVENTS)
@pytest.mark.parametrize(("own", "canonical"), OUTPUT_PARTS.items())
def test_an_assistants_parts_are_output_parts(name: str, own: str, canonical: str) -> None:
    event = {"type": name, "item": {"role": "assistant", "content": [{"type": own, "x": 1}, {"type": "other"}]}}
    assert normalise(event)["item"]["content"] == [{"type": canonical, "x": 1}, {"type": "other"}]


@pytest.mark.parametrize("role", ["user", "system"])
def test_a_users_and_the_systems_parts_are_input_parts(role: str) -> None:
    item = {"role": role, "content": [{"type": "text"}, {"type": "audio"}, {"type": "input_text"}]}
    assert [part["type"] for part in normalise_item(item)["content"]] == ["input_text", "input_audio", "input_text"]


@pytest.mark.parametrize("name", ["response.content_part.added", "response.content_part.done"])
def test_a_streamed_part_is_named_like_the_items_part_in_ga_too(name: str) -> None:
    event = {"type": name, "part": {"type": "audio", "transcript": "Hi"}}
    assert normalise(event)["part"] == {"type": "output_audio", "transcript": "Hi"}


@pytest.mark.parametrize("name", ["response.created", "response.done"])
def test_items_in_a_response_are_items(name: str) -> None:
    event = {"type": name, "response": {"output": [{"role": "assistant", "content": [{"type": "text"}]}]}}
    assert normalise(event)["response"]["output"][0]["content"] == [{"type": "output_text"}]


def test_items_in_a_requests_input_are_items() -> None:
    event = {"type": "response.create", "response": {"input": [{"role": "user", "content": [{"type": "text"}]}]}}
    assert normalise(event)["response"]["input"][0]["content"] == [{"type": "input_text"}]


def test_usage_beside_an_empty_one_is_the_responses() -> None:
    event = {"type": "response.done", "response": {"usage": {}}, "usage": {"total_tokens": 3}}
    assert normalise(event)["response"]["usage"] == {"total_tokens": 3}
    stated = {"type": "response.done", "response": {"usage": {"total_tokens": 4}}, "usage": {"total_tokens": 3}}
    assert normalise(stated) is stated


def test_created_is_its_own_canonical_type() -> None:
    event = {"type": "conversation.item.created", "item": {"role": "user", "content": []}}
    assert normalise(event) is event


@pytest.mark.parametrize("name", sorted(n for n in EVENT_TYPES if n not in CANONICAL and n.endswith(".delta")))
def test_a_canonical_delta_is_returned_itself(name: str) -> None:
    event = {"type": name, "delta": "AAAA"}
    assert normalise(event) is event


@pytest.mark.parametrize("event", [{}, {"type": None}, {"type": 5}, {"type": []}, {"type": {}}, {"type": "new.event"}])
def test_an_unknown_event_is_returned_unchanged(event: Json) -> None:
    assert normalise(event) is event


@pytest.mark.parametrize("adapt", [normalise_session, normalise_response, normalise_item, normalise_part])
@pytest.mark.parametrize("value", [None, "text", 5, ["list"]])
def test_what_is_not_an_object_is_returned_unchanged(adapt: Any, value: Any) -> None:
    assert adapt(value) is value


def test_what_is_not_an_object_stays_in_its_place_among_items_and_parts() -> None:
    item = {"role": "user", "content": [None, {"type": "text"}, 5]}
    response = normalise_response({"output": ["text", item]})
    assert response["output"] == ["text", {"role": "user", "content": [None, {"type": "input_text"}, 5]}]


@pytest.mark.parametrize("audio", ["text", {"output": 5}, {"output": ["voice"]}])
def test_a_ga_place_that_is_not_an_object_is_left_alone(audio: Any) -> None:
    session = {"audio": audio, "voice": "alloy"}
    assert normalise_session(session) == session


def check_laws(event: Json) -> None:
    before = copy.deepcopy(event)
    result = normalise(event)
    assert event == before, "the argument was changed"
    assert normalise(result) == result, "twice is not once"
    assert result["type"] == CANONICAL.get(event["type"], event["type"])


FIELD_NAMES = st.sampled_from(
    sorted(
        {rule.preview for rule in SESSION_FIELDS}
        | {key for rule in (*SESSION_FIELDS, *REQUEST_FIELDS) for key in rule.ga}
        | {"type", "content", "role", "output", "usage", "input_audio_sampling_rate", "rate"}
    )
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.sampled_from([*FORMATS, *OUTPUT_PARTS, "user", "assistant", "audio/pcm", "transcription"])
    | st.text(max_size=3)
)
ANY_JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELD_NAMES, inner, max_size=5), max_leaves=20
)
EVENTS = st.builds(
    lambda name, fields: {**fields, "type": name},
    st.sampled_from(sorted(EVENT_TYPES)),
    st.dictionaries(st.sampled_from(["session", "response", "item", "part", "usage"]), ANY_JSON),
)


@given(EVENTS)
def test_any_json_in_a_known_event_is_taken_and_twice_is_once(event: Json) -> None:
    check_laws(event)


@given(st.dictionaries(st.text(max_size=5) | st.just("type"), ANY_JSON))
def test_any_object_is_taken(event: Json) -> None:
    before = copy.deepcopy(event)
    assert normalise(normalise(event)) == normalise(event)
    assert event == before


@pytest.mark.parametrize("model", [model for *_, model in sdk.event_models()])
def test_the_laws_hold_for_every_event_of_the_package(model: type[BaseModel]) -> None:
    for event in sdk.instances(model):
        check_laws(event)


@pytest.mark.parametrize(
    "model",
    [
        model
        for dialect, _, name, model in sdk.event_models()
        if dialect == "ga" and not name.startswith("response.content_part.")
    ],
)
def test_a_ga_event_is_canonical_already(model: type[BaseModel]) -> None:
    for event in sdk.instances(model):
        assert normalise(event) is event


@pytest.mark.parametrize("path", capture_params())
def test_the_laws_hold_on_a_capture(path: Path) -> None:
    for line in path.read_text().splitlines():
        record = json.loads(line)
        if "event" in record:
            check_laws(record["event"])
