"""Writes batches into the database: one transaction each, or none of it.

Everything per record is one ``executemany`` of tuples; compiling statements per row would cost more than writing them.
SQLite's driver is called directly, with an iterator that encodes the group in the driver's own thread as it asks for
the rows: two changes of thread for a group instead of nine, which is a quarter of the whole cost of a usual one.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import aiosqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from ....schemas.errors import StoreWriteFailed
from ..database.location import Location
from ..database.postgres import LEDGER_LOCK
from ..database.sqlite import fetch, insert_transaction, writing
from ..database.tables import records
from ..format.chain import LEDGER_START, LedgerKind, ledger_chain
from ..summaries import SUMMARY_COLUMNS
from .batch import Batch, SessionState

__all__ = ["LedgerEntry", "Store"]


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """A ledger row to be chained."""

    kind: LedgerKind
    public_id: str
    frames: int
    head: bytes
    detail: str = ""


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
        self.location = location
        self.head = LEDGER_START
        """The ledger's head after the last transaction of this writer."""
        self.lock = asyncio.Lock()
        """Held by whoever uses the connection."""
        self._now = now
        self._driver = driver
        self._sqlite = driver is not None
        self._identity = _identity(location)
        self._insert_record = self._insert(
            "records",
            tuple(column.name for column in records.columns if column.name != "position"),
        )
        self._insert_session = self._insert("sessions", ("public_id", "recorder", *SUMMARY_COLUMNS)) + " RETURNING id"
        self._insert_ledger = self._insert(
            "ledger", ("id", "session", "kind", "at", "frames", "head", "detail", "chain")
        )
        assignments = ", ".join(f"{name} = {self.mark(n)}" for n, name in enumerate(SUMMARY_COLUMNS, 1))
        row_id = self.mark(len(SUMMARY_COLUMNS) + 1)
        self._update_summary = f"UPDATE sessions SET {assignments} WHERE id = {row_id}"  # noqa: S608 - our own names

    @property
    def encodes_while_inserting(self) -> bool:
        """Whether a batch may come here unencoded: the driver's thread does it as it asks for the rows."""
        return self._driver is not None

    def mark(self, number: int) -> str:
        """Give the placeholder of the ``number``-th parameter, from 1."""
        return "?" if self._sqlite else f"${number}"

    def _insert(self, table: str, columns: tuple[str, ...]) -> str:
        marks = ", ".join(self.mark(n) for n in range(1, len(columns) + 1))
        return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608 - our own names

    async def load_head(self) -> None:
        """Read the ledger's head."""
        self.head = (await self._last_ledger_row())[1]
        if not self._sqlite:
            await self.connection.rollback()

    async def write(self, batch: Batch) -> dict[SessionState, bytes]:
        """Commit a batch; nothing of it is in the database if this raises.

        Returns:
            The ledger's head after the row of each session that ended.

        Raises:
            StoreWriteFailed: the store refused.
        """
        self.check_file()
        connection = self.connection
        ids: dict[SessionState, int] = {}
        with writing(self.location):
            async with self.lock, insert_transaction(connection, self._driver):
                for state in batch.opened:
                    values = (state.public_id, state.recorder, *batch.summaries[state])
                    ids[state] = (await connection.exec_driver_sql(self._insert_session, values)).scalar_one()
                rows = batch.rows_to_insert(ids)
                if self._driver is not None:
                    await self._driver.executemany(self._insert_record, rows)
                else:
                    await connection.exec_driver_sql(self._insert_record, list(rows))
                updates = [(*columns, state.row_id) for state, columns in batch.summaries.items() if state not in ids]
                if updates:
                    await connection.exec_driver_sql(self._update_summary, updates)
                entries = [LedgerEntry(e.kind, e.state.public_id, e.frames, e.head) for e in batch.ledger]
                heads = await self._append_ledger(entries)
        return self._committed(batch, ids, heads)

    async def recall(self, batch: Batch) -> dict[SessionState, bytes] | None:
        """Look for a batch whose commit was in doubt: as :meth:`write` where it is there after all, else None."""
        state, row = batch.items[0][0], batch.rows[0]
        ids: dict[SessionState, int] = {}
        heads: list[bytes] = []
        of_session = f"SELECT id FROM sessions WHERE public_id = {self.mark(1)}"  # noqa: S608 - a placeholder
        of_record = f"SELECT chain FROM records WHERE session = ({of_session}) AND seq = {self.mark(2)}"  # noqa: S608
        of_ledger = f"SELECT chain FROM ledger WHERE session = {self.mark(1)} AND kind = {self.mark(2)}"  # noqa: S608
        with writing(self.location):
            async with self.lock:
                try:
                    if await fetch(self.connection, of_record, (state.public_id, row[1])) != [(row[-1],)]:
                        return None
                    for opened in batch.opened:
                        ids[opened] = (await fetch(self.connection, of_session, (opened.public_id,)))[0][0]
                    for entry in batch.ledger:
                        heads += (await fetch(self.connection, of_ledger, (entry.state.public_id, entry.kind)))[0]
                finally:
                    await self.connection.rollback()
        return self._committed(batch, ids, heads)

    def _committed(self, batch: Batch, ids: dict[SessionState, int], heads: list[bytes]) -> dict[SessionState, bytes]:
        for state, row_id in ids.items():
            state.row_id = row_id
        if heads:
            self.head = heads[-1]
        return {ending.state: head for ending, head in zip(batch.ledger, heads, strict=True) if ending.kind != "opened"}

    async def append_ledger(self, entries: list[LedgerEntry]) -> bytes:
        """Add ledger rows within the caller's transaction; give the head, to be kept once that is committed."""
        heads = await self._append_ledger(entries)
        return heads[-1] if heads else self.head

    async def _append_ledger(self, entries: list[LedgerEntry]) -> list[bytes]:
        if not entries:
            return []
        if not self._sqlite:
            await self.connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LEDGER_LOCK:d})")
        row, chain = await self._last_ledger_row()
        rows: list[tuple[Any, ...]] = []
        for entry in entries:
            row += 1
            at = self._now()
            chain = ledger_chain(chain, row, entry.kind, entry.public_id, at, entry.frames, entry.head, entry.detail)
            rows.append((row, entry.public_id, entry.kind, at, entry.frames, entry.head, entry.detail, chain))
        await self.connection.exec_driver_sql(self._insert_ledger, rows)
        return [values[-1] for values in rows]

    async def _last_ledger_row(self) -> tuple[int, bytes]:
        result = await self.connection.exec_driver_sql("SELECT id, chain FROM ledger ORDER BY id DESC LIMIT 1")
        found = result.one_or_none()
        return (0, LEDGER_START) if found is None else cast("tuple[int, bytes]", tuple(found))

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
    """Give device and inode of an SQLite file; zeros where it is gone, None for a server's database."""
    if location.path is None:
        return None
    try:
        status = os.stat(location.path)  # noqa: PTH116 - for every group; a Path costs three times as much
    except OSError:
        return (0, 0)
    return (status.st_dev, status.st_ino)
