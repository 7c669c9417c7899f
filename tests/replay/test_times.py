"""Times as a reader wants them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from earwitness.replay.times import clock, ms_of, seconds, wall_clock


@pytest.mark.parametrize(
    ("ms", "expected"),
    [(0, "0:00.0"), (999, "0:00.9"), (59_999, "0:59.9"), (61_250, "1:01.2"), (3_600_000, "1:00:00.0")],
)
def test_a_clock_shows_what_is_over(ms: int, expected: str) -> None:
    assert clock(ms) == expected
    assert clock(ms, tenths=False) == expected[:-2]


@pytest.mark.parametrize(
    ("ms", "expected"),
    [(0, "0.00 s"), (444, "0.44 s"), (445, "0.45 s"), (9_994, "9.99 s"), (12_349, "12.3 s"), (75_000, "1:15")],
)
def test_a_duration_has_as_many_digits_as_help(ms: int, expected: str) -> None:
    assert seconds(ms) == expected


def test_nanoseconds_are_rounded_to_milliseconds() -> None:
    assert [ms_of(ns) for ns in (None, 0, 499_999, 500_000, 1_499_999)] == [None, 0, 0, 1, 1]


def test_a_moment_is_written_in_utc() -> None:
    moment = datetime(2026, 10, 5, 16, 12, 3, tzinfo=timezone(timedelta(hours=2)))
    assert wall_clock(moment) == "2026-10-05 14:12:03 UTC"
    assert wall_clock(datetime(2026, 1, 2, tzinfo=UTC)) == "2026-01-02 00:00:00 UTC"
