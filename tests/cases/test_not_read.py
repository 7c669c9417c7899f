"""Not read is not empty: cases after public reports, as a user meets them."""

from __future__ import annotations

from pathlib import Path

import pytest
from earwitness.cli.main import EXIT_CODES

from tests.cases import case_file
from tests.cli.command import Command


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command, with a journal of its own."""
    db = str(tmp_path / "calls.db")
    monkeypatch.setenv("EARWITNESS_DB", db)
    return Command(capsys, db)


def said_by_all(run: Command, name: str, folder: Path, words: str) -> None:
    """Every reader says the words, and none takes the session for an empty or an agreeing one."""
    file = case_file(name, folder)
    for done in (run.ok("transcript", file), run.ok("show", file)):
        assert words in done.out
    page = folder / "call.html"
    run.ok("transcript", file, "-o", page)
    assert words in page.read_text(encoding="utf-8")
    for done in (run("check", file), run("diff", file, file)):
        assert done.code == 7
        assert words in done.out
    assert EXIT_CODES[7].startswith("Nothing to compare")
    for value in (
        run.ok("show", file, "--json").json()["not_read"],
        run("check", file, "--json").json()[0]["not_read"],
    ):
        assert words in value["says"][0]
    assert words in run.ok("transcript", file, "--json").json()["not_read"][0]
    assert run("diff", file, file, "--json").json()["same"] is False


def test_a_live_session_is_named_by_every_reader(run: Command, tmp_path: Path) -> None:
    said_by_all(run, "34_gpt_live.jsonl", tmp_path, "The session speaks the live vocabulary (GPT-Live")
    refused = run.refused(3, "audio", case_file("34_gpt_live.jsonl", tmp_path), "-o", tmp_path / "call.wav")
    assert "20 frames carry 96,000 bytes of sound that is not read" in refused  # 1 s per side


def test_a_translation_is_named_by_every_reader(run: Command, tmp_path: Path) -> None:
    said_by_all(run, "35_translation.jsonl", tmp_path, "The session speaks the translation vocabulary")
    refused = run.refused(3, "audio", case_file("35_translation.jsonl", tmp_path), "-o", tmp_path / "call.wav")
    assert "12 frames carry 57,600 bytes of sound that is not read" in refused  # 1.0 s in, 0.2 s out


def test_events_of_a_vocabulary_that_nobody_described_are_named(run: Command, tmp_path: Path) -> None:
    said_by_all(run, "10_vllm.jsonl", tmp_path, "The session speaks a vocabulary that is not known")
    file = case_file("10_vllm.jsonl", tmp_path)
    assert "transcription.delta (4), transcription.done (1)" in run.ok("transcript", file).out
    run.ok("audio", file, "-o", tmp_path / "call.wav")


def test_a_format_that_is_not_known_is_named(run: Command, tmp_path: Path) -> None:
    file = case_file("33_qwen.jsonl", tmp_path)
    notes = run.ok("audio", file, "-o", tmp_path / "call.wav").err
    assert "the format of the assistant's audio, pcm24, is not known: taken as audio/pcm, 24 kHz" in notes
    assert "the user's audio is taken as audio/pcm, 24 kHz: what rate a server means" in notes
    out = run.ok("transcript", file).out
    assert "Play some jazz." in out
    assert "Jazz it is." in out
    run.ok("check", file)


def test_a_session_with_usage_in_two_spellings_is_the_same_as_itself(run: Command, tmp_path: Path) -> None:
    file = case_file("26_usage_two_spellings.jsonl", tmp_path)
    assert "No differences." in run.ok("diff", file, file).out
    assert "22 tokens (20 in, 2 out)" in run.ok("show", file).out


def test_a_refusal_by_a_close_is_shown_with_its_code_and_reason(run: Command, tmp_path: Path) -> None:
    file = case_file("27_close_4000.jsonl", tmp_path)
    assert "closed 4000 (invalid_request_error.invalid_intent)" in run.ok("show", file).out
    assert run("check", file).code == 7
    run.ok("diff", file, file)
    run.ok("import", file)
    assert "4000" in run.ok("list").out


def test_fields_that_are_null_break_no_reader(run: Command, tmp_path: Path) -> None:
    file = case_file("46_null_fields.jsonl", tmp_path)
    shown = run.ok("show", file).out
    assert "bad-field: item.id  [2,4]" in shown
    assert "not-an-object" in shown
    assert run("check", file).code == 7
    for arguments in (["transcript"], ["transcript", "--json"], ["show", "--json"], ["show", "--events"]):
        run.ok(*arguments, file)
    run.ok("transcript", file, "-o", tmp_path / "call.html")
    run.ok("diff", file, file)
    assert "holds no audio" in run.refused(3, "audio", file, "-o", tmp_path / "call.wav")


@pytest.mark.parametrize("command", ["import", "transcript", "check"])
def test_files_that_are_not_read_yet_are_refused_by_naming_what_is(run: Command, tmp_path: Path, command: str) -> None:
    for file in (case_file("51_chrome.har", tmp_path), case_file("52_bare_events.jsonl", tmp_path)):
        refused = run.refused(6, command, file)
        assert "A cassette begins with" in refused
        assert "a capture has lines like" in refused
