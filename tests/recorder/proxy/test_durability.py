"""What crosses is recorded: how strictly, and what happens when the store cannot keep up or fails."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from earwitness.recorder.journal import Journal, JournalReader, WriterSettings
from earwitness.schemas.errors import StoreWriteFailed
from earwitness.schemas.frame import Frame

from tests.recorder.harness import (
    BINARY,
    CLOSE,
    Peer,
    dial,
    running_proxy,
    talk,
    until,
)
from tests.recorder.memory_journal import MemoryJournal

FULL = StoreWriteFailed("/somewhere/calls.db: full", reason="database or disk is full")


async def frames_of(path: Path, session: str) -> list[Frame]:
    async with await JournalReader.open(path) as reader:
        info = await reader.resolve(session)
        return [frame async for batch in reader.recording(info.id).batches() for frame in batch]


async def test_strict_forwards_nothing_before_its_commit_and_the_close_behind_it(upstream):
    journal = MemoryJournal()
    async with running_proxy(upstream.url, journal, durability="strict") as (proxy, ends):
        peer = await dial(proxy.port)
        await until(lambda: proxy.sessions)
        journal.gate.clear()
        peer.text("first")
        peer.text("second")
        peer.close(4000, "done")
        session = journal.sessions[0]
        await until(lambda: len(session.messages) == 2)
        server = upstream.peers[0]
        ran = asyncio.create_task(peer.finish())
        for _ in range(200):
            await asyncio.sleep(0)
        assert server.seen == []
        journal.gate.set()
        end = await ends.next()
        await ran
        await upstream.done.get()
        await peer.release()
    assert [frame.payload for frame in server.seen] == [b"first", b"second", b"\x0f\xa0done"]
    assert session.closed["handed"] == {"server": 2}
    assert end.code == 4000


async def test_strict_ends_a_session_whose_commit_fails_and_forwards_nothing_of_it(upstream):
    journal = MemoryJournal("close")
    async with running_proxy(upstream.url, journal, durability="strict") as (proxy, ends):
        peer = await dial(proxy.port)
        await until(lambda: proxy.sessions)
        journal.gate.clear()
        peer.text("never arrives")
        await until(lambda: journal.sessions[0].messages)
        journal.failure = FULL
        journal.gate.set()
        await peer.finish()
        end = await ends.next()
        server = await upstream.done.get()
        await peer.release()
    reason = b"\x03\xf3earwitness: the recording failed: database or disk is full"
    assert [frame.payload for frame in peer.seen] == [reason]
    assert [frame.payload for frame in server.seen] == [reason]
    assert (end.code, end.by, end.head) == (1011, "recorder", None)


@pytest.mark.parametrize("durability", ["batch", "strict"])
async def test_close_ends_a_session_that_can_no_longer_be_recorded(durability, upstream):
    journal = MemoryJournal("close")
    async with running_proxy(upstream.url, journal, durability=durability) as (proxy, ends):
        peer = await dial(proxy.port)
        await until(lambda: proxy.sessions)
        journal.failure = FULL
        peer.text("not recorded, so not forwarded")
        await peer.finish()
        end = await ends.next()
        server = await upstream.done.get()
        await peer.release()
    assert [frame.opcode for frame in server.seen] == [CLOSE]
    assert peer.seen[-1].payload[:2] == b"\x03\xf3"
    assert end.code == 1011


async def test_a_store_that_is_behind_slows_both_sides(upstream):
    journal = MemoryJournal()
    async with running_proxy(upstream.url, journal) as (proxy, ends):
        peer = await dial(proxy.port)
        await until(lambda: proxy.sessions)
        session = next(iter(proxy.sessions.values()))
        press = journal.sessions[0].on_pressure
        assert press is not None
        press(True)
        assert session.held("client")
        assert session.held("server")
        peer.text("waits")
        press(False)
        assert not session.held("client")
        peer.close()
        await peer.finish()
        await ends.next()
        await peer.release()
    assert [message[2] for message in journal.sessions[0].messages] == [b"waits"]


async def test_a_store_slower_than_the_traffic_loses_nothing_and_bounds_its_backlog(upstream, tmp_path):
    chunk, total, bound = b"x" * 20_000, 500, 400_000
    most = 0

    async def sends(peer: Peer) -> None:
        nonlocal most
        for _ in range(total):
            peer.frame(BINARY, chunk)
            await peer.writer.drain()
            most = max(most, journal.backlog_bytes)
        peer.close()
        await peer.finish()

    settings = WriterSettings(backlog_bytes=bound, flush_bytes=50_000)
    async with await Journal.open(tmp_path / "calls.db", settings=settings) as journal:
        async with running_proxy(upstream.url, journal) as (proxy, ends):
            await talk(proxy.port, sends)
            end = await ends.next()
        assert journal.stats.pauses > 0
    recorded = await frames_of(tmp_path / "calls.db", end.id)
    assert sum(frame.payload == chunk for frame in recorded) == total
    # Reading stops at half the bound; what one read from the socket brought may come on top.
    assert most <= bound // 2 + 256 * 1024 + 2 * len(chunk)
