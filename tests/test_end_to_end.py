"""One conversation from end to end: the official SDK, the proxy, the journal, the replay server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from earwitness.recorder import JournalReader, Proxy, ProxySettings, parse_upstream, recording_proxy, verify
from earwitness.replay.demo import run_demo
from earwitness.replay.fold import fold_recording
from earwitness.replay.fold.digest import content_digest
from earwitness.replay.open import bundled_recording
from earwitness.replay.serve.server import serve
from openai import AsyncOpenAI, OpenAI

KEY = "sk-not-a-real-key-0123456789"
FRAMES = [frame for frame in bundled_recording().frames if frame.kind == "text"]
SERVER_PAYLOADS = [frame.payload for frame in FRAMES if frame.sender == "server"]


async def hold_async(base_url: str) -> list[bytes]:
    """The bundled conversation as a program on the asynchronous SDK has it; gives every event as it came."""
    events: list[bytes] = []
    async with (
        AsyncOpenAI(api_key=KEY, websocket_base_url=base_url) as client,
        client.realtime.connect(model="gpt-realtime") as connection,
    ):
        for frame in FRAMES:
            if frame.sender == "server":
                data = await connection.recv_bytes()
                connection.parse_event(data)
                events.append(data)
            else:
                await connection.send(frame.json())
    return events


def hold_sync(base_url: str) -> list[bytes]:
    """The same on the synchronous SDK."""
    events: list[bytes] = []
    with (
        OpenAI(api_key=KEY, websocket_base_url=base_url) as client,
        client.realtime.connect(model="gpt-realtime") as connection,
    ):
        for frame in FRAMES:
            if frame.sender == "server":
                data = connection.recv_bytes()
                connection.parse_event(data)
                events.append(data)
            else:
                connection.send(frame.json())
    return events


async def hold(kind: str, base_url: str) -> list[bytes]:
    return await (hold_async(base_url) if kind == "async" else asyncio.to_thread(hold_sync, base_url))


@asynccontextmanager
async def proxy_before(upstream: str, db: Path) -> AsyncIterator[Proxy]:
    """A proxy in front of ``upstream``; everything is durable when the block has ended."""
    settings = ProxySettings(upstream=parse_upstream(f"ws://{urlsplit(upstream).netloc}"))
    async with recording_proxy(db, settings, grace=10) as proxy:
        yield proxy


# The SDK's synchronous client uses `websockets` in a way that its version 17 deprecates.
@pytest.mark.filterwarnings(r"ignore:connect\(\) must be used as a context manager:DeprecationWarning")
@pytest.mark.parametrize("kind", ["async", "sync"])
async def test_the_sdk_receives_the_same_events_with_and_without_the_proxy(kind: str, tmp_path: Path) -> None:
    async with serve(bundled_recording()) as vendor:
        without = await hold(kind, vendor.websocket_base_url)
        await vendor.played(1)
        assert vendor.report.complete, vendor.report.text()
    assert without == SERVER_PAYLOADS

    db = tmp_path / "calls.db"
    async with serve(bundled_recording()) as vendor, proxy_before(vendor.url, db) as proxy:
        assert await hold(kind, f"{proxy.url}/v1") == without
        await vendor.played(1)
        assert vendor.report.complete, vendor.report.text()

    async with await JournalReader.open(db) as reader:
        (info,) = await reader.sessions()
        recording = reader.recording(info.id)
        frames = [frame async for batch in recording.batches() for frame in batch]
        assert [frame.payload for frame in frames if frame.sender == "server"] == without
        assert info.status == "closed"
        conversation = await fold_recording(recording)
    assert content_digest(conversation) == content_digest(await fold_recording(bundled_recording()))
    assert (await verify(db)).intact
    assert KEY.encode() not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


async def test_the_demo_does_the_main_job_and_a_second_run_replaces_the_first(tmp_path: Path) -> None:
    said: list[str] = []
    for _ in range(2):
        outcome = await run_demo(tmp_path / "out", said.append, speed="max")
        assert outcome.checks
        assert outcome.passed, outcome.checks
        assert all(path.stat().st_size > 0 for path in outcome.files)
    text = "\n".join(said)
    assert "Will it stay dry enough for a walk on Sunday?" in text
    assert "Intact" in text


async def test_a_demo_that_finds_a_difference_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A demo that cannot fail shows nothing: here the journal loses one byte of one frame on the way back."""
    from earwitness.recorder.journal import JournalRecording
    from earwitness.schemas.frame import Frame

    original = JournalRecording.batches

    async def flawed(self: JournalRecording, start: int = 0, stop: int | None = None) -> AsyncIterator[list[Frame]]:
        async for batch in original(self, start, stop):
            yield [
                Frame(f.seq, f.offset_ns, f.kind, f.sender, f.type, (f.payload or b"").replace(b"Sunday", b"Monday"))
                for f in batch
            ]

    monkeypatch.setattr(JournalRecording, "batches", flawed)
    outcome = await run_demo(tmp_path, lambda _: None, speed="max")
    assert not outcome.passed
    failed = {what for what, held in outcome.checks if not held}
    assert "the journal has every server frame byte for byte" in failed
    assert "the three recordings have the same content" in failed
