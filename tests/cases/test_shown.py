"""What was stated is shown: reasons, errors, usage, keys, speakers, calls."""

from __future__ import annotations

from pathlib import Path

import pytest
from earwitness.replay.show.keys import key_presses
from earwitness.replay.show.state import render_state
from earwitness.replay.show.tail import SessionTail
from earwitness.replay.transcript.lines import Line, transcribe
from earwitness.replay.transcript.page import page
from earwitness.replay.usage import usage_of

from tests.cases import case_file, case_recording, case_state
from tests.cli.command import Command


def shown(name: str, folder: Path) -> str:
    """What ``show`` prints of a case."""
    return render_state(case_recording(name, folder).info, case_state(name, folder))


def told(name: str, folder: Path) -> list[tuple[str, str]]:
    """What ``tail`` says of a case, without what begins and ends it."""
    tail = SessionTail()
    found = [(line.what, line.text) for frame in case_recording(name, folder).frames for line in tail.lines(frame)]
    return [each for each in found if each[0] not in ("session", "closed")]


async def on_page(name: str, folder: Path) -> str:
    return await page(case_recording(name, folder), silent=True)


def lines(name: str, folder: Path) -> tuple[Line, ...]:
    """The transcript of a case, in the default reading."""
    return transcribe(case_state(name, folder)).lines


def test_an_error_that_is_a_bare_string_is_shown(tmp_path: Path) -> None:
    name = "10_vllm.jsonl"
    (error,) = case_state(name, tmp_path).errors
    assert error.message == "audio too long"
    assert "error invalid_audio: audio too long" in shown(name, tmp_path)
    assert "transcription.delta (4)" in shown(name, tmp_path)


def test_usage_in_two_spellings_is_counted_once(tmp_path: Path) -> None:
    name = "26_usage_two_spellings.jsonl"
    usage = usage_of(case_state(name, tmp_path)).responses
    assert (usage.input["tokens"], usage.output["tokens"], usage.total) == (20, 2, 22)
    assert "22: 20 in" in shown(name, tmp_path)


def test_list_and_show_say_with_which_code_a_session_was_refused(earwitness: Command, tmp_path: Path) -> None:
    name = "27_close_4000.jsonl"
    db = str(tmp_path / "calls.db")
    earwitness.ok("import", case_file(name, tmp_path), "--db", db)
    assert "closed 4000 (invalid_request_error.invalid_intent)" in earwitness.ok("list", "--db", db).out
    (session,) = earwitness.ok("list", "--db", db, "--json").json()
    assert (session["close_code"], session["close_reason"]) == (4000, "invalid_request_error.invalid_intent")
    text = earwitness.ok("show", "latest", "--db", db).out
    assert "closed 4000 (invalid_request_error.invalid_intent) by the server" in text
    assert "audio formats not stated" in text


@pytest.mark.parametrize(("options", "keys"), [((), "•••"), (("--reveal", "dtmf"), "12#")])
def test_keys_are_shown_with_their_times_and_hidden_unless_asked_for(
    earwitness: Command, options: tuple[str, ...], keys: str, tmp_path: Path
) -> None:
    file = str(case_file("30_dtmf.jsonl", tmp_path))
    times = ("00:01.000", "00:01.500", "00:02.000")
    rows = earwitness.ok("transcript", file, *options).out.splitlines()
    assert [row for row in rows if "presses" in row] == [
        f"{time}  User       presses {key}  [{seq}]" for seq, (time, key) in enumerate(zip(times, keys, strict=True), 2)
    ]
    text = earwitness.ok("show", file, *options).out
    assert [f"{time}  {key}  [" in text for time, key in zip(times, keys, strict=True)] == [True] * 3


@pytest.mark.parametrize(
    "command",
    [
        ("show", "--json"), ("show", "--events", "--json"), ("transcript", "--json"),
        ("transcript", "--format", "html", "--sound", "none"), ("transcript", "--format", "csv"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_no_output_has_a_key_that_is_hidden(earwitness: Command, command: tuple[str, ...], tmp_path: Path) -> None:
    name = "30_dtmf.jsonl"
    file = case_file(name, tmp_path)
    output = [] if "html" not in command else ["-o", str(tmp_path / "call.html")]
    text = earwitness.ok(command[0], file, *command[1:], *output).out
    if output:
        text = (tmp_path / "call.html").read_text(encoding="utf-8")
    assert [press.key for press in key_presses(case_state(name, tmp_path), ("dtmf",))] == ["1", "2", "#"]
    assert '"#"' not in text
    assert "presses #" not in text
    assert "•" in text or "\\u2022" in text


def test_every_word_of_several_speakers_stands_once_with_its_speaker(earwitness: Command, tmp_path: Path) -> None:
    name = "31_diarised_segments.jsonl"
    (line,) = lines(name, tmp_path)
    assert (line.text, line.remark) == ("Are you ready? Almost.", None)
    assert [(voice.speaker, voice.text) for voice in line.voices] == [("A", "Are you ready?"), ("B", "Almost.")]
    text = earwitness.ok("transcript", case_file(name, tmp_path)).out
    assert "User       [A] Are you ready? [B] Almost." in text
    assert text.count("Almost") == 1


def test_a_call_that_stayed_incomplete_is_shown_as_far_as_it_came(tmp_path: Path) -> None:
    name = "36_incomplete_call.jsonl"
    (line,) = lines(name, tmp_path)
    assert (line.name, line.text, line.remark) == ("order", '{"dish":"pizza","n', "incomplete call")
    assert line.outcome == "incomplete: max_output_tokens"
    (response,) = case_state(name, tmp_path).responses
    assert response.status == "incomplete"


def test_a_call_without_arguments_has_its_output(tmp_path: Path) -> None:
    name = "37_empty_arguments.jsonl"
    call, output = lines(name, tmp_path)
    assert (call.kind, call.name, call.text) == ("call", "now", "")
    assert (output.kind, output.text, output.call_id) == ("output", "12:00", call.call_id)


def test_a_tool_that_the_server_calls_is_shown_with_its_output(tmp_path: Path) -> None:
    name = "43_server_side_tool.jsonl"
    call, output, answer = lines(name, tmp_path)
    assert (call.kind, call.name) == ("call", "list_models")
    assert (output.kind, output.text, output.call_id) == ("output", '["a","b"]', call.call_id)
    assert (answer.speaker, answer.text) == ("assistant", "Two models.")


def test_a_failed_response_says_why_in_show_and_transcript(earwitness: Command, tmp_path: Path) -> None:
    name = "61_failed_rate_limit.jsonl"
    why = "rate_limit_exceeded: Rate limit reached. Limit 20000, used 19800, requested 900."
    (line,) = lines(name, tmp_path)
    assert (line.kind, line.response_id, line.outcome) == ("response", "r1", f"failed: {why}")
    assert f"(response failed: {why})" in earwitness.ok("transcript", case_file(name, tmp_path)).out
    text = shown(name, tmp_path)
    assert f"failed ({why}), 0 tokens (0 in, 0 out)" in text
    assert text.count("r1") == 1


def test_an_approved_call_of_a_server_is_one_call(earwitness: Command, tmp_path: Path) -> None:
    name = "64_mcp_with_approval.jsonl"
    (call,) = (line for line in lines(name, tmp_path) if line.kind == "call")
    assert (call.server, call.name, call.text) == ("shop", "order", '{"item":"tea"}')
    assert (call.approved, call.output) == (True, '{"ordered":true}')
    assert (
        'calls order({"item":"tea"}) on shop, which returns {"ordered":true} (approved)'
        in earwitness.ok("transcript", case_file(name, tmp_path)).out
    )


def test_the_users_line_says_why_its_transcription_failed(tmp_path: Path) -> None:
    (line,) = lines("65_clear_then_failed_transcription.jsonl", tmp_path)
    assert (line.speaker, line.text) == ("user", "")
    assert line.remark == "transcription failed: audio_unintelligible: The audio could not be transcribed."


def test_show_has_the_words_of_several_speakers_once(tmp_path: Path) -> None:
    assert "user        “[A] Are you ready? [B] Almost.”" in shown("31_diarised_segments.jsonl", tmp_path)


async def test_the_page_has_the_words_of_several_speakers_once(tmp_path: Path) -> None:
    html = await on_page("31_diarised_segments.jsonl", tmp_path)
    assert html.count("Are you ready?") == html.count("Almost.") == 1
    assert '<span class="label">A</span> Are you ready?' in html


async def test_the_page_says_why_a_response_failed(tmp_path: Path) -> None:
    why = "rate_limit_exceeded: Rate limit reached. Limit 20000, used 19800, requested 900."
    html = await on_page("61_failed_rate_limit.jsonl", tmp_path)
    assert f"Response failed: {why}" in html
    assert f"failed ({why})" in html


async def test_the_page_has_a_servers_own_call_once(tmp_path: Path) -> None:
    html = await on_page("64_mcp_with_approval.jsonl", tmp_path)
    assert "<dt>tool calls</dt><dd>1</dd>" in html
    assert html.count("{&#34;ordered&#34;: true}") == 1


async def test_the_page_says_why_a_transcription_failed(tmp_path: Path) -> None:
    why = "transcription failed: audio_unintelligible: The audio could not be transcribed."
    assert why in await on_page("65_clear_then_failed_transcription.jsonl", tmp_path)


@pytest.mark.parametrize("name", ["36_incomplete_call.jsonl", "64_mcp_with_approval.jsonl"])
def test_what_is_shown_of_calls_is_what_the_server_states(earwitness: Command, name: str, tmp_path: Path) -> None:
    earwitness.ok("check", case_file(name, tmp_path))
    assert case_state(name, tmp_path).pending == []


def test_tail_names_the_function_of_every_call(tmp_path: Path) -> None:
    assert told("36_incomplete_call.jsonl", tmp_path) == [
        ("call", 'order {"dish":"pizza","n'), ("response", "incomplete: max_output_tokens"),
    ]  # fmt: skip
    assert told("37_empty_arguments.jsonl", tmp_path) == [("call", "now"), ("output", "12:00")]
    assert told("43_server_side_tool.jsonl", tmp_path) == [
        ("call", "list_models {}"), ("output", '["a","b"]'), ("assistant", "Two models."),
    ]  # fmt: skip
    assert told("64_mcp_with_approval.jsonl", tmp_path) == [
        ("approval", 'asked for shop: order {"item":"tea"}'), ("approval", "given"),
        ("call", 'shop: order {"item":"tea"}'), ("output", '{"ordered":true}'),
    ]  # fmt: skip
