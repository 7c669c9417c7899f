"""Writes batches into the database: one transaction each, or none of it.

Everything per record is one ``executemany`` of tuples; compiling statements per row would cost more than writing them.
SQLite's driver is called directly, with an iterator that encodes the group in the driver's own thread as it asks for
the rows: two changes of thread for a group instead of nine, which is a quarter of the whole cost of a usual one.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Any, Final

import aiosqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from ....schemas.errors import StoreWriteFailed
from ..database.failures import writing
from ..database.location import Location
from ..database.postgres import LEDGER_LOCK
from ..database.queries import ConnectionQueries
from ..database.tables import ledger, records
from ..database.writer import insert_transaction
from ..format.chain import LEDGER_START
from ..summaries import SUMMARY_COLUMNS, UPDATE_SUMMARY
from .batch import Batch, LedgerEntry, SessionState, ledger_rows

__all__ = ["Store"]


def _insert(table: str, columns: tuple[str, ...]) -> str:
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"  # noqa: S608


_INSERT_RECORD: Final = _insert("records", tuple(each.name for each in records.columns if each.name != "position"))
_INSERT_SESSION: Final = _insert("sessions", ("public_id", "recorder", *SUMMARY_COLUMNS)) + " RETURNING id"
_INSERT_LEDGER: Final = _insert("ledger", tuple(each.name for each in ledger.columns))
_SESSION_ID: Final = "SELECT id FROM sessions WHERE public_id = ?"


class Store:
    """The writing side of one database.

    Args:
        connection: the one that writes.
        driver: the same as SQLite's driver has it; None for a server's database.
        location: for messages, and to notice that the file is no longer there.
        now: the wall clock as text, for the ledger.
    """

    def __init__(
        self,
        connection: AsyncConnection,
        driver: aiosqlite.Connection | None,
        location: Location,
        now: Callable[[], str],
    ) -> None:
        self.connection = connection
        self.queries = ConnectionQueries(connection)
        self.location = location
        self.head = LEDGER_START
        """The ledger's head after the last transaction of this writer."""
        self.lock = asyncio.Lock()
        """Held by whoever uses the connection."""
        self._now = now
        self._driver = driver
        self._identity = _identity(location)

    @property
    def encodes_while_inserting(self) -> bool:
        """Whether a batch may come here unencoded: the driver's thread does it as it asks for the rows."""
        return self._driver is not None

    async def load_head(self) -> None:
        """Read the ledger's head."""
        self.head = (await self._last_ledger_row())[1]
        await self.connection.rollback()

    async def session_id(self, public_id: str) -> int | None:
        """Return ``sessions.id``; None if there is no such session."""
        found = await self.queries.fetch(_SESSION_ID, (public_id,))
        return found[0][0] if found else None

    async def last_record(self, row_id: int) -> tuple[int, str, bytes]:
        """Return seq, kind and chain of a session's last record."""
        query = "SELECT seq, kind, chain FROM records WHERE session = ? ORDER BY seq DESC LIMIT 1"
        ((seq, kind, chain),) = await self.queries.fetch(query, (row_id,))
        return seq, kind, chain

    async def write(self, batch: Batch) -> dict[str, bytes]:
        """Commit a batch; nothing of it is in the database if this raises.

        Returns:
            By public id of each session that ended: the ledger's head after its row.

        Raises:
            StoreWriteFailed: the store refused.
        """
        self.check_file()
        queries = self.queries
        ids: dict[SessionState, int] = {}
        with writing(self.location):
            async with self.lock, insert_transaction(self.connection, self._driver):
                for state in batch.opened:
                    values = (state.public_id, state.recorder, *batch.summaries[state])
                    ((ids[state],),) = await queries.fetch(_INSERT_SESSION, values)
                rows = batch.rows_to_insert(ids)
                if self._driver is not None:
                    await self._driver.executemany(_INSERT_RECORD, rows)
                else:
                    await queries.execute(_INSERT_RECORD, list(rows))
                updates = [(*columns, state.row_id) for state, columns in batch.summaries.items() if state not in ids]
                if updates:
                    await queries.execute(UPDATE_SUMMARY, updates)
                heads = await self.append_ledger(batch.ledger)
        return self._committed(batch, ids, heads)

    async def recall(self, batch: Batch) -> dict[str, bytes] | None:
        """Look for a batch whose commit was in doubt: as :meth:`write` if it is there after all, else None."""
        state, row = batch.items[0][0], batch.rows[0]
        ids: dict[SessionState, int] = {}
        heads: list[bytes] = []
        fetch = self.queries.fetch
        of_record = f"SELECT chain FROM records WHERE session = ({_SESSION_ID}) AND seq = ?"  # noqa: S608
        of_ledger = "SELECT chain FROM ledger WHERE session = ? AND kind = ?"
        with writing(self.location):
            async with self.lock:
                try:
                    if await fetch(of_record, (state.public_id, row[1])) != [(row[-1],)]:
                        return None
                    for opened in batch.opened:
                        ids[opened] = (await fetch(_SESSION_ID, (opened.public_id,)))[0][0]
                    for entry in batch.ledger:
                        heads += (await fetch(of_ledger, (entry.public_id, entry.kind)))[0]
                finally:
                    await self.connection.rollback()
        return self._committed(batch, ids, heads)

    def _committed(self, batch: Batch, ids: dict[SessionState, int], heads: list[bytes]) -> dict[str, bytes]:
        for state, row_id in ids.items():
            state.row_id = row_id
        if heads:
            self.head = heads[-1]
        ended = zip(batch.ledger, heads, strict=True)
        return {entry.public_id: head for entry, head in ended if entry.kind != "opened"}

    async def append_ledger(self, entries: list[LedgerEntry]) -> list[bytes]:
        """Add ledger rows within the caller's transaction; return the head after each."""
        if not entries:
            return []
        await self.lock_ledger()
        rows: list[tuple[Any, ...]] = [*ledger_rows(entries, *await self._last_ledger_row(), self._now)]
        await self.queries.execute(_INSERT_LEDGER, rows)
        return [row[-1] for row in rows]

    async def lock_ledger(self) -> None:
        """Keep other recorders' rows out of the ledger until the transaction ends."""
        if not self.queries.sqlite:
            await self.queries.fetch("SELECT pg_advisory_xact_lock(?)", (LEDGER_LOCK,))

    async def _last_ledger_row(self) -> tuple[int, bytes]:
        found = await self.queries.fetch("SELECT id, chain FROM ledger ORDER BY id DESC LIMIT 1")
        return (found[0][0], found[0][1]) if found else (0, LEDGER_START)

    def check_file(self) -> None:
        """Make sure that the file is still the one that was opened.

        SQLite goes on writing into a removed file without any error, and the recording would vanish with the process.

        Raises:
            StoreWriteFailed: it was removed or replaced.
        """
        if self._identity is not None and _identity(self.location) != self._identity:
            raise StoreWriteFailed(
                f"{self.location}: the journal was removed or replaced while it was being written",
                hint="Put the file back, or restart the recorder to begin a new one.",
                store=str(self.location),
                reason="file removed",
            )


def _identity(location: Location) -> tuple[int, int] | None:
    """Return device and inode of an SQLite file, zeros if it is gone; None for a server's database."""
    if location.path is None:
        return None
    try:
        status = os.stat(location.path)  # noqa: PTH116 - for every group; a Path costs three times as much
    except OSError:
        return (0, 0)
    return (status.st_dev, status.st_ino)
