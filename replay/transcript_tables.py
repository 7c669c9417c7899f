"""Transcripts for other programs: JSON Lines and CSV, one entry for each line of the transcript."""

from __future__ import annotations

import csv
import io
import json
from typing import Any, Final

from .plain import to_plain
from .transcript import Line, Transcript

__all__ = ["COLUMNS", "as_csv", "as_jsonl"]

COLUMNS: Final = (
    "line",
    "speaker",
    "kind",
    "start_s",
    "end_s",
    "text",
    "name",
    "call_id",
    "item_id",
    "response_id",
    "interrupted",
    "heard_ms",
    "total_ms",
    "remark",
    "records",
)
"""The columns of the CSV form. ``start_s`` and ``end_s`` are seconds since the session opened."""

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What makes a spreadsheet compute a cell instead of showing it (OWASP, "CSV Injection")."""


def as_jsonl(transcript: Transcript) -> str:
    """Write a JSON object for each line: its number, the reading, and the fields of :class:`Line`."""
    rows = (
        {"line": number, "reading": transcript.reading, **to_plain(line)}
        for number, line in enumerate(transcript.lines, 1)
    )
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def as_csv(transcript: Transcript) -> str:
    """Write RFC 4180: a header, then a row for each line of the transcript; UTF-8 without a byte order mark.

    A text that a spreadsheet would take for a formula gets an apostrophe before it, which a spreadsheet takes for "this
    is text". Whoever needs the words unchanged takes JSON Lines.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows(_row(number, line) for number, line in enumerate(transcript.lines, 1))
    return text.getvalue()


def _row(number: int, line: Line) -> list[Any]:
    estimate = line.estimate
    return [
        number,
        line.speaker,
        line.kind,
        _seconds(line.start_ns),
        _seconds(line.end_ns),
        _shown(line.text),
        _shown(line.name),
        _shown(line.call_id),
        _shown(line.item_id),
        _shown(line.response_id),
        "yes" if line.interrupted else "no",
        "" if estimate is None else f"{estimate.heard_ms:.3f}",
        "" if estimate is None else f"{estimate.total_ms:.3f}",
        _shown(line.remark),
        # Brackets keep a spreadsheet from reading "5-6" as a date and "107,119" as a number.
        f"[{line.seqs}]",
    ]


def _seconds(ns: int | None) -> str:
    if ns is None:
        return ""
    ms = (ns + 500_000) // 1_000_000
    return f"{ms // 1000}.{ms % 1000:03d}"


def _shown(text: str | None) -> str:
    # A null character ends the text for many readers.
    safe = (text or "").replace("\0", "\ufffd")
    return f"'{safe}" if safe.startswith(_FORMULA) else safe
