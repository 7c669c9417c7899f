"""Looks after a journal: what it is, a copy of it, its schema, its summaries, what it must not keep."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from ...schemas.errors import OutputExists, RequestError, StoreBusy
from ...schemas.refs import Seqs
from .database.failures import writing
from .database.location import Location
from .database.lock import WriterLock
from .database.queries import ConnectionQueries, Queries
from .database.schema import SCHEMA_VERSION, create_schema
from .database.source import open_source
from .database.sqlite import copy_file
from .database.writer import connect_writer, write_transaction
from .format.chain import LEDGER_START
from .journal import Journal
from .reader import JournalReader
from .reports import BackupReport, EraseReport, JournalInfo, RebuildReport, UpgradeReport
from .summaries import SUMMARY_COLUMNS, UPDATE_SUMMARY, read_summary
from .writing.writer_settings import WriterSettings

__all__ = ["backup", "erase", "info", "rebuild", "upgrade"]

_STOP: Final = "Stop the recorder first: nothing else may write meanwhile."
_TABLES: Final = ("sessions", "records", "ledger")


async def info(location: str | Path) -> JournalInfo:
    """Return what a journal is, as of one moment. An older schema will do.

    Raises:
        StoreNotFound, StoreCorrupt, StoreNewer: there is no journal that this program can read.
    """
    where = Location.parse(location)
    source, version = await open_source(where, older=True)
    try:
        async with source.snapshot() as queries:
            counts = {name: await _number(queries, f"SELECT count(*) FROM {name}") for name in _TABLES}  # noqa: S608
            ended = await _number(queries, "SELECT count(*) FROM ledger WHERE kind IN ('closed', 'cutoff')")
            last = await queries.fetch("SELECT chain FROM ledger ORDER BY id DESC LIMIT 1")
            return JournalInfo(
                location=str(where),
                schema=version,
                supported_schema=SCHEMA_VERSION,
                open=counts["sessions"] - ended,
                head=(last[0][0] if last else LEDGER_START).hex(),
                **counts,
                **await _size(queries, where),
            )
    finally:
        await source.aclose()


async def _number(queries: Queries, query: str) -> int:
    return int((await queries.fetch(query))[0][0] or 0)


async def _size(queries: Queries, where: Location) -> dict[str, Any]:
    """Return the fields of a :class:`JournalInfo` that say which database it is, and how large."""
    path = where.path
    if path is None:
        ((server,),) = await queries.fetch("SELECT current_setting('server_version')")
        sizes = [await _number(queries, f"SELECT pg_total_relation_size('{name}')") for name in _TABLES]
        return {"database": f"PostgreSQL {server}", "bytes": sum(sizes)}
    log = path.with_name(path.name + "-wal")
    return {
        "database": f"SQLite {sqlite3.sqlite_version}",
        "bytes": path.stat().st_size,
        "wal_bytes": log.stat().st_size if log.exists() else 0,
        "page_size": await _number(queries, "PRAGMA page_size"),
    }


async def backup(location: str | Path, target: str | Path, *, overwrite: bool = False) -> BackupReport:
    """Make a consistent copy of a journal, also while it is being recorded.

    The copy is one read transaction: everything committed when it begins, nothing later. It has its name only once it
    is whole and on the disk.

    Args:
        location: an SQLite journal.
        target: the new file.
        overwrite: whether it may replace a file.

    Raises:
        OutputExists: the target exists.
        CannotWrite: the target cannot be written.
        RequestError: the journal is in PostgreSQL, which has its own tools.
        StoreNotFound, StoreCorrupt, StoreNewer: there is no journal that this program can read.
    """
    where = Location.parse(location)
    if where.path is None:
        raise RequestError(f"{where} is not a file", hint="Use pg_dump to copy a PostgreSQL database.")
    path = Path(target)
    if not overwrite and await asyncio.to_thread(path.exists):
        raise OutputExists(f"{path} exists", hint="Name another file.", path=str(path))
    await _version(where)
    size = await asyncio.to_thread(copy_file, where.path, path)
    return BackupReport(location=str(where), target=str(path), bytes=size)


async def upgrade(location: str | Path) -> UpgradeReport:
    """Bring a journal's schema up to this program's. An SQLite file is copied first.

    Raises:
        StoreBusy: a recorder is writing.
        StoreNotFound, StoreCorrupt, StoreNewer: there is no journal that this program can upgrade.
        StoreWriteFailed: the database refuses.
    """
    where = Location.parse(location)
    before = await _version(where)
    if before == SCHEMA_VERSION:
        return UpgradeReport(location=str(where), before=before, after=before)
    copy: Path | None = None
    with _alone(where), writing(where):
        if where.path is not None:
            copy = _free_name(where.path, before)
            await asyncio.to_thread(copy_file, where.path, copy)
        async with (
            connect_writer(where, busy_timeout=WriterSettings().busy_timeout) as connection,
            write_transaction(connection),
        ):
            await create_schema(connection, where)
    return UpgradeReport(
        location=str(where), before=before, after=SCHEMA_VERSION, copy=None if copy is None else str(copy)
    )


async def erase(location: str | Path, session: str, seqs: Seqs, reason: str) -> EraseReport:
    """Erase messages of an ended session for good, while nobody records: see :meth:`Journal.erase`.

    As a recorder does, it first marks the sessions that dead recorders left open: those can be erased from then.

    Args:
        location: an existing journal.
        session: its full public id.
        seqs: which records; those that were erased before are left out of the ledger's new row.
        reason: why; it stands in the ledger forever.

    Raises:
        StoreBusy: a recorder is writing; or the records are erased, and a reader keeps their old bytes in the file.
        RequestError: the session is still open, or a seq is not in it or not a message.
        SessionNotFound: there is no such session.
        StoreNotFound, StoreCorrupt, StoreNewer, StoreOutdated: there is no journal that this program can write.
        StoreWriteFailed: the database refuses.
    """
    async with await JournalReader.open(location) as reader:  # which makes no journal, as opening it for writing would
        await reader.resolve(session)
    try:
        journal = await Journal.open(location)
    except StoreBusy as error:
        raise StoreBusy(error.message, hint=_STOP, **error.data) from error
    async with journal:
        head = await journal.erase(session, seqs, reason)
    return EraseReport(location=str(journal.location), session=session, reason=reason, seqs=seqs.runs, head=head)


async def rebuild(location: str | Path, *, progress: Callable[[str], None] = lambda _: None) -> RebuildReport:
    """Read every session's summary off its records again, and correct the list where it differs.

    Args:
        location: path or URL.
        progress: called with each session's id.

    Raises:
        StoreBusy: a recorder is writing.
        StoreNotFound, StoreCorrupt, StoreNewer, StoreOutdated: there is no journal that this program can write.
        StoreWriteFailed: the database refuses.
    """
    where = Location.parse(location)
    changed = 0
    source, _ = await open_source(where)
    try:
        with _alone(where), writing(where):
            async with connect_writer(where, busy_timeout=WriterSettings().busy_timeout) as connection:
                query = f"SELECT id, public_id, {', '.join(SUMMARY_COLUMNS)} FROM sessions ORDER BY id"  # noqa: S608
                rows = await source.fetch(query)
                for row_id, public_id, *columns in rows:
                    progress(public_id)
                    fresh = await read_summary(source, row_id, public_id)
                    if fresh != tuple(columns):
                        changed += 1
                        async with write_transaction(connection):
                            await ConnectionQueries(connection).execute(UPDATE_SUMMARY, [(*fresh, row_id)])
    finally:
        await source.aclose()
    return RebuildReport(location=str(where), sessions=len(rows), changed=changed)


async def _version(where: Location) -> int:
    """Return the version of a journal's schema, which may be older than the program's."""
    source, version = await open_source(where, older=True)
    await source.aclose()
    return version


@contextmanager
def _alone(where: Location) -> Generator[None]:
    """Hold the writer lock of an SQLite file; a server's database has its own.

    Raises:
        StoreBusy: a recorder is writing.
    """
    lock = None if where.path is None else WriterLock.acquire(where.path, hint=_STOP)
    try:
        yield
    finally:
        if lock is not None:
            lock.release()


def _free_name(path: Path, version: int) -> Path:
    """Name the copy that an upgrade keeps: beside the file, never over another one."""
    number = 0
    while True:
        name = path.with_name(f"{path.name}.schema-{version}{f'-{number}' if number else ''}.bak")
        if not name.exists():
            return name
        number += 1
