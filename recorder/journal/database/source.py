"""Opens a journal for reading, whichever database it is in."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from .location import Location
from .queries import Queries
from .schema import check_version, schema_version
from .sqlite import SQLiteSource

__all__ = ["Source", "open_source"]


class Source(Queries, Protocol):
    """A journal's database opened for reading; each query is a transaction of its own."""

    @property
    def location(self) -> Location:
        """Which journal."""
        ...

    def snapshot(self) -> AbstractAsyncContextManager[Queries]:
        """Run queries that all see the journal as of one moment."""
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...


async def open_source(location: Location, *, older: bool = False) -> tuple[Source, int]:
    """Open a journal read-only, and read the version of its schema.

    Args:
        location: where it is.
        older: whether an older schema than this program's will do.

    Raises:
        StoreNotFound: there is no such file.
        StoreNewer, StoreOutdated: the schema is not one that the caller can read.
        StoreCorrupt: it is not a journal.
        StoreError: the database cannot be read.
    """
    source = await _connect(location)
    try:
        return source, check_version(await schema_version(source, location), location, older=older)
    except BaseException:
        await source.aclose()
        raise


async def _connect(location: Location) -> Source:
    if location.url is None:
        return await SQLiteSource.open(location)
    # Imported here: a file is read without SQLAlchemy and asyncpg, which take their time to load.
    from .postgres import ServerSource

    return ServerSource(location, location.url)
