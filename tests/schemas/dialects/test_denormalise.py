"""The way back to a session's own dialect."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from earwitness.schemas.audio import FORMATS
from earwitness.schemas.dialects.denormalise import denormalise, denormalise_response, denormalise_session
from earwitness.schemas.dialects.detect import detect
from earwitness.schemas.dialects.normalise import normalise
from earwitness.schemas.dialects.vocabulary import EVENT_TYPES, PREVIEW_NAMES
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from tests import sdk
from tests.corpus import capture_params
from tests.schemas.dialects.test_normalise import EVENTS

Json = dict[str, Any]


@pytest.mark.parametrize(("canonical", "own"), PREVIEW_NAMES.items())
def test_an_event_gets_its_preview_name(canonical: str, own: str) -> None:
    event = {"type": canonical, "event_id": "e", "delta": "x"}
    assert denormalise(event, "preview") == {**event, "type": own}


def as_preview_says_it(event: Json) -> Json:
    """An instance made from loose types, its parts named as that role's parts are."""
    response = event.get("response", {})
    for item in [event.get("item", {}), *response.get("output", []), *response.get("input", [])]:
        prefix = "input_" if item.get("role") in ("user", "system") else ""
        for part in item.get("content", []):
            part["type"] = prefix + part["type"].removeprefix("input_")
    return event


@pytest.mark.parametrize("model", [model for dialect, *_, model in sdk.event_models() if dialect == "preview"])
def test_a_preview_event_comes_back_unchanged(model: type[BaseModel]) -> None:
    for instance in sdk.instances(model):
        event = as_preview_says_it(instance)
        assert denormalise(normalise(event), "preview") == event


@pytest.mark.parametrize(
    "model",
    [model for dialect, _, name, model in sdk.event_models() if dialect == "ga" and "content_part" in name],
)
def test_a_ga_part_event_comes_back_unchanged(model: type[BaseModel]) -> None:
    for event in sdk.instances(model):
        assert denormalise(normalise(event), "ga") == event


MIXED = ("ga-history-seeding-error", "xai-")
"""The first one's client gives an assistant's part its preview type."""


@pytest.mark.parametrize("path", capture_params())
def test_a_capture_comes_back_unchanged_unless_it_mixes_dialects(path: Path) -> None:
    events = [record["event"] for record in map(json.loads, path.read_text().splitlines()) if "event" in record]
    changed = {event["type"] for event in events if denormalise(normalise(event), detect(events=events)) != event}
    assert bool(changed) == path.name.startswith(MIXED), changed


@pytest.mark.parametrize(("name", "shape"), FORMATS.items())
def test_a_format_gets_its_preview_name(name: str, shape: Json) -> None:
    assert denormalise_session({"audio": {"output": {"format": dict(shape)}}}) == {"output_audio_format": name}


@pytest.mark.parametrize(
    "stated", [{"type": "audio/pcm", "rate": 16000}, {"type": "audio/opus"}, {"type": None}, {"type": ["audio/pcm"]}]
)
def test_a_format_that_preview_cannot_name_stays_in_its_ga_place(stated: Json) -> None:
    session = {"audio": {"input": {"format": stated}}}
    assert denormalise_session(session) == session


def test_a_rate_that_azure_states_beside_is_named() -> None:
    session = {"input_audio_format": "pcm16", "input_audio_sampling_rate": 16000}
    event = {"type": "session.updated", "session": session}
    assert denormalise(normalise(event), "preview") == event


def test_a_servers_response_keeps_max_output_tokens_and_a_request_does_not() -> None:
    assert denormalise_response({"max_output_tokens": 5}) == {"max_output_tokens": 5}
    request = {"type": "response.create", "response": {"max_output_tokens": 5}}
    assert denormalise(request, "preview")["response"] == {"max_response_output_tokens": 5}


def test_preview_names_a_ga_transcription_session_by_its_event_type() -> None:
    event = {"type": "session.updated", "session": {"type": "transcription", "audio": {"input": {"format": None}}}}
    assert denormalise(event, "preview") == {
        "type": "transcription_session.updated",
        "session": {"input_audio_format": None},
    }


def test_what_has_no_flat_place_stays_below_audio() -> None:
    session = {"audio": {"input": {"transport": "json", "turn_detection": None}, "output": {"voice": "ara"}}}
    assert denormalise_session(session) == {
        "audio": {"input": {"transport": "json"}},
        "turn_detection": None,
        "voice": "ara",
    }


@pytest.mark.parametrize("event", [{}, {"type": None}, {"type": ["session.updated"]}])
def test_what_is_not_an_event_is_returned_unchanged(event: Json) -> None:
    assert denormalise(event, "preview") is event


@pytest.mark.parametrize("dialect", ["unknown", "translation", "live"])
def test_other_dialects_have_no_way_back(dialect: Any) -> None:
    event = {"type": "response.output_audio.delta"}
    assert denormalise(event, dialect) is event


@given(EVENTS, st.sampled_from(["preview", "ga"]))
def test_any_json_is_taken_and_never_changed(event: Json, dialect: Any) -> None:
    before = copy.deepcopy(event)
    assert denormalise(event, dialect)["type"] in {*EVENT_TYPES, event["type"]}
    assert event == before
