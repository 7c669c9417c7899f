"""The journal as a recorder holds it: open, begin sessions, erase, close."""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from sqlalchemy.ext.asyncio import AsyncConnection

from ...schemas.errors import RequestError, StoreWriteFailed
from ...schemas.statements import OpenStatement
from ...schemas.summary import time_text
from .database.failures import writing
from .database.location import Location
from .database.lock import WriterLock
from .database.queries import ConnectionQueries
from .database.schema import check_version, create_schema, refuse_foreign_file, schema_version
from .database.sqlite import check_header, create_file
from .database.writer import connect_writer, sqlite_driver, write_transaction
from .erasure import erase_payloads
from .writing.batch import SessionState
from .writing.committer import Committer, Pressure
from .writing.recovery import recover
from .writing.session_writer import SessionWriter
from .writing.store import Store
from .writing.writer_settings import WriterSettings, WriterStats

__all__ = ["Journal", "new_public_id", "utc_now"]

logger = logging.getLogger("earwitness.journal")

_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32: no letter that is read as another, and no id that begins like ``latest``."""

_ID_CHARACTERS: Final = 16
_PUBLIC_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def new_public_id() -> str:
    """Make a public id: 80 random bits, unique without coordination."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_ID_CHARACTERS))


def utc_now() -> str:
    """Return the wall clock as statements and the ledger write it."""
    return time_text(datetime.now(UTC))


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
        """Open a journal for writing, creating it if needed; mark what a dead recorder left open.

        Args:
            location: path of an SQLite file, or a SQLAlchemy URL.
            settings: see :class:`WriterSettings`.
            recover_sessions: False leaves sessions of dead recorders as they are.
            now: the wall clock, as :func:`utc_now` writes it.

        Raises:
            StoreBusy: another recorder holds the file.
            StoreNewer, StoreOutdated: the schema is not this program's.
            StoreCorrupt: the file is not a journal.
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
                marked = await recover(store, now()) if recover_sessions else []
                await store.load_head()
                await _prove_writable(store)
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
                await _prove_writable(self._store)

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

        The ledger row that says what was erased and why is in the same transaction; it leaves out what was erased
        before. The summary is read again from what is left.

        Args:
            public_id: the session, by its full id.
            seqs: which records.
            reason: why; it stands in the ledger forever.

        Returns:
            The ledger's head (hex) afterwards.

        Raises:
            SessionNotFound: there is no such session.
            RequestError: the session is still open, or a seq is not in it or not a message.
            StoreBusy: it is done, but a reader of an SQLite file keeps the old bytes in the write-ahead log: erasing
                any of the records again, once it has ended, takes them out.
            StoreWriteFailed: the store refuses.
        """
        await self._committer.commit()
        await erase_payloads(self._store, public_id, seqs, reason)
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
        with writing(self.location):
            async with self._store.lock:
                found = await self._store.session_id(public_id)
                await self._store.connection.rollback()
        if found is not None:
            raise RequestError(f"{self.location} already has a session {public_id}", session=public_id)


def _log_failure(error: StoreWriteFailed) -> None:
    logger.warning("store_failed", extra={"store": str(error.data.get("reason", error.message))})


def _log_recovery() -> None:
    # A warning too: an operator who sees only warnings must not think that it still fails.
    logger.warning("store_recovered")


async def _prove_writable(store: Store) -> None:
    """Write nothing, in earnest.

    SQLite opens a file that may only be read, begins a transaction on it, and complains when it meets a write.
    """
    async with write_transaction(store.connection):
        await store.queries.execute("UPDATE sessions SET recorder = recorder WHERE id = ?", [(0,)])


async def _prepare_schema(connection: AsyncConnection, location: Location) -> None:
    try:
        version = await schema_version(ConnectionQueries(connection), location)
    finally:
        await connection.rollback()
    if version is not None:
        check_version(version, location)
        return
    async with write_transaction(connection):
        await create_schema(connection, location)
