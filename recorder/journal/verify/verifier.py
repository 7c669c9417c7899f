"""Verifies a journal: pages, triggers, ledger, every record of every session, summaries.

It reads one short snapshot of the ledger and of what sessions there are, and then the records in pages, so it works
beside a recorder: what is appended after the snapshot is left to the next time. It changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ....schemas.errors import RequestError, StoreCorrupt, StoreError
from ..database.sqlite import fetch, reading
from ..database.tables import sessions as sessions_table
from ..paging import Pager
from ..reader import JournalReader
from .ledger import LedgerCheck, SessionLedger, erased_seqs
from .protection import check_pages, check_protection
from .records import RECORD_COLUMNS, SessionCheck
from .report import Finding, VerifyReport

__all__ = ["verify"]

_MOST_PER_SESSION: Final = 100
_ALL: Final = 1 << 62
_HEAD: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(slots=True)
class _Snapshot:
    """What there was at one moment. ``bounds``: for sessions without an end, the number of records then."""

    sessions: list[dict[str, Any]]
    ledger: LedgerCheck
    bounds: dict[int, int]


async def verify(location: str | Path, sessions: Sequence[str] | None = None, head: str | None = None) -> VerifyReport:
    """Check that a journal is as it was written.

    Args:
        location: path or URL.
        sessions: check the records of these only (public ids or unique prefixes); the ledger is checked whole.
        head: a ledger head (64 hexadecimal digits) from earlier, kept elsewhere: the journal must contain that state.

    Raises:
        RequestError: the head is no head.
        SessionNotFound, AmbiguousSession: no or several sessions have that id.
        StoreError: there is no journal that could be read at all.
    """
    if head is not None:
        head = head.strip().lower()
        if _HEAD.fullmatch(head) is None:
            raise RequestError(
                "a ledger head is 64 hexadecimal digits", hint="`record` prints it at each session's end."
            )
    async with await JournalReader.open(location) as reader:
        report = VerifyReport(location=str(reader.location), expected_head=head)
        wanted = None if sessions is None else {(await reader.resolve(ref)).id for ref in sessions}
        for check in (check_protection,) if wanted is not None else (check_pages, check_protection):
            try:
                with reading(reader.location):
                    async with reader.engine.connect() as connection:
                        report.findings += await check(connection)
            except StoreCorrupt as error:
                # SQLite's own check gives up on some damage. What can be read is compared nevertheless.
                report.findings.append(Finding(kind="file", message=f"SQLite: {error.data['reason']}"))
        try:
            with reading(reader.location):
                snapshot = await _snapshot(reader, report)
        except StoreError as error:
            report.findings.append(Finding(kind="file", message=error.message))
            return report
        _check_head(report, snapshot.ledger, head)
        for row in snapshot.sessions:
            if wanted is None or row["public_id"] in wanted:
                await _check_session(reader, row, snapshot, report)
        if wanted is None:
            report.findings += _check_sessions(snapshot, in_order=reader.engine.dialect.name == "sqlite")
            try:
                report.findings += await _orphans(reader)
            except StoreError as error:
                report.findings.append(Finding(kind="file", message=error.message))
        return report


async def _snapshot(reader: JournalReader, report: VerifyReport) -> _Snapshot:
    """Read the ledger, the sessions and how far the unfinished ones are, all as of one moment."""
    check = LedgerCheck()
    async with reader.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            await connection.exec_driver_sql("BEGIN")
        else:
            await connection.execution_options(isolation_level="REPEATABLE READ")
        columns = _raw(connection, ("id", "session", "kind", "at", "frames", "head", "detail", "chain"))
        at = 0
        while True:
            query = f"SELECT {columns} FROM ledger WHERE id > {at:d} ORDER BY id LIMIT 5000"  # noqa: S608 - our names
            rows = await fetch(connection, query)
            for row in rows:
                report.findings += check.feed((*map(_text, row[:5]), row[5], _text(row[6]), row[7]))
            if not rows:
                break
            at = rows[-1][0]
        names = tuple(column.name for column in sessions_table.columns)
        query = f"SELECT {_raw(connection, names)} FROM sessions ORDER BY id"  # noqa: S608 - our own names
        found = [dict(zip(names, map(_text, row), strict=True)) for row in await fetch(connection, query)]
        bounds: dict[int, int] = {}
        for row in found:
            entry = check.sessions.get(row["public_id"])
            if entry is not None and entry.ending is None:
                query = f"SELECT max(seq) FROM records WHERE session = {row['id']:d}"  # noqa: S608 - an integer
                ((last,),) = await fetch(connection, query)
                bounds[row["id"]] = 0 if last is None else last + 1
        await connection.rollback()
    report.ledger = check.rows
    report.head = check.head.hex()
    return _Snapshot(found, check, bounds)


def _raw(source: AsyncEngine | AsyncConnection, names: Iterable[str]) -> str:
    """Select text as bytes where the database does not make sure that it is text."""
    if source.dialect.name != "sqlite":
        return ", ".join(names)
    return ", ".join(
        f"CASE typeof({name}) WHEN 'text' THEN CAST({name} AS BLOB) ELSE {name} END" if name in _TEXTS else name
        for name in names
    )


_TEXTS: Final = frozenset({"session", "kind", "at", "detail", "sender", "type", "redacted"}) | {
    column.name for column in sessions_table.columns if column.name not in ("id", "recorder")
}


def _text(value: Any) -> Any:
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value


def _check_head(report: VerifyReport, ledger: LedgerCheck, head: str | None) -> None:
    if head is not None and bytes.fromhex(head) not in ledger.heads:
        report.findings.append(
            Finding(
                kind="head",
                message=f"the journal does not contain the state with head {head}:"
                " its end was cut, an older copy was put back, or it was written anew",
            )
        )


async def _check_session(reader: JournalReader, row: dict[str, Any], snapshot: _Snapshot, report: VerifyReport) -> None:
    public_id = row["public_id"]
    entry = snapshot.ledger.sessions.get(public_id) or SessionLedger()
    check = SessionCheck(public_id, entry)
    stop = snapshot.bounds.get(row["id"], _ALL)
    growing = row["id"] in snapshot.bounds
    findings: list[Finding] = []
    try:
        pager = Pager(reader.engine, reader.location, _raw(reader.engine, RECORD_COLUMNS))
        at = 0
        while at < stop and (rows := await pager.page(row["id"], at, stop)):
            findings += check.feed(rows)
            at = rows[-1][0] + 1
        unledgered = check.unledgered and await _still_unledgered(reader, public_id, check.unledgered)
        findings += (
            Finding(
                kind="erasure",
                message=f"session {public_id}: the payload of record {seq} is gone, and the ledger has no erasure",
                session=public_id,
                seq=seq,
            )
            for seq in unledgered
        )
        findings += check.end(row, growing=growing)
    except StoreError as error:
        rest = f"what follows record {check.records - 1}" if check.records else "the record"
        findings.append(
            Finding(
                kind="file",
                message=f"session {public_id}: {rest} cannot be read: {error.message}",
                session=public_id,
                seq=check.records,
            )
        )
    if len(findings) > _MOST_PER_SESSION:
        report.notes.append(f"Session {public_id}: {len(findings) - _MOST_PER_SESSION} further findings are left out.")
    report.findings += sorted(findings[:_MOST_PER_SESSION], key=lambda finding: finding.seq is None)
    report.sessions += 1
    report.open += growing
    report.records += check.records
    report.erased += check.erased - len(check.unledgered)


async def _still_unledgered(reader: JournalReader, public_id: str, seqs: list[int]) -> list[int]:
    """Look again for the ledger's erasures: one may have been made since the snapshot."""
    mark = "?" if reader.engine.dialect.name == "sqlite" else "$1"
    query = f"SELECT detail FROM ledger WHERE session = {mark} AND kind = 'erased'"  # noqa: S608 - a placeholder
    erased: set[int] = set()
    with reading(reader.location):
        async with reader.engine.connect() as connection:
            for (detail,) in await fetch(connection, query, (public_id,)):
                try:
                    erased |= erased_seqs(detail)
                except (ValueError, TypeError, KeyError):
                    continue
    return [seq for seq in seqs if seq not in erased]


def _check_sessions(snapshot: _Snapshot, *, in_order: bool) -> Iterable[Finding]:
    """Compare which sessions there are, and with a single recorder their order, with the ledger."""
    present = [row["public_id"] for row in snapshot.sessions]
    ledger = snapshot.ledger.sessions
    known = set(present)
    for public_id in ledger:
        if public_id not in known:
            yield Finding(kind="session", message=f"session {public_id} is in the ledger, and gone", session=public_id)
    order = {public_id: number for number, public_id in enumerate(ledger)}
    numbers = [order[public_id] for public_id in present if public_id in order]
    if in_order and numbers != sorted(numbers):
        yield Finding(kind="session", message="the sessions are not in the order in which the ledger has them")


async def _orphans(reader: JournalReader) -> list[Finding]:
    """Find records of sessions that are not there."""
    query = (
        "SELECT session, min(seq), count(*) FROM records"
        " WHERE session NOT IN (SELECT id FROM sessions) GROUP BY session LIMIT 100"
    )
    with reading(reader.location):
        async with reader.engine.connect() as connection:
            rows = await fetch(connection, query)
    return [
        Finding(kind="session", message=f"{count} records belong to session row {row}, which is gone", seq=seq)
        for row, seq, count in rows
    ]
