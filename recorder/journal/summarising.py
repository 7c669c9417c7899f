"""Reads a session's summary off its records again."""

from __future__ import annotations

from typing import Any, Final

from ...schemas.frame import Frame
from ...schemas.summary import Summary
from .codecs import decode_many
from .encoding import LAST_KINDS
from .paging import Pager
from .projection import summary_columns

__all__ = ["COLUMNS_TO_SUMMARISE", "read_summary"]

COLUMNS_TO_SUMMARISE: Final = "seq, offset_ns, kind, sender, type, payload, codec"
"""What the pager must select."""


async def read_summary(pager: Pager, row_id: int, public_id: str) -> tuple[Any, ...]:
    """Give the values of ``SUMMARY_COLUMNS`` as the records have them now.

    Args:
        pager: selects :data:`COLUMNS_TO_SUMMARISE`.
        row_id: ``sessions.id``.
        public_id: the same session's.

    Raises:
        StoreCorrupt: a record cannot be decoded.
    """
    summary = Summary()
    ended = False
    at = 0
    while rows := await pager.page(row_id, at, 1 << 62):
        at = rows[-1][0] + 1
        decoded = decode_many([(codec, data) for *_, data, codec in rows])
        for (seq, offset_ns, kind, sender, event_type, _, _), parts in zip(rows, decoded, strict=True):
            summary.apply(Frame(seq, offset_ns, kind, sender, event_type, *parts))
            ended = kind in LAST_KINDS
    return summary_columns(summary.info(public_id), ended=ended)
