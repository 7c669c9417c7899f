"""The assistant's player: one queue, the speed of speech, cut-ins."""

from __future__ import annotations

import pytest
from earwitness.replay.audio.playback import PlaybackPlan, plan_playback

from tests.events import ALAW, MULAW, pcm, ramp
from tests.sessions import Call

MS = 24
"""Samples of a millisecond."""


def parts(plan: PlaybackPlan) -> list[tuple[float, float, float, str | None]]:
    return [(float(each.start_ns) / 1e6, each.size / 48, each.heard / 48, each.cut) for each in plan.playbacks]


def played(call: Call) -> list[tuple[float, float, float, str | None]]:
    """For each part: when it began, how long it is, how much was heard (all in ms), and what cut it.

    The times that the conversation itself holds tell the same, where no player runs dry.
    """
    timeline = call.timeline()
    if timeline.clock.known:
        assert parts(plan_playback(timeline.conversation)) == parts(timeline.plan)
    return parts(timeline.plan)


def speech(ms: float) -> bytes:
    return pcm(ramp(round(ms * MS)))


# ---- the queue


def test_an_item_plays_from_the_arrival_of_its_first_delta() -> None:
    call = Call()
    call.at(1234.5).say(speech(1000))
    assert played(call) == [(1234.5, 1000, 1000, None)]


def test_an_item_waits_until_the_one_before_it_is_over() -> None:
    call = Call()
    call.at(100).say(speech(2000))
    call.at(500).say(speech(1000))
    call.at(9000).say(speech(500))
    assert played(call) == [(100, 2000, 2000, None), (2100, 1000, 1000, None), (9000, 500, 500, None)]


def test_the_queue_is_in_the_order_in_which_audio_began_to_arrive() -> None:
    call = Call()
    (one, first), (two, second) = call.at(0).begin(), call.at(0).begin()
    call.at(10).delta(two, second, speech(100))
    call.at(11).delta(one, first, speech(100))
    call.at(12).delta(two, second, speech(100))
    assert [each.item_id for each in call.timeline().plan.playbacks] == [second, first]
    assert played(call) == [(10, 200, 200, None), (210, 100, 100, None)]


def test_small_delays_are_evened_out_and_a_late_delta_stalls_the_player() -> None:
    call = Call()
    response, item = call.begin()
    for at in (0, 150, 590, 2000, 2010):
        call.at(at).delta(response, item, speech(100))
    (playback,) = call.timeline().plan.playbacks
    assert [(float(each.start_ns) / 1e6, each.start // 48, each.end // 48) for each in playback.stretches] == [
        (0, 0, 300),
        (2000, 300, 500),
    ]
    assert playback.heard_end_ns == 2200 * 10**6


@pytest.mark.parametrize(("late_ms", "stretches"), [(500, 1), (501, 2)])
def test_more_than_half_a_second_stalls_the_player(late_ms: float, stretches: int) -> None:
    call = Call()
    response, item = call.begin()
    call.at(0).delta(response, item, speech(100))
    call.at(100 + late_ms).delta(response, item, speech(100))
    (playback,) = call.timeline().plan.playbacks
    assert len(playback.stretches) == stretches


def test_a_stall_within_a_sample_leaves_both_sides_whole() -> None:
    call = Call()
    response, item = call.begin()
    call.at(0).delta(response, item, speech(100)[:-1])
    call.at(5000).delta(response, item, speech(100)[-1:] + speech(100))
    (playback,) = call.timeline().plan.playbacks
    assert [(each.start, each.end) for each in playback.stretches] == [(0, 4800), (4800, 9600)]


@pytest.mark.parametrize("stated", [MULAW, ALAW])
def test_the_output_format_is_the_session_s(stated: dict[str, str]) -> None:
    call = Call(output_format=stated)
    call.say(bytes(800))
    (playback,) = call.timeline().plan.playbacks
    assert (playback.format.type, playback.format.rate) == (stated["type"], 8000)
    assert playback.heard_end_ns == 100 * 10**6


def test_the_output_format_of_a_response_counts_before_the_session_s() -> None:
    call = Call()
    stated = {"id": "resp_x", "status": "in_progress", "output": [], "audio": {"output": {"format": MULAW}}}
    call.at(0).server("response.created", response=stated)
    item = {"id": "item_x", "type": "message", "role": "assistant", "status": "in_progress", "content": []}
    call.at(0).server("response.output_item.added", response_id="resp_x", output_index=0, item=item)
    call.at(0).delta("resp_x", "item_x", bytes(800))
    assert [each.format.rate for each in call.timeline().plan.playbacks] == [8000]


def test_a_changed_output_format_counts_for_what_follows() -> None:
    call = Call()
    call.say(speech(100))
    call.output_format = MULAW
    call.at(500).server("session.updated", session=call.settings())
    call.at(1000).say(bytes(800))
    assert [each.format.rate for each in call.timeline().plan.playbacks] == [24000, 8000]


def test_deltas_may_end_within_a_sample_and_a_broken_last_one_is_named() -> None:
    call = Call()
    call.say(speech(10) + b"\1", chunk=7)
    timeline = call.timeline()
    assert [each.size for each in timeline.plan.playbacks] == [480]
    assert [problem.what for problem in timeline.problems] == ["odd-bytes"]


def test_empty_deltas_and_invalid_base64_are_left_out_and_named() -> None:
    call = Call()
    response, item = call.begin()
    call.at(0).delta(response, item, speech(100))
    call.at(1).delta(response, item, b"")
    bad = call.at(2).server("response.output_audio.delta", response_id=response, item_id=item, output_index=0,
                      content_index=0, delta="A").seq  # fmt: skip
    call.at(3).delta(response, item, speech(100))
    timeline = call.timeline()
    assert [each.size for each in timeline.plan.playbacks] == [9600]
    assert [(problem.seq, problem.what) for problem in timeline.problems] == [(bad, "bad-base64")]


# ---- cut-ins


@pytest.mark.parametrize(("end_ms", "heard"), [(0, 0), (1, 1), (777, 777), (999, 999)])
def test_a_truncation_ends_an_item_where_it_says(end_ms: int, heard: int) -> None:
    call = Call()
    item = call.at(100).say(speech(1000))
    call.at(100 + end_ms).truncate(item, end_ms, ack_ms=900)
    assert played(call) == [(100, 1000, heard, "truncated")]


def test_a_truncation_before_the_beginning_leaves_nothing() -> None:
    call = Call()
    item = call.at(100).say(speech(1000))
    call.at(500).truncate(item, -50)
    assert played(call) == [(100, 1000, 0, "truncated")]


@pytest.mark.parametrize("end_ms", [1000, 1500])
def test_a_truncation_behind_the_end_cuts_nothing(end_ms: int) -> None:
    call = Call()
    item = call.at(100).say(speech(1000))
    call.at(1600).truncate(item, end_ms, ack_ms=1650)
    call.at(1640).say(speech(100))
    assert played(call) == [(100, 1000, 1000, None), (1640, 100, 100, None)]


def test_a_refused_truncation_cuts_nothing() -> None:
    call = Call()
    item = call.at(100).say(speech(1000))
    call.at(500).client("conversation.item.truncate", event_id="mine", item_id=item, content_index=0, audio_end_ms=400)
    call.at(540).server("error", error={"type": "invalid_request_error", "event_id": "mine", "message": "no"})
    assert played(call) == [(100, 1000, 1000, None)]


def test_a_truncation_by_the_server_alone_counts() -> None:
    call = Call()
    item = call.at(100).say(speech(1000))
    call.at(700).server("conversation.item.truncated", item_id=item, content_index=0, audio_end_ms=300)
    assert played(call) == [(100, 1000, 300, "truncated")]


def test_deltas_after_a_truncation_do_not_start_the_item_again() -> None:
    call = Call()
    response, item = call.begin()
    call.at(0).delta(response, item, speech(500))
    call.at(300).truncate(item, 290, ack_ms=340)
    call.at(310).delta(response, item, speech(500))
    call.at(1310).delta(response, item, speech(500))
    assert played(call) == [(10, 1500, 290, "truncated")]


def test_what_waited_behind_a_cut_is_never_heard_and_what_comes_later_is() -> None:
    call = Call()
    first = call.at(0).say(speech(3000))
    call.at(200).say(speech(1000))
    call.at(400).say(speech(1000))
    call.at(1000).truncate(first, 980, ack_ms=1040)
    call.at(1500).say(speech(700))
    assert played(call) == [
        (20, 3000, 980, "truncated"),
        (1000, 1000, 0, "never begun"),
        (1000, 1000, 0, "never begun"),
        (1500, 700, 700, None),
    ]


def test_an_answer_right_after_a_cut_begins_at_its_arrival() -> None:
    call = Call()
    first = call.at(0).say(speech(3000))
    call.at(1000).truncate(first, 980, ack_ms=1040)
    call.at(1100).say(speech(700))
    assert played(call)[1] == (1100, 700, 700, None)


def test_parts_behind_the_truncated_part_of_an_item_are_cut_too() -> None:
    call = Call()
    response, item = call.begin()
    call.at(0).delta(response, item, speech(500), index=0)
    call.at(5).delta(response, item, speech(500), index=1)
    call.at(300).truncate(item, 290, ack_ms=340)
    assert [each[2] for each in played(call)] == [290, 0]


def test_parts_of_a_truncated_item_that_begin_to_arrive_later_are_cut_too() -> None:
    call = Call()
    response, item = call.begin()
    call.at(0).delta(response, item, speech(500), index=0)
    call.at(300).truncate(item, 290, ack_ms=340)
    call.at(400).delta(response, item, speech(500), index=1)
    assert [each[2:] for each in played(call)] == [(290, "truncated"), (0, "truncated")]


def test_a_part_before_the_truncated_one_is_heard() -> None:
    call = Call()
    response, item = call.begin()
    call.at(0).delta(response, item, speech(500), index=0)
    call.at(5).delta(response, item, speech(500), index=1)
    call.at(610).truncate(item, 100, index=1, ack_ms=650)
    assert [each[2] for each in played(call)] == [500, 100]


# ---- events of the player itself


def buffer_event(call: Call, at_ms: float, name: str, response: str) -> None:
    call.at(at_ms).server(f"output_audio_buffer.{name}", response_id=response)


def test_cleared_cuts_what_plays_at_that_moment_and_all_behind_it() -> None:
    call = Call()
    response, item = call.begin()
    call.at(0).delta(response, item, speech(2000))
    call.at(100).say(speech(500))
    buffer_event(call, 800, "cleared", response)
    call.at(1000).say(speech(100))
    assert played(call) == [(0, 2000, 800, "cleared"), (800, 500, 0, "never begun"), (1000, 100, 100, None)]


def test_cleared_when_all_was_played_cuts_nothing() -> None:
    call = Call()
    response, item = call.begin()
    call.at(0).delta(response, item, speech(500))
    buffer_event(call, 800, "cleared", response)
    assert played(call) == [(0, 500, 500, None)]


def test_started_says_when_a_response_was_heard() -> None:
    call = Call()
    response, item = call.begin()
    call.at(10).delta(response, item, speech(500))
    buffer_event(call, 260, "started", response)
    assert played(call) == [(260, 500, 500, None)]


def test_started_counts_before_the_model_and_for_the_first_part_only() -> None:
    call = Call()
    call.say(speech(2000))
    response, item = call.at(100).begin()
    call.at(110).delta(response, item, speech(500), index=0)
    call.at(120).delta(response, item, speech(500), index=1)
    buffer_event(call, 1990, "started", response)
    assert [each[0] for each in played(call)] == [0, 1990, 2490]


def test_what_follows_waits_for_stopped() -> None:
    call = Call()
    response, item = call.begin()
    call.at(0).delta(response, item, speech(500))
    buffer_event(call, 640, "stopped", response)
    call.at(450).say(speech(100))
    assert played(call) == [(0, 500, 500, None), (640, 100, 100, None)]


def test_without_a_clock_how_much_was_heard_before_cleared_is_not_known() -> None:
    call = Call(timed=False)
    call.at(0).stream(speech(100), chunk=960, every_ms=20)
    response, item = call.begin()
    call.delta(response, item, speech(2000))
    call.say(speech(500))
    buffer_event(call, 0, "cleared", response)
    plan = call.timeline().plan
    assert [each.known for each in plan.playbacks] == [False, True]
    assert [each[1:] for each in parts(plan)] == [(2000, 0, "cleared"), (500, 500, None)]
    assert [each[1:] for each in parts(plan_playback(call.timeline().conversation))] == [
        each[1:] for each in parts(plan)
    ]


# ---- what the plan tells


def test_the_plan_answers_for_parts_and_items() -> None:
    call = Call()
    response, item = call.begin()
    call.at(0).delta(response, item, speech(500), index=0)
    call.at(5).delta(response, item, speech(500), index=1)
    call.at(300).truncate(item, 290, ack_ms=340)
    plan = call.timeline().plan
    assert plan.of_item(item) == plan.playbacks == [plan.of_part(item, 0), plan.of_part(item, 1)]
    assert plan.of_part(item, 2) is None
    assert plan.of_item("unheard_of") == []
    assert [(each.heard_ms, each.total_ms) for each in plan.playbacks] == [(290, 500), (0, 500)]
    assert plan.unheard_ms == 710
    assert [(each.start_ns, each.end_ns, each.source, each.cut) for each in plan.intervals()] == [
        (10 * 10**6, 300 * 10**6, "audio", True)
    ]


# ---- other clocks


def test_without_times_the_assistant_speaks_when_the_input_is_so_far() -> None:
    call = Call(timed=False)
    call.stream(speech(1500), chunk=960, every_ms=20)
    call.at(0).say(speech(500))
    call.at(0).stream(speech(100), chunk=960, every_ms=20)
    call.at(0).say(speech(500))
    assert played(call) == [(1500, 500, 500, None), (2000, 500, 500, None)]


def test_audio_that_a_client_put_into_an_item_is_not_played() -> None:
    call = Call()
    content = [{"type": "input_audio", "audio": "AAAA"}]
    stated = {"id": "item_mine", "type": "message", "role": "user", "content": content}
    call.at(10).client("conversation.item.create", item=stated)
    call.at(30).added(stated | {"content": [{"type": "input_audio", "transcript": None}]})
    assert played(call) == []
