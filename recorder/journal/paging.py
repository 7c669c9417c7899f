"""Reads a session's rows in pages: bounded in number and bytes, each page in a short transaction of its own."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any, Final, cast

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from .database.location import Location
from .database.sqlite import reading

__all__ = ["Pager"]

_ROWS: Final = 500
_BYTES: Final = 4 << 20
"""Stored bytes per page; a single larger record is a page of its own."""


class Pager:
    """Reads pages of ``records``.

    Args:
        source: an engine, or a connection whose transaction the pages belong to.
        location: for messages.
        columns: what to select; ``seq`` comes first.
    """

    def __init__(self, source: AsyncEngine | AsyncConnection, location: Location, columns: str) -> None:
        self._source = source
        self._location = location
        marks = ["?"] * 4 if source.dialect.name == "sqlite" else ["$1", "$2", "$3", "$4"]
        where = f"WHERE session = {marks[0]} AND seq >= {marks[1]} AND seq < {marks[2]} ORDER BY seq"
        # Lengths first, so that a page is bounded in bytes without reading what does not fit.
        self._lengths = f"SELECT seq, length(payload) FROM records {where} LIMIT {marks[3]}"  # noqa: S608 - placeholders
        self._rows = f"SELECT {columns} FROM records {where}"  # noqa: S608 - our own names

    async def page(self, session: int, start: int, stop: int) -> list[tuple[Any, ...]]:
        """Read the next rows with ``start <= seq < stop``, in order; empty where there are none.

        Args:
            session: ``sessions.id``.
            start: the first seq that is wanted.
            stop: the first that is not.

        Raises:
            StoreError: the database cannot be read.
        """
        with reading(self._location):
            async with self._connection() as connection:
                result = await connection.exec_driver_sql(self._lengths, (session, start, stop, _ROWS))
                lengths = cast("list[tuple[int, int | None]]", result.all())
                if not lengths:
                    return []
                result = await connection.exec_driver_sql(self._rows, (session, start, _stop(lengths)))
                return cast("list[tuple[Any, ...]]", result.all())

    def _connection(self) -> AbstractAsyncContextManager[AsyncConnection]:
        return nullcontext(self._source) if isinstance(self._source, AsyncConnection) else self._source.connect()


def _stop(lengths: list[tuple[int, int | None]]) -> int:
    """Give the seq before which the page ends, so that it stays within its bytes but has at least one row."""
    total = 0
    for index, (seq, length) in enumerate(lengths):
        total += length or 0
        if index and total > _BYTES:
            return seq
    return lengths[-1][0] + 1
