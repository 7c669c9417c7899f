"""What real traffic does, and the fold takes. One section for each behaviour of the design."""

from __future__ import annotations

from typing import Any

import pytest
from earwitness.schemas.state import Conversation

from tests.events import silence
from tests.sessions import Session, response, said


def order(conversation: Conversation) -> list[str]:
    return [item.id for item in conversation.items]


# 1. Transcription comes in the middle of the next response, or never, or failed.


@pytest.fixture
def turn() -> Session:
    """A user's utterance and the beginning of the answer."""
    return Session().session().append(100, 20).speech("user_1", 100, 1500).created().output("reply_1")


def transcription(script: Session, kind: str, **fields: Any) -> Session:
    event = f"conversation.item.input_audio_transcription.{kind}"
    return script.server(event, item_id="user_1", content_index=0, **fields)


def test_late_transcription_does_not_move_the_turn(turn: Session) -> None:
    turn.speak("reply_1", "Good")
    transcription(turn, "delta", delta="Hello")
    turn.speak("reply_1", " morning")
    transcription(turn, "completed", transcript="Hello.")
    conversation = turn.spoken("reply_1", "Good morning").done().fold()
    assert order(conversation) == ["user_1", "reply_1"]
    assert [said(item) for item in conversation.items] == ["Hello.", "Good morning"]


def test_a_transcription_that_never_comes_stays_pending(turn: Session) -> None:
    conversation = turn.speak("reply_1", "Yes?").done().fold()
    (part,) = conversation.items[0].content
    assert part.transcription is not None
    assert part.transcription.status == "pending"
    assert part.transcript is None


# 2. rate_limits.updated comes after response.created, after response.done, or never.


@pytest.mark.parametrize("place", ["after created", "after done", "never"])
def test_rate_limits_may_come_anywhere(place: str) -> None:
    limits = [{"name": "tokens", "limit": 9, "remaining": 8, "reset_seconds": 0.1}]
    script = Session().created()
    if place == "after created":
        script.server("rate_limits.updated", rate_limits=limits)
    script.output("reply_1").speak("reply_1", "Hi").done()
    if place == "after done":
        script.server("rate_limits.updated", rate_limits=limits)
    conversation = script.fold()
    assert (conversation.rate_limits.limits if conversation.rate_limits else None) == (
        None if place == "never" else limits
    )
    assert response(conversation).status == "completed"


# 3. A cancelled response.done has no output, a completed item or an incomplete one.


@pytest.mark.parametrize("stated", ["nothing", "completed", "incomplete"])
def test_a_cancelled_response_keeps_what_was_sent(stated: str) -> None:
    script = Session().created().output("reply_1").speak("reply_1", "One two three", 400)
    content = [{"type": "output_audio", "transcript": "One two"}]
    item = {"id": "reply_1", "type": "message", "role": "assistant", "status": stated, "content": content}
    script.done(status="cancelled", output=[] if stated == "nothing" else [item])
    conversation = script.fold()
    assert response(conversation).status == "cancelled"
    assert response(conversation).output == ["reply_1"]
    (reply,) = conversation.items
    assert said(reply) == "One two three"
    assert reply.status == ("in_progress" if stated == "nothing" else stated)


# 4. conversation.item.truncated comes after response.done, and without any client's truncate.


def test_a_truncation_after_response_done_belongs_to_its_item() -> None:
    conversation = Session().reply("reply_1", "One two three", 1200).truncated("reply_1", 500).fold()
    (cut,) = conversation.truncations
    assert (cut.item_id, cut.audio_end_ms, cut.status, cut.by, cut.request_seq) == (
        "reply_1", 500, "done", "server", None,
    )  # fmt: skip
    assert conversation.interruptions[0].unheard_ms == 700


def test_a_truncation_keeps_what_was_generated() -> None:
    conversation = Session().reply("reply_1", "One two three", 1200).truncated("reply_1", 500).fold()
    assert said(conversation.items[0]) == "One two three"
    assert conversation.items[0].content[0].audio.total == 1200 * 48


def test_a_clients_truncate_and_the_servers_answer_are_one_truncation() -> None:
    script = Session().reply("reply_1", "One two three", 1200).truncate("reply_1", 500)
    asked = script.seq
    conversation = script.truncated("reply_1", 500).fold()
    (cut,) = conversation.truncations
    assert (cut.by, cut.request_seq, cut.done_seq) == ("client", asked, asked + 1)
    assert conversation.pending == []


# 5. A truncate is answered by an error (audio already shorter): nothing was truncated.


def test_a_refused_truncate_cuts_nothing() -> None:
    script = Session().reply("reply_1", "One two three", 1200).truncate("reply_1", 5000)
    script.error("Audio content of 1200ms is already shorter than 5000ms")
    conversation = script.fold()
    (cut,) = conversation.truncations
    assert cut.status == "refused"
    assert conversation.interruptions == []
    assert conversation.errors[0].cause_seq == script.seq - 1
    assert conversation.pending == []


# 6. status_details of any form, nulls where the types call a field required, ids of any form.


@pytest.mark.parametrize("details", [None, {"type": "completed"}, "unimplemented"])
def test_status_details_are_kept_as_they_are(details: Any) -> None:
    assert response(Session().created().done(status_details=details).fold()).status_details == details


def test_nulls_take_nothing_back_and_ids_have_any_form() -> None:
    item_id = "0f5efcd5-76f1-4a00-9cac-d907e17d4434"
    script = Session().created().output(item_id).speak(item_id, "Hi")
    nulls = dict.fromkeys(("role", "status", "content", "name", "call_id", "arguments", "output"))
    script.server("response.output_item.done", response_id="resp_1", item={"id": item_id, "type": "message", **nulls})
    script.server("response.done", response={"id": "resp_1", "status": "completed", "output": None, "usage": None})
    conversation = script.fold()
    (reply,) = conversation.items
    assert (reply.id, reply.role, said(reply)) == (item_id, "assistant", "Hi")
    assert conversation.problems == []


# 7. Several responses at once, several utterances before one reply.


def test_an_out_of_band_response_runs_beside_the_conversation() -> None:
    script = Session().created("resp_1").output("reply_1", "resp_1")
    script.client("response.create", response={"conversation": "none", "metadata": {"topic": "summary"}})
    script.created("resp_2", conversation_id=None, metadata={"topic": "summary"}).output("aside_1", "resp_2")
    script.speak("reply_1", "To").write("aside_1", "A", "resp_2").speak("reply_1", " you")
    script.write("aside_1", " word", "resp_2").done("resp_2").done("resp_1")
    conversation = script.fold()
    assert [(r.id, r.in_band) for r in conversation.responses] == [("resp_1", True), ("resp_2", False)]
    assert [(item.id, said(item)) for item in conversation.items] == [("reply_1", "To you")]
    assert [(item.id, said(item)) for item in conversation.out_of_band] == [("aside_1", "A word")]
    assert response(conversation, "resp_2").metadata == {"topic": "summary"}


def test_several_utterances_before_one_reply_stay_apart() -> None:
    script = (
        Session().session().append(100, 60).speech("user_1", 0, 900).speech("user_2", 1200, 2500, previous="user_1")
    )
    conversation = script.reply("reply_1", "Both").fold()
    assert order(conversation) == ["user_1", "user_2", "reply_1"]
    stopped = conversation.input_audio.speech[1].stopped_seq
    assert (conversation.responses[0].trigger, conversation.responses[0].trigger_seq) == ("vad", stopped)


# 8. Items appear first in .created, or in .added, or only in response.output_item.added.


@pytest.mark.parametrize("kind", ["conversation.item.created", "conversation.item.added", None])
def test_an_item_may_first_appear_anywhere(kind: str | None) -> None:
    script = Session().item("user_1", text="Hi").created().output("reply_1")
    if kind is not None:
        item = {"id": "reply_1", "type": "message", "role": "assistant", "content": []}
        script.server(kind, previous_item_id="user_1", item=item)
    conversation = script.speak("reply_1", "Hello").done().fold()
    assert order(conversation) == ["user_1", "reply_1"]
    assert conversation.items[1].on_record is (kind is not None)
    assert conversation.items[1].created_by == "model"


# 9. Sessions without session.created, with several session.updated, with session.created after error.


def test_a_side_channel_without_session_created_folds() -> None:
    conversation = Session().reply("reply_1", "Hello").fold()
    assert conversation.session.id is None
    assert order(conversation) == ["reply_1"]


def test_every_session_updated_is_in_the_history_and_the_last_one_is_in_force() -> None:
    script = Session().session()
    for voice in ("alloy", "marin"):
        script.server("session.updated", session={"id": "sess_1", "audio": {"output": {"voice": voice}}})
    session = script.fold().session
    assert [change.type for change in session.history] == ["session.created", "session.updated", "session.updated"]
    assert session.config["audio"]["output"]["voice"] == "marin"


def test_session_created_may_come_after_an_error() -> None:
    conversation = Session().error("bad start").session().fold()
    assert len(conversation.errors) == 1
    assert conversation.session.id == "sess_1"


# 10. The audio format changes by session.update before the first audio.


def test_the_format_is_that_of_the_last_update_before_the_audio() -> None:
    script = (
        Session().session().client("session.update", session={"audio": {"input": {"format": {"type": "audio/pcmu"}}}})
    )
    updated = {"id": "sess_1", "audio": {"input": {"format": {"type": "audio/pcmu"}, "turn_detection": None}}}
    script.server("session.updated", session=updated)
    script.client("input_audio_buffer.append", audio="A" * 8000).client("input_audio_buffer.commit")
    script.server("input_audio_buffer.committed", item_id="user_1", previous_item_id=None)
    conversation = script.fold()
    assert (conversation.session.input_format.type, conversation.session.input_format.rate) == ("audio/pcmu", 8000)
    span = conversation.items[0].span
    assert span is not None
    assert (span.start_ms, span.end_ms) == (0, 750)  # 6000 bytes of one-byte samples at 8 kHz


# 11. A null predecessor in .done moves nothing; the server inserts items that nobody asked for.


def test_a_null_predecessor_in_done_moves_nothing() -> None:
    script = Session().item("user_1", text="Hi").item("user_2", text="there").item("user_3", text="you")
    item = {"id": "user_2", "type": "message", "role": "user", "status": "completed"}
    assert order(script.server("conversation.item.done", previous_item_id=None, item=item).fold()) == [
        "user_1", "user_2", "user_3",
    ]  # fmt: skip


def test_an_item_that_the_server_inserts_is_the_servers() -> None:
    script = Session().client("session.update", session={}).item("sys_1", role="system", text="Nobody spoke.")
    (item,) = script.fold().items
    assert (item.role, item.created_by, item.request_seq) == ("system", "server", None)


# 12. Transcription before its item; several cumulative completed; overlapping spans. Items are never merged.


def test_a_transcription_may_come_before_its_item() -> None:
    script = Session().session().append(100, 20)
    transcription(script, "completed", transcript="Hello.")
    before = script.fold()
    assert before.out_of_band == []
    assert (said(before.items[0]), before.items[0].on_record) == ("Hello.", False)
    after = script.speech("user_1", 0, 1000).fold()
    assert after.out_of_band == []
    assert said(after.items[0]) == "Hello."


def test_cumulative_completed_transcriptions_replace_each_other() -> None:
    script = Session().session().append(100, 20).speech("user_1", 0, 1500)
    transcription(script, "completed", transcript="Hello,", status="in_progress")
    transcription(script, "completed", transcript="Hello, you.", status="completed")
    (part,) = script.fold().items[0].content
    assert part.transcription is not None
    assert (part.transcript, part.transcription.completions) == ("Hello, you.", 2)


def test_overlapping_utterances_stay_two_items() -> None:
    script = Session().session().append(100, 600).speech("user_1", 41_000, 44_384)
    conversation = script.speech("user_2", 44_180, 46_000, previous="user_1").fold()
    spans = [item.span for item in conversation.items]
    assert [(s.start_ms, s.end_ms, s.reliable) for s in spans if s] == [(41_000, 44_384, True), (44_180, 46_000, True)]


# 13. An error with null event_id overtakes an acknowledgement; three creates yield two items.


def test_an_error_is_paired_by_content_and_never_by_count() -> None:
    script = Session()
    for role, kind, text in (("user", "input_text", "a"), ("assistant", "text", "b"), ("user", "input_text", "c")):
        item = {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}
        script.client("conversation.item.create", item=item)
    script.error("Invalid value: 'text'. Value must be 'output_text'.", param="item.content[0].type")
    conversation = script.item("one", text="a").item("two", text="c").fold()
    assert (conversation.errors[0].cause_seq, conversation.errors[0].cause_by) == (1, "param")
    assert [(item.id, item.request_seq) for item in conversation.items] == [("one", 0), ("two", 2)]
    assert conversation.pending == []


# 14. Parts are called audio/text in response.content_part.*; absent content is not stated.


def test_a_part_has_one_name_whatever_the_event_calls_it() -> None:
    script = Session().created().output("reply_1")
    place = {"response_id": "resp_1", "item_id": "reply_1", "content_index": 0}
    script.server("response.content_part.added", part={"type": "audio", "transcript": ""}, **place)
    script.speak("reply_1", "Hi", 100)
    item = {"id": "reply_1", "type": "message", "content": [{"type": "output_audio", "transcript": "Hi"}]}
    conversation = script.server("conversation.item.done", item=item).fold()
    assert [part.type for part in conversation.items[0].content] == ["output_audio"]


def test_absent_content_is_not_stated() -> None:
    script = Session().created().output("reply_1").speak("reply_1", "Hi there")
    item = {"id": "reply_1", "type": "message", "status": "completed"}
    conversation = script.server("response.output_item.done", response_id="resp_1", item=item).fold()
    assert said(conversation.items[0]) == "Hi there"


# 15. output_audio_buffer.cleared without any truncation; speech that does not interrupt.


def test_a_cleared_playback_buffer_is_an_interruption_without_a_truncation() -> None:
    script = Session().at(0).reply("reply_1", "One two three", 2000)
    script.at(100).server("output_audio_buffer.started", response_id="resp_1")
    script.at(700).server("input_audio_buffer.speech_started", item_id="user_1", audio_start_ms=700)
    script.at(800).server("output_audio_buffer.cleared", response_id="resp_1")
    conversation = script.fold()
    assert conversation.truncations == []
    (cut,) = conversation.interruptions
    assert (cut.item_id, cut.by, cut.cut_seq, cut.speech_seq) == ("reply_1", "server", script.seq, script.seq - 1)
    assert cut.unheard_ms == 1300


def test_speech_that_stops_nothing_is_no_interruption() -> None:
    script = Session().session(turn_detection={"type": "server_vad", "interrupt_response": False}).append(100, 40)
    script.created().output("reply_1").speak("reply_1", "One", 200)
    script.server("input_audio_buffer.speech_started", item_id="user_1", audio_start_ms=300)
    conversation = script.speak("reply_1", " two", 200).done().fold()
    assert conversation.interruptions == []
    assert len(conversation.input_audio.speech) == 1


# 16. The server shortens its own context without any event.


def test_a_truncation_strategy_removes_no_item_from_the_record() -> None:
    script = Session().server("session.created", session={"id": "sess_1", "truncation": "auto"})
    for number in range(50):
        script.item(f"user_{number}", text="more and more")
    conversation = script.done(usage={"input_tokens": 12}).fold()
    assert len(conversation.items) == 50
    assert conversation.deleted == []


def test_pcm_builder_counts_milliseconds() -> None:
    assert Session().client("input_audio_buffer.append", audio=silence(250)).fold().input_audio.audio.total == 250 * 48
