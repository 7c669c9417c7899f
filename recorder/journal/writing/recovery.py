"""Marks the sessions of recorders that died: a ``cutoff`` record, and the ledger row that says so.

Only a recorder does this, holding the writer lock; readers never change anything. A session is dead when no recorder
can still be writing it: in an SQLite file all of them, because there is one lock; in PostgreSQL those whose recorder's
advisory lock is free.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ....schemas.statements import CutoffStatement
from ..database.sqlite import write_transaction, writing
from ..database.tables import ledger, records, sessions
from ..format.chain import SALT_BYTES, EnvelopeEncoder, payload_digest, record_chain
from ..format.codecs import encode_many
from ..summaries import SUMMARY_COLUMNS, info_from_row, summary_columns
from .store import LedgerEntry, Store

__all__ = ["recover"]


async def recover(store: Store, entropy: Callable[[int], bytes], found_at: str) -> list[str]:
    """Mark every session whose recorder is dead.

    Args:
        store: the writing side of the database.
        entropy: gives random bytes.
        found_at: wall clock, for the record.

    Returns:
        The public ids of the sessions that were marked, oldest first.
    """
    connection = store.connection
    ended = exists().where(ledger.c.session == sessions.c.public_id, ledger.c.kind.in_(("closed", "cutoff")))
    with writing(store.location):
        unfinished = (await connection.execute(select(sessions).where(~ended).order_by(sessions.c.id))).mappings().all()
        if connection.dialect.name != "sqlite":
            await connection.rollback()
        marked: list[str] = []
        for session in unfinished:
            if await _dead(connection, session["recorder"]):
                async with write_transaction(connection):
                    head = await _mark(store, dict(session), entropy(SALT_BYTES), found_at)
                store.head = head
                marked.append(session["public_id"])
    return marked


async def _dead(connection: AsyncConnection, recorder: int) -> bool:
    if connection.dialect.name == "sqlite":
        return True
    try:
        free = (await connection.exec_driver_sql("SELECT pg_try_advisory_lock($1)", (recorder,))).scalar_one()
        if free:
            await connection.exec_driver_sql("SELECT pg_advisory_unlock($1)", (recorder,))
        return bool(free)
    finally:
        await connection.rollback()


async def _mark(store: Store, session: dict[str, Any], salt: bytes, found_at: str) -> bytes:
    """Append the record, the ledger row and the new summary within the caller's transaction."""
    connection = store.connection
    of_session = records.c.session == session["id"]
    last = (
        await connection.execute(
            select(records.c.seq, records.c.chain).where(of_session).order_by(records.c.seq.desc()).limit(1)
        )
    ).one()
    duration = (
        await connection.execute(
            select(records.c.offset_ns)
            .where(of_session, records.c.offset_ns.is_not(None))
            .order_by(records.c.seq.desc())
            .limit(1)
        )
    ).scalar_one_or_none()
    seq = last.seq + 1
    public_id = session["public_id"]
    statement = CutoffStatement(reason="the recorder ended without closing the session", found_at=found_at)
    payload = statement.to_payload()
    ((codec, data, _),) = encode_many([(payload, None, True)])
    digest = payload_digest(salt, payload)
    envelope = EnvelopeEncoder(public_id)(seq, None, "cutoff", "recorder", None)
    chain = record_chain(last.chain, envelope, digest)
    await connection.execute(
        records.insert().values(
            session=session["id"],
            seq=seq,
            kind="cutoff",
            sender="recorder",
            payload=data,
            codec=codec,
            salt=salt,
            digest=digest,
            chain=chain,
        )
    )
    info = info_from_row(session)
    info = replace(
        info,
        status=info.status if info.status == "refused" else "cut off",
        frames=seq + 1,
        duration_ns=duration,
    )
    columns = dict(zip(SUMMARY_COLUMNS, summary_columns(info, ended=True), strict=True))
    columns["summary_version"] = session["summary_version"]
    await connection.execute(sessions.update().where(sessions.c.id == session["id"]).values(columns))
    return await store.append_ledger([LedgerEntry("cutoff", public_id, seq + 1, chain)])
