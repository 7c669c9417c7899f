"""A point in a session: a record, a time or an event. ``show --at``, ``audio --from``, ``fold(until=…)``."""

from __future__ import annotations

import re
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from ...schemas.errors import RequestError
from ...schemas.frame import NS_PER_MS, Frame
from ...schemas.recording import Recording
from ..times import parse_time, point

__all__ = ["Point", "Until", "as_until", "offset_of", "parse_until"]

_SEQ: Final = re.compile(r"#[0-9]{1,18}")


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
        """Yield the frames up to the point.

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
        """Yield the frames up to the point, as :meth:`cut`."""
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
        """Whether the frame comes after the point."""
        until = self._until
        if until.offset_ns is not None:
            if frame.offset_ns is not None and frame.offset_ns > until.offset_ns:
                return True
        elif until.seq is not None:
            if frame.seq > until.seq:  # the frames begin after it
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
        """Take it that all frames went by.

        Raises:
            RequestError: the point was not among them.
        """
        until, last_seq, last_ns = self._until, self._last_seq, self._last_ns
        if until.offset_ns is not None:
            if last_ns is None:
                raise _no_times()
            if until.offset_ns <= last_ns + NS_PER_MS // 2:  # the end as it is printed
                return
            raise RequestError(
                f"The session ends at {point(last_ns)}, before {point(until.offset_ns)}.",
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
"""A point as callers may state it: a seq, a text for :func:`parse_until`, or an ``Until``."""


def as_until(stated: Point) -> Until:
    """Read a point in any of its forms.

    Raises:
        RequestError: a text that is not a point.
    """
    if isinstance(stated, Until):
        return stated
    return Until(seq=stated) if isinstance(stated, int) else parse_until(stated)


def parse_until(text: str) -> Until:
    """Parse a point as users write it.

    Args:
        text: ``#42`` (a record), ``7.5`` (seconds), ``MM:SS.mmm`` or ``H:MM:SS`` (a clock), else an event id.

    Raises:
        RequestError: it is not one of these.
    """
    text = text.strip()
    offset_ns = parse_time(text)
    if offset_ns is not None:
        return Until(offset_ns=offset_ns)
    if _SEQ.fullmatch(text):
        return Until(seq=int(text[1:]))
    if not text or text[0] in "-#" or re.fullmatch(r"[\d:.]+", text):
        raise RequestError(
            f"{text!r} is not a point in a session.",
            hint="Write '#42' (a record), 7.5 (seconds), 1:23.500 or 1:00:00 (a clock), or an event id.",
            text=text,
        )
    return Until(event_id=text)


async def offset_of(recording: Recording, until: Until) -> int:
    """Return when a point is, in nanoseconds since the session opened.

    Raises:
        RequestError: there is no such record or event, or the session has no times.
    """
    if until.offset_ns is not None:
        return until.offset_ns
    offset_ns: int | None = None
    async for frame in until.cut_async(frame async for batch in recording.batches() for frame in batch):
        offset_ns = offset_ns if frame.offset_ns is None else frame.offset_ns
    if offset_ns is None:
        raise _no_times()
    return offset_ns


def _no_times() -> RequestError:
    return RequestError("The session has no times.", hint="Name a record ('#42') or an event id instead.")
