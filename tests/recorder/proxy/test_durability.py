"""What crosses is recorded: how strictly, and what happens when the store cannot keep up or fails."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from earwitness.recorder.journal import Journal, JournalReader, WriterSettings, verify
from earwitness.schemas.errors import StoreWriteFailed
from earwitness.schemas.frame import Frame

from tests.recorder.harness import (
    BINARY,
    CLOSE,
    TEXT,
    Peer,
    Upstream,
    dial,
    running_proxy,
    running_upstream,
    talk,
    until,
)
from tests.recorder.journal.faults import locked_by_another_process
from tests.recorder.memory_journal import MemoryJournal

FULL = StoreWriteFailed("/somewhere/calls.db: full", reason="database or disk is full")


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with running_upstream() as running:
        yield running


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


async def test_with_close_a_session_that_cannot_be_begun_is_refused(upstream):
    journal = MemoryJournal("close")
    journal.failure = FULL
    async with running_proxy(upstream.url, journal) as (proxy, _):
        peer = await dial(proxy.port)
        body = json.loads(await peer.reader.read())
        await peer.release()
    assert peer.head.startswith(b"HTTP/1.1 503 ")
    assert body["error"]["code"] == "recording_failed"


async def test_with_pass_strict_goes_on_without_commits(upstream):
    journal = MemoryJournal("pass")
    async with running_proxy(upstream.url, journal, durability="strict") as (proxy, ends):
        peer = await dial(proxy.port)
        await until(lambda: proxy.sessions)
        journal.failure = FULL
        peer.text("goes on")
        peer.close(1000)
        await peer.finish()
        end = await ends.next()
        server = await upstream.done.get()
        await peer.release()
    assert [frame.payload for frame in server.seen] == [b"goes on", b"\x03\xe8"]
    assert end.code == 1000


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


async def test_a_full_disk_with_pass_lets_the_call_go_on_and_records_the_hole(upstream, tmp_path):
    settings = WriterSettings(
        on_store_failure="pass", backlog_bytes=100_000, retry_seconds=0.01, busy_timeout=0.01, flush_seconds=0.001
    )
    chunk, total = b"y" * 10_000, 60

    async def client(peer: Peer) -> None:
        peer.text("before")
        await until(lambda: journal.backlog_bytes == 0 and journal.stats.frames >= 2)
        with locked_by_another_process(tmp_path / "calls.db"):
            for _ in range(total):
                peer.frame(BINARY, chunk)
            await until(lambda: journal.failure is not None and server_got() == total)
        await until(lambda: journal.failure is None)
        peer.text("after")
        peer.close()
        await peer.finish()

    def server_got() -> int:
        return sum(frame.opcode == BINARY for frame in upstream.peers[0].seen)

    opening = await Journal.open(tmp_path / "calls.db", settings=settings)
    async with opening as journal, running_proxy(upstream.url, journal) as (proxy, ends):
        await talk(proxy.port, client)
        end = await ends.next()
        server = await upstream.done.get()
        metrics = proxy.metrics()
    assert end.code == 1000
    assert [frame.payload for frame in server.seen if frame.opcode == TEXT] == [b"before", b"after"]
    recorded = await frames_of(tmp_path / "calls.db", end.id)
    assert [frame.seq for frame in recorded] == list(range(len(recorded)))
    gaps = [json.loads(frame.payload or b"") for frame in recorded if frame.kind == "gap"]
    kept = sum(frame.kind == "binary" for frame in recorded)
    assert gaps
    assert kept + sum(gap["frames"] for gap in gaps) == total
    assert sum(gap["bytes"] for gap in gaps) == (total - kept) * len(chunk)
    assert f"earwitness_gap_frames_total {float(total - kept)}".encode() in metrics
    report = await verify(tmp_path / "calls.db")
    assert report.intact, report.to_text()


async def test_a_full_disk_with_close_ends_the_session_with_1011(upstream, tmp_path):
    settings = WriterSettings(on_store_failure="close", max_page_count=60, retry_seconds=0.01, close_retry_seconds=0.01)

    async def client(peer: Peer) -> None:
        ended = asyncio.create_task(peer.finish())
        while not ended.done():
            peer.frame(BINARY, b"z" * 50_000)
            await asyncio.wait([ended], timeout=0.001)
        await ended

    journal = await Journal.open(tmp_path / "calls.db", settings=settings)
    try:
        async with running_proxy(upstream.url, journal) as (proxy, ends):
            peer = await talk(proxy.port, client)
            end = await ends.next()
            refused = await dial(proxy.port)
            await refused.release()
            server = await upstream.done.get()
    finally:
        with pytest.raises(StoreWriteFailed):
            await journal.aclose()
    assert refused.head.startswith(b"HTTP/1.1 503 ")
    assert (end.code, end.by) == (1011, "recorder")
    assert peer.seen[-1].payload[:2] == b"\x03\xf3"
    assert b"full" in peer.seen[-1].payload
    assert server.seen[-1].payload == peer.seen[-1].payload
    report = await verify(tmp_path / "calls.db")
    assert report.intact, report.to_text()
