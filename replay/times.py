"""Times and sizes as a reader wants them; never by the locale."""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = ["clock", "ms_of", "seconds", "wall_clock"]


def ms_of(ns: int | None) -> int | None:
    """Nanoseconds as whole milliseconds."""
    return None if ns is None else (ns + 500_000) // 1_000_000


def clock(ms: int, *, tenths: bool = True) -> str:
    """A place on the clock: ``M:SS.t``, or ``H:MM:SS.t`` from an hour on; cut off, as clocks do."""
    whole = ms // 1000
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    text = f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute}:{second:02d}"
    return f"{text}.{ms // 100 % 10}" if tenths else text


def seconds(ms: int) -> str:
    """A duration: ``0.44 s``, ``12.3 s``, or as on a clock from a minute on."""
    if ms >= 60_000:
        return clock(ms, tenths=False)
    if ms >= 10_000:
        return f"{(ms + 50) // 100 / 10:.1f} s"
    return f"{(ms + 5) // 10 / 100:.2f} s"


def wall_clock(moment: datetime) -> str:
    """A moment in UTC, to the second."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
