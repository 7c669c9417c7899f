"""The end of a session, recorded and told."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from ...schemas.errors import StoreWriteFailed
from ...schemas.frame import Sender
from ...schemas.statements import CloseStatement, OpenStatement
from ..relay.tap import Sink, Traffic

__all__ = ["SessionEnd", "end_session"]

logger = logging.getLogger("earwitness.proxy")

_LOGGED: Final = ("status", "http_status", "code", "by", "duration_s", "frames", "bytes", "head")


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEnd:
    """What a watcher learns once a session has ended and its last record is durable.

    Attributes:
        id: public id.
        head: head of the journal's ledger, to be kept elsewhere; None where the store did not take the end (yet).
        status: ``closed`` after an open session, ``refused`` where none was opened.
        target: request path and query, secrets replaced.
        code: close code; None for a refusal.
        reason: close reason, secrets replaced.
        by: who ended it first.
        http_status: of the handshake.
        duration_s: from open to end, in seconds.
        frames: messages recorded, by sender.
        bytes: their bytes, by sender.
    """

    id: str
    head: str | None
    status: Literal["closed", "refused"]
    target: str
    code: int | None
    reason: str
    by: Sender
    http_status: int
    duration_s: float
    frames: Mapping[str, int]
    bytes: Mapping[str, int]


async def end_session(
    sink: Sink, opened: OpenStatement, http_status: int, close: CloseStatement, offset_ns: int, traffic: Traffic
) -> SessionEnd:
    """Write a session's last record, wait until it is durable, and log the end.

    Args:
        sink: the session's writer.
        opened: statement of its first record.
        http_status: of the handshake; 101 for a session that was open.
        close: statement of the last record.
        offset_ns: when it ended, in nanoseconds since it opened.
        traffic: what was recorded.
    """
    head: str | None = None
    try:
        head = await sink.end(close, offset_ns)
    except StoreWriteFailed as error:
        logger.warning("session_end_not_recorded", extra={"session": sink.id, "store": error.data.get("reason")})
    assert opened.request is not None
    end = SessionEnd(
        id=sink.id,
        head=head,
        status="closed" if http_status == 101 else "refused",
        target=opened.request.target,
        code=close.code,
        reason=close.reason,
        by=close.by,
        http_status=http_status,
        duration_s=offset_ns / 1e9,
        frames=dict(traffic.frames),
        bytes=dict(traffic.bytes),
    )
    logger.info("session_ended", extra={"session": end.id} | {name: getattr(end, name) for name in _LOGGED})
    return end
