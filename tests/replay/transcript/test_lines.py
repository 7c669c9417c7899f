"""Transcripts as data: generated, delivered, heard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from earwitness.replay.transcript.lines import READINGS, Line, transcribe

from tests.sessions import Session


def lines(script: Session, reading: Any = "heard") -> tuple[Line, ...]:
    return transcribe(script.fold(), reading).lines


def texts(script: Session, reading: Any = "heard") -> list[tuple[str, str]]:
    return [(line.speaker, line.text) for line in lines(script, reading)]


def interrupted() -> Session:
    """An answer of one second with ten words, cut at 400 ms by the user."""
    script = Session().at(0).session().at(100).append(100, 20).speech("user_1", 0, 1500)
    kind = "conversation.item.input_audio_transcription.completed"
    script.server(kind, item_id="user_1", content_index=0, transcript="Count to ten.")
    script.at(2000).reply("reply_1", "one two three four five six seven eight nine ten", 1000)
    script.at(2400).server("input_audio_buffer.speech_started", item_id="user_2", audio_start_ms=2300)
    return script.at(2500).truncate("reply_1", 400).truncated("reply_1", 400)


def test_the_user_and_the_assistant_speak_in_turn() -> None:
    assert texts(interrupted(), "generated") == [
        ("user", "Count to ten."),
        ("assistant", "one two three four five six seven eight nine ten"),
    ]


def test_generated_and_delivered_are_whole_and_heard_ends_where_the_user_cut_in() -> None:
    whole = "one two three four five six seven eight nine ten"
    assert [lines(interrupted(), reading)[1].text for reading in READINGS] == [whole, whole, "one two three four"]


def test_a_heard_line_says_what_its_words_rest_on() -> None:
    script = interrupted()
    line = lines(script)[1]
    assert line.interrupted
    assert line.estimate is not None
    assert (line.estimate.basis, line.estimate.heard_ms, line.estimate.total_ms) == ("truncated", 400, 1000)
    assert (line.estimate.characters, line.estimate.total_characters) == (18, 48)
    assert line.estimate.method == "share of audio"
    assert line.estimate.cut_seq == script.seq - 1
    assert [each.estimate for each in lines(script, "generated")] == [None, line.estimate]


def test_a_reading_that_goes_on_behind_a_cut_says_where_it_was() -> None:
    assert [lines(interrupted(), reading)[1].cut_at for reading in READINGS] == [18, 18, None]
    assert [line.cut_at for line in lines(Session().at(0).session().at(1).reply("a", "whole", 100), "generated")] == [
        None
    ]


def test_what_never_began_was_cut_before_its_first_word() -> None:
    script = (
        Session().at(0).session().at(1000).reply("first", "one two three", 1000).at(1100).reply("next", "four", 500)
    )
    script.at(1200).truncate("first", 100).truncated("first", 100)
    assert [line.cut_at for line in lines(script, "generated")] == [0, 0]


def test_every_line_cites_its_records() -> None:
    for reading in READINGS:
        for line in lines(interrupted(), reading):
            assert len(line.seqs) > 0


def test_a_line_has_the_times_of_the_speech() -> None:
    user, reply = lines(interrupted())
    assert (user.start_ns, user.end_ns) == (100_000_000, 100_000_000)
    assert (reply.start_ns, reply.end_ns) == (2_000_000_000, 2_000_000_000)


def test_without_a_clock_a_line_has_no_times() -> None:
    (line,) = lines(Session().reply("reply_1", "Hi"))
    assert (line.start_ns, line.end_ns) == (None, None)


def test_what_was_not_handed_on_was_not_delivered() -> None:
    script = Session().created().output("reply_1").speak("reply_1", "one two three four", 400)
    script.statement("close", code=1011, by="server", handed={"client": 3})
    assert texts(script, "generated") == [("assistant", "one two three four")]
    assert texts(script, "delivered") == [("assistant", "one two")]


def test_a_text_that_came_without_deltas_was_delivered_with_its_statement() -> None:
    script = Session().created().output("reply_1").spoken("reply_1", "one two")
    script.server("conversation.item.done", item={"id": "reply_1", "type": "message", "status": "completed"})
    script.statement("close", code=1011, by="server", handed={"client": 4})
    assert texts(script, "delivered") == [("assistant", "one two")]
    script.frames[-1] = Session().statement("close", handed={"client": 1}).frames[0]
    assert texts(script, "delivered") == [("assistant", "")]


def test_an_item_that_was_not_handed_on_at_all_is_not_in_delivered() -> None:
    script = Session().item("a", text="Hi").created().output("reply_1").speak("reply_1", "one", 100)
    script.statement("close", code=1011, by="server", handed={"client": 1})
    assert [text for _, text in texts(script, "generated")] == ["Hi", "one"]
    assert [text for _, text in texts(script, "delivered")] == ["Hi"]


def test_out_of_band_responses_are_generated_and_delivered_and_never_heard() -> None:
    script = Session().client("response.create", response={"conversation": "none"})
    script.created(conversation_id=None).output("aside").write("aside", "a note to myself").done()
    for reading in ("generated", "delivered"):
        (line,) = lines(script, reading)
        assert (line.text, line.remark) == ("a note to myself", "outside the conversation")
    assert lines(script, "heard") == ()


def test_a_deleted_item_was_said_all_the_same_and_stands_where_it_was() -> None:
    script = Session().item("a", text="one").item("b", text="two").item("c", text="three")
    script.server("conversation.item.deleted", item_id="b")
    found = lines(script)
    assert [line.text for line in found] == ["one", "two", "three"]
    assert found[1].remark == "deleted from the conversation later"


@pytest.mark.parametrize(
    ("kind", "fields", "remark"),
    [
        (None, {}, "no transcription yet"),
        ("failed", {"error": {"code": "x"}}, "transcription failed: x"),
        ("completed", {"transcript": "Yes."}, None),
    ],
)
def test_a_user_without_a_transcription_still_has_a_line(kind: str | None, fields: Any, remark: str | None) -> None:
    script = Session().session().append(100, 20).speech("user_1", 0, 1500)
    if kind is not None:
        event = f"conversation.item.input_audio_transcription.{kind}"
        script.server(event, item_id="user_1", content_index=0, **fields)
    (line,) = lines(script)
    assert (line.speaker, line.remark, line.spoken) == ("user", remark, True)


def test_a_tool_is_called_and_answers() -> None:
    script = Session().created().output("c", type="function_call", role=None, name="look_up", call_id="call_1")
    place = {"response_id": "resp_1", "item_id": "c", "call_id": "call_1"}
    script.server("response.function_call_arguments.done", arguments='{"city": "Lisbon"}', **place)
    output = {"id": "o", "type": "function_call_output", "call_id": "call_1", "output": "fog"}
    script.server("conversation.item.added", previous_item_id="c", item=output)
    call, answer = lines(script)
    assert (call.kind, call.name, call.call_id, call.text) == ("call", "look_up", "call_1", '{"city": "Lisbon"}')
    assert (answer.kind, answer.speaker, answer.call_id, answer.text) == ("output", "tool", "call_1", "fog")


def test_mcp_items_have_lines_of_their_kind() -> None:
    script = Session().created()
    script.output("t", type="mcp_list_tools", role=None, server_label="docs", tools=[{"name": "search"}])
    script.output("m", type="mcp_call", role=None, name="search", server_label="docs", arguments="{}", output="found")
    script.output("a", type="mcp_approval_request", role=None, name="search", server_label="docs", arguments="{}")
    answer = {"id": "b", "type": "mcp_approval_response", "approval_request_id": "a", "approve": True}
    script.server("conversation.item.added", item=answer)
    found = lines(script)
    assert [(line.kind, line.text, line.server) for line in found] == [
        ("listing", "1 tool", "docs"), ("call", "{}", "docs"),
        ("approval", "{}", "docs"), ("approval", "approved", None),
    ]  # fmt: skip
    assert [line.output for line in found] == [None, "found", None, None]
    assert [line.approved for line in found] == [None, None, True, None]


def test_an_image_is_named() -> None:
    content = [{"type": "input_text", "text": "Look"}, {"type": "input_image", "image_url": "data:image/png;base64,AA"}]
    script = Session().server(
        "conversation.item.added", item={"id": "a", "type": "message", "role": "user", "content": content}
    )
    (line,) = lines(script)
    assert (line.text, line.remark) == ("Look", "an image")


def test_lone_surrogates_become_replacement_characters() -> None:
    script = Session().frame(
        "text", "server", rb'{"type":"conversation.item.added","item":{"id":"a","type":"message","role":"user",'
        rb'"content":[{"type":"input_text","text":"x\ud800y"}]}}', "conversation.item.added",
    )  # fmt: skip
    assert lines(script)[0].text == "x\ufffdy"


def test_an_unknown_reading_is_refused() -> None:
    with pytest.raises(ValueError, match="'guessed' is not a reading"):
        transcribe(Session().fold(), "guessed")  # type: ignore[arg-type]


def test_an_empty_session_has_no_lines() -> None:
    assert [lines(Session(), reading) for reading in READINGS] == [(), (), ()]


def test_the_page_on_the_state_names_every_field_of_a_line() -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "state.md").read_text(encoding="utf-8")
    rows = "".join(line for line in page.splitlines() if line.startswith("| `"))
    assert [name for name in Line.__dataclass_fields__ if f"`{name}`" not in rows] == []
