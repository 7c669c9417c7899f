"""``audio``: one file, all items, refusals."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import soundfile
from earwitness.replay.open import bundled_path

from tests.cli.command import Command
from tests.cli.processes import run_in_shell


def test_a_call_becomes_a_stereo_file(earwitness: Command, tmp_path: Path) -> None:
    done = earwitness.ok("audio", bundled_path(), "-o", tmp_path / "call.wav")
    info = soundfile.info(tmp_path / "call.wav")
    assert (info.channels, info.samplerate) == (2, 24_000)
    assert f"{info.duration:.3f} s" in done.err
    assert done.out == ""


def test_a_part_of_a_call_is_named_by_minutes_and_seconds(earwitness: Command, tmp_path: Path) -> None:
    earwitness.ok("audio", bundled_path(), "-o", tmp_path / "a.flac", "--from", "0:10.5", "--to", "12")
    assert soundfile.info(tmp_path / "a.flac").frames == 36_000


def test_a_part_of_a_call_may_begin_and_end_with_a_record(earwitness: Command, tmp_path: Path) -> None:
    events = earwitness.ok("show", bundled_path(), "--events", "--json").json()
    start, end = events[600], next(row for row in events[900:] if row["event"].get("event_id"))
    earwitness.ok("audio", bundled_path(), "-o", tmp_path / "a.wav", "--from", "#600", "--to", end["event"]["event_id"])
    seconds = (end["offset_ns"] - start["offset_ns"]) / 1e9
    assert soundfile.info(tmp_path / "a.wav").duration == pytest.approx(seconds, abs=0.001)


def test_sound_on_standard_output_is_what_the_file_has(tmp_path: Path) -> None:
    target = tmp_path / "call.wav"
    told = run_in_shell(f"audio {bundled_path()} -o {target} --json", tmp_path)
    report = json.loads(told.stdout)
    assert report["target"] == str(target)
    assert (report["format"], report["rate"], report["channels"]) == ("wav", 24_000, 2)
    assert report["samples"] == soundfile.info(target).frames
    run_in_shell(f"audio {bundled_path()} -o - > piped.wav", tmp_path)
    assert (tmp_path / "piped.wav").read_bytes() == target.read_bytes()


def test_sound_is_not_printed_on_a_terminal(earwitness: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    done = earwitness("audio", bundled_path(), "-o", "-")
    assert (done.code, done.out) == (2, "")


def test_items_become_files_with_a_manifest(earwitness: Command, tmp_path: Path) -> None:
    done = earwitness.ok("audio", bundled_path(), "-o", tmp_path / "items", "--items", "--format", "flac")
    manifest = json.loads((tmp_path / "items" / "manifest.json").read_text())
    assert sorted(entry["file"] for entry in manifest) == sorted(
        path.name for path in (tmp_path / "items").glob("*.flac")
    )
    assert "5 files" in done.err
    again = earwitness.ok("audio", bundled_path(), "-o", tmp_path / "again", "--items", "--format", "flac", "--json")
    assert again.json() == manifest


@pytest.mark.parametrize(("code", "arguments"), [
    (3, ["--item", "nobody"]),
    (3, ["--from", "59:00"]),
    (2, ["--items", "--item", "x"]),
    (2, ["--items", "-o", "-"]),
    (3, ["--from", "soon"]),
    (3, ["--from", "1:2:3:4"]),
    (3, ["--to", "#99999"]),
    (2, ["--item", "x", "--from", "#5"]),
    (2, [str(bundled_path()), "--to", "#5"]),
])  # fmt: skip
def test_an_impossible_request_is_refused_and_nothing_written(
    earwitness: Command, tmp_path: Path, code: int, arguments: list[str]
) -> None:
    done = earwitness("audio", bundled_path(), "-o", tmp_path / "out.wav", *arguments)
    assert done.code == code
    assert "Traceback" not in done.err
    assert not (tmp_path / "out.wav").exists()


def test_a_name_that_tells_no_format_is_refused(earwitness: Command, tmp_path: Path) -> None:
    assert ".flac" in earwitness.refused(3, "audio", bundled_path(), "-o", tmp_path / "call.mp3")
