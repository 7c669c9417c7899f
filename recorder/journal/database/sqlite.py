"""SQLite files: how one is made, recognised, opened for reading, and copied.

A journal is in WAL mode with ``synchronous=FULL``. One connection writes and checkpoints (SQLite before 3.51.3 can
corrupt a WAL database when two do so at once); all others are read-only. Readers use the driver directly: SQLAlchemy
would take longer to load than most of them run.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any, Final

import aiosqlite

from ....schemas.errors import CannotWrite, StoreCorrupt, StoreError, StoreNotFound, StoreWriteFailed
from .failures import reading
from .location import Location
from .queries import Queries

__all__ = ["SQLiteSource", "check_header", "copy_file", "create_file", "require_sqlite"]

_OLDEST_SQLITE: Final = (3, 37, 0)
_MAGIC: Final = b"SQLite format 3\x00"
_READ_TIMEOUT: Final = 5.0


def require_sqlite() -> None:
    """Make sure that this Python's SQLite has what a journal is made of.

    Raises:
        StoreError: it is too old.
    """
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        needed = ".".join(map(str, _OLDEST_SQLITE))
        raise StoreError(
            f"this Python has SQLite {sqlite3.sqlite_version}; a journal needs {needed} (STRICT tables)",
            hint="Use a newer Python, or PostgreSQL.",
            version=sqlite3.sqlite_version,
        )


def create_file(path: Path) -> None:
    """Create the empty database file with mode 0600 before SQLite opens it, unless it exists.

    SQLite gives the ``-wal`` and ``-shm`` files the mode of the database.

    Raises:
        StoreWriteFailed: the file cannot be created.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        return
    except OSError as error:
        raise StoreWriteFailed(
            f"{path} cannot be created ({error.strerror})",
            hint="Name a file in an existing folder that you may write to.",
            path=str(path),
            reason="create",
        ) from error


def check_header(path: Path) -> None:
    """Make sure that a file is an SQLite database or empty; SQLite itself takes a few foreign bytes for empty.

    Raises:
        StoreCorrupt: it is neither.
    """
    with path.open("rb") as file:
        head = file.read(len(_MAGIC))
    if head not in (b"", _MAGIC):
        raise StoreCorrupt(
            f"{path} is not an earwitness journal (file is not a database)",
            hint="Check the path given by --db or EARWITNESS_DB.",
            store=str(path),
        )


class SQLiteSource:
    """An SQLite journal opened for reading: nothing done through it can change the file."""

    def __init__(self, location: Location, uri: str, connection: aiosqlite.Connection) -> None:
        self.sqlite = True
        self.location = location
        self._uri = uri
        self._connection = connection

    @classmethod
    async def open(cls, location: Location) -> SQLiteSource:
        """Open the file.

        Raises:
            StoreNotFound: there is no such file.
            StoreCorrupt: it is not a database.
        """
        require_sqlite()
        path = location.path
        assert path is not None
        if not path.is_file():
            raise StoreNotFound(
                f"there is no journal at {path}",
                hint="Name one with --db or EARWITNESS_DB; `earwitness record` and `earwitness import` create it.",
                path=str(path),
            )
        uri = f"{location.uri}?mode=ro"
        with reading(location):
            check_header(path)
            try:
                return cls(location, uri, await _connect(uri))
            except sqlite3.OperationalError as error:
                if not _needs_immutable(path, error):
                    raise
            uri += "&immutable=1"
            return cls(location, uri, await _connect(uri))

    async def fetch(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return all rows that a query selects, in a transaction of its own.

        Raises:
            StoreError: the file cannot be read.
        """
        with reading(self.location):
            return await _rows(self._connection, query, values)

    @asynccontextmanager
    async def snapshot(self) -> AsyncGenerator[Queries]:
        """Run queries that all see the file as of one moment."""
        with reading(self.location):
            connection = await _connect(self._uri)
        try:
            moment = SQLiteSource(self.location, self._uri, connection)
            await moment.fetch("BEGIN")
            yield moment
        finally:
            await connection.close()

    async def aclose(self) -> None:
        """Close the connection."""
        await self._connection.close()


async def _connect(uri: str) -> aiosqlite.Connection:
    connecting = aiosqlite.connect(uri, uri=True, isolation_level=None, timeout=_READ_TIMEOUT)
    # A reader that was never closed must not keep the interpreter alive. Before aiosqlite 0.22 it is the thread itself.
    thread: Any = getattr(connecting, "_thread", connecting)
    thread.daemon = True
    connection = await connecting
    try:
        await _rows(connection, "PRAGMA query_only = ON")
        await _rows(connection, "SELECT 1 FROM sqlite_master")
    except BaseException:
        await connection.close()
        raise
    return connection


async def _rows(connection: aiosqlite.Connection, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    rows: Any = await connection.execute_fetchall(query, values)
    return rows


def _needs_immutable(path: Path, error: sqlite3.OperationalError) -> bool:
    """Whether a WAL database is on a medium that cannot be written, where no ``-shm`` file can be made.

    Without a ``-wal`` nothing is missing from the file itself, and it cannot change there.
    """
    wal = path.with_name(path.name + "-wal")
    unwritable = any(words in str(error) for words in ("unable to open", "readonly"))
    return unwritable and not (wal.exists() and wal.stat().st_size > 0)


def copy_file(source: Path, target: Path) -> int:
    """Copy a live database in one step, under a temporary name with mode 0600 until it is whole and on the disk.

    In several steps every commit of the recorder would begin the copy again.

    Returns:
        The copy's size in bytes.

    Raises:
        CannotWrite: the target cannot be written.
    """
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        os.close(os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        with (
            closing(sqlite3.connect(f"{Location(path=source).uri}?mode=ro", uri=True)) as origin,
            closing(sqlite3.connect(temporary)) as copy,
        ):
            origin.backup(copy)
        descriptor = os.open(temporary, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        size = temporary.stat().st_size
        temporary.replace(target)
    except (OSError, sqlite3.Error) as error:
        raise CannotWrite(
            f"{target} cannot be written ({error})",
            hint="Name a file in a folder that you may write to.",
            path=str(target),
        ) from error
    finally:
        for name in (temporary, *(temporary.with_name(temporary.name + end) for end in ("-wal", "-shm", "-journal"))):
            name.unlink(missing_ok=True)
    return size
