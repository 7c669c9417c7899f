"""The order and identity of items, on the cases: each event is read as its sender meant it, or kept apart and named."""

from __future__ import annotations

from pathlib import Path

import pytest
from earwitness.replay.compare.check import check
from earwitness.replay.transcript.lines import READINGS, Line, transcribe
from earwitness.schemas.state import Conversation

from tests.cases import case_recording, case_state


def told(conversation: Conversation, reading: str = "heard") -> list[tuple[str, str]]:
    """Who said what; a call by its name, an output by its text."""
    return [told_in(line) for line in transcribe(conversation, reading).lines]  # type: ignore[arg-type]


def told_in(line: Line) -> tuple[str, str]:
    return (line.speaker, f"{line.name}({line.text})" if line.kind == "call" else line.text)


def problems(conversation: Conversation) -> list[tuple[str, str]]:
    return [(problem.what, problem.detail) for problem in conversation.problems]


@pytest.mark.parametrize("reading", READINGS)
def test_an_item_that_came_by_its_pieces_alone_stands_where_it_came(reading: str, tmp_path: Path) -> None:
    conversation = case_state("03_hf_minimal_lifecycle.jsonl", tmp_path)
    assert told(conversation, reading) == [
        ("user", "Wave at me."), ("assistant", "Here you go."), ("assistant", 'wave({"hand":"left"})'),
        ("tool", "done"),
    ]  # fmt: skip


def test_arguments_go_on_from_those_of_the_announcement(tmp_path: Path) -> None:
    conversation = case_state("04a_speaches_args_prefix.jsonl", tmp_path)
    assert [call.arguments for call in conversation.calls] == ['{"city":"Oslo"}']


def test_arguments_of_a_call_that_was_cut_are_those_that_came(tmp_path: Path) -> None:
    conversation = case_state("04b_speaches_args_prefix_cut.jsonl", tmp_path)
    assert [call.arguments for call in conversation.calls] == ['{"city":"Os']
    assert told(conversation)[-1] == ("assistant", 'get_weather({"city":"Os)')


def test_a_text_that_the_announcement_holds_whole_is_there_once(tmp_path: Path) -> None:
    conversation = case_state("05a_localai_added_full.jsonl", tmp_path)
    (_, reply) = conversation.items
    assert [(part.transcript, part.audio.total) for part in reply.content] == [("Hello from here.", 600 * 48)]
    assert check(case_recording("05a_localai_added_full.jsonl", tmp_path).frames).unexplained == []


@pytest.mark.parametrize("reading", READINGS)
def test_one_id_for_every_item_mixes_no_speakers(reading: str, tmp_path: Path) -> None:
    conversation = case_state("07_item_id_collision.jsonl", tmp_path)
    assert told(conversation, reading) == [
        ("user", "First question."), ("assistant", "First answer."),
        ("user", "Second question."), ("assistant", "Second answer."),
    ]  # fmt: skip
    assert [what for what, _ in problems(conversation)] == ["id-used-again"] * 4
    assert [item.id for item in conversation.items] == ["item_x", "item_x#2", "item_x#3", "item_x#4"]
    assert [(each.id, each.output) for each in conversation.responses] == [
        ("resp_x", ["item_x#2"]), ("resp_x#2", ["item_x#4"]),
    ]  # fmt: skip
    assert conversation.pending == []


def test_a_deletion_without_an_id_is_of_the_item_that_was_asked_for(tmp_path: Path) -> None:
    conversation = case_state("11_xai_deleted_no_id.jsonl", tmp_path)
    assert told(conversation) == [("user", "One."), ("user", "Two."), ("user", "Three.")]
    assert [item.id for item in conversation.items] == ["item_1", "item_3"]
    assert [item.id for item in conversation.deleted] == ["item_2"]
    assert conversation.pending == []


def test_late_transcripts_move_no_turn(tmp_path: Path) -> None:
    assert told(case_state("12_two_turns_late_transcripts.jsonl", tmp_path)) == [
        ("user", "A croissant, please."), ("user", "And a coffee."), ("assistant", "Right away."),
    ]  # fmt: skip


def test_an_item_that_was_refused_is_no_line(tmp_path: Path) -> None:
    conversation = case_state("24_seed_refused.jsonl", tmp_path)
    lines = [(line.speaker, line.text) for line in transcribe(conversation).lines]
    assert lines == [("user", "Book a room."), ("user", "Friday.")]


def test_a_character_whose_halves_came_apart_is_one(tmp_path: Path) -> None:
    conversation = case_state("32b_split_surrogates.jsonl", tmp_path)
    (part,) = conversation.items[0].content
    assert part.text == "Done 😀 now\0 \u202eabc"
    assert [length for _, length in part.text_deltas] == [6, 11, 16]
    for form in ("text", "json", "markdown", "jsonl", "csv"):
        assert "😀" in transcribe(conversation).text(form).encode().decode()


def test_a_call_that_was_cut_by_the_token_limit_has_what_came(tmp_path: Path) -> None:
    conversation = case_state("36_incomplete_call.jsonl", tmp_path)
    assert [(call.name, call.arguments) for call in conversation.calls] == [("order", '{"dish":"pizza","n')]
    assert conversation.items[0].status == "incomplete"
    (response,) = conversation.responses
    assert (response.status, response.status_details["reason"]) == ("incomplete", "max_output_tokens")
    assert check(case_recording("36_incomplete_call.jsonl", tmp_path).frames).unexplained == []


def test_a_call_without_arguments_has_its_output(tmp_path: Path) -> None:
    conversation = case_state("37_empty_arguments.jsonl", tmp_path)
    assert [(call.name, call.arguments, call.output) for call in conversation.calls] == [("now", "", "12:00")]
    assert told(conversation) == [("assistant", "now()"), ("tool", "12:00")]


def test_parallel_calls_keep_their_own_outputs(tmp_path: Path) -> None:
    conversation = case_state("38_parallel_calls.jsonl", tmp_path)
    assert [(call.call_id, call.output) for call in conversation.calls] == [("call_1", "1.1"), ("call_2", "162")]


def test_a_response_that_an_older_server_says_is_cancelled_is(tmp_path: Path) -> None:
    conversation = case_state("40_response_cancelled_event.jsonl", tmp_path)
    assert [(response.id, response.status) for response in conversation.responses] == [
        ("resp_1", "cancelled"), ("resp_2", "completed"),
    ]  # fmt: skip
    assert (conversation.pending, conversation.unknown) == ([], {})


def test_a_call_that_the_server_answers_itself_stands_before_its_output(tmp_path: Path) -> None:
    conversation = case_state("43_server_side_tool.jsonl", tmp_path)
    assert conversation.responses[0].output == ["item_f1", "item_o1"]
    assert [(call.name, call.output) for call in conversation.calls] == [("list_models", '["a","b"]')]
    assert told(conversation) == [
        ("assistant", "list_models({})"), ("tool", '["a","b"]'), ("assistant", "Two models."),
    ]  # fmt: skip


def test_nulls_everywhere_are_named(tmp_path: Path) -> None:
    conversation = case_state("46_null_fields.jsonl", tmp_path)
    assert [what for what, _ in problems(conversation)] == ["bad-field"] * 6 + ["no-type"] + ["not-an-object"] * 2
    for reading in READINGS:
        transcribe(conversation, reading).text("text")
    check(case_recording("46_null_fields.jsonl", tmp_path).frames)


@pytest.mark.parametrize("reading", READINGS)
def test_an_empty_conversation_id_is_in_band(reading: str, tmp_path: Path) -> None:
    conversation = case_state("60_empty_conversation_id.jsonl", tmp_path)
    assert [response.in_band for response in conversation.responses] == [True]
    (line,) = transcribe(conversation, reading).lines  # type: ignore[arg-type]
    assert (line.speaker, line.text) == ("assistant", "Hello there.")


def test_calls_whose_output_indexes_repeat_stand_as_they_came(tmp_path: Path) -> None:
    for case in ("par_same.jsonl", "par_diff.jsonl"):
        conversation = case_state(case, tmp_path)
        assert conversation.responses[0].output == ["fcA", "fcB"]
        assert [(call.call_id, call.output) for call in conversation.calls] == [
            ("call-A", "weather of A"), ("call-B", "weather of B"),
        ]  # fmt: skip
        assert check(case_recording(case, tmp_path).frames).unexplained == []
