"""Marks the sessions of recorders that died: a ``cutoff`` record, and the ledger row that says so.

Only a recorder does this, holding the writer lock; readers never change anything. A session is dead when no recorder
can still be writing it: in an SQLite file all of them, because there is one lock; in PostgreSQL those whose recorder's
advisory lock is free.
"""

from __future__ import annotations

from typing import Final

from ....schemas.statements import CutoffStatement
from ....schemas.summary import Summary
from ..database.failures import writing
from ..database.postgres import is_dead
from ..summaries import SUMMARY_COLUMNS, growth, info_from_row
from .batch import Appended, Batch, SessionState
from .store import Store

__all__ = ["recover"]

_COLUMNS: Final[tuple[str, ...]] = ("id", "recorder", "public_id", *SUMMARY_COLUMNS)
_UNFINISHED: Final = (
    f"SELECT {', '.join(_COLUMNS)} FROM sessions WHERE NOT EXISTS (SELECT 1 FROM ledger"  # noqa: S608 - our own names
    " WHERE ledger.session = sessions.public_id AND ledger.kind IN ('closed', 'cutoff')) ORDER BY id"
)


async def recover(store: Store, found_at: str) -> list[str]:
    """Mark every session whose recorder is dead, all in one transaction.

    Args:
        store: the writing side of the database.
        found_at: wall clock, for the records.

    Returns:
        The public ids of the sessions that were marked, oldest first.
    """
    statement = CutoffStatement(reason="the recorder ended without closing the session", found_at=found_at)
    payload = statement.to_payload()
    cutoffs: list[Appended] = []
    with writing(store.location):
        try:
            await store.lock_ledger()
            for values in await store.queries.fetch(_UNFINISHED):
                row = dict(zip(_COLUMNS, values, strict=True))
                if await is_dead(store.queries, row["recorder"]):
                    info = info_from_row(row, await growth(store.queries, row["id"]))
                    *_, chain = await store.last_record(row["id"])
                    summary, version = Summary(info), row["summary_version"]
                    state = SessionState(info.id, row["recorder"], row["id"], chain, summary, version)
                    cutoffs.append((state, info.frames, None, "cutoff", "recorder", None, payload, ()))
            if cutoffs:
                await store.write(Batch(cutoffs))
        finally:
            await store.connection.rollback()
    return [item[0].public_id for item in cutoffs]
