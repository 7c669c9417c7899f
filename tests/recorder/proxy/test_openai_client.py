"""The official SDK through the proxy: it must not tell the difference, and nothing must tell its key."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from earwitness.recorder.journal import JournalReader
from openai import AsyncAzureOpenAI, AsyncOpenAI, AzureOpenAI, OpenAI
from websockets.exceptions import InvalidStatus

from tests.data import azure_preview
from tests.recorder.harness import PATIENCE, TEXT, Peer, header, running_proxy, running_upstream, switching

KEY = "sk-proj-4fQ9vN1xTzC7mR2bLkY8wHs3"
SCRIPT = azure_preview.frames()
SERVER_EVENTS = [json.loads(payload) for sender, payload in SCRIPT if sender == "server"]
UPDATE: Any = {"instructions": "", "voice": "alloy"}  # the beta's shape, which the SDK sends and does not declare


async def converses(peer: Peer) -> None:
    """A server that says its part, waiting for each client message."""
    for sender, payload in SCRIPT:
        if sender == "server":
            peer.text(payload)
        else:
            await peer.read_until(TEXT)
    await peer.finish()


async def async_talk(client: AsyncOpenAI, url: str) -> list[dict]:
    seen: list[dict] = []
    async with client.realtime.connect(model="gpt-realtime") as connection:
        async for event in connection:
            seen.append(event.to_dict(mode="json", warnings=False))
            if event.type == "conversation.created":
                await connection.session.update(session=UPDATE)
            elif event.type == "session.updated":
                await connection.response.create()
            elif event.type == "response.done":
                break
    await client.close()
    return seen


def sync_talk(client: OpenAI) -> list[dict]:
    seen: list[dict] = []
    with client.realtime.connect(model="gpt-realtime") as connection:
        for event in connection:
            seen.append(event.to_dict(mode="json", warnings=False))
            if event.type == "conversation.created":
                connection.session.update(session=UPDATE)
            elif event.type == "session.updated":
                connection.response.create()
            elif event.type == "response.done":
                break
    client.close()
    return seen


async def talk(kind: str, base: str) -> list[dict]:
    openai: dict[str, Any] = {"api_key": KEY, "websocket_base_url": f"{base}/v1"}
    azure: dict[str, Any] = {
        "api_key": KEY,
        "websocket_base_url": f"{base}/openai",
        "azure_endpoint": "https://resource.openai.azure.com",
        "api_version": "2024-10-01-preview",
    }
    async with asyncio.timeout(PATIENCE):
        if kind == "async OpenAI":
            return await async_talk(AsyncOpenAI(**openai), base)
        if kind == "async Azure":
            return await async_talk(AsyncAzureOpenAI(**azure), base)
        client = OpenAI(**openai) if kind == "sync OpenAI" else AzureOpenAI(**azure)
        return await asyncio.to_thread(sync_talk, client)


@pytest.mark.filterwarnings("ignore:connect\\(\\) must be used as a context manager:DeprecationWarning")
@pytest.mark.parametrize("kind", ["async OpenAI", "sync OpenAI", "async Azure", "sync Azure"])
async def test_the_sdk_sees_through_the_proxy_what_it_sees_without(kind, journal, tmp_path):
    async with running_upstream() as upstream:
        upstream.script = converses
        direct = await talk(kind, upstream.url)
        async with running_proxy(upstream.url, journal) as (proxy, ends):
            seen = await talk(kind, proxy.url)
            end = await ends.next()
    assert seen == direct
    assert [event["type"] for event in seen] == [event["type"] for event in SERVER_EVENTS]
    assert (end.code, end.by) == (1000, "client")
    target = upstream.heads[1].split()[1].decode()
    assert target == upstream.heads[0].split()[1].decode()
    shown = header(upstream.heads[1], "api-key" if "Azure" in kind else "Authorization")
    assert shown is not None
    assert KEY in shown
    async with await JournalReader.open(tmp_path / "calls.db") as reader:
        info = await reader.resolve(end.id)
        frames = [frame async for batch in reader.recording(info.id).batches() for frame in batch]
    assert [f.payload for f in frames if f.sender == "server"] == [p for sender, p in SCRIPT if sender == "server"]
    assert KEY.encode() not in b"".join(file.read_bytes() for file in tmp_path.iterdir())


async def test_the_sdk_gets_the_upstreams_refusal(journal):
    body = b'{"error":{"message":"Incorrect API key","code":"invalid_api_key"}}'

    def refuse(head: bytes) -> bytes:
        return b"HTTP/1.1 401 Unauthorized\r\nx-request-id: req_1\r\nContent-Length: %d\r\n\r\n" % len(body) + body

    async def call(base: str) -> tuple:
        client = AsyncOpenAI(api_key=KEY, websocket_base_url=f"{base}/v1")
        with pytest.raises(InvalidStatus) as raised:
            async with client.realtime.connect(model="gpt-realtime"):
                raise AssertionError("not reached")
        await client.close()
        response = raised.value.response
        return response.status_code, response.headers["x-request-id"], bytes(response.body)

    async with running_upstream() as upstream, running_proxy(upstream.url, journal) as (proxy, _):
        upstream.answer = refuse
        assert await call(proxy.url) == await call(upstream.url) == (401, "req_1", body)
        upstream.answer = switching
