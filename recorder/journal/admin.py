"""Looks after a journal: what it is, a copy of it, its schema, its summaries."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from ...schemas.errors import CannotWrite, OutputExists, RequestError, StoreBusy, StoreCorrupt, StoreNewer
from ...schemas.refs import Seqs
from .database.location import Location
from .database.lock import WriterLock
from .database.schema import create_schema, schema_version
from .database.sqlite import connect_writer, fetch, open_reader, reading, write_transaction, writing
from .database.tables import SCHEMA_VERSION, sessions
from .format.chain import LEDGER_START
from .journal import Journal
from .paging import Pager
from .reader import JournalReader
from .summaries import COLUMNS_TO_SUMMARISE, SUMMARY_COLUMNS, read_summary
from .writing.writer_settings import WriterSettings

__all__ = [
    "BackupReport",
    "EraseReport",
    "JournalInfo",
    "RebuildReport",
    "UpgradeReport",
    "backup",
    "erase",
    "info",
    "rebuild",
    "upgrade",
]

_KIB: Final = 1024
_STOP: Final = "Stop the recorder first: nobody else may write meanwhile."


class _Report:
    """A report as JSON values."""

    def to_json(self) -> dict[str, Any]:
        """Give the report as JSON values."""
        return asdict(self)  # type: ignore[call-overload]  # its subclasses are dataclasses


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalInfo(_Report):
    """What a journal is.

    Attributes:
        location: which one.
        database: ``SQLite`` or ``PostgreSQL`` with its version; SQLite's is the version of this program's library.
        schema: version of its schema.
        supported_schema: what this program needs.
        sessions: how many.
        open: how many of them have no end on record.
        records: how many.
        ledger: how many rows.
        head: the ledger's head (hex).
        bytes: size of the file; of the tables, on PostgreSQL.
        wal_bytes: size of SQLite's write-ahead log, which holds what is not yet in the file.
        page_size: of the SQLite file.
    """

    location: str
    database: str
    schema: int
    supported_schema: int
    sessions: int
    open: int
    records: int
    ledger: int
    head: str
    bytes: int
    wal_bytes: int = 0
    page_size: int | None = None

    def to_text(self) -> str:
        """Give the report for a person."""
        upgrade = "" if self.schema == self.supported_schema else f" (this program's is {self.supported_schema})"
        size = f"{self.bytes / _KIB:,.0f} KiB"
        if self.wal_bytes:
            size += f" and {self.wal_bytes / _KIB:,.0f} KiB in the write-ahead log"
        return "\n".join(
            (
                f"Journal:  {self.location}",
                f"Database: {self.database}",
                f"Schema:   {self.schema}{upgrade}",
                f"Sessions: {self.sessions:,}, {self.open} without an end on record",
                f"Records:  {self.records:,}",
                f"Ledger:   {self.ledger:,} rows",
                f"Head:     {self.head}",
                f"Size:     {size}",
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupReport(_Report):
    """A copy that was made."""

    location: str
    target: str
    bytes: int

    def to_text(self) -> str:
        """Give the report for a person."""
        return f"Copied {self.location} to {self.target} ({self.bytes / _KIB:,.0f} KiB)."


@dataclass(frozen=True, slots=True, kw_only=True)
class UpgradeReport(_Report):
    """What an upgrade did. ``copy``: the file as it was before; None where nothing was to be done."""

    location: str
    before: int
    after: int
    copy: str | None = None

    def to_text(self) -> str:
        """Give the report for a person."""
        if self.before == self.after:
            return f"{self.location} has schema version {self.after} already."
        kept = "" if self.copy is None else f" It was copied to {self.copy} before."
        return f"Upgraded {self.location} from schema version {self.before} to {self.after}.{kept}"


@dataclass(frozen=True, slots=True, kw_only=True)
class EraseReport(_Report):
    """What was erased. ``seqs``: runs ``[first, last]``; ``head``: the ledger's head (hex) afterwards."""

    location: str
    session: str
    reason: str
    seqs: list[list[int]]
    head: str

    def to_text(self) -> str:
        """Give the report for a person."""
        runs = ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in self.seqs)
        return (
            f"Erased from session {self.session}: records {runs}.\n"
            f"Head: {self.head}\n"
            "Copies elsewhere (backups, cassettes, transcripts, audio) are as they were."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuildReport(_Report):
    """What a rebuild of the summaries did."""

    location: str
    sessions: int
    changed: int

    def to_text(self) -> str:
        """Give the report for a person."""
        return f"Read {self.location}. Sessions: {self.sessions}; summaries put right: {self.changed}."


async def info(location: str | Path) -> JournalInfo:
    """Tell what a journal is. Also of an older schema.

    Raises:
        StoreNotFound, StoreCorrupt, StoreNewer: there is none that this program can read.
    """
    where = Location.parse(location)
    engine = await open_reader(where)
    try:
        with reading(where):
            async with engine.connect() as connection:
                version = await _readable_version(await schema_version(connection, where), where)

                async def number(query: str) -> int:
                    return int((await fetch(connection, query))[0][0] or 0)

                last = await fetch(connection, "SELECT chain FROM ledger ORDER BY id DESC LIMIT 1")
                ended = "SELECT count(*) FROM ledger WHERE kind IN ('closed', 'cutoff')"
                total = await number("SELECT count(*) FROM sessions")
                facts: dict[str, Any] = {
                    "location": str(where),
                    "schema": version,
                    "supported_schema": SCHEMA_VERSION,
                    "sessions": total,
                    "open": total - await number(ended),
                    "records": await number("SELECT count(*) FROM records"),
                    "ledger": await number("SELECT count(*) FROM ledger"),
                    "head": (last[0][0] if last else LEDGER_START).hex(),
                }
                if where.path is None:
                    server = (await fetch(connection, "SELECT current_setting('server_version')"))[0][0]
                    tables = ("sessions", "records", "ledger")
                    sizes = [await number(f"SELECT pg_total_relation_size('{name}')") for name in tables]
                    return JournalInfo(database=f"PostgreSQL {server}", bytes=sum(sizes), **facts)
                return JournalInfo(
                    database=f"SQLite {sqlite3.sqlite_version}",
                    bytes=where.path.stat().st_size,
                    wal_bytes=_size(where.path.with_name(where.path.name + "-wal")),
                    page_size=await number("PRAGMA page_size"),
                    **facts,
                )
    finally:
        await engine.dispose()


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
        StoreNotFound, StoreCorrupt: there is no journal to copy.
    """
    where = Location.parse(location)
    if where.path is None:
        raise RequestError(f"{where} is not a file", hint="Use pg_dump to copy a PostgreSQL database.")
    path = Path(target)
    if not overwrite and await asyncio.to_thread(path.exists):
        raise OutputExists(f"{path} exists", hint="Name another file.", path=str(path))
    engine = await open_reader(where)
    try:
        with reading(where):
            async with engine.connect() as connection:
                await _readable_version(await schema_version(connection, where), where)
    finally:
        await engine.dispose()
    size = await asyncio.to_thread(_copy, where.path, path)
    return BackupReport(location=str(where), target=str(path), bytes=size)


async def upgrade(location: str | Path) -> UpgradeReport:
    """Bring a journal's schema up to this program's. An SQLite file is copied first.

    Raises:
        StoreBusy: a recorder is writing.
        StoreNotFound, StoreNewer, StoreCorrupt: there is no journal that could be upgraded.
        StoreWriteFailed: the database refuses.
    """
    where = Location.parse(location)
    engine = await open_reader(where)
    try:
        with reading(where):
            async with engine.connect() as connection:
                before = await _readable_version(await schema_version(connection, where), where)
    finally:
        await engine.dispose()
    if before == SCHEMA_VERSION:
        return UpgradeReport(location=str(where), before=before, after=before)
    copy: Path | None = None
    with ExitStack() as stack:
        if where.path is not None:
            stack.callback(WriterLock.acquire(where.path, hint=_STOP).release)
            copy = _free_name(where.path, before)
            await asyncio.to_thread(_copy, where.path, copy)
        with writing(where):
            async with connect_writer(where, busy_timeout=WriterSettings().busy_timeout) as connection:
                await create_schema(connection, where)
    return UpgradeReport(
        location=str(where), before=before, after=SCHEMA_VERSION, copy=None if copy is None else str(copy)
    )


async def erase(location: str | Path, session: str, seqs: Seqs, reason: str) -> EraseReport:
    """Erase messages of an ended session for good, while nobody records: see :meth:`Journal.erase`.

    As a recorder does, it first marks the sessions that dead recorders left open: those can be erased from then.

    Args:
        location: a journal that is there.
        session: its full public id.
        seqs: which records; those that were erased before are left out of the ledger's new row.
        reason: why; it stands in the ledger for ever.

    Raises:
        StoreBusy: a recorder is writing; or the records are erased, and a reader keeps their old bytes in the file.
        RequestError: a seq is not in it, or is a statement of the recorder; or the session goes on.
        SessionNotFound: there is no such session.
        StoreNotFound, StoreNewer, StoreOutdated, StoreCorrupt: there is no journal that could be read.
        StoreWriteFailed: the database refuses.
    """
    async with await JournalReader.open(location) as reader:  # which makes no journal where there is none
        await reader.resolve(session)
    try:
        journal = await Journal.open(location)
    except StoreBusy as error:
        raise StoreBusy(error.message, hint=_STOP, **error.data) from error
    async with journal:
        head = await journal.erase(session, seqs, reason)
    return EraseReport(location=str(journal.location), session=session, reason=reason, seqs=seqs.runs, head=head)


async def rebuild(location: str | Path, *, progress: Callable[[str], None] = lambda _: None) -> RebuildReport:
    """Read every session's summary off its records again, and put it where the list has another.

    Args:
        location: path or URL.
        progress: called with each session's id.

    Raises:
        StoreBusy: a recorder is writing.
        StoreNotFound, StoreNewer, StoreOutdated, StoreCorrupt: there is no journal that could be read.
        StoreWriteFailed: the database refuses.
    """
    where = Location.parse(location)
    changed = total = 0
    with ExitStack() as stack:
        if where.path is not None and where.path.exists():
            stack.callback(WriterLock.acquire(where.path, hint=_STOP).release)
        async with (
            await JournalReader.open(location) as reader,
            connect_writer(where, busy_timeout=WriterSettings().busy_timeout) as connection,
        ):
            names = (sessions.c.id, sessions.c.public_id, *(sessions.c[name] for name in SUMMARY_COLUMNS))
            async with reader.engine.connect() as source:
                rows = [tuple(row) for row in (await source.execute(sessions.select().with_only_columns(*names))).all()]
            pager = Pager(reader.engine, where, COLUMNS_TO_SUMMARISE)
            for row_id, public_id, *columns in rows:
                progress(public_id)
                fresh = await read_summary(pager, row_id, public_id)
                total += 1
                if fresh != tuple(columns):
                    changed += 1
                    with writing(where):
                        async with write_transaction(connection):
                            values = dict(zip(SUMMARY_COLUMNS, fresh, strict=True))
                            await connection.execute(sessions.update().where(sessions.c.id == row_id).values(values))
    return RebuildReport(location=str(where), sessions=total, changed=changed)


async def _readable_version(version: int | None, where: Location) -> int:
    if version is None:
        raise StoreCorrupt(f"{where} is empty", hint="A recording that never began may have left it.")
    if version > SCHEMA_VERSION:
        raise StoreNewer(
            f"{where} has schema version {version}, and this program reads up to {SCHEMA_VERSION}",
            hint="Please update earwitness.",
            version=version,
            supported=SCHEMA_VERSION,
        )
    return version


def _copy(source: Path, target: Path) -> int:
    """Copy a live SQLite database in one step, under a temporary name with mode 0600 until it is whole.

    In several steps every commit of the recorder would begin the copy anew. Gives the copy's size in bytes.
    """
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        os.close(os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        with (
            closing(sqlite3.connect(f"file:{quote(str(source))}?mode=ro", uri=True)) as origin,
            closing(sqlite3.connect(temporary)) as copy,
        ):
            origin.backup(copy)
        descriptor = os.open(temporary, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        size = _size(temporary)
        temporary.replace(target)
    except (OSError, sqlite3.Error) as error:
        raise CannotWrite(
            f"{target} cannot be written ({error})",
            hint="Name a file in a folder that you may write.",
            path=str(target),
        ) from error
    finally:
        for name in (temporary, *(temporary.with_name(temporary.name + end) for end in ("-wal", "-shm", "-journal"))):
            name.unlink(missing_ok=True)
    return size


def _free_name(path: Path, version: int) -> Path:
    """Name the copy that an upgrade keeps: beside the file, never over another one."""
    number = 0
    while True:
        name = path.with_name(f"{path.name}.schema-{version}{f'-{number}' if number else ''}.bak")
        if not name.exists():
            return name
        number += 1


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
