from __future__ import annotations

import pytest
from earwitness.replay.playing.match import (
    canonical_client_event,
    client_rules,
    differences,
    truncation_allowed,
)
from hypothesis import given
from hypothesis import strategies as st

from tests.schemas.strategies import JSON


def differ(expected, got, **options):
    return [
        str(found) for found in differences(canonical_client_event(expected), canonical_client_event(got), **options)
    ]


def create(**item):
    return {"type": "conversation.item.create", "item": item}


def update(**session):
    return {"type": "session.update", "session": session}


# What does not count


def test_event_ids_key_order_and_nulls_do_not_count():
    left = {"type": "response.create", "event_id": "a", "response": {"instructions": "x", "tools": None}}
    right = {"response": {"metadata": None, "instructions": "x"}, "event_id": "b", "type": "response.create"}
    assert differ(left, right) == []


def test_an_empty_response_is_no_response():
    assert differ({"type": "response.create"}, {"type": "response.create", "response": {}}) == []


@pytest.mark.parametrize(("left", "right"), [(0.8, 0.800000011920929), (1, 1.0), (0.5, 0.5), (200, 200)])
def test_numbers_that_are_the_same_in_single_precision_are_the_same(left, right):
    assert differ(update(temperature=left), update(temperature=right)) == []


@pytest.mark.parametrize(("left", "right"), [(0.8, 0.81), (16777216, 16777217), (1, True), (1, "1")])
def test_other_numbers_are_not(left, right):
    assert len(differ(update(temperature=left), update(temperature=right))) == 1


def test_session_fields_are_the_same_in_either_shape():
    flat = update(voice="alloy", input_audio_format="pcm16", turn_detection={"type": "server_vad"})
    nested = update(
        audio={
            "input": {"format": {"type": "audio/pcm", "rate": 24000}, "turn_detection": {"type": "server_vad"}},
            "output": {"voice": "alloy"},
        }
    )
    assert differ(flat, nested) == differ(nested, flat) == []


def test_switching_voice_detection_off_is_not_the_same_as_leaving_it_alone():
    assert differ(update(turn_detection=None), update()) == [
        "session.audio.input.turn_detection: expected 'null', got nothing"
    ]
    assert differ(update(), update(turn_detection=None)) == [
        "session.audio.input.turn_detection: expected nothing, got 'null'"
    ]
    assert differ(update(turn_detection=None), update(turn_detection=None)) == []


def test_a_tool_output_is_compared_as_json_where_it_is_json():
    left = create(type="function_call_output", call_id="c", output='{"a": 1, "b": [2]}')
    assert differ(left, create(type="function_call_output", call_id="c", output='{"b":[2],"a":1}')) == []
    assert differ(left, create(type="function_call_output", call_id="c", output='{"b":[3],"a":1}')) != []
    assert differ(left, create(type="function_call_output", call_id="c", output="sunny")) != []
    assert differ(left, create(type="function_call_output", call_id="c", output="{torn")) != []


def test_ids_that_the_client_chose_do_not_count():
    assert differ(create(id="mine", type="message"), create(id="other", type="message")) == []
    assert differ(create(id="mine", type="message"), create(type="message")) == []
    call = create(type="function_call", call_id="x", name="f", arguments="{}")
    assert differ(call, create(type="function_call", call_id="y", name="f", arguments="{ }")) == []


def test_ids_that_name_other_things_are_compared_after_mapping():
    left, right = (
        {"type": "conversation.item.delete", "item_id": "old"},
        {"type": "conversation.item.delete", "item_id": "new"},
    )
    assert differ(left, right) == ["item_id: expected 'old', got 'new'"]
    assert differ(left, right, to_recorded={"new": "old"}.get) == []


def test_items_given_to_a_response_have_ids_of_the_clients_choice_and_references_do_not():
    def asked(**item):
        return {"type": "response.create", "response": {"conversation": "none", "input": [item]}}

    assert differ(asked(type="message", id="a"), asked(type="message", id="b")) == []
    assert (
        differ(asked(type="item_reference", id="a"), asked(type="item_reference", id="b"), to_recorded={"b": "a"}.get)
        == []
    )


def test_metadata_counts_by_its_keys():
    def asked(**metadata):
        return {"type": "response.create", "response": {"metadata": metadata}}

    assert differ(asked(run="1"), asked(run="2")) == []
    assert differ(asked(run="1"), asked(walk="1")) != []


def test_a_redacted_value_matches_anything():
    left = update(tools=[{"type": "mcp", "authorization": "redacted:hmac-sha256:0123456789abcdef"}])
    assert differ(left, update(tools=[{"type": "mcp", "authorization": "secret"}])) == []
    left = update(tools=[{"type": "mcp", "headers": {"A": "gone"}}])
    right = update(tools=[{"type": "mcp", "headers": {"A": "secret", "B": "x"}}])
    assert differ(left, right, redacted=("session.tools[0].headers",)) == []
    assert len(differ(left, right)) == 2
    left = update(tools=[{"type": "mcp", "headers": {"X.A": 1}}])
    right = update(tools=[{"type": "mcp", "headers": {"X.A": 2}}])
    assert differ(left, right, redacted=('session.tools[0].headers["X.A"]', "$")) == []


# What does


def test_every_place_that_differs_is_named():
    left = create(type="message", role="user", content=[{"type": "input_text", "text": "a"}])
    right = create(type="message", role="system", content=[{"type": "input_text", "text": "b"}, {"type": "input_text"}])
    assert differ(left, right) == [
        "item.role: expected 'user', got 'system'",
        "item.content[0].text: expected 'a', got 'b'",
        "item.content[1].type: expected nothing, got 'input_text'",
    ]


def test_a_long_value_is_shortened_in_the_report():
    (text,) = differ(update(instructions=["x"] * 500), update(instructions="y"))
    assert len(text) < 200
    assert "2500 characters" in text


def test_long_texts_are_shown_where_they_begin_to_differ():
    (text,) = differ(update(instructions="x" * 500 + "left"), update(instructions="x" * 500 + "right"))
    assert "from character 500 on" in text
    assert "xleft…'" in text
    assert "xright…'" in text
    assert len(text) < 250


# Rules of the user


@pytest.mark.parametrize(
    "rule",
    [
        "session.instructions",
        "session.update.session.instructions",
        "session.*",
        "session",
        "session.update",
    ],
)
def test_an_ignored_path_does_not_count_with_all_below_it(rule):
    assert differ(update(instructions="a"), update(instructions="b"), ignore=client_rules((rule,))) == []


@pytest.mark.parametrize("rule", ["session.tools", "instructions", "response.create.session.instructions"])
def test_another_rule_does_not_help(rule):
    assert differ(update(instructions="a"), update(instructions="b"), ignore=client_rules((rule,))) != []


def test_a_rule_may_use_preview_names_and_list_places():
    left, right = update(turn_detection={"threshold": 0.5}), update(turn_detection={"threshold": 0.6})
    assert differ(left, right, ignore=client_rules(("session.turn_detection.threshold",))) == []
    left = create(type="message", content=[{"text": "a"}, {"text": "b"}])
    right = create(type="message", content=[{"text": "A"}, {"text": "B"}])
    assert differ(left, right, ignore=client_rules(("item.content[0].text",))) == [
        "item.content[1].text: expected 'b', got 'B'"
    ]
    assert differ(left, right, ignore=client_rules(("item.content.*.text",))) == []


def test_a_tolerance_allows_numbers_to_differ_by_so_much():
    left, right = (
        {"type": "conversation.item.truncate", "audio_end_ms": 1000},
        {"type": "conversation.item.truncate", "audio_end_ms": 1150},
    )
    rules = client_rules({"conversation.item.truncate.audio_end_ms": 150})
    assert differ(left, right, tolerances=rules) == []
    assert differ(left, {**right, "audio_end_ms": 1151}, tolerances=rules) != []
    assert differ(left, {**right, "audio_end_ms": "soon"}, tolerances=rules) != []


# Properties


@given(st.dictionaries(st.text(min_size=1), JSON, max_size=5))
def test_any_two_events_can_be_compared(fields):
    event = {**fields, "type": "session.update"}
    assert differ(event, event) == []
    differ(event, {"type": "session.update"})


# Truncation


def test_at_speed_1_a_truncation_lies_near_the_recorded_one():
    assert truncation_allowed(1000, 1090, speed=1, delivered_ms=0)
    assert not truncation_allowed(1000, 1900, speed=1, delivered_ms=5000)
    assert not truncation_allowed(1000, 100, speed=1, delivered_ms=5000)


def test_at_other_speeds_it_lies_within_the_audio_delivered():
    assert truncation_allowed(1000, 4000, speed=2, delivered_ms=4000)
    assert not truncation_allowed(1000, 4001, speed=2, delivered_ms=4000)
    assert truncation_allowed(1000, 900, speed=float("inf"), delivered_ms=0)
    assert not truncation_allowed(1000, -1, speed=2, delivered_ms=4000)
    assert not truncation_allowed(1000, float("nan"), speed=2, delivered_ms=4000)
