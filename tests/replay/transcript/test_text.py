"""CSV and JSON Lines: read back by the standard library, complete, and harmless in a spreadsheet."""

from __future__ import annotations

import csv
import io
import json

import pytest
from earwitness.replay.fold import fold
from earwitness.replay.open import bundled_recording
from earwitness.replay.transcript.lines import Line, Transcript, transcribe
from earwitness.replay.transcript.text import COLUMNS, as_csv, as_jsonl
from earwitness.schemas.refs import Seqs, to_plain
from hypothesis import given
from hypothesis import strategies as st


def line(text: str, **fields: object) -> Line:
    stated = {"speaker": "user", "kind": "message", "item_id": "item_1", "seqs": Seqs([[5, 6]])} | fields
    return Line(text=text, **stated)  # type: ignore[arg-type]


def rows(*lines: Line) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(as_csv(Transcript("heard", lines)), newline=""), strict=True))


def test_csv_has_a_row_for_each_line_with_times_cut_and_provenance() -> None:
    transcript = transcribe(fold(bundled_recording().frames))
    read = rows(*transcript.lines)
    assert len(read) == len(transcript.lines)
    assert tuple(read[0]) == COLUMNS
    assert (read[0]["start_s"], read[0]["end_s"]) == ("0.986", "6.358")
    cut = read[4]
    assert (cut["interrupted"], cut["heard_ms"], cut["total_ms"]) == ("yes", "5248.000", "9000.000")
    assert (read[2]["kind"], read[2]["name"]) == ("call", "get_forecast")
    assert read[2]["call_id"] == read[3]["call_id"] != ""
    assert [row["records"] for row in read] == [f"[{each.seqs}]" for each in transcript.lines]


def test_csv_lines_end_as_rfc_4180_says_and_what_needs_quotes_has_them() -> None:
    text = as_csv(Transcript("heard", (line('He said "hi",\nand left.'),)))
    assert text.count("\r\n") == 2
    assert '"He said ""hi"",\nand left."' in text
    assert rows(line('He said "hi",\nand left.'))[0]["text"] == 'He said "hi",\nand left.'


@pytest.mark.parametrize("text", ["=1+1", "+1", "-2", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\uff1d1"])
def test_csv_disarms_what_a_spreadsheet_would_compute(text: str) -> None:
    (row,) = rows(line(text, name=text, item_id=text, remark=text))
    assert [row[column] for column in ("text", "name", "item_id", "remark")] == [f"'{text}"] * 4


def test_csv_leaves_everything_else_as_it_is() -> None:
    assert rows(line("1 = 1"))[0]["text"] == "1 = 1"
    assert rows(line("a\0b"))[0]["text"] == "a\ufffdb"


def test_csv_of_a_session_without_a_clock_leaves_times_empty() -> None:
    (row,) = rows(line("x"))
    assert (row["start_s"], row["end_s"], row["heard_ms"]) == ("", "", "")


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"))))
def test_csv_gives_back_every_text(texts: list[str]) -> None:
    for text, row in zip(texts, rows(*map(line, texts)), strict=True):
        assert row["text"] in (text, f"'{text}")
        assert not row["text"].startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


def test_jsonl_has_a_line_of_json_for_each_line_with_its_number_and_reading() -> None:
    transcript = transcribe(fold(bundled_recording().frames), "generated")
    read = [json.loads(row) for row in as_jsonl(transcript).splitlines()]
    expected = [
        {"line": number, "reading": "generated", **to_plain(each)} for number, each in enumerate(transcript.lines, 1)
    ]
    assert read == json.loads(json.dumps(expected))
    assert read[0]["seqs"] == transcript.lines[0].seqs.runs


def test_jsonl_keeps_line_breaks_inside_a_text() -> None:
    text = as_jsonl(Transcript("heard", (line("one\ntwo\u2028three"),)))
    assert text.count("\n") == 1
    assert json.loads(text)["text"] == "one\ntwo\u2028three"


def test_a_transcript_without_lines_is_a_header_and_nothing() -> None:
    assert as_csv(Transcript("heard", ())) == ",".join(COLUMNS) + "\r\n"
    assert as_jsonl(Transcript("heard", ())) == ""
