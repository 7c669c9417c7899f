from __future__ import annotations

import pytest
from earwitness.replay.playing.pacing import MAX_SPEED, Pacer, parse_speed
from earwitness.schemas.errors import RequestError


def test_a_speed_is_a_positive_number_or_max():
    assert parse_speed("1") == 1
    assert parse_speed(" 2.5 ") == 2.5
    assert parse_speed("MAX") == parse_speed(MAX_SPEED) == MAX_SPEED
    assert parse_speed(0.5) == 0.5


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "fast", "", 0, -1.0, None])
def test_anything_else_is_refused_with_a_hint(text):
    with pytest.raises(RequestError, match="not a speed") as caught:
        parse_speed(text)
    assert "max" in caught.value.hint


def test_gaps_are_kept_at_speed_1_and_scaled_at_others():
    for speed, expected in ((1.0, [1100, 1400]), (2.0, [1050, 1200]), (MAX_SPEED, [1000, 1000])):
        pacer, dues = Pacer(speed, 1000), []
        for offset in (100, 400):
            dues.append(pacer.due(offset))
            pacer.sent(offset, dues[-1])
        assert dues == expected


def test_a_frame_that_leaves_late_does_not_delay_the_next_one():
    pacer = Pacer(1.0, 0)
    first = pacer.due(100)
    pacer.sent(100, first)  # whenever it was really sent
    assert pacer.due(250) == 250


def test_the_gap_counts_from_a_cause_that_came_after_the_frame_before():
    pacer = Pacer(1.0, 0)
    pacer.sent(100, 100)
    # In the recording the client thought for 900 and the server answered 50 later. This client answered at once.
    assert pacer.due(1050, ready_ns=120, cause_ns=1000) == 120 + 50


def test_a_cause_met_long_ago_does_not_shorten_the_gap():
    pacer = Pacer(1.0, 0)
    pacer.sent(100, 100)
    assert pacer.due(300, cause_ns=20) == 300


def test_a_frame_without_a_clock_follows_at_once():
    pacer = Pacer(1.0, 7)
    assert pacer.due(None) == 7
    pacer.sent(None, 7)
    assert pacer.due(None, ready_ns=9) == 9


def test_recorded_time_never_runs_backwards():
    pacer = Pacer(1.0, 0)
    pacer.sent(500, 500)
    assert pacer.due(400) == 500
