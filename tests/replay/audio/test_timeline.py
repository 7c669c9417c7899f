"""Who was speaking when, with the sound and without."""

from __future__ import annotations

import pytest
from earwitness.schemas.frame import Frame
from earwitness.schemas.statements import GapStatement

from tests.events import pcm, ramp, spoken_message
from tests.sessions import Call

MS = 24


def intervals(call: Call) -> list[tuple[str, float, float, str, bool]]:
    return [
        (each.side, each.start_ns / 1e6, each.end_ns / 1e6, each.source, each.cut)
        for each in call.timeline().intervals()
    ]


def utter(call: Call, at_ms: float, start: int, end: int) -> str:
    item = f"item_user_{start}"
    call.at(at_ms).server("input_audio_buffer.speech_started", audio_start_ms=start, item_id=item)
    call.at(at_ms + end - start).server("input_audio_buffer.speech_stopped", audio_end_ms=end, item_id=item)
    return call.at(at_ms + end - start).user_item(item=item)


def test_both_sides_by_their_audio() -> None:
    call = Call()
    call.at(100).stream(pcm(ramp(4000 * MS)), chunk=960, every_ms=20)
    utter(call, 800, 500, 1500)
    item = call.at(1900).say(pcm(ramp(3000 * MS)))
    utter(call, 2800, 2500, 3200)
    call.at(2850).truncate(item, 900, ack_ms=2900)
    assert intervals(call) == [
        ("user", 600, 1600, "audio", False),
        ("assistant", 1950, 2850, "audio", True),
        ("user", 2600, 3300, "audio", False),
    ]


def test_a_manual_turn_is_an_interval_too() -> None:
    call = Call()
    call.at(100).stream(pcm(ramp(1000 * MS)), chunk=960, every_ms=20)
    call.at(1200).client("input_audio_buffer.commit")
    call.at(1230).user_item()
    assert intervals(call) == [("user", 100, 1100, "audio", False)]


def test_a_manual_turn_ends_where_its_audio_does_and_not_where_the_next_begins() -> None:
    call = Call()
    for start in (100, 12_000):
        call.at(start).stream(pcm(ramp(1000 * MS)), chunk=960, every_ms=20)
        call.at(start + 1100).client("input_audio_buffer.commit")
        call.at(start + 1130).user_item()
    assert intervals(call) == [("user", 100, 1100, "audio", False), ("user", 12_000, 13_000, "audio", False)]


def test_a_session_without_sound_has_the_times_of_its_events() -> None:
    call = Call()
    utter(call, 800, 500, 1500)
    response, item = call.at(2000).begin()
    call.at(2200).server("output_audio_buffer.started", response_id=response)
    call.at(3700).server("output_audio_buffer.stopped", response_id=response)
    call.at(3000).finish(response, spoken_message(item))
    second, other = call.at(4000).begin()
    call.at(4100).server("output_audio_buffer.started", response_id=second)
    call.at(4600).server("output_audio_buffer.cleared", response_id=second)
    call.at(4650).finish(second, spoken_message(other, status="cancelled"))
    timeline = call.timeline()
    assert intervals(call) == [
        ("user", 800, 1800, "events", False),
        ("assistant", 2200, 3700, "events", False),
        ("assistant", 4100, 4600, "events", True),
    ]
    assert [each.item_id for each in timeline.intervals()] == ["item_user_500", item, other]
    assert timeline.placed() == []


def test_events_of_the_player_add_no_interval_where_there_is_sound() -> None:
    call = Call()
    response, item = call.begin()
    call.at(20).server("output_audio_buffer.started", response_id=response)
    call.at(10).delta(response, item, pcm(ramp(500 * MS)))
    call.at(530).server("output_audio_buffer.stopped", response_id=response)
    assert intervals(call) == [("assistant", 20, 520, "audio", False)]


def test_without_sound_and_without_clock_voice_activity_is_the_clock() -> None:
    call = Call(timed=False)
    utter(call, 0, 500, 1500)
    response, item = call.at(0).begin()
    call.at(0).server("output_audio_buffer.started", response_id=response)
    utter(call, 0, 4000, 5000)
    call.at(0).server("output_audio_buffer.cleared", response_id=response)
    call.at(0).finish(response, spoken_message(item))
    assert intervals(call) == [
        ("user", 500, 1500, "events", False),
        ("assistant", 1500, 5000, "events", True),
        ("user", 4000, 5000, "events", False),
    ]


def test_generated_audio_runs_on_from_where_it_began_and_moves_nothing() -> None:
    call = Call()
    item = call.say(pcm(ramp(3000 * MS)))
    call.at(1000).truncate(item, 1000, ack_ms=1040)
    call.at(1500).say(pcm(ramp(500 * MS)))
    timeline = call.timeline()
    for as_, ends in (("heard", [1000, 2000]), ("delivered", [3000, 2000]), ("generated", [3000, 2000])):
        placed = timeline.placed(("assistant",), as_)  # type: ignore[arg-type]
        assert [float(each.start_ns) / 1e6 for each in placed] == [0, 1500]
        assert [float(each.end_ns) / 1e6 for each in placed] == ends


@pytest.mark.parametrize(("sides", "expected"), [(("user",), ["user"]), (("assistant",), ["assistant"])])
def test_a_side_alone_has_its_own_audio_only(sides: tuple[str, ...], expected: list[str]) -> None:
    call = Call()
    call.append(pcm(ramp(100)))
    call.at(5).say(pcm(ramp(100)))
    assert [each.side for each in call.timeline().placed(sides)] == expected  # type: ignore[arg-type]
    assert [each.side for each in call.timeline().placed()] == ["user", "assistant"]


def test_a_stalled_item_lies_in_two_places() -> None:
    call = Call()
    response, item = call.begin()
    call.at(0).delta(response, item, pcm(ramp(100 * MS)))
    call.at(3000).delta(response, item, pcm(ramp(100 * MS)))
    call.at(3060).truncate(item, 150, ack_ms=3100)
    placed = call.timeline().placed()
    assert [(float(each.start_ns) / 1e6, each.piece.samples / MS) for each in placed] == [(0, 100), (3010, 50)]


def test_formats_that_nobody_stated_are_named() -> None:
    call = Call()
    del call.frames[1]  # session.created
    call.at(0).append(pcm(ramp(100)))
    call.at(5).say(pcm(ramp(100)))
    assert [(each.what, each.detail.split(":")[0]) for each in call.timeline().problems] == [
        ("format", "no event stated the format of the user's audio"),
        ("format", "no event stated the format of the assistant's audio"),
    ]


def test_gaps_of_the_recording_are_named() -> None:
    call = Call()
    call.append(pcm(ramp(100)))
    gap = GapStatement(frames=7, bytes=900, reason="disk full").to_payload()
    call.frames.append(Frame(len(call.frames), 10_000_000, "gap", "recorder", None, gap))
    (problem,) = call.timeline().problems
    assert str(problem) == "gap (record 3): 7 frames that crossed here are not in the recording: disk full"
