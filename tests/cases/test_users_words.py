"""What the user said, on the cases: it is in every reading, wherever it was stated, once, and before its answer."""

from __future__ import annotations

from pathlib import Path

import pytest
from earwitness.replay.compare.check import check
from earwitness.replay.transcript.lines import READINGS, transcribe
from earwitness.schemas.state import Conversation

from tests.cases import case_recording, case_state


def said(conversation: Conversation, reading: str, speaker: str | None = None) -> list[str]:
    """The words of the lines, of one speaker or of all."""
    lines = transcribe(conversation, reading).lines  # type: ignore[arg-type]
    return [line.text for line in lines if speaker in (None, line.speaker)]


@pytest.mark.parametrize("reading", READINGS)
def test_hypotheses_that_count_up_an_index_are_one_text(reading: str, tmp_path: Path) -> None:
    conversation = case_state("01_hf_cumulative_input_deltas.jsonl", tmp_path)
    assert said(conversation, reading) == ["Where is the tram stop?"]


@pytest.mark.parametrize("reading", READINGS)
def test_sentences_under_indexes_of_their_own_are_all_there(reading: str, tmp_path: Path) -> None:
    conversation = case_state("02a_hf_sentence_dones_indexed.jsonl", tmp_path)
    assert said(conversation, reading) == ["How do I get there?", "Two streets up.\nThen turn left."]


@pytest.mark.parametrize("reading", READINGS)
def test_sentences_under_one_index_are_all_there_and_named(reading: str, tmp_path: Path) -> None:
    conversation = case_state("02b_hf_sentence_dones_same_index.jsonl", tmp_path)
    assert said(conversation, reading) == ["How do I get there?", "Two streets up. Then turn left."]
    assert [problem.what for problem in conversation.problems] == ["stated-in-pieces"]


@pytest.mark.parametrize("reading", READINGS)
def test_words_that_only_the_item_states_count(reading: str, tmp_path: Path) -> None:
    conversation = case_state("06_localai_no_item_id.jsonl", tmp_path)
    assert said(conversation, reading, "user") == ["Good evening."]
    assert conversation.errors[0].cause_seq is None
    span = conversation.items[0].span
    assert span is None or not span.reliable
    if reading != "heard":
        assert said(conversation, reading, "assistant") == ["Evening!"]


@pytest.mark.parametrize("reading", READINGS)
def test_words_that_only_a_retrieved_item_states_count(reading: str, tmp_path: Path) -> None:
    conversation = case_state("06b_retrieved_transcript.jsonl", tmp_path)
    assert said(conversation, reading) == ["Good evening."]
    assert check(case_recording("06b_retrieved_transcript.jsonl", tmp_path).frames).unexplained == []


@pytest.mark.parametrize("reading", READINGS)
def test_a_transcription_without_any_item_event_is_a_line(reading: str, tmp_path: Path) -> None:
    assert said(case_state("09_16k_no_ms.jsonl", tmp_path), reading, "user") == ["Four score and seven"]


@pytest.mark.parametrize("reading", READINGS)
def test_a_transcript_that_is_said_again_is_there_once(reading: str, tmp_path: Path) -> None:
    assert said(case_state("13_dup_completed.jsonl", tmp_path), reading) == ["Add milk to the list."]
    assert check(case_recording("13_dup_completed.jsonl", tmp_path).frames).unexplained == []


@pytest.mark.parametrize("reading", READINGS)
def test_qwens_words_are_there(reading: str, tmp_path: Path) -> None:
    conversation = case_state("33_qwen.jsonl", tmp_path)
    assert said(conversation, reading) == ["Play some jazz.", "Jazz it is."]
    assert sorted(conversation.unknown) == ["session.finish", "session.finished"]


@pytest.mark.parametrize("reading", READINGS)
def test_a_transcript_under_another_key_counts(reading: str, tmp_path: Path) -> None:
    assert said(case_state("47_completed_text_key.jsonl", tmp_path), reading) == ["Turn it up."]


@pytest.mark.parametrize("reading", READINGS)
def test_a_transcription_that_names_no_item_is_one_line_and_a_problem(reading: str, tmp_path: Path) -> None:
    conversation = case_state("48_transcription_without_item_id.jsonl", tmp_path)
    assert said(conversation, reading) == ["Meet me at noon."]
    assert [(problem.what, problem.detail) for problem in conversation.problems] == [("bad-field", "item_id")]


@pytest.mark.parametrize("reading", READINGS)
def test_a_turn_without_item_events_stands_before_its_answer(reading: str, tmp_path: Path) -> None:
    conversation = case_state("openai_no_item.jsonl", tmp_path)
    lines = transcribe(conversation, reading).lines  # type: ignore[arg-type]
    assert [line.speaker for line in lines] == ["user", "assistant"]
    assert lines[0].text == "Hello, my name is Marcelo."
