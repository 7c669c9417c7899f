"""A point in a session: a seq, a time or an event. ``show --at`` and ``fold(until=…)``."""

from __future__ import annotations

import re
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from ...schemas.errors import RequestError
from ...schemas.frame import NS_PER_MS, Frame

__all__ = ["Point", "Until", "as_until", "parse_until"]

_TIME: Final = re.compile(r"(?:(\d{1,4}):)?(\d{1,5}):([0-5]\d)(?:\.(\d{1,9}))?")
_SEQ: Final = re.compile(r"\d{1,18}")
_NS_PER_S: Final = 1000 * NS_PER_MS


class _WithId(msgspec.Struct, gc=False):
    event_id: Any = None


_event_id = msgspec.json.Decoder(_WithId).decode


@dataclass(frozen=True, slots=True)
class Until:
    """A point in a session, right after one of its records; exactly one of the three is set.

    Attributes:
        seq: after the record with this seq.
        offset_ns: after the last record that arrived no later than this, in nanoseconds since the session opened.
        event_id: after the first event with this ``event_id``.
    """

    seq: int | None = None
    offset_ns: int | None = None
    event_id: str | None = None

    def __post_init__(self) -> None:
        if sum(value is not None for value in (self.seq, self.offset_ns, self.event_id)) != 1:
            raise ValueError("exactly one of seq, offset_ns and event_id")

    def cut(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """Pass on the frames up to the point.

        Raises:
            RequestError: when the frames end before it.
        """
        search = _Search(self)
        for frame in frames:
            if search.passed(frame):
                return
            yield frame
            if search.reached:
                return
        search.ended()

    async def cut_async(self, frames: AsyncIterable[Frame]) -> AsyncIterator[Frame]:
        """Pass on the frames up to the point, as :meth:`cut`."""
        search = _Search(self)
        async for frame in frames:
            if search.passed(frame):
                return
            yield frame
            if search.reached:
                return
        search.ended()


class _Search:
    """Looks for the point while frames go by."""

    def __init__(self, until: Until) -> None:
        self._until = until
        self._needle = until.event_id.encode("utf-8", "surrogatepass") if until.event_id is not None else b""
        self._last_seq: int | None = None
        self._last_ns: int | None = None
        self.reached = False

    def passed(self, frame: Frame) -> bool:
        """Whether the frame lies behind the point."""
        until = self._until
        if until.offset_ns is not None:
            if frame.offset_ns is not None and frame.offset_ns > until.offset_ns:
                return True
        elif until.seq is not None:
            if frame.seq > until.seq:  # the frames begin behind it
                return True
            self.reached = frame.seq == until.seq
        else:
            self.reached = self._is_it(frame)
        self._last_seq = frame.seq
        self._last_ns = self._last_ns if frame.offset_ns is None else frame.offset_ns
        return False

    def _is_it(self, frame: Frame) -> bool:
        if frame.kind != "text" or frame.body is None or self._needle not in frame.body:
            return False
        try:
            return _event_id(frame.body).event_id == self._until.event_id
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return False

    def ended(self) -> None:
        """All frames went by.

        Raises:
            RequestError: the point was not among them.
        """
        until, last_seq, last_ns = self._until, self._last_seq, self._last_ns
        if until.offset_ns is not None:
            if last_ns is None:
                raise RequestError("The session has no times.", hint="Name a seq or an event id instead.")
            if until.offset_ns == last_ns:
                return
            raise RequestError(
                f"The session ends at {_clock(last_ns)}, before {_clock(until.offset_ns)}.",
                hint="Leave the position out for the end.",
                last_ns=last_ns,
            )
        if until.seq is not None:
            raise RequestError(
                f"There is no record {until.seq}: the last one is {last_seq}."
                if last_seq is not None
                else f"There is no record {until.seq}: the session is empty.",
                hint="Leave the position out for the end.",
                last_seq=last_seq,
            )
        raise RequestError(
            f"No event of the session has the id {until.event_id}.",
            hint="`earwitness show SESSION --events` lists them.",
            event_id=until.event_id,
        )


Point = Until | int | str
"""What a caller may give as a point: a seq, a text as :func:`parse_until` reads it, or an ``Until``."""


def as_until(point: Point) -> Until:
    """Read a point in any of its forms.

    Raises:
        RequestError: a text that is no position.
    """
    if isinstance(point, Until):
        return point
    return Until(seq=point) if isinstance(point, int) else parse_until(point)


def parse_until(text: str) -> Until:
    """Read a point as a user writes it.

    Args:
        text: ``42`` (a seq), ``MM:SS``, ``MM:SS.mmm`` or ``HH:MM:SS.mmm`` (a time), else an event id.

    Raises:
        RequestError: it is none of these.
    """
    text = text.strip()
    if _SEQ.fullmatch(text):
        return Until(seq=int(text))
    time = _TIME.fullmatch(text)
    if time is not None:
        hours, minutes, seconds, fraction = time.groups()
        whole = (int(hours or 0) * 60 + int(minutes)) * 60 + int(seconds)
        return Until(offset_ns=whole * _NS_PER_S + int((fraction or "").ljust(9, "0")))
    if not text or text.startswith("-") or re.fullmatch(r"[\d:.]+", text):
        raise RequestError(
            f"{text!r} is no position in a session.",
            hint="Give a seq (42), a time (01:23.500) or an event id (event_…).",
            text=text,
        )
    return Until(event_id=text)


def _clock(ns: int) -> str:
    minutes, rest = divmod(ns // NS_PER_MS, 60_000)
    return f"{minutes:02d}:{rest // 1000:02d}.{rest % 1000:03d}"
