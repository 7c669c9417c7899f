"""``earwitness transcript``: formats, files, and what it refuses."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from earwitness.replay.open import bundled_path
from earwitness.replay.transcript.write import FORMATS

from tests.cli.command import Command

CALL = bundled_path()


def test_it_prints_text_unless_told_otherwise(earwitness: Command) -> None:
    done = earwitness.ok("transcript", CALL)
    assert done.out.startswith("Transcript as heard")
    assert "Sorry, just Sunday, please." in done.out
    assert done.err == ""


@pytest.mark.parametrize("form", FORMATS)
def test_what_it_prints_is_what_it_writes(earwitness: Command, tmp_path: Path, form: str) -> None:
    printed = earwitness.ok("transcript", CALL, "--format", form, "--sound", "none").out
    target = tmp_path / "call.any"
    done = earwitness.ok("transcript", CALL, "--format", form, "--sound", "none", "-o", target)
    assert done.out == ""
    # Captured output translates line ends; the file has them as the format wants them.
    assert target.read_bytes().decode().replace("\r\n", "\n") == printed.replace("\r\n", "\n")
    assert done.err == f"{form}, {target.stat().st_size:,} bytes → {target}\n"


def test_json_is_a_format_and_a_dash_is_standard_output(earwitness: Command) -> None:
    stated = earwitness.ok("transcript", CALL, "--format", "json")
    assert earwitness.ok("transcript", CALL, "--json", "-o", "-") == stated
    assert "contradict" in earwitness("transcript", CALL, "--json", "--format", "csv").err


def test_the_files_name_says_the_format(earwitness: Command, tmp_path: Path) -> None:
    earwitness.ok("transcript", CALL, "-o", tmp_path / "call.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "call.csv").read_text(encoding="utf-8"), newline="")))
    assert rows[2]["name"] == "get_forecast"


def test_as_generated_the_cut_words_are_there(earwitness: Command) -> None:
    heard = json.loads(earwitness.ok("transcript", CALL, "--format", "json").out)
    generated = json.loads(earwitness.ok("transcript", CALL, "--format", "json", "--as", "generated").out)
    assert not heard["lines"][4]["text"].endswith("in the afternoon")
    assert generated["lines"][4]["text"].endswith("in the afternoon")


def test_a_file_that_is_there_is_replaced_only_with_force(earwitness: Command, tmp_path: Path) -> None:
    target = tmp_path / "call.srt"
    target.write_text("mine")
    assert "--force" in earwitness.refused(3, "transcript", CALL, "-o", target)
    assert target.read_text() == "mine"
    earwitness.ok("transcript", CALL, "-o", target, "--force")
    assert target.read_text(encoding="utf-8").startswith("1\n00:00:00,572 --> ")


def test_a_session_or_file_that_is_not_there_is_named(earwitness: Command, tmp_path: Path) -> None:
    assert "nowhere.ndjson" in earwitness.refused(6, "transcript", tmp_path / "nowhere.ndjson", "--format", "srt")


def test_a_page_is_not_printed_on_a_terminal(earwitness: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    done = earwitness("transcript", CALL, "--format", "html")
    assert done.code == 2
    assert "name a file with -o" in done.err
