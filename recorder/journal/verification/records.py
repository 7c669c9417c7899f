"""Checks the records of one session against their chain, the ledger and the summary. No I/O."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from ....schemas.errors import StoreCorrupt
from ....schemas.frame import Frame
from ....schemas.summary import Summary
from ..format.chain import EnvelopeEncoder, payload_digest, record_chain, session_start
from ..format.codecs import Decoded, decode_many
from ..summaries import LAST_KINDS, READING_COLUMNS, SUMMARY_COLUMNS, SUMMARY_VERSION, summary_columns
from .ledger import SessionLedger
from .report import Finding

__all__ = ["RECORD_COLUMNS", "SessionCheck"]

RECORD_COLUMNS: Final = (
    "seq",
    "position",
    "offset_ns",
    "kind",
    "sender",
    "type",
    "redacted",
    "payload",
    "codec",
    "salt",
    "digest",
    "chain",
)


class SessionCheck:
    """Goes over a session's rows in order.

    Args:
        public_id: which session.
        ledger: what the ledger says of it.
    """

    def __init__(self, public_id: str, ledger: SessionLedger) -> None:
        self.public_id = public_id
        self.records = 0
        self.erased = 0
        self.unledgered: list[int] = []
        """Seqs without a payload that the ledger did not name; it may have grown meanwhile."""
        self._ledger = ledger
        self._envelope = EnvelopeEncoder(public_id)
        self._chain = session_start(public_id)
        self._position = 0
        self._last_kind: str | None = None
        self._damaged = False
        self._summary = Summary()
        self._checkpoints: dict[int, list[tuple[int, bytes]]] = {}
        for point in ledger.checkpoints:
            self._checkpoints.setdefault(point.frames, []).append((point.row, point.head))

    def feed(self, rows: Sequence[tuple[Any, ...]]) -> Iterator[Finding]:
        """Take the next rows, as :data:`RECORD_COLUMNS`; text columns may come as bytes."""
        payloads = self._payloads(rows)
        for row, payload in zip(rows, payloads, strict=True):
            try:
                yield from self._record(row, payload)
            except (ValueError, TypeError, KeyError, OverflowError, struct.error) as error:
                seq = row[0]
                yield self._finding("record", f"record {seq} cannot be read ({error})", seq)
                self._follow(row)

    def end(self, row: Mapping[str, Any], *, growing: bool) -> Iterator[Finding]:
        """Take the row of ``sessions`` after all records.

        Args:
            row: its columns by name.
            growing: whether only the records of an earlier moment were read, of a session that goes on.
        """
        ending = self._ledger.ending
        if not any(point.kind == "opened" for point in self._ledger.checkpoints):
            yield self._finding("session", "is not in the ledger")
        stated = max((point.frames for point in self._ledger.checkpoints), default=0)
        if stated > self.records:
            yield self._finding(
                "record", f"records {self.records} to {stated - 1} are missing: the ledger has {stated}", self.records
            )
        elif ending is not None and ending.frames < self.records:
            yield self._finding(
                "record", f"record {ending.frames} came after the end that the ledger has", ending.frames
            )
        elif ending is not None and LAST_KINDS.get(self._last_kind or "") != ending.kind:
            yield self._finding("session", f"ends with {self._last_kind}, and the ledger says {ending.kind}")
        elif ending is None and self._last_kind in LAST_KINDS and not growing:
            yield self._finding("session", f"ends with {self._last_kind}, and the ledger does not know")
        if not self._damaged:
            yield from self._summary_findings(row, ended=ending is not None)

    def _payloads(self, rows: Sequence[tuple[Any, ...]]) -> list[Decoded | StoreCorrupt | None]:
        """Decode what is there; for what cannot be decoded, the error."""
        out: list[Decoded | StoreCorrupt | None] = [None] * len(rows)
        left = [index for index, row in enumerate(rows) if isinstance(row[7], bytes)]
        while left:
            try:
                decoded = decode_many([(rows[index][8], rows[index][7]) for index in left])
            except StoreCorrupt as error:
                bad = int(str(error.data["index"]))
                out[left[bad]] = error
                del left[bad]
            else:
                for index, part in zip(left, decoded, strict=True):
                    out[index] = part
                break
        return out

    def _record(self, row: tuple[Any, ...], payload: Decoded | StoreCorrupt | None) -> Iterator[Finding]:
        seq, position, offset_ns, kind, sender, event_type, redacted, stored, _codec, salt, digest, chain = row
        kind, sender, event_type, redacted = _text(kind), _text(sender), _text(event_type), _text(redacted)
        if seq != self.records:
            yield self._finding("record", f"record {self.records} is missing", self.records)
        if position <= self._position:
            yield self._finding("record", f"record {seq} is out of order in the journal", seq)
        if (seq == 0) != (kind == "open"):
            yield self._finding("record", f"record {seq} is of kind {kind}", seq)
        paths: tuple[str, ...] = () if redacted is None else tuple(json.loads(redacted))
        if isinstance(payload, StoreCorrupt):
            yield self._finding("record", f"record {seq}: {payload.message}", seq)
        elif payload is None:
            yield from self._erased(seq, stored, salt)
            self._summary.apply(Frame(seq, offset_ns, kind, sender, event_type, None, None, 0, paths))
        else:
            frame = Frame(seq, offset_ns, kind, sender, event_type, *payload, paths)
            data = frame.payload
            assert data is not None
            if salt is None or payload_digest(salt, data) != digest:
                yield self._finding("record", f"record {seq}: the payload is not what was recorded", seq)
            elif seq in self._ledger.erased:
                yield self._finding("erasure", f"record {seq} has a payload that the ledger says was erased", seq)
            self._summary.apply(frame)
        envelope = self._envelope(seq, offset_ns, kind, sender, event_type, paths)
        if record_chain(self._chain, envelope, digest) != chain:
            yield self._finding("record", f"record {seq} was changed, or one before it removed", seq)
        self._follow(row)
        self._last_kind = kind
        for ledger_row, head in self._checkpoints.get(self.records, ()):
            if head != chain:
                yield self._finding("record", f"record {seq} is not what ledger row {ledger_row} has", seq)

    def _erased(self, seq: int, stored: Any, salt: Any) -> Iterator[Finding]:
        if stored is not None or salt is not None:
            yield self._finding("record", f"record {seq}: payload and salt do not go together", seq)
        elif seq not in self._ledger.erased:
            self.unledgered.append(seq)
        self.erased += 1

    def _follow(self, row: tuple[Any, ...]) -> None:
        """Go on from what is stored, so that later damage is found by itself."""
        seq, position, chain = row[0], row[1], row[11]
        self.records = seq + 1 if isinstance(seq, int) else self.records + 1
        self._position = position if isinstance(position, int) else self._position
        self._chain = chain if isinstance(chain, bytes) else b""

    def _summary_findings(self, row: Mapping[str, Any], *, ended: bool) -> Iterator[Finding]:
        expected = dict(
            zip(SUMMARY_COLUMNS, summary_columns(self._summary.info(self.public_id), ended=ended), strict=True)
        )
        older = isinstance(row["summary_version"], int) and row["summary_version"] < SUMMARY_VERSION
        for name, value in expected.items():
            if older and (name in READING_COLUMNS or name == "summary_version"):
                continue
            if row[name] != value:
                yield self._finding("summary", f"{name} is {row[name]!r} in the list, and {value!r} by the records")

    def _finding(self, kind: Any, what: str, seq: int | None = None) -> Finding:
        if kind == "record":
            self._damaged = True
        return Finding(kind=kind, message=f"session {self.public_id}: {what}", session=self.public_id, seq=seq)


def _text(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value
