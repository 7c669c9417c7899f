"""Draw a call: who was loud when, what was cut, where tools were called. SVG geometry, as text and numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt
from typing import Final

from ...audio.pieces import Interval, Side
from ...times import clock
from .embedded_sound import BARS, Sound

__all__ = ["Band", "Chart", "Mark", "chart"]

_STEPS_MS: Final = tuple(
    1000 * each for each in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400)
)
_MOST_TICKS: Final = 8
_HALF: Final = 50
"""Height of one lane in the drawing's units; the user's is above the middle line, the assistant's below."""
_TALLEST: Final = 47
_FAINTEST: Final = 3
"""Less is not drawn: it is the noise of the line, not speech."""
_QUIET: Final = 1500
"""A call whose loudest sample is below this is not blown up any further."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A point in time: its place from the left in per cent, and what it is."""

    at: str
    label: str


@dataclass(frozen=True, slots=True)
class Band:
    """A stretch of time: place and width in per cent."""

    side: Side
    at: str
    width: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """What is drawn.

    Attributes:
        duration_ms: the time that the whole width shows.
        waves: by side, the path of the bars in a box of ``bars`` by 100 units; empty without sound.
        bars: how many bars there are.
        speaking: who was speaking when; drawn if there is no sound.
        unheard: what the assistant had produced and nobody heard.
        cuts: where the user cut in.
        tools: where a tool was called.
        ticks: the time axis.
    """

    duration_ms: int
    waves: dict[Side, str]
    bars: int
    speaking: list[Band]
    unheard: list[Band]
    cuts: list[Mark]
    tools: list[Mark]
    ticks: list[Mark]


def chart(
    duration_ms: int,
    sound: Sound | None,
    intervals: Sequence[Interval],
    *,
    unheard: Sequence[tuple[int, int]],
    cuts: Sequence[tuple[int, str]],
    tools: Sequence[tuple[int, str]],
) -> Chart:
    """Lay out the drawing.

    Args:
        duration_ms: the time that the whole width shows.
        sound: the call's sound, if there is any.
        intervals: who was speaking when.
        unheard: start and end, in ms.
        cuts: times in ms, each with its label.
        tools: the same.
    """
    speaking = [] if sound else [
        _band(each.side, each.start_ns // 1_000_000, each.end_ns // 1_000_000, duration_ms) for each in intervals
    ]  # fmt: skip
    return Chart(
        duration_ms,
        _waves(sound) if sound else {},
        BARS,
        speaking,
        [_band("assistant", start, end, duration_ms, clock(start)) for start, end in unheard if start < duration_ms],
        [Mark(_share(at, duration_ms), label) for at, label in cuts if 0 <= at <= duration_ms],
        [Mark(_share(at, duration_ms), label) for at, label in tools if 0 <= at <= duration_ms],
        _ticks(duration_ms),
    )


def _waves(sound: Sound) -> dict[Side, str]:
    """The loudest bar of both sides fills its lane, unless all is as good as silent."""
    loudest = max([_QUIET, *(peak for peaks in sound.peaks.values() for peak in peaks)])
    return {side: _wave(peaks, side, loudest) for side, peaks in sound.peaks.items()}


def _wave(peaks: Sequence[int], side: Side, loudest: int) -> str:
    """Upright bars from the middle line; the height is the square root of the peak, so that soft speech shows."""
    sign = "-" if side == "user" else ""
    parts: list[str] = []
    for number, peak in enumerate(peaks):
        height = isqrt(peak * _TALLEST * _TALLEST // loudest)
        if height >= _FAINTEST:
            parts.append(f"M{number} {_HALF}v{sign}{height}h.7V{_HALF}z")
    return "".join(parts)


def _band(side: Side, start: int, end: int, duration: int, label: str = "") -> Band:
    end = min(end, duration)
    return Band(side, _share(start, duration), _share(max(end - start, 0), duration), label)


def _share(ms: int, duration: int) -> str:
    """A part of the whole in per cent, by whole numbers so that it is the same everywhere."""
    thousandths = ms * 100_000 // max(duration, 1)
    return f"{thousandths // 1000}.{thousandths % 1000:03d}%"


def _ticks(duration: int) -> list[Mark]:
    days = duration // (_STEPS_MS[-1] * _MOST_TICKS) + 1
    step = next((each for each in _STEPS_MS if duration // each <= _MOST_TICKS), days * _STEPS_MS[-1])
    # None so near the end that its label would not fit.
    return [Mark(_share(at, duration), clock(at, tenths=False)) for at in range(0, duration - duration // 24, step)]
