"""The official SDK's reconnect handler, which goes by how a connection ended: through the proxy as without it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from earwitness.recorder.journal import JournalReader, verify
from openai import AsyncOpenAI, OpenAI
from openai.types.realtime import SessionUpdateEventParam
from openai.types.websocket_reconnection import ReconnectingEvent, ReconnectingOverrides
from websockets.exceptions import ConnectionClosed

from tests.data import azure_preview
from tests.recorder.harness import PATIENCE, TEXT, Peer, running_proxy, running_upstream

KEY = "sk-proj-4fQ9vN1xTzC7mR2bLkY8wHs3"
CREATED = azure_preview.frames()[0][1]
UPDATE: SessionUpdateEventParam = {
    "type": "session.update",
    "session": {"type": "realtime", "instructions": "again"},
}

Told = list[object]


class Talk:
    """What the SDK told of one conversation: its events, its attempts to reconnect, and how it ended."""

    def __init__(self, base: str) -> None:
        self.told: Told = []
        self.options: dict[str, Any] = {"api_key": KEY, "websocket_base_url": f"{base}/v1"}
        self.connecting: dict[str, Any] = {
            "model": "gpt-realtime",
            "on_reconnecting": self.reconnecting,
            "initial_delay": 0.001,
            "max_delay": 0.001,
        }

    def reconnecting(self, event: ReconnectingEvent) -> ReconnectingOverrides:
        self.told.append(("reconnecting", event.attempt, event.close_code))
        return {"extra_query": {"attempt": str(event.attempt)}}

    def event(self, event_type: str) -> bool:
        """Note an event; whether that was the last one that is waited for."""
        self.told.append(event_type)
        return self.told.count("session.created") == 2

    def ended(self, error: ConnectionClosed) -> None:
        self.told.append(("raised", error.rcvd and (error.rcvd.code, error.rcvd.reason)))

    async def asynchronous(self) -> Told:
        client = AsyncOpenAI(**self.options)
        try:
            async with client.realtime.connect(**self.connecting) as connection:
                async for event in connection:
                    if self.event(event.type):
                        break
                    await connection.send(UPDATE)
        except ConnectionClosed as error:
            self.ended(error)
        await client.close()
        return self.told

    def synchronous(self) -> Told:
        client = OpenAI(**self.options)
        try:
            with client.realtime.connect(**self.connecting) as connection:
                for event in connection:
                    if self.event(event.type):
                        break
                    connection.send(UPDATE)
        except ConnectionClosed as error:
            self.ended(error)
        client.close()
        return self.told

    async def hold(self, kind: str) -> Told:
        async with asyncio.timeout(PATIENCE):
            return await (self.asynchronous() if kind == "async" else asyncio.to_thread(self.synchronous))


ENDINGS: dict[str, tuple[Callable[[Peer], None], int, bool]] = {
    "the server's connection is reset": (Peer.reset, 1006, True),
    "the server hangs up without a close": (Peer.eof, 1006, True),
    "the server fails": (lambda peer: peer.close(1011, "keepalive ping timeout"), 1011, True),
    "the server goes away": (lambda peer: peer.close(1001), 1001, True),
    "a close without a code": (lambda peer: peer.close(None), 1005, True),
    "the session is over": (lambda peer: peer.close(1000), 1000, False),
    "the key is refused": (lambda peer: peer.close(3000, "invalid_request_error.invalid_api_key"), 3000, False),
}
"""What ends the first connection, the code that it is recorded with, and whether the SDK connects again."""


@pytest.mark.filterwarnings("ignore:connect\\(\\) must be used as a context manager:DeprecationWarning")
@pytest.mark.parametrize("kind", ["async", "sync"])
@pytest.mark.parametrize("ending", list(ENDINGS))
async def test_the_reconnect_handler_is_called_and_connects_as_without_the_proxy(ending, kind, journal, tmp_path):
    ends_first, code, again = ENDINGS[ending]

    async def ends_its_first_connection(peer: Peer) -> None:
        peer.text(CREATED)
        if b"attempt=" not in peer.head:
            await peer.read_until(TEXT)
            ends_first(peer)
        await peer.finish()

    async with running_upstream() as upstream, running_proxy(upstream.url, journal) as (proxy, ends):
        upstream.script = ends_its_first_connection
        direct = await Talk(upstream.url).hold(kind)
        asked = len(upstream.heads)
        seen = await Talk(proxy.url).hold(kind)
        closed = [await ends.next() for _ in range(1 + again)]
        targets = [head.split()[1] for head in upstream.heads]
    assert seen == direct
    assert targets[asked:] == targets[:asked]
    assert ("reconnecting", 1, code) in seen if again else seen.count("session.created") == 1
    assert [end.code for end in closed] == [code, 1000][: 1 + again]
    assert [end.by for end in closed] == ["server", "client"][: 1 + again]
    report = await verify(tmp_path / "calls.db", head=journal.head)
    assert report.intact, report.to_text()
    async with await JournalReader.open(tmp_path / "calls.db") as reader:
        for end in closed:
            info = await reader.resolve(end.id)
            frames = [frame async for batch in reader.recording(info.id).batches() for frame in batch]
            assert [frame.payload for frame in frames if frame.sender == "server"] == [CREATED]
            assert json.loads(frames[-1].payload or b"")["code"] == end.code
