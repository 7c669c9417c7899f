"""Reads a session's rows in pages, bounded in number and bytes."""

from __future__ import annotations

from typing import Any, Final

from .database.queries import Queries

__all__ = ["ALL", "Pager"]

ALL: Final = 1 << 62
"""A seq that no record reaches: where to stop for all of them."""

_ROWS: Final = 500
_BYTES: Final = 4 << 20
"""Stored bytes per page; a single larger record is a page of its own."""


class Pager:
    """Reads pages of ``records``.

    Args:
        queries: where to.
        columns: what to select; ``seq`` comes first.
    """

    def __init__(self, queries: Queries, columns: str) -> None:
        self._queries = queries
        where = "WHERE session = ? AND seq >= ? AND seq < ? ORDER BY seq"
        # Lengths first, so that a page is bounded in bytes without reading what does not fit.
        self._lengths = f"SELECT seq, length(payload) FROM records {where} LIMIT {_ROWS}"  # noqa: S608 - a number
        self._rows = f"SELECT {columns} FROM records {where}"  # noqa: S608 - our own names

    async def page(self, session: int, start: int, stop: int) -> list[tuple[Any, ...]]:
        """Return the next rows with ``start <= seq < stop``, in order; an empty list at the end.

        Args:
            session: ``sessions.id``.
            start: the first seq that is wanted.
            stop: the first that is not.

        Raises:
            StoreError: the database cannot be read.
        """
        lengths = await self._queries.fetch(self._lengths, (session, start, stop))
        if not lengths:
            return []
        return await self._queries.fetch(self._rows, (session, start, _stop(lengths)))


def _stop(lengths: list[tuple[Any, ...]]) -> int:
    """Return the seq before which the page ends, so that it stays within its bytes but has at least one row."""
    total = 0
    for index, (seq, length) in enumerate(lengths):
        total += length or 0
        if index and total > _BYTES:
            return seq
    return lengths[-1][0] + 1
