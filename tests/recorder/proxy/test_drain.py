"""A request to stop that meets a session at its very beginning: an answer for the client, nothing left open."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from earwitness.recorder.journal import JournalReader, verify
from earwitness.schemas.frame import Frame

from tests.recorder.harness import (
    PATIENCE,
    Peer,
    close_payload,
    dial,
    header,
    read_head,
    request,
    running_proxy,
    running_upstream,
    switching,
    talk,
    until,
)
from tests.recorder.pages import samples

GOING_AWAY = close_payload(1001, "earwitness: the proxy is shutting down")


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "calls.db"


async def recorded(db: Path) -> list[list[Frame]]:
    """The frames of all sessions, once the journal is verified."""
    report = await verify(db)
    assert report.intact, report.to_text()
    async with await JournalReader.open(db) as reader:
        recordings = [reader.recording(info.id) for info in await reader.sessions()]
        return [[frame async for batch in recording.batches() for frame in batch] for recording in recordings]


class SlowServer:
    """Takes connections, and requests on them, and answers when it is told to."""

    def __init__(self) -> None:
        self.heads: list[bytes] = []
        self.connections: list[asyncio.StreamWriter] = []
        self.gone = 0
        self.may_answer = asyncio.Event()
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.append(writer)
        try:
            self.heads.append(await read_head(reader))
            hung_up = asyncio.create_task(reader.read())
            allowed = asyncio.create_task(self.may_answer.wait())
            await asyncio.wait((hung_up, allowed), return_when=asyncio.FIRST_COMPLETED, timeout=PATIENCE)
            if allowed.done():
                writer.write(switching(self.heads[-1]))
            allowed.cancel()
            await hung_up
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.gone += 1
            writer.close()

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"


@pytest.fixture
async def slow() -> AsyncIterator[SlowServer]:
    server = SlowServer()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    yield server
    listening.close()
    await until(lambda: server.gone == len(server.connections))


async def test_a_client_whose_upstream_has_not_answered_gets_503_when_the_grace_is_over(slow, journal, db):
    async with running_proxy(slow.url, journal) as (proxy, ends):
        asking = asyncio.create_task(dial(proxy.port))
        await until(lambda: slow.heads)
        await proxy.drain(0)
        peer = await asking
        body = await peer.reader.read()
        await peer.release()
        found = samples(proxy.metrics())
        await until(lambda: slow.gone)
        assert ends.ends == []
    assert peer.head.startswith(b"HTTP/1.1 503 ")
    assert header(peer.head, "Retry-After") == "5"
    assert json.loads(body)["error"]["code"] == "draining"
    assert found["earwitness_handshakes_total", (("origin", "proxy"), ("status", "503"))] == 1
    assert await recorded(db) == []


async def test_a_client_whose_upstream_cannot_be_reached_yet_gets_503(journal, monkeypatch):
    """The same while it is being dialled."""
    dialling = asyncio.Event()

    async def never(*args: object, **options: object) -> object:
        dialling.set()
        return await asyncio.get_running_loop().create_future()

    async with running_proxy("ws://slow.invalid", journal) as (proxy, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", never)
        writer.write(request())
        await dialling.wait()
        await proxy.drain(0)
        assert (await reader.read()).startswith(b"HTTP/1.1 503 ")
        writer.close()


async def test_a_session_that_begins_within_the_grace_is_held_to_its_end(slow, journal, db):
    async with running_proxy(slow.url, journal) as (proxy, ends):
        asking = asyncio.create_task(dial(proxy.port))
        await until(lambda: slow.heads)
        draining = asyncio.create_task(proxy.drain(PATIENCE))
        await until(lambda: proxy.draining)
        slow.may_answer.set()
        peer = await asking
        assert peer.head.startswith(b"HTTP/1.1 101 ")
        assert not draining.done()
        peer.text("said after the signal")
        peer.reset()
        await draining
        end = await ends.next()
    assert (end.code, end.by) == (1006, "client")
    ((opening, said, close),) = await recorded(db)
    assert (opening.kind, said.payload, close.kind) == ("open", b"said after the signal", "close")


async def test_a_session_between_the_upstreams_answer_and_its_own_opens_and_is_closed_with_1001(journal, db):
    """The upstream has accepted and the journal is about to begin: whoever waited for the call learns why it ends."""
    begun, may_begin = asyncio.Event(), asyncio.Event()
    begin = journal.begin

    async def begin_later(*args, **options):
        begun.set()
        await may_begin.wait()
        return await begin(*args, **options)

    journal.begin = begin_later
    async with running_upstream() as upstream, running_proxy(upstream.url, journal) as (proxy, ends):
        call = asyncio.create_task(talk(proxy.port, Peer.finish))
        await begun.wait()
        draining = asyncio.create_task(proxy.drain(0))
        await until(lambda: proxy.draining)
        may_begin.set()
        client = await call
        server = await upstream.done.get()
        await draining
        end = await ends.next()
    for peer in (client, server):
        assert [frame.payload for frame in peer.seen] == [GOING_AWAY]
    assert (end.code, end.by, end.head) == (1001, "recorder", journal.head)
    ((opening, close),) = await recorded(db)
    assert (opening.kind, close.kind) == ("open", "close")


@pytest.mark.parametrize("durability", ["batch", "strict"])
async def test_a_session_that_has_just_opened_is_closed_with_1001_behind_what_was_said(durability, journal, db):
    async def greets(peer: Peer) -> None:
        peer.text("welcome")
        await peer.finish()

    settings = {"durability": durability}
    async with running_upstream() as upstream, running_proxy(upstream.url, journal, **settings) as (proxy, ends):
        upstream.script = greets

        async def stops(peer: Peer) -> None:
            draining = asyncio.create_task(proxy.drain(0))
            await peer.finish()
            await draining

        client = await talk(proxy.port, stops)
        server = await upstream.done.get()
        end = await ends.next()
    assert client.seen[-1].payload == server.seen[-1].payload == GOING_AWAY
    assert (end.code, end.by, end.head) == (1001, "recorder", journal.head)
    ((opening, *said, close),) = await recorded(db)
    assert (opening.kind, close.kind) == ("open", "close")
    assert [frame.payload for frame in client.seen[:-1]] == [frame.payload for frame in said][: len(client.seen) - 1]


async def test_a_peer_that_takes_no_notice_does_not_hold_up_the_stop(journal, db):
    """It neither answers the close nor hangs up."""
    deaf = asyncio.Event()

    async def ignores(peer: Peer) -> None:
        await deaf.wait()

    settings = {"close_timeout": 0.05}
    async with running_upstream() as upstream, running_proxy(upstream.url, journal, **settings) as (proxy, ends):
        upstream.script = ignores
        call = asyncio.create_task(talk(proxy.port, ignores))
        await until(lambda: proxy.sessions)
        await proxy.drain(0)
        end = await ends.next()
        deaf.set()
        await call
    assert (end.code, end.by) == (1001, "recorder")
    assert len(await recorded(db)) == 1


async def test_a_client_that_has_asked_nothing_yet_is_dropped(journal, db):
    async with running_proxy("ws://127.0.0.1:9", journal) as (proxy, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        # A second connection is taken after the first one: its answer shows that the first one is known.
        await (await dial(proxy.port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")).release()
        await proxy.drain(0)
        assert await reader.read() == b""
        writer.close()
    assert await recorded(db) == []
