"""Whom the proxy lets in, and how it ends what must end."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from earwitness.recorder.journal import Journal
from earwitness.recorder.proxy.decisions import (
    admit,
    closing_for_drain,
    closing_for_idle,
    closing_for_store,
    closing_for_violation,
    unreachable,
)
from earwitness.recorder.proxy.settings import ProxySettings
from earwitness.recorder.proxy.upstream import parse_upstream
from earwitness.schemas.errors import RequestError, StoreWriteFailed
from websockets.exceptions import InvalidMessage, PayloadTooBig, ProtocolError

from tests.recorder.harness import Peer, dial, running_proxy, running_upstream, talk, until


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    async with await Journal.open(tmp_path / "calls.db") as opened:
        yield opened


def decide(target: str = "/v1/realtime", **changes) -> int | None:
    given = {"draining": False, "sessions": 0, "max_sessions": None, "allow_paths": (), "authorized": True}
    answer = admit(target, **(given | changes))
    return None if answer is None else answer.status


DECISIONS = [
    (None, {}),
    (401, {"authorized": False}),
    (400, {"target": "v1/realtime"}),
    (400, {"target": "http://elsewhere.example/v1"}),
    (503, {"draining": True}),
    (None, {"sessions": 4, "max_sessions": 5}),
    (503, {"sessions": 5, "max_sessions": 5}),
    (None, {"allow_paths": ("/v1/realtime",)}),
    (None, {"allow_paths": ("/v1",)}),
    (None, {"allow_paths": ("/v1/",), "target": "/v1/live?x=/other"}),
    (403, {"allow_paths": ("/v1/real",)}),
    (403, {"allow_paths": ("/openai",)}),
    (403, {"allow_paths": ("/v1",), "target": "/v1/../admin"}),
    (403, {"allow_paths": ("/v1",), "target": "/v1/%2e%2e/admin"}),
    (403, {"allow_paths": ("/v1",), "target": "/v1/..%2Fadmin"}),
    (None, {"target": "/v1/../admin"}),
]


@pytest.mark.parametrize(("status", "facts"), DECISIONS)
def test_who_is_let_in(status, facts):
    assert decide(**facts) == status


def test_a_stranger_is_told_nothing_about_the_proxy():
    assert decide(authorized=False, draining=True, sessions=9, max_sessions=1, allow_paths=("/x",)) == 401


FAILURES = [
    (ConnectionRefusedError(111, "Connection refused"), 502, "upstream_refused_connection"),
    (socket.gaierror(-2, "Name or service not known"), 502, "upstream_unknown_host"),
    (TimeoutError(), 504, "upstream_timeout"),
    (TimeoutError(110, "Connection timed out"), 504, "upstream_timeout"),
    (ssl.SSLCertVerificationError(1, "certificate verify failed"), 502, "upstream_tls_failed"),
    (OSError(113, "No route to host"), 502, "upstream_unreachable"),
    (InvalidMessage("did not receive a valid HTTP response"), 502, "upstream_invalid_response"),
]


@pytest.mark.parametrize(("error", "status", "code"), FAILURES)
def test_what_a_client_is_told_of_an_upstream_out_of_reach(error, status, code):
    answer = unreachable(error, "wss://h.example")
    assert answer.status == status
    told = json.loads(answer.body)["error"]
    assert told["code"] == code
    assert "wss://h.example" in told["message"] or "h.example" in told["message"]


VIOLATIONS = [
    (PayloadTooBig(10, 5), "client", 1009, 1001),
    (PayloadTooBig(10, 5), "server", 1009, 1011),
    (ProtocolError("reserved bits must be 0"), "client", 1002, 1001),
    (UnicodeDecodeError("utf-8", b"x", 0, 1, "invalid"), "client", 1007, 1001),
    (RuntimeError("secret detail"), "server", 1011, 1011),
]


@pytest.mark.parametrize(("error", "peer", "code", "other"), VIOLATIONS)
def test_how_a_violation_ends_a_session(error, peer, code, other):
    closing = closing_for_violation(error, peer)
    assert (closing.code, closing.other_code) == (code, other)
    assert "secret detail" not in closing.reason + closing.other_reason


def test_no_reason_is_longer_than_a_close_frame():
    long = StoreWriteFailed("x", reason="ü" * 200)
    for closing in (closing_for_store(long), closing_for_idle(5), closing_for_drain()):
        assert len(closing.reason.encode()) <= 123
        closing.reason.encode().decode()


def test_the_store_s_place_is_not_told_to_peers():
    error = StoreWriteFailed("/home/user/calls.db: cannot be written", reason="database or disk is full")
    assert closing_for_store(error).reason == "earwitness: the recording failed: database or disk is full"


@pytest.mark.parametrize(
    "wrong",
    [{"max_sessions": 0}, {"max_message": -1}, {"idle_timeout": 0}, {"handshake_timeout": 0}, {"allow_paths": ("v1",)}],
)
def test_settings_that_cannot_work_are_refused(wrong):
    with pytest.raises(RequestError):
        ProxySettings(upstream=parse_upstream("openai"), **wrong)


def test_settings_do_not_show_their_secrets():
    settings = ProxySettings(
        upstream=parse_upstream("wss://u:pass-1@h"), tokens=("tok-2",), upstream_key="key-3", redaction_key=b"key-4" * 4
    )
    for secret in ("pass-1", "tok-2", "key-3", "key-4"):
        assert secret not in repr(settings)


async def test_beyond_the_limit_of_sessions_clients_are_asked_to_come_back(journal):
    leave = asyncio.Event()

    async def stays(peer: Peer) -> None:
        await leave.wait()
        peer.close()
        await peer.finish()

    async with running_upstream() as upstream, running_proxy(upstream.url, journal, max_sessions=2) as (proxy, ends):
        calls = [asyncio.create_task(talk(proxy.port, stays)) for _ in range(2)]
        await until(lambda: len(proxy.sessions) == 2)
        refused = await dial(proxy.port)
        assert refused.head.startswith(b"HTTP/1.1 503 ")
        assert b"Retry-After: 5\r\n" in refused.head
        await refused.release()
        leave.set()
        await asyncio.gather(*calls)
        await ends.next()
        await ends.next()
        await until(lambda: not proxy.sessions)
        await talk(proxy.port, stays)
        await ends.next()
    assert len(upstream.heads) == 3


async def test_a_session_in_which_nothing_crosses_ends_with_1001(journal):
    async with running_upstream() as upstream, running_proxy(upstream.url, journal, idle_timeout=0.05) as (proxy, ends):
        peer = await talk(proxy.port, Peer.finish)
        end = await ends.next()
    assert (end.code, end.by) == (1001, "recorder")
    assert peer.seen[-1].payload == b"\x03\xe9earwitness: no message for 0.05 s"
