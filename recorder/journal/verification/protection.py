"""Checks what keeps the tables append-only, and the database's own structure."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Final

from ..database.queries import Queries
from ..database.triggers import POSTGRESQL_FUNCTIONS, POSTGRESQL_TRIGGERS, SQLITE_TRIGGERS
from .report import Finding

__all__ = ["SQLITE_TABLES_DIGEST", "check_pages", "check_protection", "tables_digest"]

SQLITE_TABLES_DIGEST: Final = "14d026625dcd77f9315ba22af33ed3379e6703a87f52948af05104fb3d6aab68"
"""SHA-256 of the SQL of our tables and indexes in an SQLite file of this schema version (:func:`tables_digest`)."""

_OURS: Final = frozenset({"sessions", "records", "ledger", "ledger_session"})
_MOST_LINES: Final = 20


def tables_digest(rows: list[tuple[str, str]]) -> str:
    """Hash names and SQL of the tables and indexes that are ours, in the order of their names."""
    text = "\n".join(f"{name}\n{sql}" for name, sql in sorted(rows) if name in _OURS)
    return sha256(text.encode()).hexdigest()


async def check_protection(queries: Queries) -> list[Finding]:
    """Compare triggers (and SQLite's tables and indexes) with the expected text."""
    if queries.sqlite:
        rows = await queries.fetch("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL")
        findings = list(_compare(SQLITE_TRIGGERS, {name: sql for kind, name, sql in rows if kind == "trigger"}))
        if tables_digest([(name, sql) for kind, name, sql in rows if kind != "trigger"]) != SQLITE_TABLES_DIGEST:
            findings.append(Finding(kind="schema", message="the tables or indexes are not as they were created"))
        return findings
    ((schema,),) = await queries.fetch("SELECT current_schema()")
    rows = await queries.fetch(
        "SELECT tgname, pg_get_triggerdef(pg_trigger.oid), tgenabled FROM pg_trigger"
        " JOIN pg_class ON pg_class.oid = tgrelid WHERE NOT tgisinternal"
        " AND relname IN ('sessions', 'records', 'ledger') AND relnamespace = current_schema()::regnamespace",
    )
    triggers = {str(name): str(sql) for name, sql, enabled in rows if enabled in ("O", b"O")}
    expected = {name: sql.format(schema=schema) for name, sql in POSTGRESQL_TRIGGERS.items()}
    rows = await queries.fetch(
        "SELECT proname, prosrc FROM pg_proc"
        " WHERE proname LIKE 'earwitness_%' AND pronamespace = current_schema()::regnamespace",
    )
    functions = {str(name): str(source) for name, source in rows}
    return [*_compare(expected, triggers), *_compare(POSTGRESQL_FUNCTIONS, functions)]


def _compare(expected: dict[str, str], found: dict[str, str]) -> Iterator[Finding]:
    for name, sql in expected.items():
        if name not in found:
            yield Finding(kind="schema", message=f"trigger {name} is missing")
        elif found[name] != sql:
            yield Finding(kind="schema", message=f"trigger {name} was changed")
    for name in found:
        if name not in expected:
            yield Finding(kind="schema", message=f"trigger {name} is not one of earwitness's")


async def check_pages(queries: Queries) -> list[Finding]:
    """Let SQLite check its pages, indexes and types; a server does so itself."""
    if not queries.sqlite:
        return []
    lines = await queries.fetch(f"PRAGMA integrity_check({_MOST_LINES:d})")
    return [Finding(kind="file", message=str(line)) for (line,) in lines if line != "ok"]
