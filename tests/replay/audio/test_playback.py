"""The assistant's player: one queue, the speed of speech, cut-ins."""

from __future__ import annotations

import pytest

from tests.replay.audio.calls import ALAW, MULAW, Call, pcm, ramp

MS = 24
"""Samples of a millisecond."""


def played(call: Call) -> list[tuple[float, float, float, str | None]]:
    """For each part: when it began, how long it is, how much was heard (all in ms), and what cut it."""
    return [
        (float(each.start_ns) / 1e6, each.size / 48, each.heard / 48, each.cut) for each in call.timeline().playbacks
    ]


def speech(ms: float) -> bytes:
    return pcm(ramp(round(ms * MS)))


# ---- the queue


def test_an_item_plays_from_the_arrival_of_its_first_delta() -> None:
    call = Call()
    call.say(1234.5, speech(1000))
    assert played(call) == [(1234.5, 1000, 1000, None)]


def test_an_item_waits_until_the_one_before_it_is_over() -> None:
    call = Call()
    call.say(100, speech(2000))
    call.say(500, speech(1000))
    call.say(9000, speech(500))
    assert played(call) == [(100, 2000, 2000, None), (2100, 1000, 1000, None), (9000, 500, 500, None)]


def test_the_queue_is_in_the_order_in_which_audio_began_to_arrive() -> None:
    call = Call()
    (one, first), (two, second) = call.begin(0), call.begin(0)
    call.delta(10, two, second, speech(100))
    call.delta(11, one, first, speech(100))
    call.delta(12, two, second, speech(100))
    assert [each.item_id for each in call.timeline().playbacks] == [second, first]
    assert played(call) == [(10, 200, 200, None), (210, 100, 100, None)]


def test_small_delays_are_evened_out_and_a_late_delta_stalls_the_player() -> None:
    call = Call()
    response, item = call.begin(0)
    for at in (0, 150, 590, 2000, 2010):
        call.delta(at, response, item, speech(100))
    (playback,) = call.timeline().playbacks
    assert [(float(each.start_ns) / 1e6, each.start // 48, each.end // 48) for each in playback.stretches] == [
        (0, 0, 300),
        (2000, 300, 500),
    ]
    assert playback.heard_end_ns == 2200 * 10**6


@pytest.mark.parametrize(("late_ms", "stretches"), [(500, 1), (501, 2)])
def test_more_than_half_a_second_stalls_the_player(late_ms: float, stretches: int) -> None:
    call = Call()
    response, item = call.begin(0)
    call.delta(0, response, item, speech(100))
    call.delta(100 + late_ms, response, item, speech(100))
    (playback,) = call.timeline().playbacks
    assert len(playback.stretches) == stretches


def test_a_stall_within_a_sample_leaves_both_sides_whole() -> None:
    call = Call()
    response, item = call.begin(0)
    call.delta(0, response, item, speech(100)[:-1])
    call.delta(5000, response, item, speech(100)[-1:] + speech(100))
    (playback,) = call.timeline().playbacks
    assert [(each.start, each.end) for each in playback.stretches] == [(0, 4800), (4800, 9600)]


@pytest.mark.parametrize("stated", [MULAW, ALAW])
def test_the_output_format_is_the_session_s(stated: dict[str, str]) -> None:
    call = Call(output=stated)
    call.say(0, bytes(800))
    (playback,) = call.timeline().playbacks
    assert (playback.format.type, playback.format.rate) == (stated["type"], 8000)
    assert playback.heard_end_ns == 100 * 10**6


def test_the_output_format_of_a_response_counts_before_the_session_s() -> None:
    call = Call()
    stated = {"id": "resp_x", "status": "in_progress", "output": [], "audio": {"output": {"format": MULAW}}}
    call.server(0, "response.created", response=stated)
    item = {"id": "item_x", "type": "message", "role": "assistant", "status": "in_progress", "content": []}
    call.server(0, "response.output_item.added", response_id="resp_x", output_index=0, item=item)
    call.delta(0, "resp_x", "item_x", bytes(800))
    assert [each.format.rate for each in call.timeline().playbacks] == [8000]


def test_a_changed_output_format_counts_for_what_follows() -> None:
    call = Call()
    call.say(0, speech(100))
    call.output = MULAW
    call.server(500, "session.updated", session=call.session())
    call.say(1000, bytes(800))
    assert [each.format.rate for each in call.timeline().playbacks] == [24000, 8000]


def test_deltas_may_end_within_a_sample_and_a_broken_last_one_is_named() -> None:
    call = Call()
    call.say(0, speech(10) + b"\1", chunk=7)
    timeline = call.timeline()
    assert [each.size for each in timeline.playbacks] == [480]
    assert [problem.what for problem in timeline.problems] == ["odd-bytes"]


def test_empty_deltas_and_invalid_base64_are_left_out_and_named() -> None:
    call = Call()
    response, item = call.begin(0)
    call.delta(0, response, item, speech(100))
    call.delta(1, response, item, b"")
    bad = call.server(2, "response.output_audio.delta", response_id=response, item_id=item, output_index=0,
                      content_index=0, delta="A")  # fmt: skip
    call.delta(3, response, item, speech(100))
    timeline = call.timeline()
    assert [each.size for each in timeline.playbacks] == [9600]
    assert [(problem.seq, problem.what) for problem in timeline.problems] == [(bad, "bad-base64")]


# ---- cut-ins


@pytest.mark.parametrize(("end_ms", "heard"), [(0, 0), (1, 1), (777, 777), (999, 999)])
def test_a_truncation_ends_an_item_where_it_says(end_ms: int, heard: int) -> None:
    call = Call()
    item = call.say(100, speech(1000))
    call.truncate(100 + end_ms, item, end_ms, ack_ms=900)
    assert played(call) == [(100, 1000, heard, "truncated")]


def test_a_truncation_before_the_beginning_leaves_nothing() -> None:
    call = Call()
    item = call.say(100, speech(1000))
    call.truncate(500, item, -50)
    assert played(call) == [(100, 1000, 0, "truncated")]


@pytest.mark.parametrize("end_ms", [1000, 1500])
def test_a_truncation_behind_the_end_cuts_nothing(end_ms: int) -> None:
    call = Call()
    item = call.say(100, speech(1000))
    call.truncate(1600, item, end_ms, ack_ms=1650)
    call.say(1640, speech(100))
    assert played(call) == [(100, 1000, 1000, None), (1640, 100, 100, None)]


def test_a_refused_truncation_cuts_nothing() -> None:
    call = Call()
    item = call.say(100, speech(1000))
    call.client(500, "conversation.item.truncate", event_id="mine", item_id=item, content_index=0, audio_end_ms=400)
    call.server(540, "error", error={"type": "invalid_request_error", "event_id": "mine", "message": "no"})
    assert played(call) == [(100, 1000, 1000, None)]


def test_a_truncation_by_the_server_alone_counts() -> None:
    call = Call()
    item = call.say(100, speech(1000))
    call.server(700, "conversation.item.truncated", item_id=item, content_index=0, audio_end_ms=300)
    assert played(call) == [(100, 1000, 300, "truncated")]


def test_deltas_after_a_truncation_do_not_start_the_item_again() -> None:
    call = Call()
    response, item = call.begin(0)
    call.delta(0, response, item, speech(500))
    call.truncate(300, item, 290, ack_ms=340)
    call.delta(310, response, item, speech(500))
    call.delta(1310, response, item, speech(500))
    assert played(call) == [(0, 1500, 290, "truncated")]


def test_what_waited_behind_a_cut_is_never_heard_and_what_comes_later_is() -> None:
    call = Call()
    first = call.say(0, speech(3000))
    call.say(200, speech(1000))
    call.say(400, speech(1000))
    call.truncate(1000, first, 980, ack_ms=1040)
    call.say(1500, speech(700))
    assert played(call) == [
        (0, 3000, 980, "truncated"),
        (980, 1000, 0, "never begun"),
        (980, 1000, 0, "never begun"),
        (1500, 700, 700, None),
    ]


def test_an_answer_right_after_a_cut_begins_at_its_arrival() -> None:
    call = Call()
    first = call.say(0, speech(3000))
    call.truncate(1000, first, 980, ack_ms=1040)
    call.say(1100, speech(700))
    assert played(call)[1] == (1100, 700, 700, None)


def test_parts_behind_the_truncated_part_of_an_item_are_cut_too() -> None:
    call = Call()
    response, item = call.begin(0)
    call.delta(0, response, item, speech(500), index=0)
    call.delta(5, response, item, speech(500), index=1)
    call.truncate(300, item, 290, ack_ms=340)
    assert [each[2] for each in played(call)] == [290, 0]


def test_parts_of_a_truncated_item_that_begin_to_arrive_later_are_cut_too() -> None:
    call = Call()
    response, item = call.begin(0)
    call.delta(0, response, item, speech(500), index=0)
    call.truncate(300, item, 290, ack_ms=340)
    call.delta(400, response, item, speech(500), index=1)
    assert [each[2:] for each in played(call)] == [(290, "truncated"), (0, "truncated")]


def test_a_part_before_the_truncated_one_is_heard() -> None:
    call = Call()
    response, item = call.begin(0)
    call.delta(0, response, item, speech(500), index=0)
    call.delta(5, response, item, speech(500), index=1)
    cut = {"item_id": item, "content_index": 1, "audio_end_ms": 100}
    call.client(610, "conversation.item.truncate", **cut)
    call.server(650, "conversation.item.truncated", **cut)
    assert [each[2] for each in played(call)] == [500, 100]


# ---- events of the player itself


def buffer_event(call: Call, at_ms: float, name: str, response: str) -> None:
    call.server(at_ms, f"output_audio_buffer.{name}", response_id=response)


def test_cleared_cuts_what_plays_at_that_moment_and_all_behind_it() -> None:
    call = Call()
    response, item = call.begin(0)
    call.delta(0, response, item, speech(2000))
    call.say(100, speech(500))
    buffer_event(call, 800, "cleared", response)
    call.say(1000, speech(100))
    assert played(call) == [(0, 2000, 800, "cleared"), (800, 500, 0, "never begun"), (1000, 100, 100, None)]


def test_cleared_when_all_was_played_cuts_nothing() -> None:
    call = Call()
    response, item = call.begin(0)
    call.delta(0, response, item, speech(500))
    buffer_event(call, 800, "cleared", response)
    assert played(call) == [(0, 500, 500, None)]


def test_started_says_when_a_response_was_heard() -> None:
    call = Call()
    response, item = call.begin(0)
    call.delta(10, response, item, speech(500))
    buffer_event(call, 260, "started", response)
    assert played(call) == [(260, 500, 500, None)]


def test_started_counts_before_the_model_and_for_the_first_part_only() -> None:
    call = Call()
    call.say(0, speech(2000))
    response, item = call.begin(100)
    call.delta(110, response, item, speech(500), index=0)
    call.delta(120, response, item, speech(500), index=1)
    buffer_event(call, 1990, "started", response)
    assert [each[0] for each in played(call)] == [0, 1990, 2490]


def test_what_follows_waits_for_stopped() -> None:
    call = Call()
    response, item = call.begin(0)
    call.delta(0, response, item, speech(500))
    buffer_event(call, 640, "stopped", response)
    call.say(450, speech(100))
    assert played(call) == [(0, 500, 500, None), (640, 100, 100, None)]


# ---- other clocks


def test_without_times_the_assistant_speaks_when_the_input_is_so_far() -> None:
    call = Call(timed=False)
    call.stream(0, speech(1500), chunk=960, every_ms=20)
    call.say(0, speech(500))
    call.stream(0, speech(100), chunk=960, every_ms=20)
    call.say(0, speech(500))
    assert played(call) == [(1500, 500, 500, None), (2000, 500, 500, None)]


def test_audio_that_a_client_put_into_an_item_is_not_played() -> None:
    call = Call()
    content = [{"type": "input_audio", "audio": "AAAA"}]
    stated = {"id": "item_mine", "type": "message", "role": "user", "content": content}
    call.client(10, "conversation.item.create", item=stated)
    call.add_item(30, stated | {"content": [{"type": "input_audio", "transcript": None}]})
    assert played(call) == []
