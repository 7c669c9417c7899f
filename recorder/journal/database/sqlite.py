"""Connections to a journal: how they are opened, what they are told, what their errors mean.

SQLite runs in WAL mode with ``synchronous=FULL``. One connection writes and checkpoints (SQLite before 3.51.3 can
corrupt a WAL database when two do so at once); all others are read-only.
"""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final

import aiosqlite
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import StaticPool

from ....schemas.errors import EarwitnessError, StoreCorrupt, StoreError, StoreNotFound, StoreWriteFailed
from .location import Location
from .postgres import keep_recorders_out, reading_engine, recording_allowed, writing_engine

__all__ = [
    "check_header",
    "connect_writer",
    "create_file",
    "fetch",
    "insert_transaction",
    "open_reader",
    "reading",
    "require_sqlite",
    "sqlite_driver",
    "write_transaction",
    "writing",
]

_OLDEST_SQLITE: Final = (3, 37, 0)
_SERVER_HINT: Final = "Check the URL, and that the database server runs and lets you in."
_MAGIC: Final = b"SQLite format 3\x00"
_DAMAGE: Final = (
    "file is not a database",
    "malformed",
    "could not decode",
    "codec can't decode",
    "file is encrypted",
    "unsupported file format",
)


def require_sqlite() -> None:
    """Make sure that this Python's SQLite knows what the journal is made of.

    Raises:
        StoreError: it is too old.
    """
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        needed = ".".join(map(str, _OLDEST_SQLITE))
        raise StoreError(
            f"this Python has SQLite {sqlite3.sqlite_version}, and a journal needs {needed} (STRICT tables)",
            hint="Use a newer Python, or PostgreSQL.",
            version=sqlite3.sqlite_version,
        )


def create_file(path: Path) -> bool:
    """Create the empty database file with mode 0600 before SQLite opens it; False where it exists.

    SQLite gives the ``-wal`` and ``-shm`` files the mode of the database.

    Raises:
        StoreWriteFailed: the file cannot be created.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        return False
    except OSError as error:
        raise StoreWriteFailed(
            f"{path} cannot be created ({error.strerror})",
            hint="Name a file in a folder that exists and that you may write.",
            path=str(path),
            reason="create",
        ) from error
    return True


def check_header(path: Path) -> None:
    """Make sure that a file is an SQLite database or empty; SQLite itself takes a few foreign bytes for empty.

    Raises:
        StoreCorrupt: it is neither.
    """
    with path.open("rb") as file:
        head = file.read(len(_MAGIC))
    if head not in (b"", _MAGIC):
        raise StoreCorrupt(
            f"{path} is no journal (file is not a database)",
            hint="Check the path given by --db or EARWITNESS_DB.",
            store=str(path),
        )


@asynccontextmanager
async def connect_writer(
    location: Location,
    *,
    busy_timeout: float,
    page_size: int = 16384,
    max_page_count: int | None = None,
    recorder: int | None = None,
) -> AsyncGenerator[AsyncConnection]:
    """Open the one connection that writes.

    Whatever begins a transaction on SQLite takes the write lock with it: :func:`write_transaction`, and the driver
    itself before an INSERT.

    Args:
        location: where; an SQLite file must exist, it may be empty.
        busy_timeout: seconds that a statement waits for a lock that another process holds.
        page_size: of a new file, in bytes.
        max_page_count: pages beyond which SQLite reports a full disk; None for its own limit.
        recorder: the number of the recorder that writes; None for maintenance, which tolerates no recorder. (The lock
            of an SQLite file is the caller's business.)

    Raises:
        StoreBusy: a recorder and maintenance would meet in a server's database.
    """
    if location.url is not None:
        engine = writing_engine(location.url, recorder)
    else:
        require_sqlite()
        engine = create_async_engine(
            location.sqlite_url(mode="rw"),
            poolclass=StaticPool,
            connect_args={"isolation_level": "IMMEDIATE", "timeout": busy_timeout},
        )

        @event.listens_for(engine.sync_engine, "connect")
        def prepare(connection: Any, _record: Any) -> None:
            cursor = connection.cursor()
            # Order matters on a new file: the page size is fixed by the first page, and WAL writes that page.
            cursor.execute(f"PRAGMA page_size = {page_size:d}")
            cursor.execute("PRAGMA auto_vacuum = NONE")
            cursor.execute("PRAGMA journal_mode = WAL")
            cursor.execute("PRAGMA synchronous = FULL")
            cursor.execute("PRAGMA foreign_keys = ON")
            # Erased payloads must be gone from the file's free space too.
            cursor.execute("PRAGMA secure_delete = ON")
            if max_page_count is not None:
                cursor.execute(f"PRAGMA max_page_count = {max_page_count:d}")
            cursor.close()

    try:
        async with engine.connect() as connection:
            if location.url is not None:
                await (keep_recorders_out if recorder is None else recording_allowed)(connection, location)
            yield connection
    finally:
        await engine.dispose()


@asynccontextmanager
async def write_transaction(connection: AsyncConnection) -> AsyncGenerator[None]:
    """Run the block in one transaction that has the write lock from its start; roll back if it fails.

    A deferred transaction that reads first and then writes fails with "database is locked" at once, whatever the
    busy timeout says; ``BEGIN IMMEDIATE`` waits.
    """
    driver = await sqlite_driver(connection)
    async with insert_transaction(connection, driver):
        if driver is not None:
            await driver.execute("BEGIN IMMEDIATE")
        yield


@asynccontextmanager
async def insert_transaction(connection: AsyncConnection, driver: aiosqlite.Connection | None) -> AsyncGenerator[None]:
    """Run a block whose first statement is an INSERT in one transaction; roll back if it fails.

    SQLite's driver begins it by itself, with ``BEGIN IMMEDIATE`` before that INSERT: one change of thread less than
    :func:`write_transaction` for every group of records.
    """
    try:
        yield
        if driver is None or connection.in_transaction():
            await connection.commit()
        else:
            await driver.commit()
    except BaseException:
        await connection.rollback()
        if driver is not None:
            await driver.rollback()
        raise


async def sqlite_driver(connection: AsyncConnection) -> aiosqlite.Connection | None:
    """Give the driver's own connection to an SQLite file; None for a server's database."""
    driver = (await connection.get_raw_connection()).driver_connection
    return driver if isinstance(driver, aiosqlite.Connection) else None


async def open_reader(location: Location) -> AsyncEngine:
    """Open a journal for reading: nothing done through the engine can change it.

    Raises:
        StoreNotFound: there is no such file.
        StoreCorrupt: it is no database.
    """
    if location.url is not None:
        return reading_engine(location.url)
    require_sqlite()
    path = location.path
    assert path is not None
    if not path.is_file():
        raise StoreNotFound(
            f"there is no journal at {path}",
            hint="Name one with --db or EARWITNESS_DB; `earwitness record` and `earwitness import` create it.",
            path=str(path),
        )
    with reading(location):
        check_header(path)
    engine = _read_only(location, immutable=False)
    try:
        async with engine.connect() as connection:
            await connection.exec_driver_sql("SELECT 1 FROM sqlite_master")
    except OperationalError as error:
        await engine.dispose()
        wal = path.with_name(path.name + "-wal")
        unwritable = any(words in str(error) for words in ("unable to open", "readonly"))
        if not unwritable or (wal.exists() and wal.stat().st_size > 0):
            raise _reading_failed(location, error) from error
        # A WAL database on a medium that cannot be written: no -shm file can be made. Without a -wal nothing is
        # missing from the file itself, and nobody can change it there.
        return _read_only(location, immutable=True)
    except (DBAPIError, UnicodeDecodeError) as error:
        await engine.dispose()
        raise _reading_failed(location, error) from error
    except BaseException:
        await engine.dispose()
        raise
    return engine


def _read_only(location: Location, *, immutable: bool) -> AsyncEngine:
    engine = create_async_engine(
        location.sqlite_url(mode="ro", immutable=immutable),
        connect_args={"isolation_level": None, "timeout": 5.0},
        pool_size=2,
    )

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA query_only = ON")
        cursor.close()

    return engine


async def fetch(connection: AsyncConnection, query: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Run a query as the driver takes it and give all rows."""
    return [tuple(row) for row in (await connection.exec_driver_sql(query, values or None)).all()]


def _database_errors() -> tuple[type[Exception], ...]:
    """What a database or its driver may raise.

    Damaged text may come as an error of the driver, or as it failed in the driver. SQLAlchemy before 2.1 passes on
    asyncpg's own errors while it connects.
    """
    asyncpg = sys.modules.get("asyncpg")
    drivers: tuple[type[Exception], ...] = () if asyncpg is None else (asyncpg.PostgresError,)
    return (DBAPIError, sqlite3.Error, OSError, UnicodeDecodeError, *drivers)


@contextmanager
def reading(location: Location) -> Generator[None]:
    """Turn what the database says while reading into our errors."""
    try:
        yield
    except EarwitnessError:
        raise
    except _database_errors() as error:
        raise _reading_failed(location, error) from error


@contextmanager
def writing(location: Location) -> Generator[None]:
    """Turn what the database says while writing into our errors."""
    try:
        yield
    except EarwitnessError:
        raise
    except _database_errors() as error:
        text = _text(error)
        if _is_damage(text):
            raise _reading_failed(location, error) from error
        raise StoreWriteFailed(
            f"{location}: the journal cannot be written ({text})",
            hint=_hint(text, location),
            store=str(location),
            reason=text,
        ) from error


def _text(error: Exception) -> str:
    cause = error.orig if isinstance(error, DBAPIError) else error
    return str(cause).splitlines()[0] if str(cause) else type(cause).__name__


def _is_damage(text: str) -> bool:
    return any(word in text.lower() for word in _DAMAGE)


def _reading_failed(location: Location, error: Exception) -> StoreError:
    text = _text(error)
    if _is_damage(text):
        return StoreCorrupt(
            f"{location} is no journal, or is damaged ({text})",
            hint="Check the path; `earwitness verify` tells how much of a damaged journal can be read.",
            store=str(location),
            reason=text,
        )
    hint = _SERVER_HINT if location.url is not None else ""
    return StoreError(f"{location} cannot be read ({text})", hint=hint, store=str(location), reason=text)


def _hint(text: str, location: Location) -> str:
    lower = text.lower()
    if "full" in lower:
        return "Make room on the disk."
    if location.url is not None:
        return _SERVER_HINT
    if "locked" in lower or "busy" in lower:
        return "Another program holds the database locked; close it."
    if "readonly" in lower or "read-only" in lower or "unable to open" in lower:
        return "The database and its folder must be writable."
    return "Check the disk and the file's permissions."
