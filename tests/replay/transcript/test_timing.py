"""When words were spoken: by the sound where there is sound, by events where there are events, else by records."""

from __future__ import annotations

import pytest
from earwitness.replay.audio.clock import Clock
from earwitness.replay.audio.timeline import Timeline, read_timeline
from earwitness.replay.fold import fold
from earwitness.replay.open import bundled_recording
from earwitness.replay.transcript.lines import Reading, transcribe
from earwitness.replay.transcript.timing import Spoken, check_times
from earwitness.schemas.errors import RequestError
from earwitness.schemas.frame import Frame
from hypothesis import given
from hypothesis import strategies as st

from tests.replay.transcript.spoken import spoken_in, utterance
from tests.sessions import Call


def of(call: Call, reading: Reading = "heard") -> list[Spoken]:
    return spoken_in(call.timeline(), reading)


def seconds(each: Spoken) -> tuple[float, float]:
    return round(each.start_ns / 1e9, 3), round(each.end_ns / 1e9, 3)


def test_the_users_words_stand_where_their_sound_is_not_where_its_events_came() -> None:
    call = Call()
    call.user(1000, 3000, "Hello there.")
    (said,) = of(call)
    # The stream's first sample arrived at 100 ms.
    assert (said.side, said.text, said.timing, seconds(said)) == ("user", "Hello there.", "audio", (1.1, 3.1))


def test_the_assistants_words_last_as_long_as_their_sound_plays_not_as_it_takes_to_arrive() -> None:
    call = Call()
    call.at(2000).assistant(4000, "One two three four.")
    (said,) = of(call)
    assert (said.side, said.timing, seconds(said)) == ("assistant", "audio", (2.0, 6.0))


def test_a_second_answer_waits_until_the_first_has_played() -> None:
    call = Call()
    call.at(1000).assistant(4000, "First.")
    call.at(2000).assistant(1000, "Second.")
    assert [seconds(each) for each in of(call)] == [(1.0, 5.0), (5.0, 6.0)]


def test_a_cut_ends_the_words_and_the_time_at_one_place() -> None:
    call = Call()
    item = call.at(1000).assistant(4000, "one two three four five six seven eight")
    call.at(2500).truncate(item, 1000, ack_ms=2510)
    (said,) = of(call)
    assert (said.text, said.rest) == ("one two", "three four five six seven eight")
    assert said.cut
    # Playback began 1 s before the truncation came.
    assert seconds(said) == (1.5, 2.5)
    line = transcribe(call.timeline().conversation).lines[0]
    assert line.text == said.text


def test_as_generated_nothing_is_cut() -> None:
    call = Call()
    item = call.at(1000).assistant(4000, "one two three four five six seven eight")
    call.at(2500).truncate(item, 1000, ack_ms=2510)
    (said,) = of(call, "generated")
    assert (said.text, said.rest, said.cut, seconds(said)) == (
        "one two three four five six seven eight", "", False, (1.5, 5.5),
    )  # fmt: skip


def test_what_never_began_has_no_words_and_keeps_them_as_rest() -> None:
    call = Call()
    first = call.at(1000).assistant(4000, "The first answer.")
    call.at(1500).assistant(2000, "The second one.")
    call.at(2500).truncate(first, 1000, ack_ms=2510)
    second = of(call)[1]
    assert (second.text, second.rest, second.start_ns) == ("", "The second one.", second.end_ns)


def test_no_word_is_spoken_before_the_sound_that_came_with_it() -> None:
    call = Call()
    call.assistant(10000, "Well, that is all.", arrivals=[(0, "Well, "), (8000, "that is all.")])
    (said,) = of(call)
    assert said.ns_of(len("Well,")) <= said.ns_of(len("Well, ")) == 8_000_000_000
    assert said.ns_of(len("Well, that is all.")) == 10_000_000_000


def test_a_server_that_sends_its_words_after_the_sound_tells_nothing_by_it() -> None:
    call = Call()
    call.assistant(10000, "Half and half", arrivals=[(9900, "Half and half")])
    (said,) = of(call)
    assert said.ns_of(len("Half a")) == 10_000_000_000 * 6 // 13


def test_without_sound_events_of_voice_activity_say_when() -> None:
    call = Call()
    call.user(1000, 3000, "Hello there.", sound=False)
    (said,) = of(call)
    assert (said.timing, seconds(said)) == ("events", (1.0, 3.0))


def test_without_either_the_time_is_that_of_the_record_and_says_so() -> None:
    call = Call()
    item = call.at(4000).user_item()
    kind = "conversation.item.input_audio_transcription.completed"
    call.at(4100).server(kind, item_id=item, content_index=0, transcript="Fifteen letters")
    (said,) = of(call)
    assert (said.timing, seconds(said)) == ("records", (4.0, 5.0))


def test_typed_messages_are_not_spoken() -> None:
    call = Call()
    call.at(1000).typed("Hello")
    assert of(call) == []


def test_what_the_recorder_did_not_hand_on_was_not_heard() -> None:
    call = Call()
    call.at(1000).assistant(1000, "Handed on.")
    last = len(call.frames) - 1
    call.at(5000).assistant(1000, "Lost on the way.")
    recording = call.recording()
    frames = list(recording.frames)
    body = b'{"code":1000,"reason":"","by":"client","handed":{"client":%d,"server":0}}' % last
    frames.append(Frame(len(frames), 9_000_000_000, "close", "recorder", None, body))
    clock = Clock()
    clock.read(frames)
    timeline = Timeline.of(fold(frames), clock)
    assert [each.text for each in spoken_in(timeline, "delivered")] == ["Handed on."]
    assert [each.text for each in spoken_in(timeline, "generated")] == ["Handed on.", "Lost on the way."]


def test_nothing_spoken_is_refused_where_times_are_needed() -> None:
    with pytest.raises(RequestError, match="nothing to subtitle"):
        check_times([])
    with pytest.raises(RequestError, match="nothing to subtitle"):
        check_times([utterance("", rest="never heard")])


def test_neither_clock_nor_sound_is_refused_where_times_are_needed() -> None:
    call = Call(timed=False)
    item = call.user_item()
    kind = "conversation.item.input_audio_transcription.completed"
    call.at(0).server(kind, item_id=item, content_index=0, transcript="When?")
    with pytest.raises(RequestError, match="neither a clock nor sound"):
        check_times(of(call))


def test_without_a_clock_the_sound_is_the_clock() -> None:
    call = Call(timed=False)
    call.user(1000, 3000, "Hello there.")
    (said,) = of(call)
    assert (said.timing, seconds(said)) == ("audio", (1.0, 3.0))
    check_times([said])


async def test_the_bundled_call_is_spoken_within_its_sound_and_in_order() -> None:
    timeline = await read_timeline(bundled_recording())
    said = spoken_in(timeline)
    assert [each.side for each in said] == ["user", "assistant", "assistant", "user", "assistant"]
    sound = {(each.side, each.item_id): each for each in timeline.intervals()}
    for each in said:
        interval = sound[each.side, each.item_id]
        assert (each.start_ns, each.end_ns) == (interval.start_ns, interval.end_ns)


@given(
    text=st.text(min_size=1, max_size=60),
    marks=st.lists(st.tuples(st.integers(1, 59), st.integers(0, 10**10)), max_size=5),
)
def test_time_never_runs_backwards_within_an_utterance(text: str, marks: list[tuple[int, int]]) -> None:
    counts = sorted({count for count, _ in marks})
    times = sorted(ns for _, ns in marks)[: len(counts)]
    said = utterance(text, 0, 10, marks=tuple(zip(counts, times, strict=True)))
    at = [said.ns_of(count) for count in range(len(text) + 2)]
    assert at == sorted(at)
    assert (at[0], at[-1]) == (said.start_ns, said.end_ns)
