"""How times are written and read; never by the locale.

A time in a session is seconds (``5``, ``7.5``) or a clock (``0:05``, ``00:07.500``, ``75:00``, ``1:15:00``), counted
from the moment when the session opened. Every clock that is printed can be read back. A record (``#5``) is not a time:
see :mod:`~earwitness.replay.fold.until`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from ..schemas.frame import NS_PER_MS

__all__ = ["JUMP_NS", "clock", "decimal", "ms_of", "parse_time", "point", "seconds", "timestamp", "wall_clock"]

_NS_PER_S: Final = 1000 * NS_PER_MS
JUMP_NS: Final = 24 * 3600 * _NS_PER_S
"""A longer pause between two records is a clock that was set, and counts as no time at all."""
_TIME: Final = re.compile(
    r"(?:(?:(?P<h>[0-9]{1,4}):)?(?P<m>[0-9]{1,6}):(?P<s>[0-5][0-9])|(?P<only>[0-9]{1,9}))(?:\.(?P<part>[0-9]{1,9}))?"
)


def parse_time(text: str) -> int | None:
    """Parse seconds or a clock into nanoseconds; None if the text is neither."""
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    whole = (int(match["h"] or 0) * 60 + int(match["m"] or 0)) * 60 + int(match["s"] or match["only"])
    return whole * _NS_PER_S + int((match["part"] or "").ljust(9, "0"))


def ms_of(ns: int | None) -> int | None:
    """Round nanoseconds to whole milliseconds."""
    return None if ns is None else (ns + NS_PER_MS // 2) // NS_PER_MS


def point(ns: int | None, unknown: str = "-") -> str:
    """Write a time in a session as ``MM:SS.mmm``; hours go into the minutes."""
    ms = ms_of(ns)
    if ms is not None and ms < 0:  # a clock that was set back
        return f"-{point(-ms * NS_PER_MS)}"
    return unknown if ms is None else f"{ms // 60_000:02d}:{ms // 1000 % 60:02d}.{ms % 1000:03d}"


def timestamp(ns: int, separator: str = ".") -> str:
    """Write a time as subtitles have it: ``HH:MM:SS.mmm`` in WebVTT, ``HH:MM:SS,mmm`` in SubRip; cut off."""
    ms = ns // NS_PER_MS
    return f"{ms // 3_600_000:02d}:{ms // 60_000 % 60:02d}:{ms // 1000 % 60:02d}{separator}{ms % 1000:03d}"


def clock(ms: int, *, tenths: bool = True) -> str:
    """Write a time for a page: ``M:SS.t``, or ``H:MM:SS.t`` from an hour on; cut off, as clocks do."""
    if ms < 0:
        return f"-{clock(-ms, tenths=tenths)}"
    whole = ms // 1000
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    text = f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute}:{second:02d}"
    return f"{text}.{ms // 100 % 10}" if tenths else text


def decimal(ns: int, digits: int = 3) -> str:
    """Write nanoseconds as seconds with so many decimals: ``12.345``."""
    if ns < 0:
        return f"-{decimal(-ns, digits)}"
    unit = 10**digits
    rounded = (ns * unit + _NS_PER_S // 2) // _NS_PER_S
    return f"{rounded // unit}.{rounded % unit:0{digits}d}"


def seconds(ms: int) -> str:
    """Write a duration: ``0.44 s``, ``12.3 s``, or as on a clock from a minute on."""
    if ms >= 60_000:
        return clock(ms, tenths=False)
    digits = 1 if ms >= 10_000 else 2
    return f"{decimal(ms * NS_PER_MS, digits)} s"


def wall_clock(moment: datetime, zone: str = " UTC") -> str:
    """Write a moment in UTC, to the second."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}{zone}"
