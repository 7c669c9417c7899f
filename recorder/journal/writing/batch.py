"""Turns appended frames into rows: codec, salt, digest, chain, summary. No I/O."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ....schemas.frame import Frame, Kind, Sender
from ....schemas.summary import Summary
from ..format.chain import SALT_BYTES, EnvelopeEncoder, LedgerKind, payload_digest, record_chain, session_start
from ..format.codecs import encode_many
from ..summaries import LAST_KINDS, summary_columns

__all__ = ["Appended", "Batch", "EncodingFailed", "Ending", "SessionState", "clean_type", "redacted_text"]


class SessionState:
    """What the writer carries along a session: where its chain and its summary stand."""

    __slots__ = ("chain", "columns", "ended", "envelope", "public_id", "recorder", "row_id", "skipped", "summary")

    def __init__(self, public_id: str, recorder: int) -> None:
        self.public_id = public_id
        self.recorder = recorder
        self.row_id: int | None = None
        """``sessions.id``, once the session's row is committed."""
        self.chain = session_start(public_id)
        self.envelope = EnvelopeEncoder(public_id)
        self.summary = Summary()
        self.columns: tuple[Any, ...] | None = None
        """The summary columns as last written."""
        self.ended = False
        self.skipped: Appended | None = None
        """The last timed audio frame: the summary was not shown it."""

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


@dataclass(slots=True)
class Ending:
    """A ledger row that a batch brings: a session's first or last record."""

    state: SessionState
    kind: LedgerKind
    frames: int
    head: bytes


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
        self.ledger: list[Ending] = []
        self.summaries: dict[SessionState, tuple[Any, ...]] = {}
        """Summary columns that have changed."""
        self.bytes = 0
        self.stored_bytes = 0
        self._encoded = False

    def encode(self, entropy: Callable[[int], bytes] = os.urandom) -> None:
        """Encode the records, unless that was done.

        Args:
            entropy: gives random bytes, for the salts.

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
        """Encode, and give the rows of ``records``; ``ids`` has the rows of sessions that begin in this batch."""
        self.encode()
        if ids:
            for index, item in enumerate(self.items):
                if item[0] in ids:
                    self.rows[index] = (ids[item[0]], *self.rows[index][1:])
        yield from self.rows


def clean_type(event_type: str | None) -> str | None:
    """Give the type as a text column can hold it: None where it has NUL or a lone surrogate in it."""
    if event_type is None or "\x00" in event_type:
        return None
    try:
        event_type.encode()
    except UnicodeEncodeError:
        return None
    return event_type


def redacted_text(paths: Sequence[str]) -> str | None:
    """Give the column ``redacted``: a JSON array in ASCII, null for none."""
    return json.dumps(list(paths)) if paths else None


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
        paths = redacted_text(redacted) if redacted else None
        append((state.row_id, seq, offset_ns, kind, sender, event_type, paths, data, codec, salt, digest, chain))
        size += len(payload)
        stored_size += len(data)
        if not split:
            if state.apply(item):
                touched[state] = None
            if seq == 0:
                batch.opened.append(state)
                batch.ledger.append(Ending(state, "opened", 1, chain))
            if kind in LAST_KINDS:
                state.ended = True
                batch.ledger.append(Ending(state, LAST_KINDS[kind], seq + 1, chain))
        elif offset_ns is not None:
            # Audio tells the summary nothing but the time; the last one is enough.
            state.skipped = item
    batch.bytes, batch.stored_bytes = size, stored_size
    for state in touched:
        columns = summary_columns(state.summary.info(state.public_id), ended=state.ended)
        if columns != state.columns:
            state.columns = batch.summaries[state] = columns
