"""``check`` neither cries wolf nor sleeps: cases after public reports."""

from __future__ import annotations

from pathlib import Path

import pytest
from earwitness.replay.compare.check import CheckReport, check

from tests.cases import case_recording, case_state


def checked(name: str, folder: Path) -> CheckReport:
    return check(case_recording(name, folder).frames)


def test_arguments_that_begin_in_the_added_item_agree(tmp_path: Path) -> None:
    report = checked("04a_speaches_args_prefix.jsonl", tmp_path)
    assert (report.outcome, report.unexplained) == ("agrees", [])
    (call,) = case_state("04a_speaches_args_prefix.jsonl", tmp_path).calls
    assert call.arguments == '{"city":"Oslo"}'


def test_an_item_that_is_added_whole_agrees(tmp_path: Path) -> None:
    report = checked("05a_localai_added_full.jsonl", tmp_path)
    assert (report.outcome, report.unexplained) == ("agrees", [])


def test_a_transcript_that_only_a_retrieved_item_states_agrees(tmp_path: Path) -> None:
    report = checked("06b_retrieved_transcript.jsonl", tmp_path)
    assert (report.outcome, report.unexplained) == ("agrees", [])


def test_a_transcription_that_is_completed_twice_agrees(tmp_path: Path) -> None:
    report = checked("13_dup_completed.jsonl", tmp_path)
    assert (report.outcome, report.differences) == ("agrees", [])


def test_characters_that_the_server_tore_are_explained(tmp_path: Path) -> None:
    report = checked("32a_replacement_chars.jsonl", tmp_path)
    assert report.outcome == "agrees"
    assert [(each.stated, each.explanation) for each in report.differences] == [("가볍게 이야기", "torn characters")]


def test_an_incomplete_call_agrees(tmp_path: Path) -> None:
    assert checked("36_incomplete_call.jsonl", tmp_path).outcome == "agrees"


def test_a_call_by_mcp_with_its_approval_agrees(tmp_path: Path) -> None:
    assert checked("64_mcp_with_approval.jsonl", tmp_path).outcome == "agrees"


def test_a_format_that_is_echoed_wrongly_is_reported_with_what_the_bytes_say(tmp_path: Path) -> None:
    (found,) = checked("45_echo_wrong_then_right.jsonl", tmp_path).unexplained
    assert (found.subject, found.basis) == ("session, input_audio_format", "asked")
    assert (found.reconstructed, found.stated) == ("g711_ulaw", "pcm16")
    assert found.note == (
        "8,000 bytes came until voice activity counted 1,000 ms: 1,000 ms as g711_ulaw, 167 ms as pcm16; "
        "they fit g711_ulaw"
    )


def test_sound_that_does_not_fit_its_format_contradicts_nothing_that_is_stated_twice(tmp_path: Path) -> None:
    assert checked("44_says_ulaw_sends_pcm.jsonl", tmp_path).unexplained == []


def test_usage_in_two_spellings_adds_up(tmp_path: Path) -> None:
    report = checked("26_usage_two_spellings.jsonl", tmp_path)
    assert report.outcome == "agrees"
    (response,) = case_state("26_usage_two_spellings.jsonl", tmp_path).responses
    usage = response.usage or {}
    assert (usage["input_tokens"], usage["output_tokens"], usage["total_tokens"]) == (20, 2, 22)


@pytest.mark.parametrize(
    "name",
    ["01_hf_cumulative_input_deltas.jsonl", "02a_hf_sentence_dones_indexed.jsonl", "03_hf_minimal_lifecycle.jsonl"],
)
def test_the_shapes_of_hugging_face_give_no_false_alarm(name: str, tmp_path: Path) -> None:
    report = checked(name, tmp_path)
    assert (report.outcome, report.unexplained) == ("agrees", [])
