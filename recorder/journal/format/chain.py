"""The hashes that tie records together, as byte strings. ``docs/journal.md`` says what they prove.

All integers are big-endian. ``str16`` and ``str32`` are UTF-8 text (lone surrogates as three bytes each) behind its
length in bytes, as 16 or 32 bits.

::

    digest(record)   = SHA-256(salt ‖ frame bytes)
    start(session)   = SHA-256("earwitness/1 session" ‖ public id)
    chain(record)    = SHA-256("earwitness/1" ‖ chain before ‖ envelope ‖ digest)
    envelope(record) = str16 public id ‖ u64 seq ‖ (u8 0 | u8 1 ‖ i64 offset_ns) ‖ u8 kind ‖ u8 sender
                       ‖ (u8 0 | u8 1 ‖ str32 type) ‖ u32 number of redacted paths ‖ str32 each

    chain(ledger)    = SHA-256("earwitness/1 ledger" ‖ chain before, 32 zero bytes at first ‖ envelope)
    envelope(ledger) = u64 id ‖ u8 kind ‖ str16 public id ‖ str16 at ‖ u64 frames ‖ 32 bytes head ‖ str32 detail

Numbers of kinds and senders: their place in ``KINDS``, ``SENDERS`` and ``LEDGER_KINDS``. ``detail`` is empty but for
an erasure: the JSON object ``{"reason": …, "seqs": [[first, last], …]}``.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from hashlib import sha256
from typing import Final, Literal, get_args

from ....schemas.frame import KINDS, SENDERS, Kind, Sender

__all__ = [
    "LEDGER_KINDS",
    "LEDGER_START",
    "SALT_BYTES",
    "EnvelopeEncoder",
    "LedgerKind",
    "erased_seqs",
    "erasure_detail",
    "ledger_chain",
    "payload_digest",
    "record_chain",
    "session_start",
]

LedgerKind = Literal["opened", "closed", "cutoff", "erased"]
LEDGER_KINDS: Final[tuple[LedgerKind, ...]] = get_args(LedgerKind)

SALT_BYTES: Final = 16
LEDGER_START: Final = bytes(32)

_RECORD_TAG: Final = b"earwitness/1"
_SESSION_TAG: Final = b"earwitness/1 session"
_LEDGER_TAG: Final = b"earwitness/1 ledger"
_KIND: Final[dict[str, int]] = {kind: number for number, kind in enumerate(KINDS)}
_SENDER: Final[dict[str, int]] = {sender: number for number, sender in enumerate(SENDERS)}
_LEDGER_KIND: Final[dict[str, int]] = {kind: number for number, kind in enumerate(LEDGER_KINDS)}
_timed = struct.Struct(">QBq").pack
_untimed = struct.Struct(">QB").pack
_u32 = struct.Struct(">I")


def _str16(text: str) -> bytes:
    data = text.encode()
    return len(data).to_bytes(2, "big") + data


def _str32(text: str) -> bytes:
    # A JSON path may name a key with a lone surrogate in it.
    data = text.encode("utf-8", "surrogatepass")
    return len(data).to_bytes(4, "big") + data


_NO_PATHS: Final = _u32.pack(0)
_NO_TYPE: Final = b"\x00"
_MOST_SUFFIXES: Final = 512
"""A peer may invent types without end."""


class EnvelopeEncoder:
    """Encodes the envelopes of one session's records."""

    __slots__ = ("_prefix", "_suffixes")

    def __init__(self, public_id: str) -> None:
        self._prefix = _str16(public_id)
        self._suffixes: dict[tuple[str, str, str | None], bytes] = {}

    def __call__(
        self,
        seq: int,
        offset_ns: int | None,
        kind: Kind,
        sender: Sender,
        event_type: str | None,
        redacted: Sequence[str] = (),
    ) -> bytes:
        """Encode one envelope.

        Raises:
            KeyError: the format has no such kind or sender.
        """
        suffix = self._suffixes.get((kind, sender, event_type))
        if suffix is None:
            coded = _NO_TYPE if event_type is None else b"\x01" + _str32(event_type)
            suffix = bytes((_KIND[kind], _SENDER[sender])) + coded
            if len(self._suffixes) < _MOST_SUFFIXES:
                self._suffixes[kind, sender, event_type] = suffix
        fixed = _untimed(seq, 0) if offset_ns is None else _timed(seq, 1, offset_ns)
        paths = _NO_PATHS if not redacted else _u32.pack(len(redacted)) + b"".join(map(_str32, redacted))
        return b"".join((self._prefix, fixed, suffix, paths))


def payload_digest(salt: bytes, payload: bytes) -> bytes:
    """Hash the salt and a frame's bytes, so that an erased frame cannot be found by guessing its text."""
    return sha256(salt + payload).digest()


def session_start(public_id: str) -> bytes:
    """Return what the first record of a session is chained to."""
    return sha256(_SESSION_TAG + public_id.encode()).digest()


def record_chain(before: bytes, envelope: bytes, digest: bytes) -> bytes:
    """Chain a record to the one before it."""
    return sha256(b"".join((_RECORD_TAG, before, envelope, digest))).digest()


def ledger_chain(
    before: bytes, row: int, kind: LedgerKind, public_id: str, at: str, frames: int, head: bytes, detail: str
) -> bytes:
    """Chain a ledger row to the one before it."""
    envelope = b"".join(
        (
            struct.pack(">QB", row, _LEDGER_KIND[kind]),
            _str16(public_id),
            _str16(at),
            frames.to_bytes(8, "big"),
            head,
            _str32(detail),
        )
    )
    return sha256(_LEDGER_TAG + before + envelope).digest()


def erasure_detail(reason: str, runs: list[list[int]]) -> str:
    """Return the detail of an ``erased`` row; ``runs`` are the seqs as inclusive ``[first, last]``."""
    return json.dumps({"reason": reason, "seqs": runs})


def erased_seqs(detail: str) -> set[int]:
    """Read which records an ``erased`` row names.

    Raises:
        ValueError, TypeError, KeyError: no erasure has such a detail.
    """
    return {seq for first, last in json.loads(detail)["seqs"] for seq in range(first, last + 1)}
