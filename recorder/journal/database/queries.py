"""How the journal asks its database: SQL with ``?`` for values, the same text for SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from sqlalchemy import CursorResult
    from sqlalchemy.ext.asyncio import AsyncConnection

__all__ = ["ConnectionQueries", "Queries"]

Values = Sequence[Any]


class Queries(Protocol):
    """What answers a query: a source that is only read, or the connection that writes."""

    @property
    def sqlite(self) -> bool:
        """Whether the database is an SQLite file."""
        ...

    async def fetch(self, query: str, values: Values = ()) -> list[tuple[Any, ...]]:
        """Return all rows that a query selects.

        Args:
            query: SQL without any question mark but the placeholders.
            values: one for each placeholder.
        """
        ...


class ConnectionQueries:
    """Queries and statements on a connection of SQLAlchemy's, within whatever transaction it is in."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self.sqlite = connection.dialect.name == "sqlite"

    async def execute(self, statement: str, rows: list[tuple[Any, ...]]) -> None:
        """Execute a statement with the values of each row."""
        await self._run(statement, rows)

    async def fetch(self, query: str, values: Values = ()) -> list[tuple[Any, ...]]:
        """Return all rows: see :meth:`Queries.fetch`."""
        return [tuple(row) for row in (await self._run(query, tuple(values) or None)).all()]

    async def _run(self, statement: str, parameters: Any) -> CursorResult[Any]:
        return await self._connection.exec_driver_sql(statement if self.sqlite else _numbered(statement), parameters)


@lru_cache(maxsize=256)
def _numbered(statement: str) -> str:
    """Write the placeholders as PostgreSQL does: ``$1``, ``$2`` and so on."""
    first, *rest = statement.split("?")
    return first + "".join(f"${number}{part}" for number, part in zip(count(1), rest, strict=False))
