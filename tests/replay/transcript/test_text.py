"""Text, Markdown and JSON; CSV and JSON Lines, read back by the standard library and harmless in a spreadsheet."""

from __future__ import annotations

import csv
import io
import json

import pytest
from earwitness.replay.fold import fold
from earwitness.replay.open import bundled_recording
from earwitness.replay.show.terminal import visible
from earwitness.replay.transcript.lines import Line, Transcript, transcribe
from earwitness.replay.transcript.text import COLUMNS
from earwitness.schemas.refs import Seqs, to_plain
from hypothesis import given
from hypothesis import strategies as st

from tests.replay.transcript.test_lines import interrupted
from tests.sessions import Session


def line(text: str, **fields: object) -> Line:
    stated = {"speaker": "user", "kind": "message", "item_id": "item_1", "seqs": Seqs([[5, 6]])} | fields
    return Line(text=text, **stated)  # type: ignore[arg-type]


def rows(*lines: Line) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(Transcript("heard", lines).text("csv"), newline=""), strict=True))


def test_text_has_a_line_for_each_turn() -> None:
    head, empty, *turns = transcribe(interrupted().fold()).text("text").split("\n")
    assert head == "Transcript as heard: where the user cut in, the words are an estimate from the audio position."
    assert empty == ""
    assert turns[0].startswith("00:00.100  User       Count to ten.  [")
    assert "00:02.000  Assistant  one two three four [interrupted: 0.4 of 1.0 s heard; " in turns[1]
    assert "cut at 400 ms; words by the share of the sound]  [" in turns[1]


def test_text_and_markdown_mark_the_cut_where_it_happened() -> None:
    transcript = transcribe(interrupted().fold(), "generated")
    for form, mark in (("text", "[interrupted]"), ("markdown", r"\[interrupted\]")):
        assert f"one two three four {mark} five six seven eight nine ten " in transcript.text(form)


def test_markdown_escapes_what_was_said() -> None:
    script = Session().item("a", text="*not* [a](link) <b> `code`")
    assert r"\*not\* \[a\](link) \<b\> \`code\`" in transcribe(script.fold()).text("markdown")


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("- one\n+ two\n  -5 degrees", "\\- one  \n\\+ two  \n\\-5 degrees"),
        ("1. one\n12) two\n3.5 three", "1\\. one  \n12\\) two  \n3.5 three"),
        ("A\n===\nB\n---", "A  \n\\===  \nB  \n\\---"),
        ("one\r\n\r\n\t    two\rthree", "one  \n  \ntwo  \nthree"),
        ("AT&T, &lt;b&gt; &copy;", r"AT\&T, \&lt;b\&gt; \&copy;"),
        ("~~not~~ a | b", r"\~\~not\~\~ a \| b"),
    ],
)
def test_markdown_makes_no_lists_headings_entities_or_tables_of_what_was_said(said: str, written: str) -> None:
    assert f"`  \n{written}  \n<sub>" in transcribe(Session().item("a", text=said).fold()).text("markdown")


def test_markdown_fences_the_name_of_a_tool() -> None:
    item = {"id": "f", "type": "function_call", "call_id": "c", "name": "a`<b>`", "arguments": "{}"}
    script = Session().server("conversation.item.added", item=item)
    assert "*calls* `` a`<b>` `` `{}`" in transcribe(script.fold()).text("markdown")


def test_markdown_fences_code_that_holds_backticks() -> None:
    item = {"id": "o", "type": "function_call_output", "call_id": "c", "output": "a ``b`` `c`"}
    script = Session().server("conversation.item.added", item=item)
    assert "*returns* ``` a ``b`` `c` ```" in transcribe(script.fold()).text("markdown")


def test_json_has_every_field_of_a_line() -> None:
    value = json.loads(transcribe(interrupted().fold()).text("json"))
    assert (value["reading"], value["model"]) == ("heard", "gpt-realtime")
    assert set(value["lines"][1]) == set(Line.__dataclass_fields__)
    assert value["lines"][1]["estimate"]["basis"] == "truncated"
    assert value["lines"][0]["seqs"] == [[21, 25]]


def test_text_says_what_never_began_and_what_a_tool_did() -> None:
    script = Session().at(0).session().at(1000).reply("first", "one two three").at(1100).reply("next", "four", 500)
    script.at(1200).truncate("first", 100).truncated("first", 100)
    assert "Assistant  [not heard] four" in transcribe(script.fold(), "generated").text()
    call = line('{"city": "Lisbon"}', speaker="assistant", kind="call", name="look_up")
    said = Transcript("heard", (call, line("fog", speaker="tool", kind="output"))).text()
    assert 'Assistant  calls look_up({"city": "Lisbon"})' in said
    assert "Tool       returns fog" in said


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(ValueError, match="'pdf' is not a format"):
        Transcript("heard", ()).text("pdf")


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
    text = Transcript("heard", (line('He said "hi",\nand left.'),)).text("csv")
    assert text.count("\r\n") == 2
    assert '"He said ""hi"",\nand left."' in text
    assert rows(line('He said "hi",\nand left.'))[0]["text"] == 'He said "hi",\nand left.'


@pytest.mark.parametrize("text", ["=1+1", "+1", "-2", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\uff1d1"])
def test_csv_disarms_what_a_spreadsheet_would_compute(text: str) -> None:
    (row,) = rows(line(text, name=text, item_id=text, remark=text))
    assert [row[column] for column in ("text", "name", "item_id", "remark")] == [f"'{visible(text)}"] * 4


def test_csv_leaves_everything_else_as_it_is() -> None:
    assert rows(line("1 = 1"))[0]["text"] == "1 = 1"
    assert rows(line("a\0b"))[0]["text"] == "a\\u0000b"


def test_csv_of_a_session_without_a_clock_leaves_times_empty() -> None:
    (row,) = rows(line("x"))
    assert (row["start_s"], row["end_s"], row["heard_ms"]) == ("", "", "")


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"))))
def test_csv_gives_back_every_text(texts: list[str]) -> None:
    for text, row in zip(texts, rows(*map(line, texts)), strict=True):
        assert row["text"] in (visible(text), f"'{visible(text)}")
        assert not row["text"].startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


def test_jsonl_has_a_line_of_json_for_each_line_with_its_number_and_reading() -> None:
    transcript = transcribe(fold(bundled_recording().frames), "generated")
    read = [json.loads(row) for row in transcript.text("jsonl").splitlines()]
    expected = [
        {"line": number, "reading": "generated", **to_plain(each)} for number, each in enumerate(transcript.lines, 1)
    ]
    assert read == json.loads(json.dumps(expected))
    assert read[0]["seqs"] == transcript.lines[0].seqs.runs


def test_jsonl_keeps_line_breaks_inside_a_text() -> None:
    text = Transcript("heard", (line("one\ntwo\u2028three"),)).text("jsonl")
    assert text.count("\n") == 1
    assert json.loads(text)["text"] == "one\ntwo\u2028three"


def test_a_transcript_without_lines_is_a_header_and_nothing() -> None:
    assert Transcript("heard", ()).text("csv") == ",".join(COLUMNS) + "\r\n"
    assert Transcript("heard", ()).text("jsonl") == ""
