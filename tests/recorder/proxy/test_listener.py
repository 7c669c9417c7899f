"""The handshake through the proxy, and what the journal keeps of a session."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from importlib.metadata import version

import pytest
from earwitness.recorder.journal import JournalReader
from earwitness.recorder.proxy.listener import Proxy
from earwitness.recorder.proxy.settings import ProxySettings
from earwitness.recorder.proxy.upstream import parse_upstream
from earwitness.schemas.errors import ListenFailed
from packaging.version import Version

from tests.recorder.harness import (
    PATIENCE,
    TEXT,
    Peer,
    dial,
    header,
    headers,
    only_session,
    refused,
    request,
    running_proxy,
    running_upstream,
    switching,
    talk,
    until,
)

TOKEN = "sk-canary-4f1dE9aa77c0b2Zq"


async def finish_at_once(peer: Peer) -> None:
    peer.close()
    await peer.finish()


TARGETS = [
    "/v1/realtime?model=gpt-realtime",
    "/openai/realtime?api-version=2024-10-01-preview&deployment=gpt%2D4o",
    "/openai/v1/realtime?model=my+model&x=%zz&&empty=&=odd&a=1&a=2",
    "/v1/live/sessions",
    "/v1/realtime?call_id=rtc_1",
    "/",
    "//double//slashes/../and/./dots?q=a?b#notafragment".replace("#", "%23"),
    "/caf%C3%A9?q=%E2%82%AC;semi=colon&json={%22a%22:1}|'\"",
]


@pytest.mark.parametrize("prefix", ["", "/gateway/realtime"])
@pytest.mark.parametrize("target", TARGETS)
async def test_path_and_query_go_up_byte_for_byte(target, prefix, journal, tmp_path):
    async with running_upstream() as upstream, running_proxy(upstream.url + prefix, journal) as (proxy, ends):
        await talk(proxy.port, finish_at_once, request(target))
        end = await ends.next()
    line = upstream.heads[0].split(b"\r\n")[0]
    assert line == f"GET {prefix}{target} HTTP/1.1".encode()
    assert end.target == target
    _, opened = await only_session(tmp_path)
    assert opened["request"]["target"] == target


async def test_end_to_end_headers_go_up_in_order_and_hop_by_hop_ones_do_not(journal):
    extra = (
        "Origin: https://app.example\r\nUser-Agent: thing/1\r\nOpenAI-Beta: realtime=v1\r\nX-Twice: 1\r\nX-Twice: 2\r\n"
        "Accept-Language: de\r\nKeep-Alive: 5\r\nProxy-Authorization: Basic eDp5\r\nTE: trailers\r\n"
        "Sec-WebSocket-Extensions: permessage-deflate\r\nX-Earwitness-Label: team=red\r\n"
    )
    async with running_upstream() as upstream, running_proxy(upstream.url, journal) as (proxy, ends):
        await talk(proxy.port, finish_at_once, request(extra=extra))
        await ends.next()
    seen = headers(upstream.heads[0])
    names = [name for name, _ in seen]
    assert names == [
        *("Host", "Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version"),
        *("Origin", "User-Agent", "OpenAI-Beta", "X-Twice", "X-Twice", "Accept-Language"),
    ]
    assert dict(seen)["Host"] == f"127.0.0.1:{upstream.port}"


async def test_a_header_beyond_ascii_goes_up_byte_for_byte_or_is_refused(journal):
    async with running_upstream() as upstream, running_proxy(upstream.url, journal) as (proxy, _):
        peer = await dial(proxy.port, request(extra="X-Latin: caf\xe9\r\n"))
        await peer.release()
    if Version(version("websockets")) >= Version("17"):
        assert dict(headers(upstream.heads[0]))["X-Latin"] == "caf\xe9"
    else:
        assert peer.head.startswith(b"HTTP/1.1 400 ")


async def test_headers_named_by_connection_stay_on_their_hop(journal):
    head = request(extra="X-Hop: 1\r\nX-End: 2\r\n").replace(b"Connection: Upgrade", b"Connection: Upgrade, X-Hop")
    async with running_upstream() as upstream, running_proxy(upstream.url, journal) as (proxy, ends):
        await talk(proxy.port, finish_at_once, head)
        await ends.next()
    seen = dict(headers(upstream.heads[0]))
    assert "X-Hop" not in seen
    assert (seen["X-End"], seen["Connection"]) == ("2", "Upgrade")


async def test_the_upstreams_response_headers_come_back(journal):
    extra = (
        "x-request-id: req_9\r\nopenai-processing-ms: 12\r\napim-request-id: 3\r\nx-ratelimit-limit-tokens: 9\r\n"
        "Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nKeep-Alive: 3\r\n"
    )
    async with running_upstream() as upstream, running_proxy(upstream.url, journal) as (proxy, ends):
        upstream.answer = lambda head: switching(head, extra)
        direct = await talk(upstream.port, finish_at_once)
        peer = await talk(proxy.port, finish_at_once)
        await ends.next()
    expected = sorted(item for item in headers(direct.head) if item[0] != "Keep-Alive")
    assert sorted(headers(peer.head)) == expected


SUBPROTOCOLS = [
    ("realtime", "realtime"),
    ("realtime, openai-beta.realtime-v1", "openai-beta.realtime-v1"),
    (f"realtime, openai-insecure-api-key.{TOKEN}, openai-beta.realtime-v1", "realtime"),
    ("realtime", None),
    ("realtime", "something-else"),
    (None, "uninvited"),
    (None, None),
]


@pytest.mark.parametrize(("offered", "chosen"), SUBPROTOCOLS)
async def test_subprotocols_are_between_client_and_upstream(offered, chosen, journal):
    async with running_upstream() as upstream, running_proxy(upstream.url, journal) as (proxy, ends):
        upstream.answer = lambda head: switching(head, f"Sec-WebSocket-Protocol: {chosen}\r\n" if chosen else "")
        extra = f"Sec-WebSocket-Protocol: {offered}\r\n" if offered else ""
        peer = await talk(proxy.port, finish_at_once, request(extra=extra))
        await ends.next()
    assert header(upstream.heads[0], "Sec-WebSocket-Protocol") == offered
    assert header(peer.head, "Sec-WebSocket-Protocol") == chosen


async def test_subprotocols_in_several_headers_go_up_so(journal):
    extra = "".join(f"Sec-WebSocket-Protocol: {name}\r\n" for name in ("realtime", "openai-beta.realtime-v1"))
    async with running_upstream() as upstream, running_proxy(upstream.url, journal) as (proxy, ends):
        await talk(proxy.port, finish_at_once, request(extra=extra))
        await ends.next()
    offered = [value for name, value in headers(upstream.heads[0]) if name == "Sec-WebSocket-Protocol"]
    assert offered == ["realtime", "openai-beta.realtime-v1"]


async def test_only_allowed_paths_go_up(journal, tmp_path):
    allowed = {"allow_paths": ("/v1/realtime", "/openai/")}
    async with running_upstream() as upstream, running_proxy(upstream.url, journal, **allowed) as (proxy, ends):
        for target in ("/v1/live", "/v1/realtimes", "/v1/realtime/../live", "/openai/%2e%2e/admin?x=/openai/"):
            status, _, body = await refused(proxy.port, request(target))
            assert status == b"HTTP/1.1 403 Forbidden"
            assert json.loads(body)["error"]["code"] == "path_not_allowed"
        assert upstream.heads == []
        for target in ("/v1/realtime?model=x", "/openai/realtime?api-version=1"):
            await talk(proxy.port, finish_at_once, request(target))
            assert (await ends.next()).target == target
    assert len(upstream.heads) == 2


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"])
async def test_a_client_that_speaks_no_http_leaves_nothing_behind(sent, journal, tmp_path):
    async with running_upstream() as upstream, running_proxy(upstream.url, journal) as (proxy, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(sent)
        writer.write_eof()
        async with asyncio.timeout(PATIENCE):
            assert await reader.read() == b""
        writer.close()
        assert upstream.heads == []
    async with await JournalReader.open(tmp_path / "calls.db") as reading:
        assert await reading.sessions() == []


async def test_a_client_that_never_asks_is_dropped(journal):
    async with running_proxy("ws://127.0.0.1:9", journal, handshake_timeout=0.1) as (proxy, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        async with asyncio.timeout(PATIENCE):
            with contextlib.suppress(ConnectionError):
                assert await reader.read() == b""
        writer.close()


async def test_a_client_that_leaves_while_the_upstream_is_asked_ends_the_asking(journal):
    asked, gone = asyncio.Event(), asyncio.Event()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        with contextlib.suppress(ConnectionError):
            await reader.read()
        gone.set()
        writer.close()

    server = await asyncio.start_server(slow, "127.0.0.1", 0)
    async with running_proxy(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}", journal) as (proxy, _):
        _, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(request())
        async with asyncio.timeout(PATIENCE):
            await asked.wait()
            writer.close()
            await gone.wait()
    server.close()


async def test_frames_that_come_with_the_101_are_neither_lost_nor_answered(journal, tmp_path):
    async def server(peer: Peer) -> None:
        await peer.finish()

    def eager(head: bytes) -> bytes:
        return switching(head) + b"\x81\x05hello\x89\x01p\x88\x02\x03\xe8"

    async with running_upstream() as upstream:
        upstream.answer, upstream.script = eager, server
        async with running_proxy(upstream.url, journal) as (proxy, ends):
            peer = await talk(proxy.port, Peer.finish)
            end = await ends.next()
        other = await upstream.done.get()
    assert [frame.payload for frame in peer.seen] == [b"hello", b"p", b"\x03\xe8"]
    assert [frame.payload for frame in other.seen] == [b"\x03\xe8"]
    assert end.frames == {"client": 0, "server": 1}


async def test_the_journal_holds_what_crossed(journal, tmp_path):
    async def client(peer: Peer) -> None:
        peer.text('{"type": "session.update"}')
        await peer.read_until(TEXT)
        peer.close(1000, "bye")
        await peer.finish()

    async def server(peer: Peer) -> None:
        await peer.read_until(TEXT)
        peer.text('{"type":"session.updated"}')
        await peer.finish()

    labelled = "x-earwitness-label: team=red\r\nX-Earwitness-Label: case=7, note=a b\r\n"
    async with running_upstream() as upstream:
        upstream.script = server
        async with running_proxy(upstream.url, journal, labels={"team": "blue", "site": "x"}) as (proxy, ends):
            await talk(proxy.port, client, request(extra=labelled))
            end = await ends.next()
        assert end.head == journal.head
    frames, opened = await only_session(tmp_path)
    assert [(f.seq, f.kind, f.sender, f.type) for f in frames] == [
        (0, "open", "recorder", None),
        (1, "text", "client", "session.update"),
        (2, "text", "server", "session.updated"),
        (3, "close", "recorder", None),
    ]
    assert frames[1].payload == b'{"type": "session.update"}'
    assert opened["labels"] == {"team": "red", "site": "x", "case": "7", "note": "a b"}
    assert opened["upstream"] == upstream.url
    assert json.loads(frames[3].payload or b"") == {
        "code": 1000,
        "reason": "bye",
        "by": "client",
        "handed": {"server": 1, "client": 2},
    }


async def test_ipv6_on_both_legs(journal):
    async with running_upstream() as upstream:
        server = await asyncio.start_server(upstream.serve, "::1", 0)
        port = server.sockets[0].getsockname()[1]
        async with running_proxy(f"ws://[::1]:{port}", journal, host="::1") as (proxy, ends):
            assert proxy.url == f"ws://[::1]:{proxy.port}"
            reader, writer = await asyncio.open_connection("::1", proxy.port)
            writer.write(request())
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
            writer.close()
            await ends.next()
        assert header(upstream.heads[0], "Host") == f"[::1]:{port}"
        server.close()


async def test_a_port_that_is_taken_is_named(journal):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        proxy = Proxy(ProxySettings(upstream=parse_upstream("openai"), port=port), journal)
        with pytest.raises(ListenFailed, match=f"127.0.0.1:{port}: cannot listen"):
            await proxy.start()


async def test_a_drain_lets_running_sessions_finish_and_refuses_new_ones(journal):
    finish = asyncio.Event()

    async def client(peer: Peer) -> None:
        await finish.wait()
        peer.close(1000, "of its own accord")
        await peer.finish()

    async with running_upstream() as upstream, running_proxy(upstream.url, journal) as (proxy, ends):
        port = proxy.port
        session = asyncio.create_task(talk(proxy.port, client))
        await until(lambda: proxy.sessions)
        early = await asyncio.open_connection("127.0.0.1", proxy.port)
        await until(lambda: len(proxy.sessions) == 1)
        draining = asyncio.create_task(proxy.drain(PATIENCE))
        await until(lambda: proxy.draining)
        early[1].write(request())
        late = await early[0].read()
        assert late.startswith(b"HTTP/1.1 503 ")
        assert b"Retry-After: " in late
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        finish.set()
        await draining
        end = await ends.next()
        early[1].close()
        await session
    assert (end.code, end.reason, end.by) == (1000, "of its own accord", "client")
