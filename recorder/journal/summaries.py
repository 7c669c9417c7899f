"""The summary columns of ``sessions``: derived from the records, rebuildable, never hashed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, cast

from ...schemas.frame import Frame
from ...schemas.recording import SessionInfo
from ...schemas.summary import Summary, parse_time
from .database.queries import Queries
from .format.chain import LedgerKind
from .paging import ALL, Pager

__all__ = [
    "LAST_KINDS",
    "READING_COLUMNS",
    "SUMMARY_COLUMNS",
    "SUMMARY_VERSION",
    "UPDATE_SUMMARY",
    "growth",
    "info_from_row",
    "read_summary",
    "summary_columns",
]

LAST_KINDS: Final[dict[str, LedgerKind]] = {"close": "closed", "cutoff": "cutoff"}
"""Kinds of the record that ends a session, and of the ledger row that says so."""

SUMMARY_VERSION: Final = 1
"""Changes when a newer program reads the same records to another dialect or model."""

SUMMARY_COLUMNS: Final[tuple[str, ...]] = (
    "opened_at",
    "status",
    "dialect",
    "target",
    "upstream",
    "model",
    "frames",
    "duration_ns",
    "close_code",
    "labels",
    "links",
    "source",
    "summary_version",
)

READING_COLUMNS: Final = frozenset({"dialect", "model"})
"""Columns that depend on how well the program reads the traffic, not on the records alone."""

UPDATE_SUMMARY: Final = f"UPDATE sessions SET {', '.join(f'{name} = ?' for name in SUMMARY_COLUMNS)} WHERE id = ?"  # noqa: S608
"""Takes the values of :data:`SUMMARY_COLUMNS` and ``sessions.id``."""


def summary_columns(info: SessionInfo, *, ended: bool, version: int = SUMMARY_VERSION) -> tuple[Any, ...]:
    """Return the values of :data:`SUMMARY_COLUMNS`. A growing session's counts are null: the records tell them."""
    return (
        None if info.opened_at is None else info.opened_at.isoformat().replace("+00:00", "Z"),
        info.status,
        info.dialect,
        _text(info.target),
        _text(info.upstream),
        _text(info.model),
        info.frames if ended else None,
        info.duration_ns if ended else None,
        info.close_code,
        _object(info.labels),
        _object(info.links),
        _text(info.source),
        version,
    )


def info_from_row(row: Mapping[str, Any], grown: tuple[int, int | None] | None = None) -> SessionInfo:
    """Read a row of ``sessions``.

    Args:
        row: ``public_id`` and the columns of :data:`SUMMARY_COLUMNS`, by name.
        grown: what :func:`growth` says of a session whose row leaves it out.

    Raises:
        ValueError, TypeError: a column holds what no summary would.
    """
    frames, duration_ns = (row["frames"], row["duration_ns"]) if grown is None else grown
    return SessionInfo(
        id=row["public_id"],
        opened_at=parse_time(row["opened_at"]),
        status=row["status"],
        dialect=row["dialect"],
        target=row["target"],
        upstream=row["upstream"],
        model=row["model"],
        frames=frames or 0,
        duration_ns=duration_ns,
        close_code=row["close_code"],
        labels=_strings(row["labels"]),
        links=_strings(row["links"]),
        source=row["source"],
    )


async def growth(queries: Queries, row_id: int) -> tuple[int, int | None]:
    """Read off the records what the summary of a growing session leaves out: their number, and the last offset."""
    last = await queries.fetch("SELECT max(seq) FROM records WHERE session = ?", (row_id,))
    timed = await queries.fetch(
        "SELECT offset_ns FROM records WHERE session = ? AND offset_ns IS NOT NULL ORDER BY seq DESC LIMIT 1",
        (row_id,),
    )
    frames = 0 if last[0][0] is None else last[0][0] + 1
    return frames, timed[0][0] if timed else None


async def read_summary(queries: Queries, row_id: int, public_id: str) -> tuple[Any, ...]:
    """Return the values of :data:`SUMMARY_COLUMNS` as the records have them now.

    Args:
        queries: where the records are.
        row_id: ``sessions.id``.
        public_id: the same session's.

    Raises:
        StoreCorrupt: a record cannot be decoded.
    """
    # Imported here: listing sessions decodes nothing.
    from .format.codecs import decode_many

    pager = Pager(queries, "seq, offset_ns, kind, sender, type, payload, codec")
    summary = Summary()
    ended = False
    at = 0
    while rows := await pager.page(row_id, at, ALL):
        at = rows[-1][0] + 1
        decoded = decode_many([(codec, data) for *_, data, codec in rows])
        for (seq, offset_ns, kind, sender, event_type, _, _), parts in zip(rows, decoded, strict=True):
            summary.apply(Frame(seq, offset_ns, kind, sender, event_type, *parts))
            ended = kind in LAST_KINDS
    return summary_columns(summary.info(public_id), ended=ended)


def _text(value: str | None) -> str | None:
    """Leave out what a text column cannot hold: NUL and lone surrogates."""
    if value is None or (value.isascii() and "\x00" not in value):
        return value
    return value.encode("utf-8", "replace").decode().replace("\x00", "\ufffd")


def _object(value: Mapping[str, str]) -> str:
    """Return JSON in ASCII, which can hold any string in any text column."""
    return json.dumps(dict(value), sort_keys=True)


def _strings(text: str) -> dict[str, str]:
    value = json.loads(text)
    if not isinstance(value, dict):
        raise TypeError("labels and links are objects")
    return cast("dict[str, str]", value)
