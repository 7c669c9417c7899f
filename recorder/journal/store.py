"""Writes batches into the database: one transaction each, or none of it.

Everything per record is one driver-level ``executemany`` of tuples; compiling statements per row would cost more than
writing them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy.ext.asyncio import AsyncConnection

from ...schemas.errors import StoreWriteFailed
from .chain import LEDGER_START, LedgerKind, ledger_chain
from .encoding import Batch, SessionState
from .engine import insert_many, write_transaction, writing
from .location import Location
from .projection import SUMMARY_COLUMNS
from .server import LEDGER_LOCK
from .tables import records

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
        location: for messages, and to notice that the file is no longer there.
        now: the wall clock as text, for the ledger.
    """

    def __init__(self, connection: AsyncConnection, location: Location, now: Callable[[], str]) -> None:
        self.connection = connection
        self.location = location
        self.head = LEDGER_START
        """The ledger's head after the last transaction of this writer."""
        self.lock = asyncio.Lock()
        """Held by whoever uses the connection."""
        self._now = now
        self._sqlite = connection.dialect.name == "sqlite"
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
        with writing(self.location):
            async with self.lock, write_transaction(connection):
                ids: dict[SessionState, int] = {}
                for state in batch.opened:
                    values = (state.public_id, state.recorder, *batch.summaries[state])
                    ids[state] = (await connection.exec_driver_sql(self._insert_session, values)).scalar_one()
                rows = [(ids.get(state) or state.row_id, *row) for state, row in batch.rows]
                if rows:
                    await insert_many(connection, self._insert_record, rows)
                updates = [(*columns, state.row_id) for state, columns in batch.summaries.items() if state not in ids]
                if updates:
                    await connection.exec_driver_sql(self._update_summary, updates)
                entries = [LedgerEntry(e.kind, e.state.public_id, e.frames, e.head) for e in batch.ledger]
                heads = await self._append_ledger(entries)
        for state, row_id in ids.items():
            state.row_id = row_id
        if heads:
            self.head = heads[-1]
        return {ending.state: head for ending, head in zip(batch.ledger, heads, strict=True) if ending.kind != "opened"}

    async def holds(self, batch: Batch) -> bool:
        """Whether a batch whose commit was in doubt is in the database after all."""
        state, row = batch.rows[0]
        where = f"WHERE s.public_id = {self.mark(1)} AND r.seq = {self.mark(2)}"
        query = f"SELECT r.chain FROM sessions s JOIN records r ON r.session = s.id {where}"  # noqa: S608
        with writing(self.location):
            async with self.lock:
                result = await self.connection.exec_driver_sql(query, (state.public_id, row[0]))
                found = result.scalar_one_or_none()
                if self.connection.in_transaction():
                    await self.connection.rollback()
        return found == row[-1]

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
        status = location.path.stat()
    except OSError:
        return (0, 0)
    return (status.st_dev, status.st_ino)
