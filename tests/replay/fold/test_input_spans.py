"""Which part of the input each item is, and where milliseconds count from."""

from __future__ import annotations

from typing import Literal

from earwitness.replay.fold import Folder, fold
from earwitness.schemas.state import Conversation
from hypothesis import given
from hypothesis import strategies as st

from tests.sessions import Session

Clock = Literal["session", "buffer"]


def talk(turns: list[tuple[int, int, int]], clock: Clock) -> tuple[Session, dict[str, tuple[int, int]]]:
    """Turns of silence, speech and silence (ms), stated by a clock, and where they truly lie in the input (ms)."""
    script, at, places = Session().session(), 0, {}
    for number, (before, length, after) in enumerate(turns, 1):
        zero = at if clock == "buffer" else 0
        start, end = at + before, at + before + length
        script.append(before + length + after)
        script.speech(f"user_{number}", start - zero, end - zero, previous=script.last_item)
        places[f"user_{number}"] = (start, end)
        at = end + after
    return script, places


TURNS = st.lists(st.tuples(st.integers(0, 2000), st.integers(200, 2000), st.integers(0, 700)), min_size=1, max_size=6)


def placed(conversation: Conversation) -> dict[str, tuple[float, float, float]]:
    """The reliable spans in ms of the input, and how far they may be off."""
    return {
        item.id: (span.start_byte / 48, span.end_byte / 48, span.within_ms or 0)
        for item in conversation.items
        if (span := item.span) is not None
        and span.reliable
        and span.start_byte is not None
        and span.end_byte is not None
    }


@given(TURNS, st.sampled_from(("session", "buffer")))
def test_a_span_that_is_called_reliable_is_where_it_says(turns: list[tuple[int, int, int]], clock: Clock) -> None:
    script, places = talk(turns, clock)
    conversation = script.fold()
    for item, (start, end, within) in placed(conversation).items():
        assert abs(start - places[item][0]) <= within, item
        assert abs(end - places[item][1]) <= within, item
    assert conversation.input_audio.clock.counts_from in (clock, "either")


@given(TURNS, st.sampled_from(("session", "buffer")), st.data())
def test_a_later_span_may_decide_and_folding_on_is_folding_at_once(turns, clock: Clock, data: st.DataObject) -> None:
    frames = talk(turns, clock)[0].recording().frames
    cut = data.draw(st.integers(0, len(frames)))
    folder = Folder()
    folder.extend(frames[:cut])
    assert folder.conversation() == fold(frames[:cut])
    folder.extend(frames[cut:])
    assert folder.conversation() == fold(frames)


def test_a_clock_that_starts_again_is_told_by_a_span_in_audio_that_was_committed() -> None:
    conversation = talk([(0, 1000, 0), (0, 1000, 0)], "buffer")[0].fold()
    assert conversation.input_audio.clock.counts_from == "buffer"
    (refuted,) = conversation.input_audio.clock.refuted
    assert (refuted.clock, refuted.why) == (
        "session",
        "0–1000 ms of user_2: it begins 1000 ms inside audio that was committed or cleared before",
    )
    assert placed(conversation) == {"user_1": (0, 1000, 0), "user_2": (1000, 2000, 0)}


def test_a_clock_that_goes_on_is_told_by_a_span_that_the_buffer_cannot_hold() -> None:
    conversation = talk([(0, 1000, 500), (0, 1000, 500)], "session")[0].fold()
    assert conversation.input_audio.clock.counts_from == "session"
    (refuted,) = conversation.input_audio.clock.refuted
    assert refuted.clock == "buffer"
    assert "it ends after all that the buffer can have held by then (2000 ms)" in refuted.why


def test_one_turn_tells_no_clock_and_needs_none() -> None:
    conversation = talk([(200, 1000, 300)], "session")[0].fold()
    assert conversation.input_audio.clock.counts_from == "either"
    assert placed(conversation) == {"user_1": (200, 1200, 0)}


def test_without_stated_times_no_clock_is_named() -> None:
    assert Session().append(100).fold().input_audio.clock.counts_from is None


def test_the_buffer_of_a_turn_that_the_server_ended_begins_somewhere_behind_its_end() -> None:
    conversation = talk([(0, 1000, 300), (100, 500, 300), (0, 400, 0)], "buffer")[0].fold()
    assert conversation.input_audio.clock.counts_from == "buffer"
    assert placed(conversation)["user_2"] == (1400, 1900, 300)


def test_where_both_readings_are_possible_the_span_says_both_places() -> None:
    script = Session().session().append(4000).speech("user_1", 0, 900).speech("user_2", 2000, 2900, previous="user_1")
    item = script.fold().items[1]
    assert item.span is not None
    assert item.span.why_not == (
        "it is not known whether the server counts from the session's first sample or from the buffer's: "
        "2000–2900 or 6000–6900 ms of the input"
    )


def test_one_transcript_too_many_does_not_speak_against_the_clock() -> None:
    script = talk([(0, 1000, 100), (0, 300, 100), (0, 1000, 100)], "session")[0]
    script.transcribed("user_1", "Good morning to you").transcribed("user_2", "Thank you all for watching.")
    conversation = script.fold()
    assert conversation.input_audio.clock.counts_from == "session"
    assert [item.span.reliable for item in conversation.items if item.span] == [True, False, True]


def test_words_that_fit_no_span_say_that_the_clock_is_another() -> None:
    script = Session().session().append(5000).speech("user_1", 227, 432).transcribed("user_1", "Hello, my name is M.")
    clock = script.fold().input_audio.clock
    assert clock.counts_from == "unknown"
    assert {(each.clock, each.why) for each in clock.refuted} == {
        (name, "20 characters were understood in it") for name in ("session", "buffer")
    }


def test_speech_cut_into_by_a_clear_is_not_to_be_trusted_and_refutes_nothing() -> None:
    script = Session().session().append(1000)
    script.server("input_audio_buffer.speech_started", item_id="user_1", audio_start_ms=100)
    script.client("input_audio_buffer.clear").server("input_audio_buffer.cleared").append(1000)
    script.server("input_audio_buffer.speech_stopped", item_id="user_1", audio_end_ms=1500).user_item(item="user_1")
    conversation = script.fold()
    span = conversation.items[0].span
    assert span is not None
    assert span.why_not == "it begins 900 ms inside audio that was committed or cleared before"
    assert [each.clock for each in conversation.input_audio.clock.refuted] != ["session"]


def test_an_erased_append_is_a_hole_whose_length_nobody_knows() -> None:
    script = talk([(0, 1000, 100), (0, 1000, 100)], "session")[0]
    first = next(frame for frame in script.frames if frame.type == "input_audio_buffer.append")
    script.frames[first.seq] = type(first)(first.seq, None, "text", "client", first.type, None)
    spans = [item.span for item in script.fold().items]
    assert not any(span.reliable for span in spans if span)


def test_speech_without_an_item_belongs_to_what_is_committed_next() -> None:
    script = Session().session().append(800)
    script.server("input_audio_buffer.speech_started", audio_start_ms=400)
    script.server("input_audio_buffer.speech_stopped", audio_end_ms=900).user_item(item="user_1")
    span = script.fold().items[0].span
    assert span is not None
    assert (span.source, span.start_ms, span.end_ms, span.reliable) == ("vad", 400, 900, False)
