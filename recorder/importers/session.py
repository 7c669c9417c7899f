"""What every importer gives: one session, ready for the journal."""

from __future__ import annotations

from dataclasses import dataclass

from ...schemas.frame import Frame
from ...schemas.recording import MemoryRecording
from ...schemas.statements import OpenStatement
from ...schemas.summary import Summary

__all__ = ["ImportedSession"]


@dataclass(frozen=True, slots=True)
class ImportedSession:
    """A session read from a file.

    Attributes:
        opening: the statement of its ``open`` record.
        frames: all its frames, the ``open`` record first; ``frames[n].seq == n``.
    """

    opening: OpenStatement
    frames: list[Frame]

    def recording(self, public_id: str) -> MemoryRecording:
        """Give it as a recording that needs no journal."""
        summary = Summary()
        for frame in self.frames:
            summary.apply(frame)
        return MemoryRecording(summary.info(public_id), self.frames)
