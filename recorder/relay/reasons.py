"""What each side hears when a session ends: close codes (RFC 6455 section 7.4.1) and reasons. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from websockets.exceptions import PayloadTooBig, ProtocolError

from ...schemas.errors import StoreWriteFailed
from .closing import OTHER_SIDE, Cause, Close, Event, Side

__all__ = ["CODES", "CODE_FOR_OTHER", "drain", "idle_timeout", "peer_closed", "store_failure", "violation"]

CODES: Final[Mapping[Event, int]] = {
    Event.PROTOCOL_ERROR: 1002,
    Event.MESSAGE_TOO_BIG: 1009,
    Event.INVALID_DATA: 1007,
    Event.INTERNAL_ERROR: 1011,
    Event.IDLE_TIMEOUT: 1001,
    Event.DRAIN: 1001,
    Event.STORE_FAILURE: 1011,
}
"""The close code of what does not come from a peer's close frame (RFC 6455 section 7.4.1)."""

CODE_FOR_OTHER: Final[Mapping[Side, int]] = {"client": 1011, "server": 1001}
"""The close code for the side that did nothing wrong: the client's server has failed, the server's client goes away."""

_REASON_BYTES: Final = 123
"""What a close frame holds beside its code (RFC 6455 section 5.5)."""


def peer_closed(code: int, reason: str) -> Cause:
    """Return the cause for a peer's close frame; the other peer is sent the same."""
    return Cause(Event.CLOSE, Close(code, reason))


def violation(error: Exception, side: Side) -> Cause:
    """Return the cause for a peer that broke the protocol or the size limit, by what ``websockets`` raised."""
    if isinstance(error, PayloadTooBig):
        event, reason = Event.MESSAGE_TOO_BIG, "message larger than the proxy's limit"
    elif isinstance(error, UnicodeDecodeError):
        event, reason = Event.INVALID_DATA, "close reason is not UTF-8"
    elif isinstance(error, ProtocolError):
        event, reason = Event.PROTOCOL_ERROR, str(error)
    else:
        event, reason = Event.INTERNAL_ERROR, "the proxy failed to read a frame"
    code = CODES[event]
    told = f"earwitness: the {side} was closed with {code}: {reason}"
    return Cause(event, _close(code, reason), _close(CODE_FOR_OTHER[OTHER_SIDE[side]], told))


def idle_timeout(seconds: float) -> Cause:
    """Return the cause for a session in which no frame has crossed for that long."""
    return _decision(Event.IDLE_TIMEOUT, f"no message for {seconds:g} s")


def drain() -> Cause:
    """Return the cause for a session that is still open when the proxy must stop."""
    return _decision(Event.DRAIN, "the proxy is shutting down")


def store_failure(error: StoreWriteFailed) -> Cause:
    """Return the cause for a session that can no longer be recorded.

    The peers are told the store's own words (``database or disk is full``), not where on the machine it is.
    """
    reason = error.data.get("reason", "the store takes nothing")
    return _decision(Event.STORE_FAILURE, f"the recording failed: {reason}")


def _decision(event: Event, reason: str) -> Cause:
    return Cause(event, _close(CODES[event], f"earwitness: {reason}"))


def _close(code: int, reason: str) -> Close:
    return Close(code, reason.encode()[:_REASON_BYTES].decode(errors="ignore"))
