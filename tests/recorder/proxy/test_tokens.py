"""Clients get in with a token of the proxy's own, in any place where SDKs put a key, and it goes no further."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from earwitness.recorder.journal import Journal
from earwitness.recorder.proxy.decisions import TokenSet, read_secret, read_tokens
from earwitness.recorder.proxy.handshake import offer_upward
from earwitness.recorder.proxy.upstream import parse_upstream
from earwitness.schemas.errors import DamagedFile, NotRecognised

from tests.recorder.harness import Peer, dial, headers, request, running_proxy, running_upstream, switching, talk

TOKEN, OTHER, UPSTREAM_KEY = "ewt-one-1234567890", "ewt-two-0987654321", "sk-upstream-abcdefghijkl"


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    async with await Journal.open(tmp_path / "calls.db") as opened:
        yield opened


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


def test_a_token_file_is_one_token_a_line(tmp_path):
    path = tmp_path / "tokens"
    path.write_text(f"# who: why\n{TOKEN}\n\n  {OTHER}  \n")
    assert read_tokens(path) == (TOKEN, OTHER)


@pytest.mark.parametrize(("content", "words"), [("# nobody\n", "no token"), ("two words\n", "white space")])
def test_a_damaged_token_file_is_named(content, words, tmp_path):
    path = tmp_path / "tokens"
    path.write_text(content)
    with pytest.raises(DamagedFile, match=words):
        read_tokens(path)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(NotRecognised, match="cannot be read"):
        read_tokens(tmp_path / "missing")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(NotRecognised, match="not text"):
        read_secret(tmp_path / "binary")


def test_a_key_file_holds_one_key(tmp_path):
    path = tmp_path / "key"
    path.write_text("sk-1\n")
    assert read_secret(path) == "sk-1"
    path.write_text("sk-1 sk-2")
    with pytest.raises(DamagedFile, match="one key and nothing else"):
        read_secret(path)
