"""Structured logs: one JSON object a line, without content.

Every message that the recorder logs is the name of something that happened; the facts are fields. What a session
carried is in the journal and nowhere else, so an exception is logged by its type and place, not by its text.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TextIO

import orjson

__all__ = ["FIELDS", "JsonFormatter", "log_json"]

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


class JsonFormatter(logging.Formatter):
    """Writes a record as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        """Give the line, without a line end."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        line.update((name, getattr(record, name)) for name in FIELDS if hasattr(record, name))
        if record.exc_info is not None and record.exc_info[0] is not None:
            kind, _, trace = record.exc_info
            line["error"] = kind.__name__
            while trace is not None and trace.tb_next is not None:
                trace = trace.tb_next
            if trace is not None:
                line["at"] = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
        return orjson.dumps(line, default=str).decode()


def log_json(stream: TextIO) -> None:
    """Write what the recorder logs to a stream as JSON lines, and nowhere else."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    logger = logging.getLogger("earwitness")
    logger.handlers[:] = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False
