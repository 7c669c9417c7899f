"""What maintenance reports, as data: for a person by ``to_text``, for a program by ``to_json``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from ...schemas.refs import to_plain

__all__ = ["BackupReport", "EraseReport", "JournalInfo", "RebuildReport", "UpgradeReport"]

_KIB: Final = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class _Report:
    """A report on the journal at ``location``."""

    location: str

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return to_plain(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalInfo(_Report):
    """What a journal is.

    Attributes:
        location: which one.
        database: ``SQLite`` or ``PostgreSQL`` with its version; SQLite's is the version of this program's library.
        schema: version of its schema.
        supported_schema: what this program needs.
        sessions: how many.
        open: how many of them have no end on record.
        records: how many.
        ledger: how many rows.
        head: the ledger's head (hex).
        bytes: size of the file; of the tables, on PostgreSQL.
        wal_bytes: size of SQLite's write-ahead log, which holds what is not yet in the file.
        page_size: of the SQLite file.
    """

    database: str
    schema: int
    supported_schema: int
    sessions: int
    open: int
    records: int
    ledger: int
    head: str
    bytes: int
    wal_bytes: int = 0
    page_size: int | None = None

    def to_text(self) -> str:
        """Return the report for a person."""
        upgrade = "" if self.schema == self.supported_schema else f" (this program's is {self.supported_schema})"
        size = f"{self.bytes / _KIB:,.0f} KiB"
        if self.wal_bytes:
            size += f" and {self.wal_bytes / _KIB:,.0f} KiB in the write-ahead log"
        return "\n".join(
            (
                f"Journal:  {self.location}",
                f"Database: {self.database}",
                f"Schema:   {self.schema}{upgrade}",
                f"Sessions: {self.sessions:,}, {self.open} without an end on record",
                f"Records:  {self.records:,}",
                f"Ledger:   {self.ledger:,} rows",
                f"Head:     {self.head}",
                f"Size:     {size}",
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupReport(_Report):
    """A copy that was made."""

    target: str
    bytes: int

    def to_text(self) -> str:
        """Return the report for a person."""
        return f"Copied {self.location} to {self.target} ({self.bytes / _KIB:,.0f} KiB)."


@dataclass(frozen=True, slots=True, kw_only=True)
class UpgradeReport(_Report):
    """What an upgrade did. ``copy``: the file as it was before; None if there was nothing to do."""

    before: int
    after: int
    copy: str | None = None

    def to_text(self) -> str:
        """Return the report for a person."""
        if self.before == self.after:
            return f"{self.location} already has schema version {self.after}."
        kept = "" if self.copy is None else f" The file was copied to {self.copy} first."
        return f"Upgraded {self.location} from schema version {self.before} to {self.after}.{kept}"


@dataclass(frozen=True, slots=True, kw_only=True)
class EraseReport(_Report):
    """What was erased. ``seqs``: runs ``[first, last]``; ``head``: the ledger's head (hex) afterwards."""

    session: str
    reason: str
    seqs: list[list[int]]
    head: str

    def to_text(self) -> str:
        """Return the report for a person."""
        runs = ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in self.seqs)
        return (
            f"Erased from session {self.session}: records {runs}.\n"
            f"Head: {self.head}\n"
            "Copies elsewhere (backups, cassettes, transcripts, audio) are unchanged."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuildReport(_Report):
    """What a rebuild of the summaries did."""

    sessions: int
    changed: int

    def to_text(self) -> str:
        """Return the report for a person."""
        return f"Read {self.location}. Sessions: {self.sessions}; summaries corrected: {self.changed}."
