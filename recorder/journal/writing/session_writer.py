"""The writer of one session: hands out seqs, and states gaps where the store could not take frames."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ....schemas.errors import StoreWriteFailed
from ....schemas.frame import KINDS, SENDERS, Kind, Sender
from ....schemas.statements import CloseStatement, CutoffStatement, GapStatement, NoteStatement, Statement
from .batch import SessionState, clean_type
from .committer import Committer, Pressure

__all__ = ["SessionWriter"]

_FIRST: Final = -(2**63)
_LAST: Final = 2**63 - 1


@dataclass(slots=True)
class _Gap:
    """Frames that are being counted instead of kept. ``seq`` is reserved for the record that will say so."""

    seq: int
    reason: str
    frames: int = 0
    bytes: int = 0
    from_ns: int | None = None
    to_ns: int | None = None


class SessionWriter:
    """Appends to one session. Made by ``Journal.begin``; used on the event loop's thread only."""

    def __init__(
        self,
        committer: Committer,
        state: SessionState,
        on_pressure: Pressure | None = None,
        on_failure: Callable[[StoreWriteFailed], None] | None = None,
    ) -> None:
        self.id = state.public_id
        """The session's public id."""
        self.ended = False
        """Whether the close record was appended."""
        self._committer = committer
        self._state = state
        self._next_seq = 0
        self._gap: _Gap | None = None
        self._types: dict[str | None, str | None] = {None: None}
        self._on_pressure = on_pressure
        self._on_failure = on_failure
        if on_pressure is not None:
            committer.on_pressure.append(on_pressure)
        if on_failure is not None:
            committer.on_failure.append(on_failure)
        committer.on_recovery.append(self._close_gap)

    def append(
        self,
        kind: Kind,
        sender: Sender,
        payload: bytes,
        offset_ns: int | None,
        *,
        type: str | None = None,  # noqa: A002 - the wire's own word
        redacted: tuple[str, ...] = (),
    ) -> int:
        """Take a record; it is committed with its group.

        Args:
            kind: what it is; ``open`` and ``close`` are appended by ``begin`` and :meth:`end`.
            sender: who sent it.
            payload: the message's bytes, redacted values replaced.
            offset_ns: monotonic nanoseconds since the session opened; None without a clock.
            type: the event's own top-level ``type``.
            redacted: JSON paths of the values that were replaced.

        Returns:
            The record's seq. While frames are lost to a failing store (policy ``pass``): the seq of the ``gap``
            record that will stand for them.

        Raises:
            StoreWriteFailed: the store fails and the policy is ``close``.
            ValueError: the format has no such record.
        """
        committer = self._committer
        if self.ended:
            raise RuntimeError(f"session {self.id} has ended")
        if kind not in KINDS or sender not in SENDERS or not (offset_ns is None or _FIRST <= offset_ns <= _LAST):
            # One record that cannot be encoded would stop the records of all sessions.
            raise ValueError(f"no record can be of kind {kind!r}, from {sender!r}, at {offset_ns!r}")
        if committer.failure is not None and not self._taken_while_failing(kind, len(payload), offset_ns):
            assert self._gap is not None
            return self._gap.seq
        if self._gap is not None:
            self._close_gap()
        if type not in self._types:
            if len(self._types) > 1000:
                self._types = {None: None}
            self._types[type] = clean_type(type)
        seq = self._next_seq
        self._next_seq = seq + 1
        committer.add((self._state, seq, offset_ns, kind, sender, self._types[type], payload, redacted))
        return seq

    def note(self, statement: NoteStatement, offset_ns: int | None) -> int:
        """Append a ``note`` record."""
        return self.append(statement.kind, "recorder", statement.to_payload(), offset_ns)

    async def commit(self) -> None:
        """Wait until everything appended so far is durable.

        Raises:
            StoreWriteFailed: the store does not take it now; it stays in the backlog and is tried again.
        """
        await self._committer.commit()

    async def end(self, statement: CloseStatement | CutoffStatement, offset_ns: int | None) -> str:
        """Append the session's last record and wait until it and its ledger row are durable.

        Args:
            statement: of a ``close`` record; of a ``cutoff`` record only where an importer copies one.
            offset_ns: when it ended.

        Returns:
            The ledger's head (hex) after this session's row.

        Raises:
            StoreWriteFailed: the store does not take it now; it stays in the backlog and is tried again.
        """
        if self.ended:
            raise RuntimeError(f"session {self.id} has ended")
        self._end(statement, offset_ns)
        await self._committer.commit()
        return self._committer.heads.pop(self.id).hex()

    def _taken_while_failing(self, kind: Kind, size: int, offset_ns: int | None) -> bool:
        """Decide on a record that comes while the store fails; where it is not taken, count it.

        A session's first record is always taken: without it nothing could be said of the session, not even a gap.
        """
        committer = self._committer
        failure = committer.failure
        assert failure is not None
        if committer.settings.on_store_failure == "close":
            raise failure.with_traceback(None)
        gap = self._gap
        if gap is None:
            if kind == "open" or committer.has_room(size):
                return True
            gap = self._gap = _Gap(self._next_seq, str(failure.data.get("reason", failure.message)), from_ns=offset_ns)
            self._next_seq += 1
        gap.frames += 1
        gap.bytes += size
        gap.to_ns = offset_ns
        return False

    def _close_gap(self) -> None:
        """State the gap, if there is one, under the seq that was reserved for it."""
        gap, self._gap = self._gap, None
        if gap is None:
            return
        statement = GapStatement(
            frames=gap.frames, bytes=gap.bytes, reason=gap.reason, from_ns=gap.from_ns, to_ns=gap.to_ns
        )
        self._add(statement, gap.seq, gap.to_ns)
        stats = self._committer.stats
        stats.gaps += 1
        stats.gap_frames += gap.frames
        stats.gap_bytes += gap.bytes

    def abandon(self, reason: str) -> None:
        """End a session whose beginning was refused, so that it does not look like one that goes on."""
        self._end(CloseStatement(code=None, reason=reason, by="recorder"), None)

    def _end(self, statement: CloseStatement | CutoffStatement, offset_ns: int | None) -> None:
        self._close_gap()
        self.ended = True
        self.detach()
        self._add(statement, self._next_seq, offset_ns)
        self._next_seq += 1

    def _add(self, statement: Statement, seq: int, offset_ns: int | None) -> None:
        payload = statement.to_payload()
        self._committer.add((self._state, seq, offset_ns, statement.kind, "recorder", None, payload, ()))

    def detach(self) -> None:
        """Stop listening to the committer."""
        committer = self._committer
        committer.on_recovery.remove(self._close_gap)
        if self._on_pressure is not None:
            committer.on_pressure.remove(self._on_pressure)
        if self._on_failure is not None:
            committer.on_failure.remove(self._on_failure)
