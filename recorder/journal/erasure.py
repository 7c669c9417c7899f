"""Erasure: which records of a session may lose their payloads, and how these leave the file."""

from __future__ import annotations

from collections.abc import Iterable

from ...schemas.errors import RequestError, SessionNotFound, StoreBusy
from ...schemas.refs import Seqs
from .database.failures import writing
from .database.queries import Queries
from .database.writer import write_transaction
from .format.chain import erasure_detail
from .summaries import LAST_KINDS, UPDATE_SUMMARY, read_summary
from .writing.batch import LedgerEntry
from .writing.store import Store

__all__ = ["erase_payloads"]

_ERASE = "UPDATE records SET payload = NULL, salt = NULL WHERE session = ? AND seq = ?"
_AT_ONCE = 500


async def erase_payloads(store: Store, public_id: str, seqs: Iterable[int], reason: str) -> None:
    """Erase payloads: see :meth:`Journal.erase`. Everything that was appended to the store must be committed.

    Raises:
        SessionNotFound, RequestError, StoreBusy, StoreWriteFailed: as there.
    """
    wanted = sorted(set(seqs))
    store.check_file()
    with writing(store.location):
        async with store.lock, write_transaction(store.connection):
            row_id = await store.session_id(public_id)
            if row_id is None:
                raise SessionNotFound(f"{store.location} has no session {public_id}", session=public_id)
            found = await _kinds(store.queries, row_id, wanted)
            last, last_kind, chain = await store.last_record(row_id)
            _refuse(public_id, wanted, found, ended=last_kind in LAST_KINDS)
            fresh = [seq for seq in wanted if found[seq][1]]
            head = store.head
            if fresh:
                await store.queries.execute(_ERASE, [(row_id, seq) for seq in fresh])
                detail = erasure_detail(reason, Seqs.union(fresh).runs)
                (head,) = await store.append_ledger([LedgerEntry("erased", public_id, last + 1, chain, detail)])
                # The list may have had its model or dialect from an event that is gone now.
                columns = await read_summary(store.queries, row_id, public_id)
                await store.queries.execute(UPDATE_SUMMARY, [(*columns, row_id)])
        store.head = head
        if wanted and store.queries.sqlite:
            await _empty_log(store, public_id, wanted)


def _refuse(public_id: str, wanted: list[int], found: dict[int, tuple[str, bool]], *, ended: bool) -> None:
    """Refuse what cannot be erased.

    Raises:
        RequestError: as :func:`erase_payloads`.
    """
    stated = [seq for seq, (kind, _) in found.items() if kind not in ("text", "binary")]
    if stated:
        raise RequestError(
            f"session {public_id}: record {stated[0]} is the recorder's own statement",
            hint="Only what crossed the wire can be erased.",
            session=public_id,
            seqs=stated,
        )
    missing = [seq for seq in wanted if seq not in found]
    if missing:
        raise RequestError(f"session {public_id} has no record {missing[0]}", session=public_id, seqs=missing)
    if not ended:
        raise RequestError(
            f"session {public_id} is still open", hint="Erase from it once it has ended.", session=public_id
        )


async def _kinds(queries: Queries, row_id: int, seqs: list[int]) -> dict[int, tuple[str, bool]]:
    """Return for each seq that exists its kind, and whether its payload is still there."""
    found: dict[int, tuple[str, bool]] = {}
    for first in range(0, len(seqs), _AT_ONCE):
        some = seqs[first : first + _AT_ONCE]
        marks = ", ".join("?" * len(some))
        query = f"SELECT seq, kind, payload IS NOT NULL FROM records WHERE session = ? AND seq IN ({marks})"  # noqa: S608
        found.update((seq, (kind, bool(there))) for seq, kind, there in await queries.fetch(query, (row_id, *some)))
    return found


async def _empty_log(store: Store, public_id: str, wanted: list[int]) -> None:
    """Take the bytes out of the write-ahead log too: copy it back into the file and cut it."""
    async with store.lock:
        ((busy, *_),) = await store.queries.fetch("PRAGMA wal_checkpoint(TRUNCATE)")
    if busy:
        raise StoreBusy(
            f"the records are erased, but a reader keeps their old bytes in {store.location}",
            hint=f"Let it end, then erase record {wanted[0]} again: that takes all of them out.",
            session=public_id,
            seqs=wanted,
        )
