"""What ``verify`` found, as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Literal

from ....schemas.refs import to_plain

__all__ = ["Finding", "FindingKind", "VerifyReport"]

FindingKind = Literal["file", "schema", "ledger", "session", "record", "erasure", "summary", "head"]

_SHOWN: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is not as it was written.

    Attributes:
        kind: where it lies. ``file``: the database's pages or indexes. ``schema``: a trigger, table or index.
            ``ledger``: a ledger row. ``session``: a session as a whole. ``record``: one record. ``erasure``: a payload
            that went without the ledger saying so. ``summary``: a summary column, which the records contradict.
            ``head``: the state of the given head is not in the journal.
        message: what is wrong, naming session and seq.
        session: public id.
        seq: of the record.
        ledger: id of the ledger row.
    """

    kind: FindingKind
    message: str
    session: str | None = None
    seq: int | None = None
    ledger: int | None = None


@dataclass(slots=True, kw_only=True)
class VerifyReport:
    """The answer of ``verify``.

    Attributes:
        location: which journal.
        sessions: sessions that were checked.
        open: how many of them are still growing (or wait for the next recorder to mark them).
        records: records that were checked.
        erased: records whose payload was erased with the ledger saying so.
        ledger: ledger rows.
        head: the ledger's head (hex) as it is now; keep it elsewhere to check against it later.
        expected_head: the head that was asked for.
        findings: everything wrong, in the order found.
        notes: what a reader should know, though it is not damage.
    """

    location: str
    sessions: int = 0
    open: int = 0
    records: int = 0
    erased: int = 0
    ledger: int = 0
    head: str = ""
    expected_head: str | None = None
    findings: list[Finding] = field(default_factory=list[Finding])
    notes: list[str] = field(default_factory=list[str])

    @property
    def intact(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    @property
    def first(self) -> Finding | None:
        """The first record that is bad, or else the first finding."""
        records = (finding for finding in self.findings if finding.seq is not None)
        return next(records, self.findings[0] if self.findings else None)

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return {"intact": self.intact, **to_plain(self)}

    def to_text(self) -> str:
        """Return the report for a person."""
        counts = (
            f"{_count(self.sessions, 'session')} ({self.open} open), {_count(self.records, 'record')}"
            f" ({self.erased} erased), {_count(self.ledger, 'ledger row')}"
        )
        if self.intact:
            lines = [f"Intact: {counts}.", f"Head: {self.head}"]
            if self.expected_head is None:
                lines.append(
                    "This finds accidents and partial edits. Keep the head elsewhere and give it as --head later:"
                    " then a journal that was recomputed, cut or put back is found too."
                )
            else:
                lines.append(f"It contains the state with head {self.expected_head}.")
        else:
            first = self.first
            lines = [f"NOT intact: {_count(len(self.findings), 'finding')} in {counts}."]
            if first is not None and first.seq is not None:
                lines.append(f"First bad record: session {first.session}, seq {first.seq}.")
            lines += [f"  {finding.kind}: {finding.message}" for finding in self.findings[:_SHOWN]]
            if len(self.findings) > _SHOWN:
                lines.append(f"  … and {len(self.findings) - _SHOWN} more (--json lists all).")
        return "\n".join(lines + self.notes)


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
