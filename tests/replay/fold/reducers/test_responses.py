"""Responses: what asked for them, how they end, what they cost."""

from __future__ import annotations

import pytest

from tests.sessions import Session, response


@pytest.mark.parametrize(
    ("status", "details"),
    [
        ("incomplete", {"type": "incomplete", "reason": "max_output_tokens"}),
        ("incomplete", {"type": "incomplete", "reason": "content_filter"}),
        ("failed", {"type": "failed", "error": {"type": "server_error", "code": "oops"}}),
        ("cancelled", {"type": "cancelled", "reason": "turn_detected"}),
    ],
)
def test_a_response_ends_as_the_server_says(status: str, details: dict[str, object]) -> None:
    conversation = Session().created().done(status=status, status_details=details).fold()
    found = response(conversation)
    assert (found.status, found.status_details, found.done_seq) == (status, details, 1)


def test_a_response_that_never_ends_stays_in_progress() -> None:
    conversation = Session().created().output("reply_1").speak("reply_1", "One two").fold()
    assert (response(conversation).status, response(conversation).done_seq) == ("in_progress", None)
    assert conversation.items[0].status == "in_progress"


def test_a_done_without_a_status_ends_it_without_inventing_one() -> None:
    found = response(Session().created().server("response.done", response={"id": "resp_1"}).fold())
    assert (found.status, found.done_seq) == ("in_progress", 1)


def test_a_close_in_the_middle_of_everything_leaves_it_as_it_was() -> None:
    script = Session().session().append(100, 3).created().output("reply_1").speak("reply_1", "One", 200)
    script.client("response.cancel").statement("close", code=1011, reason="gone", by="server", handed={"client": 9})
    conversation = script.fold()
    assert conversation.close is not None
    assert (conversation.close.code, conversation.close.by, conversation.close.handed) == (
        1011,
        "server",
        {"client": 9},
    )
    assert response(conversation).status == "in_progress"
    assert [request.type for request in conversation.pending] == ["response.cancel"]


def test_the_clients_request_is_kept_as_stated() -> None:
    asked = {"commit": True, "cancel_previous": True, "modalities": ["text", "audio"]}
    script = Session().client("response.create", event_id=None, response=asked).created()
    found = response(script.fold())
    assert (found.trigger, found.trigger_seq, found.request) == ("client", 0, asked)


def test_two_requests_are_told_apart_by_their_metadata() -> None:
    script = Session()
    script.client("response.create", response={"metadata": {"n": "1"}, "conversation": "none"})
    script.client("response.create", response={"metadata": {"n": "2"}, "conversation": "none"})
    script.created("resp_b", metadata={"n": "2"}, conversation_id=None)
    script.created("resp_a", metadata={"n": "1"}, conversation_id=None)
    conversation = script.fold()
    assert [(r.id, r.request_seq) for r in conversation.responses] == [("resp_b", 1), ("resp_a", 0)]


def test_a_response_that_contradicts_the_request_does_not_come_from_it() -> None:
    script = Session().client("response.create", response={"output_modalities": ["text"]})
    conversation = script.created(output_modalities=["audio"]).fold()
    assert response(conversation).trigger == "unknown"
    assert len(conversation.pending) == 1


def test_a_users_turn_triggers_a_response() -> None:
    script = Session().session().append(100, 20).speech("user_1", 0, 1500)
    found = response(script.created().fold())
    assert (found.trigger, found.trigger_seq) == ("vad", 22)


def test_a_users_turn_triggers_nothing_where_the_session_says_so() -> None:
    detection = {"type": "server_vad", "create_response": False}
    script = Session().session(turn_detection=detection).append(100, 20).speech("user_1", 0, 1500)
    assert response(script.created().fold()).trigger == "unknown"


def test_a_turn_that_ended_before_the_clients_request_comes_first() -> None:
    script = Session().session().append(100, 20).speech("user_1", 0, 1500).client("response.create")
    asked = script.seq
    script.created("resp_1").error(code="conversation_already_has_active_response")
    conversation = script.fold()
    assert response(conversation).trigger == "vad"
    assert conversation.errors[0].cause_seq == asked


def test_a_response_out_of_band_is_never_that_of_a_users_turn() -> None:
    script = Session().session().append(100, 20).speech("user_1", 0, 1500)
    script.client("response.create", response={"conversation": "none"})
    script.created("aside", conversation_id=None).created("resp_1")
    conversation = script.fold()
    assert [(r.id, r.trigger, r.in_band) for r in conversation.responses] == [
        ("aside", "client", False),
        ("resp_1", "vad", True),
    ]


def test_an_idle_timeout_triggers_a_response() -> None:
    script = Session().session().append(1000, 6)
    script.server("input_audio_buffer.timeout_triggered", item_id="user_1", audio_start_ms=0, audio_end_ms=5000)
    timeout = script.seq
    script.server("input_audio_buffer.committed", item_id="user_1", previous_item_id=None)
    found = response(script.created().fold())
    assert (found.trigger, found.trigger_seq) == ("timeout", timeout)


def test_a_null_conversation_is_out_of_band_until_an_item_turns_up_in_it() -> None:
    script = Session().created(conversation_id=None).output("reply_1")
    assert not response(script.fold()).in_band
    script.item("reply_1", role="assistant")
    conversation = script.fold()
    assert response(conversation).in_band
    assert [item.id for item in conversation.items] == ["reply_1"]


def test_a_response_that_states_no_conversation_is_in_band() -> None:
    script = Session().server("response.created", response={"id": "resp_1", "status": "in_progress"})
    assert response(script.fold()).in_band


def test_cancelling_marks_the_running_response_or_the_named_one() -> None:
    script = Session().created("resp_1").created("resp_2").client("response.cancel", response_id="resp_1")
    script.client("response.cancel")
    conversation = script.done("resp_1", "cancelled").done("resp_2", "cancelled").fold()
    assert [(r.id, r.cancel_seq) for r in conversation.responses] == [("resp_1", 2), ("resp_2", 3)]
    assert conversation.pending == []


def test_a_turn_that_got_no_response_because_one_was_active_claims_no_later_one() -> None:
    script = Session().session().append(100, 10).speech("u1", 0, 300).created("resp_1").speech("u2", 400, 700)
    script.error("Conversation already has an active response.", code="conversation_already_has_active_response")
    script.done("resp_1").client("response.create")
    asked = script.seq
    conversation = script.created("resp_2").fold()
    assert [response.trigger for response in conversation.responses] == ["vad", "client"]
    assert (conversation.responses[1].request_seq, conversation.pending) == (asked, [])


def test_a_cancel_before_the_response_is_said_to_begin_is_the_cancelled_responses_own() -> None:
    script = Session().client("response.create").client("response.cancel").created()
    script.done(status="cancelled", status_details={"type": "cancelled", "reason": "client_cancelled"})
    conversation = script.fold()
    assert (response(conversation).cancel_seq, conversation.pending) == (1, [])
    assert 1 in response(conversation).seqs
    (cut,) = conversation.interruptions
    assert (cut.by, cut.cut_seq) == ("client", 1)


def test_an_early_cancel_is_not_that_of_a_response_that_speech_cut() -> None:
    script = Session().client("response.create").client("response.cancel").created()
    script.done(status="cancelled", status_details={"type": "cancelled", "reason": "turn_detected"})
    assert response(script.fold()).cancel_seq is None


def test_a_cancel_of_a_response_that_is_over_before_it_arrives_waits_for_its_refusal() -> None:
    script = Session().created().client("response.cancel").done()
    assert [request.type for request in script.fold().pending] == ["response.cancel"]
    conversation = script.error("No active response found.", code="response_cancel_not_active").fold()
    assert (conversation.pending, response(conversation).cancel_seq) == ([], None)
    assert (conversation.errors[0].cause_seq, conversation.errors[0].cause_by) == (1, "content")


def test_a_created_that_comes_after_its_done_does_not_begin_the_response_again() -> None:
    conversation = Session().client("response.create").done().created().fold()
    assert (response(conversation).status, response(conversation).trigger) == ("completed", "client")


def test_a_cancel_that_is_refused_cancels_nothing() -> None:
    script = Session().created().client("response.cancel", event_id="c1").error(event_id="c1")
    assert response(script.done().fold()).cancel_seq is None


def test_the_times_of_a_response() -> None:
    script = Session().at(100).client("response.create").at(200).created().at(300).output("reply_1")
    script.at(400).speak("reply_1", "Hi").at(450).speak("reply_1", " there", 100).at(900).done()
    found = response(script.fold())
    times = (
        found.trigger_ns,
        found.created_ns,
        found.first_output_ns,
        found.first_text_ns,
        found.first_audio_ns,
        found.done_ns,
    )
    assert [None if ns is None else ns // 1_000_000 for ns in times] == [100, 200, 300, 400, 450, 900]


def test_without_a_clock_every_time_is_unknown() -> None:
    found = response(Session().client("response.create").reply("reply_1", "Hi").fold())
    assert {found.trigger_ns, found.created_ns, found.first_output_ns, found.first_audio_ns, found.done_ns} == {None}
    assert found.created_seq == 1


def test_a_response_cites_every_record_of_it() -> None:
    script = Session().client("response.create").reply("reply_1", "One two", 200)
    conversation = script.fold()
    others = {3}  # conversation.item.added speaks of the item, not of the response
    assert set(response(conversation).seqs) == set(range(len(script.frames))) - others


def test_a_text_only_session_has_text_and_no_audio() -> None:
    script = Session().item("user_1", text="Hi").created(output_modalities=["text"]).output("reply_1")
    script.write("reply_1", "Hello there").done()
    (_, reply) = script.fold().items
    assert [(part.type, part.text, part.transcript, part.audio.total) for part in reply.content] == [
        ("output_text", "Hello there", None, 0)
    ]


def test_outputs_stand_as_they_came_whatever_their_index() -> None:
    script = Session().created().output("first", index=1).output("second", index=0)
    assert response(script.fold()).output == ["first", "second"]


def test_outputs_stand_as_response_done_lists_them() -> None:
    script = Session().created().output("second", index=0).output("extra", index=0).output("first", index=0)
    conversation = script.done(output=[{"id": "first"}, {"id": "second"}]).fold()
    assert response(conversation).output == ["first", "second", "extra"]
    assert [item.id for item in conversation.items] == ["first", "second", "extra"]
