"""Encodes rows: records with codec, salt, digest and chain, summaries, and ledger rows. No I/O.

Every row of a journal is made here: of what a session's writer appends, of the end that recovery states for a session
whose recorder died, and of erasures.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ....schemas.frame import Frame, Kind, Sender
from ....schemas.summary import Summary
from ..format.chain import (
    SALT_BYTES,
    EnvelopeEncoder,
    LedgerKind,
    ledger_chain,
    payload_digest,
    record_chain,
    session_start,
)
from ..format.codecs import encode_many
from ..summaries import LAST_KINDS, SUMMARY_VERSION, summary_columns

__all__ = ["Appended", "Batch", "EncodingFailed", "LedgerEntry", "SessionState", "clean_type", "ledger_rows"]


@dataclass(slots=True, eq=False)
class SessionState:
    """What the writer carries along a session: where its chain and its summary stand.

    Attributes:
        public_id: the session.
        recorder: who writes it.
        row_id: ``sessions.id``, once the session's row is committed.
        chain: of the last record.
        summary: what its frames say of it.
        summary_version: of a summary that goes on from an older program's.
        columns: the summary columns as last written.
        ended: whether its last record was encoded.
        skipped: the last timed audio frame: the summary was not shown it.
        envelope: encodes its envelopes.
    """

    public_id: str
    recorder: int
    row_id: int | None = None
    chain: bytes = b""
    summary: Summary = field(default_factory=Summary)
    summary_version: int = SUMMARY_VERSION
    columns: tuple[Any, ...] | None = None
    ended: bool = False
    skipped: Appended | None = None
    envelope: EnvelopeEncoder = field(init=False)

    def __post_init__(self) -> None:
        self.chain = self.chain or session_start(self.public_id)
        self.envelope = EnvelopeEncoder(self.public_id)

    def apply(self, item: Appended) -> bool:
        """Show the summary a frame without audio; tell whether more than counts may have changed by it."""
        summary = self.summary
        if (skipped := self.skipped) is not None:
            summary.apply(Frame(*skipped[1:6], b"", b""))
            self.skipped = None
        telling = item[3] != "text" or not summary.settled
        summary.apply(Frame(*item[1:7]))
        return telling


Appended = tuple[SessionState, int, int | None, Kind, Sender, str | None, bytes, tuple[str, ...]]
"""session, seq, offset_ns, kind, sender, type, payload, redacted"""


class LedgerEntry(NamedTuple):
    """A ledger row to be: what happened to a session when it had ``frames`` records and the last one's chain."""

    kind: LedgerKind
    public_id: str
    frames: int
    head: bytes
    detail: str = ""


class EncodingFailed(Exception):
    """A record cannot be encoded. The sessions of its group cannot go on: their chains have moved."""


class Batch:
    """A group of records, encoded once, in whichever thread first needs it.

    It stays as it is when the store refuses it, and is tried again. Each session's state moves on with the encoding, so
    groups are encoded in the order in which they were appended.

    Args:
        items: frames of any number of sessions; each session's in the order of seq.
    """

    def __init__(self, items: Sequence[Appended]) -> None:
        self.items = items
        self.begins = any(item[1] == 0 for item in items)
        """Whether a session begins in it."""
        self.rows: list[tuple[Any, ...]] = []
        """session, seq, offset_ns, kind, sender, type, redacted, payload, codec, salt, digest, chain"""
        self.opened: list[SessionState] = []
        self.ledger: list[LedgerEntry] = []
        """Of sessions that begin or end in it."""
        self.summaries: dict[SessionState, tuple[Any, ...]] = {}
        """Summary columns that have changed."""
        self.bytes = 0
        self.stored_bytes = 0
        self._encoded = False

    def encode(self, entropy: Callable[[int], bytes] = os.urandom) -> None:
        """Encode the records, unless that was done.

        Args:
            entropy: returns random bytes, for the salts.

        Raises:
            EncodingFailed: one cannot be encoded.
        """
        if not self._encoded:
            self._encoded = True
            try:
                _encode(self, entropy)
            except Exception as error:
                raise EncodingFailed(f"a record cannot be encoded ({error!r})") from error

    def rows_to_insert(self, ids: Mapping[SessionState, int]) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of ``records``, encoded; ``ids`` has ``sessions.id`` of those that begin in this batch."""
        self.encode()
        if ids:
            for index, item in enumerate(self.items):
                if item[0] in ids:
                    self.rows[index] = (ids[item[0]], *self.rows[index][1:])
        yield from self.rows


def clean_type(event_type: str | None) -> str | None:
    """Return the type as a text column can hold it: None if it contains NUL or a lone surrogate."""
    if event_type is None or "\x00" in event_type:
        return None
    try:
        event_type.encode()
    except UnicodeEncodeError:
        return None
    return event_type


def ledger_rows(
    entries: Iterable[LedgerEntry], last: int, chain: bytes, now: Callable[[], str]
) -> list[tuple[int, str, LedgerKind, str, int, bytes, str, bytes]]:
    """Encode ledger rows: id, session, kind, at, frames, head, detail, chain.

    Args:
        entries: what they say.
        last: id of the last row so far; 0 for an empty ledger.
        chain: that row's chain.
        now: the wall clock as text.
    """
    rows: list[tuple[int, str, LedgerKind, str, int, bytes, str, bytes]] = []
    for row, (kind, public_id, frames, head, detail) in enumerate(entries, last + 1):
        at = now()
        chain = ledger_chain(chain, row, kind, public_id, at, frames, head, detail)
        rows.append((row, public_id, kind, at, frames, head, detail, chain))
    return rows


def _encode(batch: Batch, entropy: Callable[[int], bytes]) -> None:
    items = batch.items
    stored = encode_many([(item[6], item[5], item[3] != "binary") for item in items])
    salts = entropy(SALT_BYTES * len(items))
    touched: dict[SessionState, None] = {}
    append = batch.rows.append
    size = stored_size = at = 0
    for item, (codec, data, split) in zip(items, stored, strict=True):
        state, seq, offset_ns, kind, sender, event_type, payload, redacted = item
        salt = salts[at : at + SALT_BYTES]
        at += SALT_BYTES
        digest = payload_digest(salt, payload)
        envelope = state.envelope(seq, offset_ns, kind, sender, event_type, redacted)
        state.chain = chain = record_chain(state.chain, envelope, digest)
        paths = json.dumps(redacted) if redacted else None
        append((state.row_id, seq, offset_ns, kind, sender, event_type, paths, data, codec, salt, digest, chain))
        size += len(payload)
        stored_size += len(data)
        if not split:
            if state.apply(item):
                touched[state] = None
            if seq == 0:
                batch.opened.append(state)
                batch.ledger.append(LedgerEntry("opened", state.public_id, 1, chain))
            if kind in LAST_KINDS:
                state.ended = True
                batch.ledger.append(LedgerEntry(LAST_KINDS[kind], state.public_id, seq + 1, chain))
        elif offset_ns is not None:
            # Audio tells the summary nothing but the time; the last one is enough.
            state.skipped = item
    batch.bytes, batch.stored_bytes = size, stored_size
    for state in touched:
        info = state.summary.info(state.public_id)
        columns = summary_columns(info, ended=state.ended, version=state.summary_version)
        if columns != state.columns:
            state.columns = batch.summaries[state] = columns
