"""A session as a file holds it, completed: what every importer returns."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ..frame import Frame
from ..recording import MemoryRecording
from ..statements import CloseStatement, OpenStatement
from ..summary import Summary

__all__ = ["ImportedSession", "imported_session"]


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
    frames: list[Frame]
    match: dict[str, Any] | None = None

    def recording(self, public_id: str) -> MemoryRecording:
        """Return it as a recording that needs no journal."""
        summary = Summary()
        for frame in self.frames:
            summary.apply(frame)
        return MemoryRecording(replace(summary.info(public_id), match=self.match), self.frames)


def imported_session(
    opening: OpenStatement, frames: list[Frame], why: str, match: dict[str, Any] | None = None
) -> ImportedSession:
    """Complete a session of which a file shows only a part.

    Args:
        opening: for the ``open`` record, if the file has none.
        frames: as read; they get new seqs.
        why: the reason that the ``close`` record gives, if the file shows no end. It has no code.
        match: the match policy that a cassette carries.
    """
    complete = list(frames)
    if not complete or complete[0].kind != "open":
        first_ns = complete[0].offset_ns if complete else None
        complete.insert(0, Frame(0, first_ns, "open", "recorder", None, opening.to_payload()))
    if complete[-1].kind not in ("close", "cutoff"):
        last_ns = next((frame.offset_ns for frame in reversed(complete) if frame.offset_ns is not None), None)
        payload = CloseStatement(code=None, reason=why, by="recorder").to_payload()
        complete.append(Frame(0, last_ns, "close", "recorder", None, payload))
    numbered = [
        Frame(seq, frame.offset_ns, frame.kind, frame.sender, frame.type, frame.body, redacted=frame.redacted)
        for seq, frame in enumerate(complete)
    ]
    return ImportedSession(opening, numbered, match)
