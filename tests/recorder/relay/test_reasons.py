"""What each side is told when the recorder ends a session."""

from __future__ import annotations

import pytest
from earwitness.recorder.relay.closing import Cause, Side
from earwitness.recorder.relay.reasons import drain, idle_timeout, peer_closed, store_failure, violation
from earwitness.schemas.errors import StoreWriteFailed
from websockets.exceptions import PayloadTooBig, ProtocolError

VIOLATIONS = [
    (PayloadTooBig(10, 5), "client", 1009, 1001),
    (PayloadTooBig(10, 5), "server", 1009, 1011),
    (ProtocolError("reserved bits must be 0"), "client", 1002, 1001),
    (UnicodeDecodeError("utf-8", b"x", 0, 1, "invalid"), "client", 1007, 1001),
    (RuntimeError("secret detail"), "server", 1011, 1011),
]


@pytest.mark.parametrize(("error", "side", "code", "other"), VIOLATIONS)
def test_how_a_violation_ends_a_session(error: Exception, side: Side, code: int, other: int) -> None:
    cause = violation(error, side)
    assert cause.other is not None
    assert (cause.close.code, cause.other.code) == (code, other)
    assert f"the {side} was closed with {code}: {cause.close.reason}" in cause.other.reason
    assert "secret detail" not in cause.close.reason + cause.other.reason


def causes() -> list[Cause]:
    long = "ü" * 200
    broken = violation(ProtocolError(long), "client")
    return [store_failure(StoreWriteFailed("x", reason=long)), idle_timeout(5), drain(), broken]


@pytest.mark.parametrize("cause", causes(), ids=lambda cause: cause.event.name)
def test_no_reason_is_longer_than_a_close_frame(cause: Cause) -> None:
    for close in (cause.close, cause.other):
        if close is not None:
            assert 0 < len(close.reason.encode()) <= 123
            close.reason.encode().decode()


def test_a_peers_own_close_is_not_touched() -> None:
    assert tuple(peer_closed(3000, "x" * 123).close) == (3000, "x" * 123)


def test_the_store_s_place_is_not_told_to_peers() -> None:
    error = StoreWriteFailed("/home/user/calls.db: cannot be written", reason="database or disk is full")
    assert store_failure(error).close.reason == "earwitness: the recording failed: database or disk is full"
