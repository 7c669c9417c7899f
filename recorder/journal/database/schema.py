"""The schema's version: what a database has, what this program needs, how it gets there."""

from __future__ import annotations

from contextlib import AbstractContextManager
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ....schemas.errors import StoreCorrupt, StoreNewer, StoreOutdated
from .location import Location
from .queries import ConnectionQueries, Queries

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.ext.asyncio import AsyncConnection

__all__ = [
    "APPLICATION_ID",
    "SCHEMA_VERSION",
    "check_version",
    "create_schema",
    "refuse_foreign_file",
    "schema_version",
]

SCHEMA_VERSION: Final = 1
"""The schema that this program writes. Alembic's revisions are these numbers, four digits long."""

APPLICATION_ID: Final = 0x45415257
"""``EARW`` in the header of an SQLite file (``PRAGMA application_id``): what ``file`` and we know it by."""

_VERSION_TABLE: Final = "alembic_version"
_SQLITE_TABLES: Final = (
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite~_%' ESCAPE '~'"  # its own
)
_SERVER_TABLES: Final = (
    "SELECT relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace"
    " WHERE relkind IN ('r', 'p') AND pg_table_is_visible(pg_class.oid) AND nspname <> 'pg_catalog'"
)
_WRITE_VERSION: Final = 18
_WAL: Final = 2
_APPLICATION_ID: Final = slice(68, 72)


async def schema_version(queries: Queries, location: Location) -> int | None:
    """Read the schema's version; None for an empty database.

    Raises:
        StoreCorrupt: the database is not a journal.
    """
    names = {name for (name,) in await queries.fetch(_SQLITE_TABLES if queries.sqlite else _SERVER_TABLES)}
    if not names:
        return None
    if _VERSION_TABLE not in names:
        raise _not_ours(location)
    if queries.sqlite and await queries.fetch("PRAGMA application_id") != [(APPLICATION_ID,)]:
        raise _not_ours(location)
    rows = await queries.fetch(f"SELECT version_num FROM {_VERSION_TABLE}")  # noqa: S608 - a name of Alembic's
    if len(rows) != 1 or not str(rows[0][0]).isdecimal():
        raise _not_ours(location)
    return int(rows[0][0])


def check_version(version: int | None, location: Location, *, older: bool = False) -> int:
    """Refuse a schema that this program cannot use; return its version.

    Args:
        version: as :func:`schema_version` read it.
        location: for messages.
        older: whether an older one than the program's will do.

    Raises:
        StoreNewer: a newer earwitness made it.
        StoreOutdated: it must be upgraded first.
        StoreCorrupt: the database is empty.
    """
    if version is None:
        raise StoreCorrupt(
            f"{location} is empty", hint="A recording that never began may have left it.", store=str(location)
        )
    facts = {"store": str(location), "version": version, "supported": SCHEMA_VERSION}
    if version > SCHEMA_VERSION:
        raise StoreNewer(
            f"{location} has schema version {version}, and this program reads up to {SCHEMA_VERSION}",
            hint="Please update earwitness.",
            **facts,
        )
    if version < SCHEMA_VERSION and not older:
        raise StoreOutdated(
            f"{location} has schema version {version}; this program needs {SCHEMA_VERSION}",
            hint="Run `earwitness db upgrade`; it keeps a copy of the file.",
            **facts,
        )
    return version


def refuse_foreign_file(path: Path, location: Location) -> None:
    """Refuse another program's SQLite file before it is opened for writing, which would switch it to WAL mode.

    A journal is in WAL mode from its first page on; one that is in another mode was copied, and has our id in its
    header (https://www.sqlite.org/fileformat.html, section 1.3). In WAL mode the id may still be in the log;
    :func:`schema_version` finds out.

    Raises:
        StoreCorrupt: it is not a journal.
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


async def create_schema(connection: AsyncConnection, location: Location) -> None:
    """Bring the database from whatever version it has to the program's, within the caller's transaction.

    Two recorders may find a server's database empty at once; the second finds it made.
    """
    queries = ConnectionQueries(connection)
    if not queries.sqlite:
        from .postgres import CREATION_LOCK

        await queries.fetch("SELECT pg_advisory_xact_lock(?)", (CREATION_LOCK,))
    if await schema_version(queries, location) != SCHEMA_VERSION:
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
