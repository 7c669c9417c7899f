"""Logs without content: one JSON object a line, or warnings as text for a terminal.

Every message that the recorder logs is the name of something that happened; the facts are fields. What a session
carried is in the journal and nowhere else, so an exception is logged by its type and place, not by its text.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TextIO

import orjson

__all__ = ["FIELDS", "JsonFormatter", "TextFormatter", "log_json", "log_text"]

FIELDS: Final = (
    "session",
    "status",
    "http_status",
    "target",
    "upstream",
    "code",
    "by",
    "duration_s",
    "frames",
    "bytes",
    "head",
    "labels",
    "store",
)
"""What a line may hold beside ``time``, ``level``, ``event`` and ``error``."""


def _facts(record: logging.LogRecord) -> dict[str, Any]:
    """Return what a record says beside its event: known fields, and an exception's type and place."""
    facts = {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
    if record.exc_info is not None and record.exc_info[0] is not None:
        kind, _, trace = record.exc_info
        facts["error"] = kind.__name__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        if trace is not None:
            facts["at"] = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
    return facts


def _json(value: object) -> str:
    return orjson.dumps(value, default=str).decode()


class JsonFormatter(logging.Formatter):
    """Writes a record as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without a line end."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        return _json(line | _facts(record))


class TextFormatter(logging.Formatter):
    """Writes a record as the name of what happened and ``field=value`` pairs."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without a line end."""
        pairs = (f"{name}={_json(value)}" for name, value in _facts(record).items())
        return " ".join(("earwitness:", record.levelname.lower(), record.getMessage(), *pairs))


def log_json(stream: TextIO) -> None:
    """Write what the recorder logs to a stream as JSON lines, and nowhere else."""
    _log(stream, JsonFormatter(), logging.INFO)


def log_text(stream: TextIO) -> None:
    """Write the recorder's warnings to a stream as text, and nowhere else: Python's own way would show exceptions."""
    _log(stream, TextFormatter(), logging.WARNING)


def _log(stream: TextIO, formatter: logging.Formatter, level: int) -> None:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    logger = logging.getLogger("earwitness")
    logger.handlers[:] = [handler]
    logger.setLevel(level)
    logger.propagate = False
