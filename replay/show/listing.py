"""What ``list`` and ``show --events`` print: sessions and records. It folds nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ...schemas.errors import StoreCorrupt
from ...schemas.frame import Frame
from ...schemas.recording import Recording, SessionInfo
from ...schemas.refs import to_plain
from ...schemas.summary import statement_of
from ...schemas.values import integer, members, string
from ..times import point, wall_clock
from .keys import Revealed, masked_event
from .terminal import shortened

if TYPE_CHECKING:  # `list` folds nothing
    from ..fold import Until

__all__ = ["Ending", "EventRow", "ending", "event_rows", "info_json", "list_json", "list_rows"]

_SHORT_ID: Final = 8
_LONGEST_LABEL: Final = 24
_LONGEST_REASON: Final = 60
_WITHOUT_A_REASON: Final = (None, 1000, 1005)
"""Orderly closes: their reason is not looked up. 1005 is a close without a code."""
_LAST_RECORDS: Final = 8
"""The close is among the last records: notes of the recorder may follow it."""


def info_json(info: SessionInfo) -> dict[str, Any]:
    """Return a session's summary for JSON: the fields of :class:`SessionInfo`, less the match policy."""
    return {key: value for key, value in to_plain(info).items() if key != "match"}


class Ending(NamedTuple):
    """What the records say of a session's end beside its summary; None where they say nothing.

    Attributes:
        close_reason: the reason of the close.
        refused_with: the HTTP status with which the upstream refused the handshake.
    """

    close_reason: str | None = None
    refused_with: int | None = None


async def ending(recording: Recording) -> Ending:
    """Return how a session ended, from the one record that says so; of a session that ended in order it reads none.

    A record that cannot be decoded says nothing: the list is there, too, when the journal is damaged.
    """
    try:
        return await _ending(recording)
    except StoreCorrupt:
        return Ending()


async def _ending(recording: Recording) -> Ending:
    info = recording.info
    if info.status == "refused":
        async for batch in recording.batches(0, 1):
            for frame in batch:
                return Ending(refused_with=integer(members(statement_of(frame), "response"), "status"))
    elif info.close_code not in _WITHOUT_A_REASON:
        async for batch in recording.batches(max(info.frames - _LAST_RECORDS, 0), info.frames):
            for frame in batch:
                if frame.kind == "close":
                    return Ending(string(statement_of(frame), "reason") or None)
    return Ending()


def list_json(info: SessionInfo, end: Ending) -> dict[str, Any]:
    """Return a session for ``list --json``: its summary and its ending."""
    return {**info_json(info), **end._asdict()}


def _status(info: SessionInfo, end: Ending) -> str:
    code = end.refused_with if info.status == "refused" else info.close_code
    said = info.status if code is None else f"{info.status} {code}"
    return f"{said} ({shortened(end.close_reason, _LONGEST_REASON)})" if end.close_reason else said


def list_rows(sessions: Sequence[SessionInfo], endings: Sequence[Ending] = ()) -> tuple[list[str], list[list[str]]]:
    """Return the table of ``list``: its header and a row for each session, with its ending if that is known."""
    short = _short_ids([info.id for info in sessions])
    rows = [
        [
            short[info.id],
            "-" if info.opened_at is None else wall_clock(info.opened_at, "Z"),
            info.dialect,
            info.model or "-",
            point(info.duration_ns),
            str(info.frames),
            _status(info, end),
            " ".join([*_labels(info), info.source or ""]).strip(),
        ]
        for info, end in zip(sessions, endings or [Ending()] * len(sessions), strict=True)
    ]
    return ["session", "opened", "dialect", "model", "length", "records", "status", "labels, source"], rows


def _labels(info: SessionInfo) -> list[str]:
    return [f"{key}={shortened(value, _LONGEST_LABEL)}" for key, value in sorted(info.labels.items())]


def _short_ids(ids: Sequence[str]) -> dict[str, str]:
    """Shorten ids to a common length at which they still differ."""
    length = _SHORT_ID
    while len({value[:length] for value in ids}) < len(set(ids)):
        length += 1
    return {value: value[:length] for value in ids}


@dataclass(frozen=True, slots=True)
class EventRow:
    """A record as ``show --events`` lists it."""

    frame: Frame
    reveal: Collection[Revealed] = ()

    @property
    def size(self) -> int | None:
        """Bytes of the payload as it crossed the wire; None if erased."""
        payload = self.frame.payload
        return None if payload is None else len(payload)

    @property
    def remark(self) -> str:
        """Whether it was erased, and what was redacted."""
        remarks = ["erased"] if self.frame.erased else []
        if self.frame.redacted:
            remarks.append(f"redacted: {', '.join(self.frame.redacted)}")
        return "; ".join(remarks)

    def cells(self) -> list[str]:
        """Return the row for a table."""
        frame, size = self.frame, self.size
        return [
            str(frame.seq),
            point(frame.offset_ns),
            frame.sender,
            frame.kind,
            frame.type or "-",
            "-" if size is None else str(size),
            self.remark,
        ]

    def to_json(self) -> dict[str, Any]:
        """Return the row for JSON, with the event if it is JSON."""
        frame = self.frame
        try:
            event = frame.json() if frame.kind != "binary" else None
        except ValueError:
            event = None
        if "dtmf" in (frame.type or ""):
            event = masked_event(event, self.reveal)
        return {
            "seq": frame.seq,
            "offset_ns": frame.offset_ns,
            "sender": frame.sender,
            "kind": frame.kind,
            "type": frame.type,
            "bytes": self.size,
            "redacted": list(frame.redacted),
            "erased": frame.erased,
            "event": event,
        }


async def event_rows(
    recording: Recording, until: Until | None = None, reveal: Collection[Revealed] = ()
) -> AsyncIterator[EventRow]:
    """Yield a row for each record up to a point.

    Raises:
        RequestError: the recording ends before it.
    """
    frames = (frame async for batch in recording.batches() for frame in batch)
    async for frame in frames if until is None else until.cut_async(frames):
        yield EventRow(frame, reveal)
