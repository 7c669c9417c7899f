"""Checks the ledger: one chain over every session that ever began, ended or lost a payload. No I/O."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..format.chain import LEDGER_KINDS, LEDGER_START, erased_seqs, ledger_chain
from .report import Finding

__all__ = ["Checkpoint", "LedgerCheck", "SessionLedger"]


class Checkpoint(NamedTuple):
    """What the ledger says of a session: after ``frames`` records its chain's head was ``head``."""

    row: int
    kind: str
    frames: int
    head: bytes


@dataclass(slots=True)
class SessionLedger:
    """All that the ledger says of one session."""

    checkpoints: list[Checkpoint] = field(default_factory=list[Checkpoint])
    erased: set[int] = field(default_factory=set[int])

    @property
    def ending(self) -> Checkpoint | None:
        """The row that says how it ended; None while it is open."""
        return next((point for point in self.checkpoints if point.kind in ("closed", "cutoff")), None)


class LedgerCheck:
    """Goes over the ledger's rows in order.

    Attributes:
        sessions: what it says of each session, by public id, in the order in which they were opened.
        heads: every state that the ledger went through, as far as the chain holds.
        head: the last of them.
        rows: how many rows there are.
    """

    def __init__(self) -> None:
        self.sessions: dict[str, SessionLedger] = {}
        self.heads: set[bytes] = set()
        self.head = LEDGER_START
        self.rows = 0

    def feed(self, row: tuple[Any, ...]) -> Iterator[Finding]:
        """Take the next row: id, session, kind, at, frames, head, detail, chain."""
        number, session, kind, at, frames, head, detail, chain = row
        self.rows += 1
        if number != self.rows:
            missing = (
                f"row {self.rows} is missing" if isinstance(number, int) and number > self.rows else "out of order"
            )
            yield Finding(kind="ledger", message=f"ledger: {missing}", ledger=self.rows)
            self.rows = number if isinstance(number, int) else self.rows
        try:
            expected = ledger_chain(self.head, number, kind, session, at, frames, head, detail)
        except (KeyError, ValueError, TypeError, OverflowError, AttributeError) as error:
            yield Finding(kind="ledger", message=f"ledger row {number} cannot be read ({error})", ledger=number)
            expected = None
        if expected != chain:
            if expected is not None:
                yield Finding(
                    kind="ledger", message=f"ledger row {number} was changed, or one before it removed", ledger=number
                )
        else:
            self.heads.add(chain)
        # Going on from what is stored finds later damage by itself.
        self.head = chain if isinstance(chain, bytes) else LEDGER_START
        if isinstance(session, str) and kind in LEDGER_KINDS and isinstance(frames, int):
            yield from self._of_session(number, session, kind, frames, head, detail)

    def _of_session(
        self, number: int, session: str, kind: str, frames: int, head: bytes, detail: str
    ) -> Iterator[Finding]:
        known = self.sessions.get(session)

        def wrong(what: str) -> Finding:
            return Finding(
                kind="ledger", message=f"ledger row {number}: session {session} {what}", session=session, ledger=number
            )

        if kind == "opened":
            if known is not None:
                yield wrong("is opened twice")
        elif known is None:
            yield wrong("was never opened")
        elif kind in ("closed", "cutoff") and known.ending is not None:
            yield wrong("ends twice")
        entry = self.sessions.setdefault(session, SessionLedger())
        entry.checkpoints.append(Checkpoint(number, kind, frames, head))
        if kind == "erased":
            try:
                entry.erased |= erased_seqs(detail)
            except (ValueError, TypeError, KeyError):
                yield wrong("has an erasure that cannot be read")
