"""What the client is told when there is no session: the upstream's own refusal, or why the proxy has none."""

from __future__ import annotations

import asyncio
import json
import os
import socket

import pytest

from tests.recorder.harness import (
    only_session,
    refused,
    request,
    running_proxy,
    running_upstream,
)
from tests.recorder.pages import samples

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
