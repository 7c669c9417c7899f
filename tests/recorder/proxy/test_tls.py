"""TLS on both legs, and what the client is told where it fails."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
import trustme
from earwitness.recorder.proxy.listener import Proxy
from earwitness.recorder.proxy.settings import ProxySettings
from earwitness.recorder.proxy.upstream import parse_upstream
from earwitness.schemas.errors import RequestError

from tests.recorder.harness import (
    Upstream,
    dial,
    refused,
    running_proxy,
    running_upstream,
)


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


async def test_a_certificate_that_cannot_be_used_is_named(journal, tmp_path):
    (tmp_path / "own.pem").write_text("no certificate")
    settings = ProxySettings(upstream=parse_upstream("openai"), tls_certificate=tmp_path / "own.pem")
    with pytest.raises(RequestError, match=r"own\.pem: this certificate cannot be used"):
        await Proxy(settings, journal).start()
    with pytest.raises(RequestError, match=r"own\.pem: these certificate authorities cannot be used"):
        Proxy(ProxySettings(upstream=parse_upstream("openai"), upstream_ca=tmp_path / "own.pem"), journal)
