"""Check: what the server states against the reconstruction, and which differences the protocol explains."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import pytest
from earwitness.recorder.importing import read_file
from earwitness.replay.compare.check import EXPLANATIONS, CheckReport, Explanation, check, check_recording
from earwitness.schemas.recording import MemoryRecording, SessionInfo

from tests.corpus import CORPUS, capture_params, needs_corpus
from tests.sessions import Session


def speaking(text: str = "One two three") -> Session:
    """A response that speaks, up to its last delta."""
    return Session().created().output("reply_1").speak("reply_1", text, 600)


def item(transcript: Any = "One two three", **fields: Any) -> dict[str, Any]:
    content = [{"type": "output_audio", "transcript": transcript}]
    return {
        "id": "reply_1",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": content,
        **fields,
    }


def differences(script: Session) -> list[tuple[str, Any, Any, str | None]]:
    return [(d.subject, d.stated, d.reconstructed, d.explanation) for d in check(script.frames).differences]


def test_a_session_that_agrees_has_no_difference() -> None:
    script = speaking().spoken("reply_1", "One two three").server("conversation.item.done", item=item())
    report = check(script.done(output=[item()], usage={"total_tokens": 3}).frames)
    assert report.differences == []
    # The text three times; type, role and status twice; the response's status, usage and output.
    assert report.statements == 3 + 6 + 3


def test_a_text_that_differs_is_reported_with_both_values_and_their_records() -> None:
    script = speaking().spoken("reply_1", "One too three")
    (difference,) = check(script.frames).differences
    assert difference.seq == script.seq
    assert difference.type == "response.output_audio_transcript.done"
    assert difference.subject == "item reply_1, part 0, transcript"
    assert (difference.stated, difference.reconstructed) == ("One too three", "One two three")
    assert list(difference.seqs) == [2, 3, 4]
    assert difference.explanation is None


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("conversation.item.done", {"item": item("other")}),
        ("conversation.item.retrieved", {"item": item("other")}),
        ("response.output_item.done", {"response_id": "resp_1", "item": item("other")}),
        ("response.content_part.done", {"item_id": "reply_1", "part": {"type": "audio", "transcript": "other"}}),
        ("response.done", {"response": {"id": "resp_1", "status": "completed", "output": [item("other")]}}),
    ],
)
def test_every_statement_of_a_text_is_compared(kind: str, fields: dict[str, Any]) -> None:
    (difference,) = check(speaking().server(kind, **fields).frames).unexplained
    assert (difference.stated, difference.reconstructed) == ("other", "One two three")


def test_text_arguments_and_transcriptions_are_compared() -> None:
    script = Session().session().append(100, 20).speech("user_1", 0, 1500).created().output("w").write("w", "Hi")
    place = {"response_id": "resp_1", "item_id": "w", "content_index": 0}
    script.server("response.output_text.done", text="Ho", **place)
    script.output("c", type="function_call", role=None, name="f", call_id="call_1")
    script.server("response.function_call_arguments.delta", item_id="c", call_id="call_1", delta="{}")
    script.server("response.function_call_arguments.done", item_id="c", call_id="call_2", name="g", arguments="[]")
    heard = {"item_id": "user_1", "content_index": 0}
    kind = "conversation.item.input_audio_transcription"
    script.server(f"{kind}.delta", delta=" Yes", **heard).server(f"{kind}.completed", transcript="No", **heard)
    assert [(subject, stated, found) for subject, stated, found, _ in differences(script)] == [
        ("item w, part 0, text", "Ho", "Hi"),
        ("item c, arguments", "[]", "{}"),
        ("item c, call_id", "call_2", "call_1"),
        ("item c, name", "g", "f"),
        ("item user_1, part 0, transcription", "No", "Yes"),
    ]


def test_the_space_before_the_first_word_of_a_transcription_is_no_difference() -> None:
    script = Session().session().append(100, 20).speech("user_1", 0, 1500)
    kind, heard = "conversation.item.input_audio_transcription", {"item_id": "user_1", "content_index": 0}
    script.server(f"{kind}.delta", delta=" Yes", **heard).server(f"{kind}.completed", transcript="Yes", **heard)
    assert differences(script) == []


def test_a_second_final_status_that_differs_is_reported() -> None:
    script = speaking().server("conversation.item.done", item=item(status="incomplete"))
    script.server("response.output_item.done", response_id="resp_1", item=item(status="failed"))
    assert [(s, stated) for s, stated, _, _ in differences(script)] == [("item reply_1, status", "failed")]


def test_a_missing_output_is_reported() -> None:
    assert differences(speaking().done(output=[])) == [("response resp_1, output", [], ["reply_1"], None)]


def test_what_was_never_streamed_is_compared_with_the_final_state() -> None:
    report = check(Session().done(output=[item()], usage={"total_tokens": 1}).frames)
    assert (report.differences, report.statements) == ([], 7)


# removed by truncation


@pytest.mark.parametrize("transcript", [None, ""])
def test_a_transcript_removed_by_truncation_is_explained(transcript: Any) -> None:
    script = speaking().spoken("reply_1", "One two three").truncated("reply_1", 100)
    script.server("conversation.item.retrieved", item=item(transcript))
    assert differences(script) == [
        ("item reply_1, part 0, transcript", transcript, "One two three", "removed by truncation")
    ]


@pytest.mark.parametrize("truncate", ["not at all", "another item", "another part", "refused", "later"])
def test_a_transcript_that_no_truncation_removed_is_not_explained_by_one(truncate: str) -> None:
    script = speaking().spoken("reply_1", "One two three")
    match truncate:
        case "another item":
            script.truncated("reply_2", 100)
        case "another part":
            script.server("conversation.item.truncated", item_id="reply_1", content_index=1, audio_end_ms=100)
        case "refused":
            script.truncate("reply_1", 9000).error("Audio content of 600ms is already shorter than 9000ms")
    script.server("conversation.item.retrieved", item=item(""))
    if truncate == "later":
        script.truncated("reply_1", 100)
    assert [explanation for *_, explanation in differences(script)] == [None]


def test_another_transcript_after_a_truncation_is_not_explained() -> None:
    script = speaking().truncated("reply_1", 100).server("conversation.item.retrieved", item=item("Four"))
    assert [explanation for *_, explanation in differences(script)] == [None]


# not stated


def test_content_that_is_not_stated_is_explained() -> None:
    unstated = {"id": "reply_1", "type": "message", "role": "assistant", "status": "completed"}
    script = speaking().server("response.output_item.done", response_id="resp_1", item=unstated)
    script.server("response.content_part.done", response_id="resp_1", item_id="reply_1", content_index=0)
    assert [(s, explanation) for s, _, _, explanation in differences(script)] == [
        ("item reply_1, content", "not stated"),
        ("item reply_1, part 0, transcript", "not stated"),
    ]


def test_an_empty_content_is_stated_and_not_explained_as_unstated() -> None:
    script = speaking().server("conversation.item.done", item={**item(), "content": []})
    assert differences(script) == [("item reply_1, content", [], ["One two three"], None)]


def test_an_empty_content_of_a_cancelled_item_is_explained() -> None:
    script = speaking().done(status="cancelled", output=[{**item(status="incomplete"), "content": []}])
    assert [explanation for *_, explanation in differences(script)] == ["cut by cancellation"]


def test_an_empty_text_is_stated_and_not_explained_as_unstated() -> None:
    script = speaking().server("conversation.item.done", item=item(""))
    assert [explanation for *_, explanation in differences(script)] == [None]


# cut by cancellation


@pytest.mark.parametrize("stated", ["One two", "One two three four"])
def test_a_text_cut_by_cancellation_is_explained(stated: str) -> None:
    script = speaking().done(status="cancelled", output=[item(stated, status="incomplete")])
    script.server("conversation.item.done", item=item(stated, status="incomplete"))
    assert {explanation for *_, explanation in differences(script)} == {"cut by cancellation"}


def test_an_output_left_out_by_cancellation_is_explained() -> None:
    script = speaking().client("response.cancel").done(status="cancelled", output=[])
    script.server("conversation.item.done", item=item(status="incomplete"))
    assert [explanation for *_, explanation in differences(script)] == ["cut by cancellation"]


def test_a_shorter_text_of_a_completed_response_is_not_explained_by_cancellation() -> None:
    script = speaking().done(output=[item("One two")])
    assert [explanation for *_, explanation in differences(script)] == [None]


def test_another_text_of_a_cancelled_response_is_not_explained_by_cancellation() -> None:
    script = speaking().done(status="cancelled", output=[item("Four", status="incomplete")])
    assert [explanation for *_, explanation in differences(script)] == [None]


# null in an echo


def test_a_null_in_an_echo_is_explained() -> None:
    script = Session().session().append(100, 20).speech("user_1", 0, 1500)
    kind = "conversation.item.input_audio_transcription.completed"
    script.server(kind, item_id="user_1", content_index=0, transcript="Hello.")
    echo = {"id": "user_1", "type": "message", "role": "user", "content": [{"type": "input_audio", "transcript": None}]}
    script.server("conversation.item.done", item=echo)
    assert differences(script) == [("item user_1, part 0, transcript", None, "Hello.", "null in an echo")]


def test_a_null_where_the_whole_text_must_stand_is_not_explained() -> None:
    place = {"response_id": "resp_1", "item_id": "reply_1", "content_index": 0}
    script = speaking().server("response.output_audio_transcript.done", transcript=None, **place)
    assert [explanation for *_, explanation in differences(script)] == [None]


def test_the_list_of_explanations_is_closed_and_each_names_its_rule() -> None:
    assert set(EXPLANATIONS) == set(get_args(Explanation))
    assert all(reason.endswith(".") for reason in EXPLANATIONS.values())


def test_broken_statements_do_not_raise() -> None:
    script = speaking()
    for response in (None, [], {"id": 3}, {"id": "r", "output": [None, 3, {}], "usage": 7}):
        script.server("response.done", response=response)
    script.frame("text", "server", b"{", "response.done").frame("text", "server", b"[]", "response.done")
    script.frame("text", "server", None, "response.done")
    check(script.frames)


async def test_a_recording_is_checked_in_batches() -> None:
    script = speaking().spoken("reply_1", "Other")
    report = await check_recording(MemoryRecording(SessionInfo(id="x"), script.frames))
    assert report == check(script.frames)
    assert len(report.unexplained) == 1


# The captures


@needs_corpus
@pytest.mark.parametrize("path", capture_params())
def test_no_capture_has_an_unexplained_difference(path: Path) -> None:
    for session in read_file(path):
        report = check(session.frames)
        assert report.unexplained == []
        assert report.statements >= 13
        assert_everything_final_was_compared(list(session.frames), report)


def assert_everything_final_was_compared(frames: list[Any], report: CheckReport) -> None:
    """Each final text, arguments, status and usage that stands in the capture is one statement or more."""
    count = 0
    for frame in frames:
        event = frame.json() if frame.kind == "text" else {}
        kind = event.get("type", "")
        if kind in (
            "response.text.done",
            "response.output_text.done",
            "response.function_call_arguments.done",
        ) or kind.endswith("audio_transcript.done"):
            count += 1
        elif kind == "response.done":
            response = event["response"]
            count += 1 + bool(response.get("usage") or event.get("usage")) + ("output" in response)
            count += sum(1 for output in response["output"] for part in output.get("content", []) if part)
    assert report.statements >= count > 0


@needs_corpus
def test_vendors_that_leave_content_out_are_explained_by_it() -> None:
    (session,) = read_file(CORPUS / "captures" / "xai-spoken-turn-cumulative-transcription.jsonl")
    assert check(session.frames).explanations == {"not stated": 2}
