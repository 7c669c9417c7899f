"""The input stream: spans by the sample clock, and when they are not to be trusted."""

from __future__ import annotations

from typing import Any

import pytest
from earwitness.replay.fold.sample_clock import SampleClock
from earwitness.schemas.audio import AudioFormat
from earwitness.schemas.state import InputSpan

from tests.events import silence
from tests.sessions import Session


def committed(script: Session, item_id: str, previous: str | None = None) -> Session:
    return script.server("input_audio_buffer.committed", item_id=item_id, previous_item_id=previous)


def span_of(script: Session, index: int = 0) -> InputSpan:
    span = script.fold().items[index].span
    assert span is not None
    return span


def test_every_append_is_referenced_in_order() -> None:
    conversation = Session().append(100).append(20).fold()
    assert list(conversation.input_audio.audio) == [(0, 4800), (1, 960)]


def test_a_vad_span_is_as_stated_and_counts_from_the_first_audio_of_the_session() -> None:
    span = span_of(Session().session().append(100, 20).speech("user_1", 250, 1750))
    assert (span.source, span.start_ms, span.end_ms, span.reliable) == ("vad", 250, 1750, True)
    assert (span.start_byte, span.end_byte) == (12_000, 84_000)


def test_a_vad_span_cites_its_events() -> None:
    script = Session().session().append(100, 20).speech("user_1", 250, 1750)
    assert list(span_of(script).seqs) == [21, 22, 23]


def test_a_manual_commit_takes_what_came_since_the_last_one() -> None:
    script = Session().append(100, 3).client("input_audio_buffer.commit")
    committed(script, "user_1").append(100, 2).client("input_audio_buffer.commit")
    committed(script, "user_2", "user_1")
    spans = [item.span for item in script.fold().items if item.span]
    assert [(s.source, s.start_ms, s.end_ms, s.reliable) for s in spans] == [
        ("commit", 0, 300, True),
        ("commit", 300, 500, True),
    ]


def test_a_manual_commit_ends_where_the_client_sent_it_not_where_the_answer_came() -> None:
    script = Session().append(100, 3).client("input_audio_buffer.commit").append(100, 4)
    assert span_of(committed(script, "user_1")).end_ms == 300
    assert script.fold().input_audio.pending_from_byte == 300 * 48


def test_a_clear_moves_the_beginning_of_the_next_commit() -> None:
    script = Session().append(100, 5).client("input_audio_buffer.clear").append(100, 2)
    script.server("input_audio_buffer.cleared").client("input_audio_buffer.commit")
    span = span_of(committed(script, "user_1"))
    assert (span.start_ms, span.end_ms) == (500, 700)


def test_a_commit_of_nothing_is_unreliable() -> None:
    span = span_of(committed(Session(), "user_1"))
    assert (span.reliable, span.why_not) == (False, "the recording has no input audio")


def test_a_span_behind_the_received_audio_is_unreliable_not_invented() -> None:
    span = span_of(Session().session().append(100, 3).speech("user_1", 200, 1750))
    assert (span.start_ms, span.end_ms) == (200, 1750)
    assert (span.reliable, span.why_not) == (False, "it ends after the audio received by then")


def test_a_span_is_judged_by_the_audio_received_by_then() -> None:
    script = Session().session().append(100, 3).speech("user_1", 200, 1750).append(100, 60)
    assert not span_of(script).reliable


def test_a_span_behind_a_gap_of_the_recording_is_not_cut_out_of_something_else() -> None:
    script = Session().session().append(100, 20).speech("user_1", 200, 900)
    script.speech("user_2", 1000, 1750, previous="user_1")
    script.statement("gap", frames=5, bytes=33_000, reason="disk full").append(100, 30)
    script.speech("user_3", 1600, 2000, previous="user_2").speech("user_4", 2600, 4000, previous="user_3")
    assert [span_of(script, index).reliable for index in range(4)] == [True, True, True, False]
    assert span_of(script, 3).why_not == (
        "frames before its end are missing from the recording, which the server's clock counted"
    )


def test_a_span_too_short_for_its_words_is_on_another_clock() -> None:
    script = Session().session().append(100, 60).speech("user_1", 227, 432)
    kind = "conversation.item.input_audio_transcription.completed"
    script.server(kind, item_id="user_1", content_index=0, transcript="Hello, my name is Marcelo.")
    span = span_of(script)
    assert (span.reliable, span.why_not) == (False, "26 characters were understood in it: another clock")


def test_words_that_came_before_the_span_are_held_against_it_too() -> None:
    script = Session().session().append(100, 60)
    kind = "conversation.item.input_audio_transcription.completed"
    script.server(kind, item_id="user_1", content_index=0, transcript="Hello, my name is Marcelo.")
    assert not span_of(script.speech("user_1", 227, 432)).reliable


def test_a_quick_speaker_is_believed() -> None:
    script = Session().session().append(100, 60).speech("user_1", 0, 1200)
    kind = "conversation.item.input_audio_transcription.completed"
    script.server(kind, item_id="user_1", content_index=0, transcript="Hello, my name is Marcelo.")
    assert span_of(script).reliable


def test_a_stopped_without_a_started_has_no_beginning() -> None:
    script = Session().append(100, 20).server("input_audio_buffer.speech_stopped", item_id="user_1", audio_end_ms=900)
    span = span_of(committed(script, "user_1"))
    assert (span.start_ms, span.end_ms, span.why_not) == (None, 900, "the server stated only one end")


def test_a_timeout_is_a_span_of_its_own() -> None:
    script = Session().session().append(1000, 6)
    script.server("input_audio_buffer.timeout_triggered", item_id="user_1", audio_start_ms=672, audio_end_ms=5792)
    span = span_of(committed(script, "user_1"))
    assert (span.source, span.start_ms, span.end_ms, span.reliable) == ("timeout", 672, 5792, True)


@pytest.mark.parametrize(
    ("stated", "per_ms"),
    [("pcm16", 48), ("g711_ulaw", 8), ("g711_alaw", 8), ({"type": "audio/pcm", "rate": 16000}, 32)],
)
def test_bytes_and_milliseconds_follow_the_input_format(stated: Any, per_ms: int) -> None:
    session = {"id": "s", "audio": {"input": {"format": stated}}}
    script = Session().server("session.created", session=session).append(1000, 10).speech("user_1", 100, 900)
    span = span_of(script)
    assert (span.start_byte, span.end_byte) == (100 * per_ms, 900 * per_ms)


def test_a_format_change_in_the_middle_counts_from_where_the_client_asked() -> None:
    script = Session().append(1000)
    script.client("session.update", session={"audio": {"input": {"format": {"type": "audio/pcmu"}}}})
    script.client("input_audio_buffer.append", audio=silence(1000))  # 48,000 bytes: six seconds of one-byte samples
    script.server("session.updated", session={"audio": {"input": {"format": {"type": "audio/pcmu"}}}})
    script.client("input_audio_buffer.commit")
    assert span_of(committed(script, "user_1")).end_ms == 7000


def test_the_sample_clock_is_exact_after_an_hour() -> None:
    clock = SampleClock()
    clock.received = 3_600_000 * 48
    assert clock.byte_of(3_599_999) == 3_599_999 * 48
    assert clock.ms_of(clock.byte_of(3_599_999)) == 3_599_999


def test_a_span_begins_at_a_whole_sample() -> None:
    clock = SampleClock()
    clock.set_format(AudioFormat("audio/pcm", 44_100), 0)
    assert all(clock.byte_of(ms) % 2 == 0 for ms in range(100))


@pytest.mark.parametrize("audio", ["not base64!", "AAA", 17, None, {"a": 1}])
def test_audio_that_is_no_base64_is_a_problem_and_counts_as_nothing(audio: Any) -> None:
    script = Session().append(100).client("input_audio_buffer.append", audio=audio).append(100)
    conversation = script.fold()
    assert conversation.input_audio.audio.total == 9600
    assert [problem.seq for problem in conversation.problems] == ([] if audio is None else [1])


def test_an_empty_append_is_counted_and_adds_nothing() -> None:
    conversation = Session().client("input_audio_buffer.append", audio="").fold()
    assert list(conversation.input_audio.audio) == [(0, 0)]
    assert conversation.counts == {"input_audio_buffer.append": 1}


def test_transcription_is_pending_only_where_the_session_transcribes() -> None:
    conversation = Session().session(transcription=None).append(100, 20).speech("user_1", 0, 1500).fold()
    assert conversation.items[0].content[0].transcription is None


def test_a_transcription_session_transcribes_every_utterance() -> None:
    settings = {
        "input_audio_format": "pcm16",
        "input_audio_transcription": {"model": "gpt-4o-transcribe"},
        "turn_detection": {"type": "server_vad"},
    }
    script = Session().client("transcription_session.update", session=settings)
    script.server("transcription_session.updated", session={"id": "sess_1", **settings})
    for number, text in enumerate(("One.", "Two.")):
        item_id, previous = f"user_{number}", f"user_{number - 1}" if number else None
        script.append(100, 10 + 10 * number)
        script.server("input_audio_buffer.speech_started", item_id=item_id, audio_start_ms=number * 2000)
        script.server("input_audio_buffer.speech_stopped", item_id=item_id, audio_end_ms=number * 2000 + 900)
        committed(script, item_id, previous)
        kind = "conversation.item.input_audio_transcription"
        script.server(f"{kind}.delta", item_id=item_id, content_index=0, delta=text[:2])
        script.server(f"{kind}.completed", item_id=item_id, content_index=0, transcript=text)
    conversation = script.fold()
    assert conversation.session.config["type"] == "transcription"
    assert [item.content[0].transcript for item in conversation.items] == ["One.", "Two."]
    assert [item.span.reliable for item in conversation.items if item.span] == [True, True]
    assert conversation.responses == []
    assert conversation.pending == []


def test_a_second_deltas_run_after_completed_changes_nothing() -> None:
    script = Session().session().append(100, 20).speech("user_1", 0, 1500)
    kind = "conversation.item.input_audio_transcription"
    for event in ({"delta": "One"}, {"delta": " two"}):
        script.server(f"{kind}.delta", item_id="user_1", content_index=0, **event)
    script.server(f"{kind}.completed", item_id="user_1", content_index=0, transcript="One two.")
    script.server(f"{kind}.delta", item_id="user_1", content_index=0, delta=" again")
    assert script.fold().items[0].content[0].transcript == "One two."


def test_an_empty_transcription_is_completed_and_empty() -> None:
    script = Session().session().append(100, 20).speech("user_1", 0, 1500)
    kind = "conversation.item.input_audio_transcription.completed"
    (part,) = script.server(kind, item_id="user_1", content_index=0, transcript="").fold().items[0].content
    assert part.transcription is not None
    assert (part.transcription.status, part.transcript) == ("completed", "")
