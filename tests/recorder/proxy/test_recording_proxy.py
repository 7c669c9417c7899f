"""A journal and a proxy in one call: what is durable when the block ends, and what is let go of if it cannot begin."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from earwitness.recorder import JournalReader, ProxySettings, parse_upstream, recording_proxy, verify
from earwitness.schemas.errors import DamagedFile, ListenFailed, StoreBusy, StoreCorrupt

from tests.recorder.harness import Ends, Peer, close_payload, running_upstream, talk, until


async def test_a_recording_proxy_records_and_leaves_everything_durable(tmp_path: Path) -> None:
    db, ends = tmp_path / "calls.db", Ends()

    async def client(peer: Peer) -> None:
        peer.text("said")
        peer.close(1000)
        await peer.finish()

    async with running_upstream() as upstream:
        settings = ProxySettings(upstream=parse_upstream(upstream.url), origin="drive", links={"drives": "old"})
        async with recording_proxy(db, settings, on_session_end=ends) as proxy:
            await talk(proxy.port, client)
            end = await ends.next()
            assert proxy.journal.head == end.head
    report = await verify(db, head=end.head)
    assert report.intact, report.to_text()
    async with await JournalReader.open(db) as reader:
        (info,) = await reader.sessions()
        frames = [frame async for batch in reader.recording(info.id).batches() for frame in batch]
    assert (info.id, info.close_code, info.links) == (end.id, 1000, {"drives": "old"})
    assert [frame.payload for frame in frames if frame.kind == "text"] == [b"said"]
    assert frames[0].json()["origin"] == "drive"


@pytest.mark.parametrize(("grace", "code"), [(0, 1001), (60, 4000)])
async def test_when_the_block_ends_a_session_may_go_on_for_the_grace(grace: float, code: int, tmp_path: Path) -> None:
    ends = Ends()
    async with running_upstream() as upstream:
        settings = ProxySettings(upstream=parse_upstream(upstream.url))
        async with recording_proxy(tmp_path / "calls.db", settings, on_session_end=ends, grace=grace) as proxy:

            async def client(peer: Peer) -> None:
                await until(lambda: proxy.draining)
                if grace:
                    peer.close(4000)
                await peer.finish()

            call = asyncio.create_task(talk(proxy.port, client))
            await until(lambda: proxy.sessions)
        peer = await call
    assert ends.ends[0].code == code
    assert peer.seen[-1].payload[:2] == close_payload(code)


async def test_a_proxy_that_cannot_listen_leaves_the_journal_free(tmp_path: Path) -> None:
    db = tmp_path / "calls.db"
    settings = ProxySettings(upstream=parse_upstream("ws://127.0.0.1:9"))
    async with recording_proxy(db, settings) as proxy:
        with pytest.raises(StoreBusy):
            async with recording_proxy(db, settings):
                pass
        taken = ProxySettings(upstream=settings.upstream, port=proxy.port)
        with pytest.raises(ListenFailed):
            async with recording_proxy(tmp_path / "other.db", taken):
                pass
        async with recording_proxy(tmp_path / "other.db", settings):
            pass


async def test_the_redaction_key_is_made_once_and_only_where_there_is_a_journal(tmp_path: Path) -> None:
    file = tmp_path / "redaction.key"
    settings = ProxySettings(upstream=parse_upstream("ws://127.0.0.1:9"))
    (tmp_path / "other.db").write_bytes(b"not a journal")
    with pytest.raises(StoreCorrupt):
        async with recording_proxy(tmp_path / "other.db", settings, redaction_key_file=file):
            pass
    assert not file.exists()
    keys: set[bytes] = set()
    for _ in range(2):
        async with recording_proxy(tmp_path / "calls.db", settings, redaction_key_file=file):
            keys.add(file.read_bytes())
    assert len(keys) == 1
    file.write_text("no key")
    with pytest.raises(DamagedFile):
        async with recording_proxy(tmp_path / "calls.db", settings, redaction_key_file=file):
            pass
