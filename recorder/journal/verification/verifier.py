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

from ....schemas.errors import RequestError, StoreCorrupt, StoreError
from ..database.queries import Queries
from ..database.source import Source
from ..format.chain import erased_seqs
from ..paging import ALL, Pager
from ..reader import JournalReader
from ..summaries import SUMMARY_COLUMNS
from .ledger import LedgerCheck, SessionLedger
from .protection import check_pages, check_protection
from .records import RECORD_COLUMNS, SessionCheck
from .report import Finding, VerifyReport

__all__ = ["verify"]

_MOST_PER_SESSION: Final = 100
_LEDGER_PAGE: Final = 5000
_HEAD: Final = re.compile(r"[0-9a-f]{64}")
_LEDGER: Final = ("id", "session", "kind", "at", "frames", "head", "detail", "chain")
_SESSIONS: Final[tuple[str, ...]] = ("id", "public_id", "recorder", *SUMMARY_COLUMNS)
_TEXTS: Final = {"session", "kind", "at", "detail", "sender", "type", "redacted"} | {*_SESSIONS} - {"id", "recorder"}
"""Columns of text, or of what SQLite lets a damaged file have in their place."""


@dataclass(slots=True)
class _Snapshot:
    """What the journal held at one moment. ``bounds``: for sessions without an end, the number of records then."""

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
        RequestError: the head is not 64 hexadecimal digits.
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
        source = reader.source
        report = VerifyReport(location=str(source.location), expected_head=head)
        wanted = None if sessions is None else {(await reader.resolve(ref)).id for ref in sessions}
        for check in (check_protection,) if wanted is not None else (check_pages, check_protection):
            try:
                report.findings += await check(source)
            except StoreCorrupt as error:
                # SQLite's own check gives up on some damage. What can be read is compared nevertheless.
                report.findings.append(Finding(kind="file", message=f"SQLite: {error.data['reason']}"))
        try:
            async with source.snapshot() as queries:
                snapshot = await _snapshot(queries, report)
        except StoreError as error:
            report.findings.append(Finding(kind="file", message=error.message))
            return report
        _check_head(report, snapshot.ledger, head)
        for row in snapshot.sessions:
            if wanted is None or row["public_id"] in wanted:
                await _check_session(source, row, snapshot, report)
        if wanted is None:
            report.findings += _check_sessions(snapshot, in_order=source.sqlite)
            try:
                report.findings += await _orphans(source)
            except StoreError as error:
                report.findings.append(Finding(kind="file", message=error.message))
        return report


async def _snapshot(queries: Queries, report: VerifyReport) -> _Snapshot:
    """Read the ledger, the sessions and how far the unfinished ones are, all as of one moment."""
    check = LedgerCheck()
    at = 0
    page = f"SELECT {_raw(queries, _LEDGER)} FROM ledger WHERE id > ? ORDER BY id LIMIT {_LEDGER_PAGE}"  # noqa: S608
    while rows := await queries.fetch(page, (at,)):
        for row in rows:
            report.findings += check.feed((*map(_text, row[:5]), row[5], _text(row[6]), row[7]))
        at = rows[-1][0]
    query = f"SELECT {_raw(queries, _SESSIONS)} FROM sessions ORDER BY id"  # noqa: S608 - our own names
    found = [dict(zip(_SESSIONS, map(_text, row), strict=True)) for row in await queries.fetch(query)]
    bounds: dict[int, int] = {}
    for row in found:
        entry = check.sessions.get(row["public_id"])
        if entry is not None and entry.ending is None:
            ((last,),) = await queries.fetch("SELECT max(seq) FROM records WHERE session = ?", (row["id"],))
            bounds[row["id"]] = 0 if last is None else last + 1
    report.ledger = check.rows
    report.head = check.head.hex()
    return _Snapshot(found, check, bounds)


def _raw(queries: Queries, names: Iterable[str]) -> str:
    """Select text as bytes from a database that does not make sure that it is text."""
    if not queries.sqlite:
        return ", ".join(names)
    return ", ".join(
        f"CASE typeof({name}) WHEN 'text' THEN CAST({name} AS BLOB) ELSE {name} END" if name in _TEXTS else name
        for name in names
    )


def _text(value: Any) -> Any:
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value


def _check_head(report: VerifyReport, ledger: LedgerCheck, head: str | None) -> None:
    if head is not None and bytes.fromhex(head) not in ledger.heads:
        report.findings.append(
            Finding(
                kind="head",
                message=f"the journal does not contain the state with head {head}:"
                " its end was cut, an older copy was put back, or it was rewritten",
            )
        )


async def _check_session(source: Source, row: dict[str, Any], snapshot: _Snapshot, report: VerifyReport) -> None:
    public_id = row["public_id"]
    entry = snapshot.ledger.sessions.get(public_id) or SessionLedger()
    check = SessionCheck(public_id, entry)
    stop = snapshot.bounds.get(row["id"], ALL)
    growing = row["id"] in snapshot.bounds
    findings: list[Finding] = []
    try:
        pager = Pager(source, _raw(source, RECORD_COLUMNS))
        at = 0
        while at < stop and (rows := await pager.page(row["id"], at, stop)):
            findings += check.feed(rows)
            at = rows[-1][0] + 1
        unledgered = check.unledgered and await _still_unledgered(source, public_id, check.unledgered)
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


async def _still_unledgered(source: Source, public_id: str, seqs: list[int]) -> list[int]:
    """Look again for the ledger's erasures: one may have been made since the snapshot."""
    erased: set[int] = set()
    query = "SELECT detail FROM ledger WHERE session = ? AND kind = 'erased'"
    for (detail,) in await source.fetch(query, (public_id,)):
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


async def _orphans(source: Source) -> list[Finding]:
    """Find records of sessions that are not there."""
    query = (
        "SELECT session, min(seq), count(*) FROM records"
        " WHERE session NOT IN (SELECT id FROM sessions) GROUP BY session LIMIT 100"
    )
    return [
        Finding(kind="session", message=f"{count} records belong to session row {row}, which is gone", seq=seq)
        for row, seq, count in await source.fetch(query)
    ]
