"""Whom the proxy lets in, with which token, and what a client is told that gets no session."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl

import pytest
from earwitness.recorder.proxy.decisions import TokenSet, admit, unreachable
from earwitness.recorder.proxy.handshake import offer_upward
from earwitness.recorder.proxy.upstream import parse_upstream
from websockets.exceptions import InvalidMessage

from tests.recorder.harness import (
    Peer,
    dial,
    headers,
    request,
    running_proxy,
    running_upstream,
    switching,
    talk,
    until,
)

TOKEN, OTHER, UPSTREAM_KEY = "ewt-one-1234567890", "ewt-two-0987654321", "sk-upstream-abcdefghijkl"


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


async def test_a_path_that_is_not_allowed_never_reaches_the_upstream(journal):
    async with running_upstream() as upstream:
        async with running_proxy(upstream.url, journal, allow_paths=("/v1/realtime",)) as (proxy, _):
            refused = await dial(proxy.port, request("/v1/files"))
            assert refused.head.startswith(b"HTTP/1.1 403 ")
            await refused.release()
        assert upstream.heads == []


# Tokens: in any place where SDKs put a key, and no further than the proxy.


async def leaves(peer: Peer) -> None:
    peer.close()
    await peer.finish()


PLACES = {
    "bearer": request(extra=f"Authorization: Bearer {OTHER}\r\n"),
    "api-key header": request(extra=f"api-key: {TOKEN}\r\n"),
    "query parameter": request(f"/v1/realtime?model=x&api-key={TOKEN}&y=1"),
    "subprotocol": request(extra=f"Sec-WebSocket-Protocol: realtime, openai-insecure-api-key.{TOKEN}\r\n"),
}


@pytest.mark.parametrize("place", list(PLACES))
async def test_a_token_lets_in_and_the_upstream_gets_its_own_key_instead(place, journal):
    settings = {"tokens": (TOKEN, OTHER), "upstream_key": UPSTREAM_KEY}
    async with running_upstream() as upstream, running_proxy(upstream.url, journal, **settings) as (proxy, ends):
        upstream.answer = lambda head: switching(head, "Sec-WebSocket-Protocol: realtime\r\n")
        await talk(proxy.port, leaves, PLACES[place])
        await ends.next()
    (head,) = upstream.heads
    assert TOKEN.encode() not in head
    assert OTHER.encode() not in head
    seen = headers(head)
    assert [value for name, value in seen if name == "Authorization"] == [f"Bearer {UPSTREAM_KEY}"]
    assert [value for name, value in seen if name == "Sec-WebSocket-Protocol"] in ([], ["realtime"])
    expected = (
        b"GET /v1/realtime?model=x&y=1 " if place == "query parameter" else b"GET /v1/realtime?model=gpt-realtime "
    )
    assert head.startswith(expected)


@pytest.mark.parametrize(
    "extra", ["", "Authorization: Bearer wrong\r\n", f"Authorization: Bearer {TOKEN}x\r\n", f"X-Note: {TOKEN}\r\n"]
)
async def test_without_a_token_nobody_gets_in(extra, journal):
    async with running_upstream() as upstream, running_proxy(upstream.url, journal, tokens=(TOKEN,)) as (proxy, ends):
        peer = await dial(proxy.port, request(extra=extra))
        body = await peer.reader.read()
        await peer.release()
        assert peer.head.startswith(b"HTTP/1.1 401 ")
        assert json.loads(body)["error"]["code"] == "invalid_api_key"
        assert (upstream.heads, ends.ends) == ([], [])


def test_an_azure_upstream_gets_its_key_in_its_own_header():
    offer = offer_upward("/x", [("Host", "h")], parse_upstream("azure:res"), nonce="n", key=UPSTREAM_KEY)
    assert offer.headers == [("Host", "res.openai.azure.com"), ("api-key", UPSTREAM_KEY)]


async def test_without_tokens_the_clients_own_key_is_replaced_where_one_is_given(journal):
    settings = {"upstream_key": UPSTREAM_KEY}
    async with running_upstream() as upstream, running_proxy(upstream.url, journal, **settings) as (proxy, ends):
        await talk(proxy.port, leaves, request(extra="api-key: clients-own\r\n"))
        await ends.next()
    assert b"clients-own" not in upstream.heads[0]
    assert f"Bearer {UPSTREAM_KEY}".encode() in upstream.heads[0]


def test_an_empty_set_admits_everybody():
    assert TokenSet([]).admits([])
    assert not TokenSet([TOKEN]).admits([])
    assert TokenSet([OTHER, TOKEN]).admits(["x", TOKEN])
    assert not TokenSet([TOKEN]).admits(["", "\ud800"])
