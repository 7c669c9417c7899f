"""A store that really fails under a whole proxy: what peers, operators and the record are told, and what comes back.

Every fault is a real one, and can be taken back: a disk without room, a database that another process holds locked
for longer than the busy timeout, a folder that is moved away under the open file.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import pytest
from earwitness.recorder.journal import Journal, JournalReader, WriterSettings, verify
from earwitness.recorder.proxy.listener import Proxy
from earwitness.schemas.frame import Frame

from tests.recorder.harness import (
    BINARY,
    CLOSE,
    TEXT,
    Peer,
    close_payload,
    dial,
    header,
    running_proxy,
    talk,
)
from tests.recorder.journal.faults import full_disk, locked_by_another_process, moved_away, until
from tests.recorder.pages import get, samples

REASONS = {"full": "database or disk is full", "locked": "database is locked", "moved": "file removed"}
CHUNK = 10_000
BACKLOG = 150_000
"""Bound of the backlog: so many bytes are kept while the store fails."""

Policy = Literal["close", "pass"]


def writer(policy: Policy) -> WriterSettings:
    return WriterSettings(
        on_store_failure=policy, backlog_bytes=BACKLOG, retry_seconds=0.01, busy_timeout=0.05, flush_seconds=0.001
    )


@asynccontextmanager
async def broken(fault: str, journal: Journal, db: Path) -> AsyncIterator[None]:
    """The store with a fault, for the length of the block."""
    if fault == "full":
        async with full_disk(journal):
            yield
    elif fault == "locked":
        with locked_by_another_process(db):
            yield
    else:
        with moved_away(db.parent):
            yield


@pytest.fixture
def db(tmp_path: Path) -> Path:
    (tmp_path / "folder").mkdir()
    return tmp_path / "folder" / "calls.db"


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "earwitness")
    return caplog


async def recorded(db: Path, session: str) -> list[Frame]:
    """All frames of a session; the store is verified on the way."""
    report = await verify(db)
    assert report.intact, report.to_text()
    async with await JournalReader.open(db) as reader:
        info = await reader.resolve(session)
        frames = [frame async for batch in reader.recording(info.id).batches() for frame in batch]
    assert [frame.seq for frame in frames] == list(range(len(frames)))
    assert frames[0].kind == "open"
    return frames


async def check_failing(proxy: Proxy, reason: str) -> None:
    """What the operator sees while the store takes nothing."""
    expected = (503, f"not ready: the store takes nothing: {reason}\n".encode())
    assert await get(proxy.operations_url, "/readyz") == expected
    assert await get(proxy.operations_url, "/healthz") == (200, b"ok\n")
    found = samples((await get(proxy.operations_url, "/metrics"))[1])
    assert found["earwitness_store_up", ()] == 0
    assert found["earwitness_store_failures_total", ()] >= 1
    assert found["earwitness_backlog_bytes", ()] > 0
    assert found["earwitness_backlog_age_seconds", ()] > 0


async def check_working(proxy: Proxy) -> None:
    assert await get(proxy.operations_url, "/readyz") == (200, b"ready\n")
    found = samples((await get(proxy.operations_url, "/metrics"))[1])
    assert found["earwitness_store_up", ()] == 1
    assert found["earwitness_backlog_bytes", ()] == 0


def logged(log: pytest.LogCaptureFixture, event: str) -> list[str | None]:
    """The ``store`` field of each line of an event."""
    return [getattr(record, "store", None) for record in log.records if record.getMessage() == event]


def of_kind(frames: list[Frame], kind: str) -> list[bytes]:
    return [frame.payload or b"" for frame in frames if frame.kind == kind]


async def settled(journal: Journal) -> None:
    await until(lambda: journal.failure is None and journal.backlog_bytes == 0)


async def says_before(peer: Peer, journal: Journal) -> None:
    """Say a first thing, and wait until it is committed."""
    done = journal.stats.frames
    peer.text("before")
    await until(lambda: journal.stats.frames > done and journal.backlog_bytes == 0)


FAULTS = pytest.mark.parametrize("fault", list(REASONS))
DURABILITIES = pytest.mark.parametrize("durability", ["batch", "strict"])


@FAULTS
@DURABILITIES
async def test_close_ends_sessions_and_refuses_new_ones_until_the_store_works_again(
    fault, durability, upstream, db, log
):
    reason = REASONS[fault]
    told = close_payload(1011, f"earwitness: the recording failed: {reason}")
    async with await Journal.open(db, settings=writer("close")) as journal:
        settings = {"durability": durability, "operations_port": 0}
        async with running_proxy(upstream.url, journal, **settings) as (proxy, ends):

            async def talks_until_it_is_closed(peer: Peer) -> None:
                await says_before(peer, journal)
                ended = asyncio.create_task(peer.finish())
                async with broken(fault, journal, db):
                    while not ended.done():
                        peer.frame(BINARY, os.urandom(CHUNK))
                        await asyncio.wait([ended], timeout=0.001)
                    await ended
                    await check_failing(proxy, reason)
                    refused = await dial(proxy.port)
                    body = json.loads(await refused.reader.read())
                    await refused.release()
                    assert refused.head.startswith(b"HTTP/1.1 503 ")
                    assert body["error"]["code"] == "recording_failed"

            peer = await talk(proxy.port, talks_until_it_is_closed)
            end = await ends.next()
            server = await upstream.done.get()
            await settled(journal)
            await check_working(proxy)

            async def says_after(peer: Peer) -> None:
                peer.text("after")
                peer.close()
                await peer.finish()

            await talk(proxy.port, says_after)
            after = await ends.next()
        found = samples(proxy.metrics())
    assert (peer.seen[-1].opcode, peer.seen[-1].payload) == (CLOSE, told)
    assert server.seen[-1].payload == told
    assert (end.code, end.by, end.head) == (1011, "recorder", None)
    assert (after.code, after.head) == (1000, journal.head)
    assert found["earwitness_closes_total", (("by", "recorder"), ("code", "1011"))] == 1
    assert found["earwitness_handshakes_total", (("origin", "proxy"), ("status", "503"))] == 1
    assert found["earwitness_gaps_total", ()] == 0
    assert logged(log, "store_failed") == logged(log, "session_not_recorded") == [reason]
    assert logged(log, "session_end_not_recorded") == [reason]
    assert len(logged(log, "store_recovered")) == 1

    frames = await recorded(db, end.id)
    assert json.loads(frames[-1].payload or b"")["code"] == 1011
    crossed = [frame.payload for frame in server.seen if frame.opcode == BINARY]
    kept = of_kind(frames, "binary")
    if durability == "strict" and fault != "full":  # a full disk may have had room for a first one
        assert crossed == []
    assert crossed == kept[: len(crossed)], "what had crossed was recorded all the same"
    assert of_kind(await recorded(db, after.id), "text") == [b"after"]


@FAULTS
@DURABILITIES
async def test_pass_lets_calls_go_on_and_states_the_gap_when_the_store_works_again(
    fault, durability, upstream, db, log
):
    reason, total = REASONS[fault], 40
    # The first one is larger than any page that may have room left.
    sent = [os.urandom(6 * CHUNK), *(os.urandom(CHUNK) for _ in range(total - 1))]
    async with await Journal.open(db, settings=writer("pass")) as journal:
        settings = {"durability": durability, "operations_port": 0}
        async with running_proxy(upstream.url, journal, **settings) as (proxy, ends):

            async def talks_on(peer: Peer) -> None:
                await says_before(peer, journal)
                async with broken(fault, journal, db):
                    peer.frame(BINARY, sent[0])
                    await until(lambda: journal.failure is not None)
                    for chunk in sent[1:]:
                        peer.frame(BINARY, chunk)
                    await until(lambda: len(upstream.peers[0].seen) == 1 + total)
                    await check_failing(proxy, reason)
                    # The backlog has no room left; a whole call that begins and ends now is still told of.
                    await talk(proxy.port, says_much)
                await settled(journal)
                await check_working(proxy)
                peer.text("after")
                peer.close(1000)
                await peer.finish()

            async def says_much(peer: Peer) -> None:
                for _ in range(3):
                    peer.frame(BINARY, os.urandom(CHUNK))
                peer.close(4000, "done")
                await peer.finish()

            await talk(proxy.port, talks_on)
            during, end = await ends.next(), await ends.next()
            server = upstream.peers[0]
        found = samples(proxy.metrics())
    assert [frame.payload for frame in server.seen] == [b"before", *sent, b"after", close_payload(1000)]
    assert (end.code, end.by, end.head) == (1000, "client", journal.head)
    assert (during.code, during.reason, during.head) == (4000, "done", None)
    assert logged(log, "store_failed") == logged(log, "session_end_not_recorded") == [reason]
    assert len(logged(log, "store_recovered")) == 1

    frames = await recorded(db, end.id)
    (gap,) = (json.loads(payload) for payload in of_kind(frames, "gap"))
    kept = of_kind(frames, "binary")
    assert 0 < len(kept) < total
    assert kept == sent[: len(kept)]
    assert (gap["frames"], gap["bytes"]) == (total - len(kept), sum(map(len, sent[len(kept) :])))
    assert gap["reason"] == reason
    assert gap["from_ns"] <= gap["to_ns"]
    assert [frame.kind for frame in frames[-3:]] == ["gap", "text", "close"]
    assert of_kind(frames, "text") == [b"before", b"after"]

    frames = await recorded(db, during.id)
    assert [frame.kind for frame in frames] == ["open", "gap", "close"]
    assert json.loads(frames[1].payload or b"")["frames"] == 3
    assert found["earwitness_gaps_total", ()] == 2
    assert found["earwitness_gap_frames_total", ()] == gap["frames"] + 3
    assert found["earwitness_gap_bytes_total", ()] == gap["bytes"] + 3 * CHUNK


@pytest.mark.parametrize("fault", ["locked", "moved"])
async def test_readiness_finds_a_fault_before_any_call_does(fault, upstream, db):
    opening = await Journal.open(db, settings=writer("close"))
    async with opening as journal, running_proxy(upstream.url, journal, operations_port=0) as (proxy, _):
        await check_working(proxy)
        async with broken(fault, journal, db):
            status, body = await get(proxy.operations_url, "/readyz")
            assert (status, body.decode()) == (503, f"not ready: the store takes nothing: {REASONS[fault]}\n")
        await check_working(proxy)


async def test_a_session_that_cannot_be_begun_is_refused_though_the_upstream_had_accepted(upstream, db):
    async with await Journal.open(db, settings=writer("close")) as journal:
        with locked_by_another_process(db):
            async with running_proxy(upstream.url, journal) as (proxy, ends):
                peer = await dial(proxy.port)
                body = json.loads(await peer.reader.read())
                await peer.release()
                server = await upstream.done.get()
        await settled(journal)
        assert ends.ends == []
    assert (peer.head.split()[1], body["error"]["code"]) == (b"503", "recording_failed")
    assert header(server.head, "Upgrade") == "websocket"
    assert (server.seen, server.end) == ([], "gone")


async def test_a_file_that_becomes_read_only_under_a_running_recorder_is_written_on(upstream, db):
    """A mode is looked at when a file is opened, so nothing is lost, whatever the user."""
    async with await Journal.open(db, settings=writer("close")) as journal:
        async with running_proxy(upstream.url, journal, operations_port=0) as (proxy, ends):

            async def client(peer: Peer) -> None:
                await says_before(peer, journal)
                for file in db.parent.iterdir():
                    file.chmod(0o400)
                db.parent.chmod(0o500)
                await says_before(peer, journal)
                await check_working(proxy)
                peer.close()
                await peer.finish()

            await talk(proxy.port, client)
            end = await ends.next()
        db.parent.chmod(0o700)
    assert of_kind(await recorded(db, end.id), "text") == [b"before"] * 2
    assert TEXT in [frame.opcode for frame in upstream.peers[0].seen]
