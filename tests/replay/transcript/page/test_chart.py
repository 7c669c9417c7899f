"""The drawing: places in per cent, bars, ticks."""

from __future__ import annotations

from earwitness.replay.audio.timeline import Interval
from earwitness.replay.transcript.page.chart import Chart, chart
from earwitness.replay.transcript.page.embedded_sound import BARS, Sound
from hypothesis import given
from hypothesis import strategies as st


def drawn(duration: int = 10_000, sound: Sound | None = None, **fields: object) -> Chart:
    stated = {"unheard": [], "cuts": [], "tools": []} | fields
    return chart(duration, sound, stated.pop("intervals", []), **stated)  # type: ignore[arg-type]


def sound(user: list[int], assistant: list[int]) -> Sound:
    pad = [0] * BARS
    peaks = {"user": (user + pad)[:BARS], "assistant": (assistant + pad)[:BARS]}
    return Sound("flac", b"", 8000, 80_000, peaks)  # type: ignore[arg-type]


def test_the_user_is_above_the_line_and_the_assistant_below() -> None:
    waves = drawn(sound=sound([32767, 0, 8192], [32767])).waves
    assert waves["user"] == "M0 50v-47h.7V50zM2 50v-23h.7V50z"
    assert waves["assistant"] == "M0 50v47h.7V50z"


def test_the_loudest_fills_its_lane_but_silence_is_not_blown_up() -> None:
    assert drawn(sound=sound([4000], [1000])).waves == {"user": "M0 50v-47h.7V50z", "assistant": "M0 50v23h.7V50z"}
    assert drawn(sound=sound([1], [0])).waves == {"user": "", "assistant": ""}


def test_who_was_speaking_is_drawn_where_there_is_no_sound() -> None:
    spans = [Interval("user", None, 1_000_000_000, 3_500_000_000, "events")]
    (band,) = drawn(intervals=spans).speaking
    assert (band.side, band.at, band.width) == ("user", "10.000%", "25.000%")
    assert drawn(sound=sound([1], [1]), intervals=spans).speaking == []


def test_what_lies_behind_the_end_is_cut_or_left_out() -> None:
    found = drawn(unheard=[(9000, 12_000), (11_000, 12_000)], cuts=[(9000, "a"), (11_000, "b")], tools=[(10_001, "c")])
    assert [(band.at, band.width) for band in found.unheard] == [("90.000%", "10.000%")]
    assert [mark.label for mark in found.cuts] == ["a"]
    assert found.tools == []


def test_ticks_are_at_round_times_and_few() -> None:
    assert [tick.label for tick in drawn(29_484).ticks] == ["0:00", "0:05", "0:10", "0:15", "0:20", "0:25"]
    assert [tick.label for tick in drawn(7_200_000).ticks] == [
        "0:00",
        "15:00",
        "30:00",
        "45:00",
        "1:00:00",
        "1:15:00",
        "1:30:00",
        "1:45:00",
    ]


@given(st.integers(0, 10**9))
def test_there_are_never_more_ticks_than_fit(duration: int) -> None:
    ticks = drawn(duration).ticks
    assert len(ticks) <= 12
    assert all(0 <= float(tick.at.rstrip("%")) <= 100 for tick in ticks)
