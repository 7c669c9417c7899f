"""The handshake through the proxy, and what the journal keeps of a session."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pytest
import trustme
from earwitness.recorder.journal import Journal, JournalReader
from earwitness.recorder.proxy.listener import Proxy
from earwitness.recorder.proxy.settings import ProxySettings
from earwitness.recorder.proxy.upstream import parse_upstream
from earwitness.schemas.errors import ListenFailed, RequestError
from earwitness.schemas.frame import Frame
from packaging.version import Version

from tests.recorder.harness import (
    PATIENCE,
    TEXT,
    Peer,
    Upstream,
    dial,
    header,
    headers,
    request,
    running_proxy,
    running_upstream,
    switching,
    talk,
    until,
)
from tests.recorder.pages import samples

TOKEN = "sk-canary-4f1dE9aa77c0b2Zq"


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    async with await Journal.open(tmp_path / "calls.db") as opened:
        yield opened


async def only_session(tmp_path: Path) -> tuple[list[Frame], dict]:
    """The frames of the one session in the journal, and its open statement."""
    async with await JournalReader.open(tmp_path / "calls.db") as reader:
        (info,) = await reader.sessions()
        frames = [frame async for batch in reader.recording(info.id).batches() for frame in batch]
    return frames, json.loads(frames[0].payload or b"")


async def refused(port: int, head: bytes | None = None) -> tuple[bytes, dict[str, str], bytes]:
    """Status line, headers (lower case, those of one hop left out) and body of a refusal."""
    peer = await dial(port, head)
    try:
        length = header(peer.head, "Content-Length")
        async with asyncio.timeout(PATIENCE):
            if header(peer.head, "Transfer-Encoding"):
                raw = await peer.reader.read()
                body = b"".join(raw.split(b"\r\n")[1:-1:2])
            else:
                body = await (peer.reader.read() if length is None else peer.reader.readexactly(int(length)))
    finally:
        await peer.release()
    hop = {"connection", "content-length", "transfer-encoding", "keep-alive"}
    kept = {name.lower(): value for name, value in headers(peer.head) if name.lower() not in hop}
    return peer.head.split(b"\r\n")[0], kept, body


ERROR = b'{"error":{"message":"no","type":"invalid_request_error","param":null,"code":"nope"}}'


def answer(status: str, extra: str = "", body: bytes = ERROR, *, length: bool = True) -> bytes:
    sized = f"Content-Length: {len(body)}\r\n" if length else ""
    return f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{sized}{extra}\r\n".encode() + body


REFUSALS = {
    "400": answer("400 Bad Request"),
    "401": answer("401 Unauthorized", "WWW-Authenticate: Bearer realm=x\r\nx-request-id: req_1\r\n"),
    "403": answer("403 Forbidden"),
    "404": answer("404 Not Found", "apim-request-id: 77\r\n"),
    "409": answer("409 Conflict"),
    "429": answer("429 Too Many Requests", "Retry-After: 7\r\nx-ratelimit-remaining-requests: 0\r\n"),
    "500": answer("500 Internal Server Error"),
    "503": answer("503 Service Unavailable", "Retry-After: 120\r\n"),
    "an unknown status": answer("599 Odd Thing"),
    "no body": answer("403 Forbidden", body=b""),
    "no length": answer("401 Unauthorized", length=False),
    "chunked": answer(
        "429 Too Many Requests",
        "Transfer-Encoding: chunked\r\n",
        b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n",
        length=False,
    ),
    "a body that is not text": answer("502 Bad Gateway", body=bytes(range(256))),
    "a redirect": answer("302 Found", "Location: https://elsewhere.example/v1/realtime?model=x\r\n", body=b""),
    "a redirect with a body": answer("307 Temporary Redirect", "Location: /v1/elsewhere\r\n"),
    "a permanent redirect": answer("308 Permanent Redirect", "Location: ?model=y\r\n", body=b""),
    "a long body": answer("400 Bad Request", body=b'{"error":{"message":"%s"}}' % (b"x" * 900_000)),
    "cookies": answer("401 Unauthorized", "Set-Cookie: a=1; Path=/\r\nSet-Cookie: b=2\r\n"),
}


@pytest.mark.parametrize("case", list(REFUSALS))
async def test_a_refusal_of_the_upstream_reaches_the_client_as_it_is(case, journal, tmp_path):
    async with running_upstream() as upstream:
        upstream.answer = lambda head: REFUSALS[case]
        expected = await refused(upstream.port)
        async with running_proxy(upstream.url, journal) as (proxy, ends):
            actual = await refused(proxy.port)
            end = await ends.next()
    assert actual == expected
    status = int(expected[0].split()[1])
    assert (end.status, end.http_status, end.code, end.by) == ("refused", status, None, "server")
    frames, opened = await only_session(tmp_path)
    assert opened["response"]["status"] == status
    assert opened["response"]["body"] == expected[2].decode("utf-8", "replace")
    assert [frame.kind for frame in frames] == ["open", "close"]
    closed = json.loads(frames[1].payload or b"")
    assert (closed["by"], closed.get("code"), closed.get("handed", {})) == ("server", None, {})


async def test_a_client_that_reads_slowly_gets_the_whole_refusal(journal):
    body = os.urandom(900_000)
    loop = asyncio.get_running_loop()
    async with running_upstream() as upstream:
        upstream.answer = lambda head: answer("429 Too Many Requests", body=body)
        async with running_proxy(upstream.url, journal) as (proxy, ends):
            # Connections inherit it from the listener: the kernel takes little of the answer at once.
            proxy._socket().setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
            with socket.socket() as slow:
                slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
                slow.setblocking(False)
                await loop.sock_connect(slow, ("127.0.0.1", proxy.port))
                await loop.sock_sendall(slow, request())
                end = await ends.next()
                received = b""
                while data := await loop.sock_recv(slow, 1 << 16):
                    received += data
    assert end.http_status == 429
    assert received.endswith(b"\r\n\r\n" + body)


async def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


async def test_an_upstream_that_refuses_connections_is_a_502_that_says_so(journal, tmp_path):
    port = await unused_port()
    async with running_proxy(f"ws://127.0.0.1:{port}", journal) as (proxy, ends):
        status, kept, body = await refused(proxy.port)
        end = await ends.next()
    assert status == b"HTTP/1.1 502 Bad Gateway"
    assert kept == {"content-type": "application/json"}
    error = json.loads(body)["error"]
    assert error["code"] == "upstream_refused_connection"
    assert f"127.0.0.1:{port}" in error["message"]
    assert (end.status, end.by) == ("refused", "recorder")
    _, opened = await only_session(tmp_path)
    assert opened["response"]["status"] == 502


async def test_an_upstream_whose_name_is_unknown_is_a_502(journal, monkeypatch):
    async def unknown(*args: object, **options: object) -> object:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    async with running_proxy("ws://no-such-host.invalid", journal) as (proxy, _):
        peer = await asyncio.open_connection("127.0.0.1", proxy.port)
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", unknown)
        peer[1].write(request())
        head = await peer[0].readuntil(b"\r\n\r\n")
        body = await peer[0].read()
        peer[1].close()
    assert head.startswith(b"HTTP/1.1 502 ")
    assert json.loads(body)["error"]["code"] == "upstream_unknown_host"


async def test_an_upstream_that_does_not_answer_is_a_504(journal):
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with running_proxy(f"ws://127.0.0.1:{port}", journal, handshake_timeout=0.2) as (proxy, ends):
        status, _, body = await refused(proxy.port)
        await ends.next()
    server.close()
    assert status == b"HTTP/1.1 504 Gateway Timeout"
    assert json.loads(body)["error"]["code"] == "upstream_timeout"


async def test_an_upstream_that_begins_an_answer_and_stops_is_a_504(journal):
    async def stops(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 10\r\n\r\nhalf")
        await reader.read()
        writer.close()

    server = await asyncio.start_server(stops, "127.0.0.1", 0)
    url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, running_proxy(url, journal, handshake_timeout=0.2) as (proxy, ends):
        status, _, body = await refused(proxy.port)
        await ends.next()
    assert status == b"HTTP/1.1 504 Gateway Timeout"
    assert json.loads(body)["error"]["code"] == "upstream_timeout"


NOT_WEBSOCKET = {
    "no HTTP": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "101 without accept": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    "101 with another accept": (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n"
    ),
    "an end without answer": b"",
    "a torn answer": b"HTTP/1.1 401 Unauth",
}


@pytest.mark.parametrize("case", list(NOT_WEBSOCKET))
async def test_an_upstream_that_is_no_websocket_server_is_a_502(case, journal):
    async with running_upstream() as upstream:
        upstream.answer = lambda head: NOT_WEBSOCKET[case]
        async with running_proxy(upstream.url, journal) as (proxy, ends):
            status, _, body = await refused(proxy.port)
            await ends.next()
    assert status == b"HTTP/1.1 502 Bad Gateway"
    assert json.loads(body)["error"]["code"] in ("upstream_invalid_response", "upstream_unreachable")


UNREADABLE = {
    "no HTTP": b"SSH-2.0-OpenSSH_9.2\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n",
    "bytes beyond ASCII": "GET /v1/realtime?model=caf\u00e9 HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
    "a body": b"GET /v1/realtime HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
    "an endless line": b"GET /" + b"x" * 100_000,
}


@pytest.mark.parametrize("case", list(UNREADABLE))
async def test_a_client_whose_request_cannot_be_read_is_told_so(case, journal):
    async with running_upstream() as upstream, running_proxy(upstream.url, journal) as (proxy, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(UNREADABLE[case])
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
        counted = samples(proxy.metrics())["earwitness_handshakes_total", (("origin", "proxy"), ("status", "400"))]
    assert head.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert json.loads(body)["error"]["code"] == "bad_request"
    assert counted == 1
    assert journal.stats.frames == 0


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


NO_UPGRADES = {
    "no upgrade": (b"GET /v1/realtime HTTP/1.1\r\nHost: x\r\n\r\n", b"426"),
    "another version": (request().replace(b"Version: 13", b"Version: 8"), b"400"),
    "no key": (request().replace(b"Sec-WebSocket-Key", b"X-Key"), b"400"),
}


@pytest.mark.parametrize("case", list(NO_UPGRADES))
async def test_a_request_that_is_no_websocket_handshake_is_refused_here(case, journal):
    head, status = NO_UPGRADES[case]
    async with running_upstream() as upstream, running_proxy(upstream.url, journal) as (proxy, _):
        line, _, _ = await refused(proxy.port, head)
        assert line.split()[1] == status
        assert upstream.heads == []


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


@asynccontextmanager
async def tls_upstream(authority: trustme.CA, name: str, *, expired: bool = False) -> AsyncIterator[Upstream]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    until_when = datetime(2001, 1, 1, tzinfo=UTC) if expired else None
    authority.issue_cert(name, not_after=until_when).configure_cert(context)
    async with running_upstream(ssl=context) as upstream:
        yield upstream


async def test_tls_on_both_legs(journal, tmp_path):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "own.pem"))
    trusting = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    async with tls_upstream(authority, "localhost") as upstream:
        settings = {"tls_certificate": tmp_path / "own.pem", "upstream_ca": tmp_path / "ca.pem"}
        async with running_proxy(f"wss://localhost:{upstream.port}", journal, **settings) as (proxy, ends):
            assert proxy.url == f"wss://127.0.0.1:{proxy.port}"
            peer = await dial(proxy.port, ssl=trusting, server_hostname="localhost")
            peer.text("over TLS")
            peer.close(4000, "done")
            await peer.finish()
            end = await ends.next()
            await peer.release()
    assert peer.seen[-1].payload == b"\x0f\xa0done"
    assert (end.code, end.reason, end.frames["client"]) == (4000, "done", 1)


@asynccontextmanager
async def plain_upstream() -> AsyncIterator[Upstream]:
    """A server that greets in plain text."""

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 welcome\r\n")
        with contextlib.suppress(ConnectionError):
            await reader.read()
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    upstream = Upstream()
    upstream.port = server.sockets[0].getsockname()[1]
    yield upstream
    server.close()


@pytest.mark.parametrize("trouble", ["unknown authority", "another name", "expired", "no TLS"])
async def test_an_upstream_whose_tls_fails_is_a_502(trouble, journal, tmp_path):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    name = "elsewhere.example" if trouble == "another name" else "localhost"
    settings = {} if trouble == "unknown authority" else {"upstream_ca": tmp_path / "ca.pem"}
    secure = tls_upstream(authority, name, expired=trouble == "expired")
    serving = plain_upstream() if trouble == "no TLS" else secure
    async with serving as upstream, running_proxy(f"wss://localhost:{upstream.port}", journal, **settings) as running:
        proxy, ends = running
        status, _, body = await refused(proxy.port)
        await ends.next()
    assert status == b"HTTP/1.1 502 Bad Gateway"
    assert json.loads(body)["error"]["code"] == "upstream_tls_failed"


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


async def test_a_certificate_that_cannot_be_used_is_named(journal, tmp_path):
    (tmp_path / "own.pem").write_text("no certificate")
    settings = ProxySettings(upstream=parse_upstream("openai"), tls_certificate=tmp_path / "own.pem")
    with pytest.raises(RequestError, match=r"own\.pem: this certificate cannot be used"):
        await Proxy(settings, journal).start()
    with pytest.raises(RequestError, match=r"own\.pem: these certificate authorities cannot be used"):
        Proxy(ProxySettings(upstream=parse_upstream("openai"), upstream_ca=tmp_path / "own.pem"), journal)


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
