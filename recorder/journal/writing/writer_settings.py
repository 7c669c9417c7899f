"""What a user can choose about the writer, and what it counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["WriterSettings", "WriterStats"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WriterSettings:
    """How the writer groups, bounds and retries.

    Attributes:
        flush_seconds: the longest that a frame waits before its group is committed.
        flush_frames: number of frames that make a group.
        flush_bytes: payload bytes that make a group.
        backlog_bytes: bound of what is taken but not yet committed; a crash loses at most this.
        on_store_failure: ``close``: appending raises while the store fails. ``pass``: frames are taken as long as the
            backlog has room, and counted beyond that; a ``gap`` record states them when the store works again.
        retry_seconds: time between tries while the store fails.
        close_retry_seconds: how long closing the journal keeps trying to commit the rest.
        busy_timeout: seconds that SQLite waits for a lock of another process.
        page_size: of a new SQLite file, in bytes.
        max_page_count: pages at which SQLite reports a full disk; None for no limit of our own.
    """

    flush_seconds: float = 0.05
    flush_frames: int = 256
    flush_bytes: int = 1 << 20
    backlog_bytes: int = 16 << 20
    on_store_failure: Literal["close", "pass"] = "pass"
    retry_seconds: float = 1.0
    close_retry_seconds: float = 5.0
    busy_timeout: float = 5.0
    page_size: int = 16384
    max_page_count: int | None = None


@dataclass(slots=True)
class WriterStats:
    """Counters of one writer since it was opened; a metrics module reads them.

    Attributes:
        frames: records committed.
        bytes: their payload bytes, as they crossed the wire.
        stored_bytes: the same as stored, compressed.
        commits: transactions.
        commit_seconds: time spent in them.
        last_commit_seconds: time of the last one.
        failures: tries that the store refused.
        gaps: ``gap`` records written.
        gap_frames: frames that they stand for.
        gap_bytes: payload bytes that they stand for.
        pauses: how often the backlog asked the relays to pause.
    """

    frames: int = 0
    bytes: int = 0
    stored_bytes: int = 0
    commits: int = 0
    commit_seconds: float = 0.0
    last_commit_seconds: float = 0.0
    failures: int = 0
    gaps: int = 0
    gap_frames: int = 0
    gap_bytes: int = 0
    pauses: int = 0
