"""The writer lock of an SQLite journal: one recorder per file, released by the kernel with the process.

It is a lock on a file beside the database. A lock on the database itself would be lost: POSIX drops all of a
process's locks on a file when any descriptor of it is closed, and SQLite relies on those locks.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Final

from ....schemas.errors import StoreBusy, StoreWriteFailed

__all__ = ["WriterLock", "lock_path"]

FOR_RECORDERS: Final = "Name another file with --db, or use PostgreSQL for several recorders."


def lock_path(path: Path) -> Path:
    """Return the path of the lock file of the database at ``path``."""
    return path.with_name(path.name + ".lock")


class WriterLock:
    """Held from :meth:`acquire` until :meth:`release` or the end of the process, however it ends."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor: int | None = descriptor

    @classmethod
    def acquire(cls, path: Path, *, hint: str = FOR_RECORDERS) -> WriterLock:
        """Take the lock of the database at ``path``.

        Args:
            path: the database.
            hint: what to do if it is taken.

        Raises:
            StoreBusy: another process (or another journal of this one) holds it.
            StoreWriteFailed: the file beside the database cannot be made.
        """
        beside = lock_path(path)
        try:
            descriptor = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreWriteFailed(
                f"{path}: the lock file {beside.name} cannot be opened ({error.strerror})",
                hint="Recording needs a folder and files that it may write to.",
                path=str(path),
                reason="lock-file",
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
            os.close(descriptor)
            raise StoreBusy(
                f"{path} is held by another recorder" + (f" (process {holder})" if holder.isdigit() else ""),
                hint=hint,
                path=str(path),
                holder=int(holder) if holder.isdigit() else None,
            ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        return cls(beside, descriptor)

    def release(self) -> None:
        """Release the lock. The file stays, because removing it would race with the next recorder."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
