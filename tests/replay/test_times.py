"""Times as a reader wants them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from earwitness.replay.times import clock, decimal, ms_of, parse_time, point, seconds, timestamp, wall_clock
from hypothesis import example, given
from hypothesis import strategies as st

MS = 1_000_000
HOUR = 3_600_000
DAY = 24 * HOUR


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
    assert wall_clock(moment, "Z") == "2026-10-05 14:12:03Z"


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("0", 0),
        ("5", 5_000),
        ("7.5", 7_500),
        ("90", 90_000),
        ("1:00", 60_000),
        ("00:07.5", 7_500),
        ("01:02.345", 62_345),
        ("75:00", 4_500_000),
        ("1:00:00", HOUR),
        ("01:15:00.001", 4_500_001),
    ],
)
def test_seconds_and_clocks_are_read(text: str, ms: int) -> None:
    assert parse_time(text) == ms * MS


def test_a_time_is_read_to_the_nanosecond() -> None:
    assert parse_time("0.000000001") == 1


@pytest.mark.parametrize(
    "text", ["", " 5", "-1", ".5", "5.", "1:5", "12:345", "00:61", "1:2:3:4", "1:00:60", "5s", "#5", "5,5", "\u0665"]
)
def test_what_is_not_a_time_is_not_read(text: str) -> None:
    assert parse_time(text) is None


def test_a_point_has_milliseconds_and_minutes_beyond_the_hour() -> None:
    assert [point(ms * MS) for ms in (0, 7_500, 61_001, 4_500_000)] == [
        "00:00.000",
        "00:07.500",
        "01:01.001",
        "75:00.000",
    ]
    assert [point(ns) for ns in (499_999, 500_000)] == ["00:00.000", "00:00.001"]
    assert (point(None), point(None, "?")) == ("-", "?")


def test_subtitles_have_hours() -> None:
    assert timestamp(4_500_001_999_999, ",") == "01:15:00,001"
    assert timestamp(7 * MS) == "00:00:00.007"


@pytest.mark.parametrize(
    ("ns", "digits", "expected"),
    [(0, 3, "0.000"), (1_234_499_999, 3, "1.234"), (1_234_500_000, 3, "1.235"), (59_960 * MS, 1, "60.0")],
)
def test_seconds_have_as_many_decimals_as_asked_for(ns: int, digits: int, expected: str) -> None:
    assert decimal(ns, digits) == expected


@given(st.integers(0, DAY))
@example(HOUR)
@example(HOUR - 1)
def test_every_time_that_is_written_can_be_read_back(ms: int) -> None:
    ns = ms * MS
    assert parse_time(point(ns)) == parse_time(timestamp(ns)) == parse_time(decimal(ns)) == ns
    assert parse_time(clock(ms)) == ms // 100 * 100 * MS
    assert parse_time(clock(ms, tenths=False)) == ms // 1000 * 1000 * MS
