"""The fold on traffic that nobody here wrote: what each capture shows."""

from __future__ import annotations

from pathlib import Path

import pytest
from earwitness.recorder.importing import read_file
from earwitness.replay.fold import fold
from earwitness.schemas.frame import Frame
from earwitness.schemas.state import Conversation

from tests.corpus import CORPUS, capture_params, needs_corpus
from tests.sessions import said

pytestmark = needs_corpus


def frames_of(name: str, part: int = 0) -> list[Frame]:
    return list(read_file(CORPUS / "captures" / f"{name}.jsonl")[part].frames)


def folded(name: str, part: int = 0) -> Conversation:
    return fold(frames_of(name, part))


def lines(conversation: Conversation) -> list[tuple[str | None, str | None]]:
    return [(item.role, said(item)) for item in conversation.items if item.type == "message"]


@pytest.mark.parametrize("path", capture_params())
def test_every_capture_folds_without_a_problem_and_in_one_order(path: Path) -> None:
    for session in read_file(path):
        conversation = fold(session.frames)
        assert conversation.problems == []
        assert conversation.out_of_band == []
        assert conversation.pending == []
        stated = [item for item in conversation.items if item.previous_item_id is not None]
        places = {item.id: place for place, item in enumerate(conversation.items)}
        assert all(places[item.id] == places[item.previous_item_id or ""] + 1 for item in stated)
        assert all(response.status != "in_progress" for response in conversation.responses)


def test_a_response_cancelled_before_any_output_is_an_interruption_without_an_item() -> None:
    conversation = folded("preview-webrtc-cancelled.reserialised")
    assert [response.status for response in conversation.responses] == [
        "completed", "completed", "cancelled", "completed",
    ]  # fmt: skip
    assert conversation.responses[2].output == []
    (cut,) = conversation.interruptions
    assert (cut.by, cut.item_id, cut.response_id) == ("server", None, conversation.responses[2].id)
    assert cut.speech_seq is not None
    assert cut.cut_seq is not None
    assert cut.speech_seq < cut.cut_seq


def test_utterances_before_one_reply_stay_apart_and_may_touch() -> None:
    conversation = folded("preview-webrtc-cancelled.reserialised")
    spans = [item.span for item in conversation.items if item.role == "user"]
    assert [(span.start_ms, span.end_ms) for span in spans if span] == [(6688, 7712), (11904, 12256), (12352, 12992)]
    assert {span.why_not for span in spans if span} == {"the recording has no input audio"}


def test_the_server_inserts_an_item_at_idle_timeout() -> None:
    conversation = folded("ga-idle-timeout.timed")
    assert [(item.role, item.created_by) for item in conversation.items] == [
        ("user", "client"), ("assistant", "model"), ("system", "server"), ("user", "speech"), ("assistant", "model"),
    ]  # fmt: skip
    assert [response.trigger for response in conversation.responses] == ["client", "timeout"]
    assert conversation.items[1].fields == {"phase": "final_answer"}
    empty = conversation.items[3].content[0]
    assert (empty.transcript, empty.transcription.status if empty.transcription else None) == ("", "completed")


def test_times_are_those_of_the_source() -> None:
    response = folded("ga-idle-timeout.timed").responses[0]
    times = (
        response.trigger_ns,
        response.created_ns,
        response.first_output_ns,
        response.first_audio_ns,
        response.done_ns,
    )
    assert times == (72_000_000, 165_000_000, 468_000_000, 596_000_000, 628_000_000)


def test_a_tool_call_round_is_one_call() -> None:
    conversation = folded("ga-tool-call")
    (call,) = conversation.calls
    assert (call.name, call.arguments, call.output) == (
        "get_weather", '{  \n  "city": "London" \n} \n', "It is foggy and 12 degrees in London.",
    )  # fmt: skip
    assert [item.type for item in conversation.items] == [
        "message", "function_call", "function_call_output", "message",
    ]  # fmt: skip
    assert [response.trigger for response in conversation.responses] == ["client", "client"]


def test_spans_of_full_client_audio_are_reliable() -> None:
    conversation = folded("ga-three-spoken-turns.rehydrated")
    spans = [item.span for item in conversation.items if item.span]
    assert [(span.start_ms, span.end_ms, span.reliable) for span in spans] == [
        (1460, 4256, True), (8948, 11744, True), (16436, 19232, True),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["ga-spoken-turn", "azure-voice-live-spoken-turn", "ga-idle-timeout.timed"])
def test_spans_of_shortened_client_audio_are_not(name: str) -> None:
    spans = [item.span for item in folded(name).items if item.span]
    assert {(span.reliable, span.why_not) for span in spans} == {(False, "it ends after the audio received by then")}


def test_spans_on_a_vendors_own_clock_are_not_reliable() -> None:
    (span,) = [item.span for item in folded("xai-spoken-turn-cumulative-transcription").items if item.span]
    assert (span.start_ms, span.end_ms, span.reliable) == (227, 432, False)


def test_a_dropped_connection_is_two_sessions_of_one_conversation() -> None:
    first, second = folded("xai-drop-and-resume-1011"), folded("xai-drop-and-resume-1011", 1)
    assert first.close is not None
    assert (first.close.code, first.close.by) == (1011, "server")
    assert first.conversation_id == second.conversation_id
    assert first.responses[0].status_details == "unimplemented"
    assert lines(second)[0] == ("assistant", "Got it—code word is cobalt.")


def test_vendor_names_fold_like_pure_ones() -> None:
    preview = folded("azure-voice-live-spoken-turn")
    assert preview.dialect == "preview"
    assert lines(preview) == [
        ("user", "Cześć, nazywam się Marcelo."),
        ("assistant", "Hi Marcelo, nice to meet you! How can I help you today?"),
    ]
    assert [part.type for item in preview.items for part in item.content] == ["input_audio", "output_audio"]
