"""Bytes that wait for their turn: a first-in-first-out buffer that moves to disk when it grows.

Audio is read in the order in which it arrived and written in the order in which it played. A client that sends an hour
in one burst, or a server that is minutes ahead of the player, would otherwise be held in memory.
"""

from __future__ import annotations

import tempfile
from collections import deque
from typing import IO, Final

__all__ = ["MEMORY_BYTES", "Budget", "Spool"]

MEMORY_BYTES: Final = 16 << 20
"""What all spools of one mix together hold in memory."""


class Budget:
    """What several spools may hold in memory together."""

    __slots__ = ("left",)

    def __init__(self, size: int) -> None:
        self.left = size


class Spool:
    """A byte queue. Close it, or drain it, to remove its temporary file."""

    __slots__ = ("_budget", "_chunks", "_file", "_in_file", "_read_at", "size")

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._chunks: deque[bytes] = deque()
        self._file: IO[bytes] | None = None
        self._read_at = self._in_file = 0
        self.size = 0
        """Bytes waiting."""

    def push(self, data: bytes) -> None:
        """Append bytes."""
        self.size += len(data)
        if self._file is None and len(data) <= self._budget.left:
            self._budget.left -= len(data)
            self._chunks.append(data)
            return
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="earwitness-")  # noqa: SIM115  (closed when drained)
        self._file.seek(0, 2)
        self._file.write(data)
        self._in_file += len(data)

    def take(self, size: int) -> bytes:
        """Remove and return the first ``size`` bytes, or all if fewer are waiting."""
        taken: list[bytes] = []
        missing = min(size, self.size)
        self.size -= missing
        while missing and self._chunks:
            chunk = self._chunks.popleft()
            if len(chunk) > missing:
                self._chunks.appendleft(chunk[missing:])
                chunk = chunk[:missing]
            self._budget.left += len(chunk)
            missing -= len(chunk)
            taken.append(chunk)
        if missing and self._file is not None:
            self._file.seek(self._read_at)
            taken.append(self._file.read(missing))
            self._read_at += missing
            if self._read_at == self._in_file:
                self.close()
        return taken[0] if len(taken) == 1 else b"".join(taken)

    def close(self) -> None:
        """Remove the temporary file."""
        if self._file is not None:
            self._file.close()
            self._file = None
            self._read_at = self._in_file = 0
