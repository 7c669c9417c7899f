"""A session as a file holds it, completed: what every importer returns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, SupportsIndex, overload

from ..frame import Frame
from ..recording import MemoryRecording
from ..statements import CloseStatement, OpenStatement
from ..summary import Summary

__all__ = ["FrameList", "ImportedSession", "NewFrameList", "imported_session"]


class FrameList(Protocol):
    """Frames in order, which grow at their end: a list, or something like it that is not in memory."""

    def append(self, frame: Frame, /) -> None:
        """Add a frame."""
        ...

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Frame]: ...
    def __reversed__(self) -> Iterator[Frame]: ...
    @overload
    def __getitem__(self, index: SupportsIndex, /) -> Frame: ...
    @overload
    def __getitem__(self, index: slice, /) -> list[Frame]: ...


NewFrameList = Callable[[], FrameList]


@dataclass(frozen=True, slots=True)
class ImportedSession:
    """A session read from a file.

    Attributes:
        opening: the statement of its ``open`` record.
        frames: all its frames, the ``open`` record first, a ``close`` or ``cutoff`` record last;
            ``frames[n].seq == n``.
        match: the match policy that a cassette carries.
    """

    opening: OpenStatement
    frames: Sequence[Frame]
    match: dict[str, Any] | None = None

    def recording(self, public_id: str) -> MemoryRecording:
        """Return it as a recording that needs no journal."""
        summary = Summary()
        for frame in self.frames:
            summary.apply(frame)
        return MemoryRecording(replace(summary.info(public_id), match=self.match), list(self.frames))


def imported_session(
    opening: OpenStatement,
    frames: FrameList,
    why: str,
    match: dict[str, Any] | None = None,
    *,
    first: Frame | None = None,
) -> ImportedSession:
    """Complete a session of which a file shows only a part.

    Args:
        opening: for the ``open`` record, if the file has none.
        frames: as read; they get new seqs.
        why: the reason that the ``close`` record gives, if the file shows no end. It has no code.
        match: the match policy that a cassette carries.
        first: in place of the first frame.
    """
    head: list[Frame] = []
    tail: list[Frame] = []
    if not frames or frames[0].kind != "open":
        first_ns = frames[0].offset_ns if frames else None
        head.append(Frame(0, first_ns, "open", "recorder", None, opening.to_payload()))
    if not frames or frames[-1].kind not in ("close", "cutoff"):
        last_ns = next((frame.offset_ns for frame in reversed(frames) if frame.offset_ns is not None), None)
        payload = CloseStatement(code=None, reason=why, by="recorder").to_payload()
        tail.append(Frame(0, last_ns, "close", "recorder", None, payload))
    numbered = _Numbered((head, frames, tail), first)
    return ImportedSession(opening, list(numbered) if isinstance(frames, list) else numbered, match)


class _Numbered(Sequence[Frame]):
    """Frames one after the other, with seqs from 0 on; what they are read from stays where it is."""

    def __init__(self, parts: Sequence[FrameList], first: Frame | None) -> None:
        self._parts = parts
        self._first = first

    def __len__(self) -> int:
        return sum(map(len, self._parts))

    @overload
    def __getitem__(self, index: int) -> Frame: ...
    @overload
    def __getitem__(self, index: slice) -> list[Frame]: ...
    def __getitem__(self, index: int | slice) -> Frame | list[Frame]:
        """Return one frame, or several."""
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        seq = place = index % len(self)
        if not seq and self._first is not None:
            return _at(self._first, 0)
        for part in self._parts:
            if place < len(part):
                return _at(part[place], seq)
            place -= len(part)
        raise IndexError(index)

    def __iter__(self) -> Iterator[Frame]:
        for seq, frame in enumerate(frame for part in self._parts for frame in part):
            yield _at(frame if seq or self._first is None else self._first, seq)


def _at(frame: Frame, seq: int) -> Frame:
    return Frame(seq, frame.offset_ns, frame.kind, frame.sender, frame.type, frame.body, redacted=frame.redacted)
