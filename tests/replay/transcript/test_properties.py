"""What holds of heard words and heard sound in every call."""

from __future__ import annotations

from dataclasses import dataclass

from earwitness.replay.audio.cuts import AS_RECORDED, Choice
from earwitness.replay.audio.timeline import Timeline
from earwitness.replay.transcript.lines import READINGS, part_words, transcribe
from earwitness.schemas.state import Item
from hypothesis import given
from hypothesis import strategies as st

from tests.events import pcm, ramp
from tests.sessions import Call

WORDS = ["one", " two", " three,", "你", "好", "ครับ", " 👍🏽", "-four", " "]

steps = st.lists(
    st.one_of(
        st.tuples(st.just("begin"), st.booleans()),
        st.tuples(st.just("words"), st.integers(0, 100)),
        st.tuples(st.just("sound"), st.integers(1, 900)),
        st.tuples(st.just("truncate"), st.integers(0, 1500)),
        st.tuples(st.just("speech"), st.just(0)),
        st.tuples(st.just("cancelled"), st.sampled_from(["turn_detected", "client_cancelled", None])),
        st.tuples(st.just("cleared"), st.just(0)),
        st.tuples(st.just("wait"), st.integers(1, 2500)),
    ),
    max_size=40,
)


def call_of(actions: list[tuple[str, int | bool | str | None]], *, timed: bool, closed: bool) -> Call:
    call = Call(timed=timed)
    begun: list[tuple[str, str]] = []
    at = 10.0
    for number, (kind, value) in enumerate(actions):
        call.at(at)
        response, item = begun[number % len(begun)] if begun else ("", "")
        match kind:
            case "begin":
                response, item = f"resp_{number}", f"item_{number}"
                call.created(response, conversation_id="conv_1" if value else None).output(item, response)
                begun.append((response, item))
            case "words" if begun:
                call.words(response, item, WORDS[int(value or 0) % len(WORDS)])
            case "sound" if begun:
                call.delta(response, item, pcm(ramp(int(value or 0) * 24)))
            case "truncate" if begun:
                call.truncate(item, int(value or 0), ack_ms=at + 1)
            case "speech":
                call.server("input_audio_buffer.speech_started", item_id=f"user_{number}", audio_start_ms=0)
            case "cancelled" if begun:
                call.done(response, "cancelled", status_details={"type": "cancelled", "reason": value})
            case "cleared" if begun:
                call.server("output_audio_buffer.cleared", response_id=response)
            case "wait":
                at += int(value or 0)
            case _:
                pass
        at += 7
    if closed:
        call.at(at).statement("close", code=1000, reason="")
    return call


calls = st.builds(call_of, steps, timed=st.booleans(), closed=st.booleans())


def items_of(timeline: Timeline) -> dict[str, Item]:
    conversation = timeline.conversation
    return {each.id: each for each in (*conversation.items, *conversation.deleted, *conversation.out_of_band)}


@given(calls)
def test_what_was_heard_and_what_was_not_are_all_that_was_generated(call: Call) -> None:
    timeline = call.timeline()
    generated = sum(part.audio.total for item in items_of(timeline).values() for part in item.content)
    assert sum(each.size for each in timeline.plan.playbacks) == generated
    heard = sum(placed.piece.size for placed in timeline.placed(("assistant",), "heard"))
    unheard = sum(each.size - each.heard for each in timeline.plan.playbacks)
    assert heard + unheard == generated == sum(each.piece.size for each in timeline.placed(("assistant",), "generated"))


@given(calls, st.builds(Choice, st.sampled_from(["stop", "continue"]), st.booleans()))
def test_heard_words_begin_what_was_generated_and_no_reading_adds_any(call: Call, choice: Choice) -> None:
    timeline = Timeline.of(call.timeline().conversation, call.timeline().clock, choice)
    items = items_of(timeline)
    for reading in READINGS:
        transcript = transcribe(timeline.conversation, reading, timeline.plan)
        for (item_id, index), words in transcript.texts.items():
            (part,) = (each for each in items[item_id].content if each.index == index)
            assert (part_words(part) or "").startswith(words)
    for line in transcribe(timeline.conversation, "heard", timeline.plan).lines:
        assert line.item_id is not None
        # What was not heard whole says why.
        whole = "\n".join(filter(None, (part_words(part) for part in items[line.item_id].content)))
        assert line.text == whole or line.estimate is not None


@given(calls)
def test_nothing_is_heard_after_the_close_and_going_on_only_adds(call: Call) -> None:
    timeline = call.timeline()
    close = timeline.conversation.close
    if close is not None and close.offset_ns is not None:
        for each in timeline.plan.playbacks:
            assert not each.heard or each.heard_end_ns <= close.offset_ns
    outside = Timeline.of(timeline.conversation, timeline.clock, AS_RECORDED)
    assert [each.heard for each in outside.plan.playbacks] == [each.heard for each in timeline.plan.playbacks]


@dataclass(frozen=True)
class Piece:
    words: str
    ms: int


pieces = st.lists(st.builds(Piece, st.sampled_from(WORDS), st.integers(0, 600)), min_size=1, max_size=6)


def arriving(said: list[list[Piece]], cut_ms: int, chunk: int, step_ms: float) -> Call:
    """Items that arrive in chunks of some size, at some pace that never lets the player run dry; the first is cut."""
    call = Call()
    for number, item in enumerate(said):
        call.at(100 + number * 40).begin(f"resp_{number}", f"item_{number}")
        now = call.ms
        for piece in item:
            call.at(now).words(f"resp_{number}", f"item_{number}", piece.words)
            sound = pcm(ramp(piece.ms * 24))
            for first in range(0, len(sound), chunk):
                call.delta(f"resp_{number}", f"item_{number}", sound[first : first + chunk])
                now = min(now + step_ms, 130 + number * 40)
                call.at(now)
    call.at(200 + cut_ms).truncate("item_0", cut_ms, ack_ms=230 + cut_ms)
    return call


def outcome(call: Call) -> tuple[list[str], list[tuple[str, int, int, int]]]:
    timeline = call.timeline()
    lines = transcribe(timeline.conversation, "heard", timeline.plan).lines
    return [line.text for line in lines], [
        (each.item_id, int(each.start_ns), each.size, each.heard) for each in timeline.plan.playbacks
    ]


@given(
    st.lists(pieces, min_size=1, max_size=3),
    st.integers(0, 3000),
    st.tuples(st.integers(200, 20_000), st.integers(200, 20_000)),
    st.tuples(st.floats(0, 5), st.floats(0, 5)),
)
def test_sessions_that_play_alike_are_heard_alike_however_they_arrive(
    said: list[list[Piece]], cut_ms: int, chunks: tuple[int, int], steps_ms: tuple[float, float]
) -> None:
    one, other = (arriving(said, cut_ms, chunk * 2, step) for chunk, step in zip(chunks, steps_ms, strict=True))
    assert outcome(one) == outcome(other)
