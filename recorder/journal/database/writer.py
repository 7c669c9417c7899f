"""The one connection that writes, and its transactions."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import aiosqlite
from sqlalchemy import URL, event
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import StaticPool

from .location import Location
from .postgres import keep_recorders_out, recording_allowed, writing_engine
from .sqlite import require_sqlite

__all__ = ["connect_writer", "insert_transaction", "sqlite_driver", "write_transaction"]


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
        engine = _sqlite_engine(location, busy_timeout, page_size, max_page_count)
    try:
        async with engine.connect() as connection:
            if location.url is not None:
                await (keep_recorders_out if recorder is None else recording_allowed)(connection, location)
            yield connection
    finally:
        await engine.dispose()


def _sqlite_engine(location: Location, busy_timeout: float, page_size: int, max_page_count: int | None) -> AsyncEngine:
    require_sqlite()
    engine = create_async_engine(
        URL.create("sqlite+aiosqlite", database=location.uri, query={"mode": "rw", "uri": "true"}),
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

    return engine


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
    """Return the driver's own connection to an SQLite file; None for a server's database."""
    driver = (await connection.get_raw_connection()).driver_connection
    return driver if isinstance(driver, aiosqlite.Connection) else None
