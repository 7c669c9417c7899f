"""The journal as a recorder holds it: open, begin sessions, erase, close."""

from __future__ import annotations

import json
import logging
import os
import re
import secrets
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from sqlalchemy import bindparam, false, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ...schemas.errors import RequestError, SessionNotFound, StoreBusy, StoreWriteFailed
from ...schemas.statements import OpenStatement
from .database.location import Location
from .database.lock import WriterLock
from .database.schema import check_version, create_schema, refuse_foreign_file, schema_version
from .database.sqlite import (
    check_header,
    connect_writer,
    create_file,
    reading,
    sqlite_driver,
    write_transaction,
    writing,
)
from .database.tables import records, sessions
from .paging import Pager
from .summaries import COLUMNS_TO_SUMMARISE, LAST_KINDS, SUMMARY_COLUMNS, read_summary
from .writing.batch import SessionState
from .writing.committer import Committer, Pressure
from .writing.recovery import recover
from .writing.session_writer import SessionWriter
from .writing.store import LedgerEntry, Store
from .writing.writer_settings import WriterSettings, WriterStats

__all__ = ["Journal", "new_public_id", "utc_now"]

logger = logging.getLogger("earwitness.journal")

_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32: no letter that is read as another, and no id that begins like ``latest``."""

_ID_CHARACTERS: Final = 16
_PUBLIC_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def new_public_id() -> str:
    """Make a public id: 80 random bits, which nobody has to coordinate."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_ID_CHARACTERS))


def utc_now() -> str:
    """Give the wall clock as statements and the ledger write it."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


class Journal:
    """The one writer of a journal. Open it with :meth:`open`, as a context manager or with :meth:`aclose`."""

    def __init__(self, store: Store, committer: Committer, recorder: int, stack: AsyncExitStack) -> None:
        self.location = store.location
        self.recovered: list[str] = []
        """Public ids of the sessions that this recorder found cut off when it opened the journal."""
        self._store = store
        self._committer = committer
        self._recorder = recorder
        self._stack = stack
        self._closed = False

    @classmethod
    async def open(
        cls,
        location: str | Path,
        *,
        settings: WriterSettings | None = None,
        recover_sessions: bool = True,
        now: Callable[[], str] = utc_now,
    ) -> Journal:
        """Open a journal for writing; create it where there is none; mark what a dead recorder left open.

        Args:
            location: path of an SQLite file, or a SQLAlchemy URL.
            settings: see :class:`WriterSettings`.
            recover_sessions: False leaves sessions of dead recorders as they are.
            now: the wall clock, as :func:`utc_now` gives it.

        Raises:
            StoreBusy: another recorder holds the file.
            StoreNewer, StoreOutdated: the schema is not this program's.
            StoreCorrupt: the file is no journal.
            StoreWriteFailed: it cannot be created or written.
        """
        settings = settings or WriterSettings()
        where = Location.parse(location)
        recorder = secrets.randbits(62)
        async with AsyncExitStack() as stack:
            if where.path is not None:
                lock = WriterLock.acquire(where.path)
                stack.callback(lock.release)
                create_file(where.path)
            with writing(where):
                if where.path is not None:
                    check_header(where.path)
                    refuse_foreign_file(where.path, where)
                connection = await stack.enter_async_context(
                    connect_writer(
                        where,
                        busy_timeout=settings.busy_timeout,
                        page_size=settings.page_size,
                        max_page_count=settings.max_page_count,
                        recorder=recorder,
                    )
                )
                await _prepare_schema(connection, where)
                store = Store(connection, await sqlite_driver(connection), where, now)
                marked = await recover(store, os.urandom, now()) if recover_sessions else []
                await store.load_head()
                await _prove_writable(connection)
            committer = Committer(store, settings)
            committer.on_failure.append(_log_failure)
            committer.on_recovery.append(_log_recovery)
            journal = cls(store, committer, recorder, stack.pop_all())
            journal.recovered = marked
            return journal
        raise AssertionError("not reached")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    @property
    def head(self) -> str:
        """The ledger's head (hex) as this recorder last committed it."""
        return self._store.head.hex()

    @property
    def stats(self) -> WriterStats:
        """The writer's counters."""
        return self._committer.stats

    @property
    def settings(self) -> WriterSettings:
        """What the writer was opened with."""
        return self._committer.settings

    @property
    def backlog_bytes(self) -> int:
        """Bytes taken but not yet committed."""
        return self._committer.backlog_bytes

    @property
    def backlog_age(self) -> float:
        """Seconds that the oldest of them has been waiting; 0 without a backlog."""
        return self._committer.backlog_age

    @property
    def failure(self) -> StoreWriteFailed | None:
        """Why the store does not take records at the moment; None while it works."""
        return self._committer.failure

    @property
    def paused(self) -> bool:
        """Whether the backlog asks the relays to pause reading."""
        return self._committer.paused

    async def check_writable(self) -> None:
        """Make sure that the store takes writes right now, without writing anything.

        Raises:
            StoreWriteFailed: it does not.
        """
        if self.failure is not None:
            raise self.failure.with_traceback(None)
        self._store.check_file()
        with writing(self.location):
            async with self._store.lock:
                await _prove_writable(self._store.connection)

    async def begin(
        self,
        statement: OpenStatement,
        *,
        public_id: str | None = None,
        offset_ns: int | None = 0,
        on_pressure: Pressure | None = None,
        on_failure: Callable[[StoreWriteFailed], None] | None = None,
    ) -> SessionWriter:
        """Begin a session: its row, its ``open`` record (seq 0) and its ledger row are durable afterwards.

        With policy ``pass`` a failing store does not stop it: they wait in the backlog then.

        Args:
            statement: the handshake, redacted.
            public_id: 1 to 64 characters ``A-Z a-z 0-9 . _ -``; a random one by default.
            offset_ns: 0, or None for a source without a clock.
            on_pressure: called with True when the relay should stop reading, with False when it may go on.
            on_failure: called once when the store begins to fail.

        Raises:
            RequestError: the public id cannot be used, or is taken.
            StoreWriteFailed: the store fails and the policy is ``close``.
        """
        if public_id is not None:
            await self._check_new(public_id)
        state = SessionState(public_id or new_public_id(), self._recorder)
        writer = SessionWriter(self._committer, state, on_pressure, on_failure)
        passing = self.settings.on_store_failure == "pass"
        try:
            writer.append("open", "recorder", statement.to_payload(), offset_ns)
        except StoreWriteFailed:
            writer.detach()
            raise
        try:
            await self._committer.commit()
        except StoreWriteFailed:
            if not passing:
                writer.abandon("the journal failed while the session began")
                raise
        return writer

    async def erase(self, public_id: str, seqs: Iterable[int], reason: str) -> str:
        """Erase payloads: the bytes and their salts go, envelopes, digests and the chain stay.

        The ledger row that tells what was erased and why is in the same transaction. What was erased before is left
        out of it. The summary is read anew from what is left.

        Args:
            public_id: the session, by its full id.
            seqs: which records.
            reason: why; it stands in the ledger for ever.

        Returns:
            The ledger's head (hex) afterwards.

        Raises:
            SessionNotFound: there is no such session.
            RequestError: a seq is not in it, or is a statement of the recorder and no message; or the session goes on.
            StoreBusy: it is done, but a reader of an SQLite file keeps the old bytes in the write-ahead log: erasing
                any of the records again, once it has ended, takes them out.
            StoreWriteFailed: the store does not take it.
        """
        wanted = sorted(set(seqs))
        await self._committer.commit()
        store = self._store
        self._store.check_file()
        with writing(self.location):
            async with store.lock, write_transaction(store.connection):
                row_id = (
                    await store.connection.execute(select(sessions.c.id).where(sessions.c.public_id == public_id))
                ).scalar_one_or_none()
                if row_id is None:
                    raise SessionNotFound(f"{self.location} has no session {public_id}", session=public_id)
                present = await _present(store.connection, row_id, wanted)
                stated = [seq for seq, (kind, _) in present.items() if kind not in ("text", "binary")]
                if stated:
                    raise RequestError(
                        f"session {public_id}: record {stated[0]} is the recorder's own statement",
                        hint="Only what crossed the wire can be erased.",
                        session=public_id,
                        seqs=stated,
                    )
                missing = [seq for seq in wanted if seq not in present]
                if missing:
                    raise RequestError(
                        f"session {public_id} has no record {missing[0]}", session=public_id, seqs=missing
                    )
                count, last_kind, chain = await _end_of(store.connection, row_id)
                if last_kind not in LAST_KINDS:
                    raise RequestError(
                        f"session {public_id} goes on", hint="Erase from it once it has ended.", session=public_id
                    )
                erased = [seq for seq in wanted if present[seq][1]]
                head = store.head
                if erased:
                    statement = (
                        records.update()
                        .where(records.c.session == row_id, records.c.seq == bindparam("which"))
                        .values(payload=None, salt=None)
                    )
                    await store.connection.execute(statement, [{"which": seq} for seq in erased])
                    detail = json.dumps({"reason": reason, "seqs": _runs(erased)})
                    head = await store.append_ledger([LedgerEntry("erased", public_id, count, chain, detail)])
                    # The list may have had its model or dialect from an event that is gone now.
                    pager = Pager(store.connection, self.location, COLUMNS_TO_SUMMARISE)
                    columns = await read_summary(pager, row_id, public_id)
                    values = dict(zip(SUMMARY_COLUMNS, columns, strict=True))
                    await store.connection.execute(sessions.update().where(sessions.c.id == row_id).values(values))
            store.head = head
            if store.connection.dialect.name == "sqlite":
                # The bytes are in the write-ahead log too, until it is copied back and cut.
                async with store.lock:
                    result = await store.connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
                    if result.one()[0] and wanted:
                        raise StoreBusy(
                            f"the records are erased, but a reader keeps their old bytes in {self.location}",
                            hint=f"Let it end, then erase record {wanted[0]} again: that takes all of them out.",
                            session=public_id,
                            seqs=wanted,
                        )
        return self.head

    async def aclose(self) -> None:
        """Commit everything and give the journal back. Sessions that were not ended look cut off to the next recorder.

        Raises:
            StoreWriteFailed: the store would not take the rest; the lock is released all the same.
        """
        if self._closed:
            return
        self._closed = True
        async with self._stack:
            await self._committer.aclose()

    async def _check_new(self, public_id: str) -> None:
        if _PUBLIC_ID.fullmatch(public_id) is None:
            raise RequestError(
                f"{public_id!r} cannot be a session's id",
                hint="Use 1 to 64 letters, digits, dots, dashes and underscores.",
            )
        with reading(self.location):
            async with self._store.lock:
                query = select(sessions.c.id).where(sessions.c.public_id == public_id)
                found = (await self._store.connection.execute(query)).scalar_one_or_none()
                if self._store.connection.dialect.name != "sqlite":
                    await self._store.connection.rollback()
        if found is not None:
            raise RequestError(f"{self.location} has a session {public_id} already", session=public_id)


def _log_failure(error: StoreWriteFailed) -> None:
    logger.warning("store_failed", extra={"store": str(error.data.get("reason", error.message))})


def _log_recovery() -> None:
    # A warning too: whoever hears only of warnings must not think that it still fails.
    logger.warning("store_recovered")


async def _prove_writable(connection: AsyncConnection) -> None:
    """Write nothing, in earnest.

    SQLite opens a file that may only be read, begins a transaction on it, and complains when it meets a write.
    """
    async with write_transaction(connection):
        await connection.execute(sessions.update().where(false()).values(recorder=sessions.c.recorder))


async def _prepare_schema(connection: AsyncConnection, location: Location) -> None:
    version = await schema_version(connection, location)
    if version is None:
        await create_schema(connection, location)
    else:
        check_version(version, location)


async def _present(connection: AsyncConnection, row_id: int, seqs: list[int]) -> dict[int, tuple[str, bool]]:
    """Tell for each seq that exists its kind, and whether its payload is still there."""
    present: dict[int, tuple[str, bool]] = {}
    for first in range(0, len(seqs), 500):
        query = select(records.c.seq, records.c.kind, records.c.payload.is_not(None)).where(
            records.c.session == row_id, records.c.seq.in_(seqs[first : first + 500])
        )
        present.update((row[0], (row[1], bool(row[2]))) for row in await connection.execute(query))
    return present


async def _end_of(connection: AsyncConnection, row_id: int) -> tuple[int, str, bytes]:
    """Give the number of records of a session, the last one's kind, and the chain's head."""
    query = select(records.c.seq, records.c.kind, records.c.chain).where(records.c.session == row_id)
    last = (await connection.execute(query.order_by(records.c.seq.desc()).limit(1))).one()
    return last.seq + 1, last.kind, last.chain


def _runs(seqs: list[int]) -> list[list[int]]:
    """Write ascending seqs as inclusive ``[first, last]`` runs."""
    runs: list[list[int]] = []
    for seq in seqs:
        if runs and runs[-1][1] == seq - 1:
            runs[-1][1] = seq
        else:
            runs.append([seq, seq])
    return runs
