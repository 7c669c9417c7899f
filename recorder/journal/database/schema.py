"""The schema's version: what a database has, what this program needs, how it gets there."""

from __future__ import annotations

from contextlib import AbstractContextManager
from importlib.resources import as_file, files
from pathlib import Path

from sqlalchemy import Connection, inspect
from sqlalchemy.ext.asyncio import AsyncConnection

from ....schemas.errors import StoreCorrupt, StoreNewer, StoreOutdated
from .location import Location
from .postgres import CREATION_LOCK
from .sqlite import write_transaction
from .tables import APPLICATION_ID, SCHEMA_VERSION

__all__ = ["check_version", "create_schema", "refuse_foreign_file", "schema_version"]

_VERSION_TABLE = "alembic_version"

_WRITE_VERSION = 18
_WAL = 2
_APPLICATION_ID = slice(68, 72)


async def schema_version(connection: AsyncConnection, location: Location) -> int | None:
    """Read the schema's version; None for an empty database.

    Raises:
        StoreCorrupt: the database holds something else than a journal.
    """
    try:
        return await connection.run_sync(_read_version, location)
    finally:
        if connection.in_transaction():
            await connection.rollback()


def _read_version(connection: Connection, location: Location) -> int | None:
    names = inspect(connection).get_table_names()
    if _VERSION_TABLE not in names:
        if names:
            raise _not_ours(location)
        return None
    if connection.dialect.name == "sqlite":
        application = connection.exec_driver_sql("PRAGMA application_id").scalar_one()
        if application != APPLICATION_ID:
            raise _not_ours(location)
    rows = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalars().all()
    if len(rows) != 1 or not str(rows[0]).isdecimal():
        raise _not_ours(location)
    return int(rows[0])


def refuse_foreign_file(path: Path, location: Location) -> None:
    """Refuse an SQLite file of somebody else's before it is opened for writing, which would switch it to WAL mode.

    A journal is in WAL mode from its first page on; one that is in another mode was copied, and has our id in its
    header (https://www.sqlite.org/fileformat.html, section 1.3). In WAL mode the id may still be in the log;
    :func:`schema_version` finds out.

    Raises:
        StoreCorrupt: it is no journal.
    """
    with path.open("rb") as file:
        header = file.read(100)
    if header and header[_WRITE_VERSION] != _WAL and int.from_bytes(header[_APPLICATION_ID]) != APPLICATION_ID:
        raise _not_ours(location)


def _not_ours(location: Location) -> StoreCorrupt:
    return StoreCorrupt(
        f"{location} is a database, but not an earwitness journal",
        hint="Check the path given by --db or EARWITNESS_DB.",
        store=str(location),
    )


def check_version(version: int | None, location: Location) -> None:
    """Refuse every version but the program's own.

    Raises:
        StoreNewer: a newer earwitness made it.
        StoreOutdated: it must be upgraded first.
        StoreCorrupt: it is empty.
    """
    if version is None:
        raise StoreCorrupt(
            f"{location} is empty", hint="A recording that never began may have left it.", store=str(location)
        )
    if version > SCHEMA_VERSION:
        raise StoreNewer(
            f"{location} has schema version {version}, and this program reads up to {SCHEMA_VERSION}",
            hint="Please update earwitness.",
            store=str(location),
            version=version,
            supported=SCHEMA_VERSION,
        )
    if version < SCHEMA_VERSION:
        raise StoreOutdated(
            f"{location} has schema version {version}; this program needs {SCHEMA_VERSION}",
            hint="Run `earwitness db upgrade`; it keeps a copy of the file.",
            store=str(location),
            version=version,
            supported=SCHEMA_VERSION,
        )


async def create_schema(connection: AsyncConnection, location: Location) -> None:
    """Bring the database from whatever version it has to the program's, in one transaction.

    Two recorders may find a server's database empty at once; the second finds it made.
    """
    async with write_transaction(connection):
        if connection.dialect.name != "sqlite":
            await connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({CREATION_LOCK:d})")
        if await connection.run_sync(_read_version, location) != SCHEMA_VERSION:
            await connection.run_sync(_migrate)


def _migrate(connection: Connection) -> None:
    # Imported here: only creating and upgrading needs Alembic, and it takes its time.
    from alembic import command
    from alembic.config import Config

    # Alembic takes a path of the file system, not a package.
    with _scripts() as scripts:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", _escaped(scripts))
        config.set_main_option("path_separator", "os")
        command.upgrade(config, f"{SCHEMA_VERSION:04d}")


def _scripts() -> AbstractContextManager[Path]:
    return as_file(files("earwitness.migrations"))


def _escaped(path: Path) -> str:
    return str(path).replace("%", "%%")
