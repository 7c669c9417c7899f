"""PostgreSQL: engines, reading, and the advisory locks that stand for a lock file and end with the connection.

Each recorder holds a shared lock that keeps schema changes out, and one of its own, whose number its sessions name: a
session whose recorder's lock is free is no longer being written.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from sqlalchemy import URL, event
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from ....schemas.errors import StoreBusy
from .failures import reading
from .location import Location
from .queries import ConnectionQueries, Queries

__all__ = [
    "CREATION_LOCK",
    "LEDGER_LOCK",
    "ServerSource",
    "is_dead",
    "keep_recorders_out",
    "recording_allowed",
    "writing_engine",
]

LEDGER_LOCK: Final = 0x6561727769740001
"""Held in transactions that add ledger rows: they come from several recorders and form one chain."""

CREATION_LOCK: Final = 0x6561727769740002
"""Held while the schema is made."""

_RECORDERS_LOCK: Final = 0x6561727769740003
"""Shared by all recorders; an upgrade wants it alone."""


def writing_engine(url: URL, recorder: int | None) -> AsyncEngine:
    """Make the engine of a writer; with a recorder's number, each of its connections holds that recorder's lock.

    The lock goes with a broken connection and comes back with the next, before anything is written.
    """
    # A server that no longer answers must become a failure, and not a wait without end.
    engine = create_async_engine(url, poolclass=NullPool, connect_args={"timeout": 10, "command_timeout": 60})
    if recorder is not None:

        @event.listens_for(engine.sync_engine, "connect")
        def hold(connection: Any, _record: Any) -> None:
            cursor = connection.cursor()
            cursor.execute(f"SELECT pg_try_advisory_lock({recorder:d})")
            cursor.execute(f"SELECT pg_try_advisory_lock_shared({_RECORDERS_LOCK:d})")
            cursor.close()
            connection.commit()

    return engine


class ServerSource:
    """A server's journal opened for reading: its connections cannot write."""

    def __init__(self, location: Location, url: URL) -> None:
        self.sqlite = False
        self.location = location
        self._engine = create_async_engine(
            url,
            execution_options={"isolation_level": "AUTOCOMMIT"},
            connect_args={"server_settings": {"default_transaction_read_only": "on"}},
            pool_size=2,
        )

    async def fetch(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return all rows that a query selects, in a transaction of its own.

        Raises:
            StoreError: the database cannot be read.
        """
        with reading(self.location):
            async with self._engine.connect() as connection:
                return await ConnectionQueries(connection).fetch(query, values)

    @asynccontextmanager
    async def snapshot(self) -> AsyncGenerator[Queries]:
        """Run queries that all see the database as of one moment."""
        with reading(self.location):
            async with self._engine.connect() as connection:
                await connection.execution_options(isolation_level="REPEATABLE READ")
                yield ConnectionQueries(connection)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._engine.dispose()


async def recording_allowed(connection: AsyncConnection, location: Location) -> None:
    """Make sure that no upgrade is under way.

    Raises:
        StoreBusy: one is.
    """
    await _lock(connection, f"SELECT pg_try_advisory_lock_shared({_RECORDERS_LOCK:d})", location, "being upgraded")


async def keep_recorders_out(connection: AsyncConnection, location: Location) -> None:
    """Keep recorders out for as long as the connection lives.

    Raises:
        StoreBusy: one is there.
    """
    await _lock(connection, f"SELECT pg_try_advisory_lock({_RECORDERS_LOCK:d})", location, "being recorded into")


async def is_dead(queries: Queries, recorder: int) -> bool:
    """Whether a recorder no longer writes its sessions. Its lock is then ours until the transaction ends.

    In an SQLite file it is dead: the caller holds the one lock for recorders.
    """
    if queries.sqlite:
        return True
    ((free,),) = await queries.fetch("SELECT pg_try_advisory_xact_lock(?)", (recorder,))
    return bool(free)


async def _lock(connection: AsyncConnection, query: str, location: Location, what: str) -> None:
    held = (await connection.exec_driver_sql(query)).scalar_one()
    await connection.commit()
    if not held:
        raise StoreBusy(f"{location} is {what}", hint="Try again when that is done.", store=str(location))
