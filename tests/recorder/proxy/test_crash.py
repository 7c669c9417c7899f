"""``kill -9`` of a recorder under load: what either peer has seen, and what the journal has."""

from __future__ import annotations

import asyncio
import random
import sys
from pathlib import Path

import pytest
from earwitness.recorder.journal import Journal, JournalReader, WriterSettings, verify

from tests.recorder.harness import TEXT, Peer, dial, running_upstream, until
from tests.sizes import pick

SESSIONS = 3
SIZE = 700


async def start(db: Path, upstream: str, durability: str) -> tuple[asyncio.subprocess.Process, int]:
    """Run ``earwitness record`` and give its port."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "earwitness.cli", "record", "--upstream", upstream, "--listen", "127.0.0.1:0", "--db", str(db)),
        *("--durability", durability),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    line = (await process.stdout.readline()).decode()
    assert line.startswith("recording ws://127.0.0.1:"), line
    return process, int(line.split()[1].rpartition(":")[2])


def payload(sender: str, session: int, number: int) -> bytes:
    return b'{"type":"x","from":"%s/%d/%d","pad":"' % (sender.encode(), session, number) + b"p" * SIZE + b'"}'


@pytest.mark.parametrize("durability", ["batch", "strict"])
@pytest.mark.parametrize("moment", range(pick(3, 20, 200)))
async def test_a_killed_recorder_loses_no_more_than_it_says(moment, durability, tmp_path):
    db = tmp_path / "calls.db"
    enough = random.Random(moment).randrange(20, 600)
    begun = 0

    async def sends(peer: Peer, sender: str, session: int) -> None:
        """Talk and listen until the connection is gone."""

        async def listen() -> None:
            while await peer.read() is not None:
                pass

        listening = asyncio.create_task(listen())
        number = 0
        while not listening.done():
            peer.text(payload(sender, session, number))
            number += 1
            try:
                await peer.writer.drain()
            except ConnectionError:
                break
            await asyncio.sleep(0)
        await listening

    async def serves(peer: Peer) -> None:
        nonlocal begun
        begun += 1
        await sends(peer, "server", int(peer.head.split(b"session=")[1].split(b" ")[0]))

    async with running_upstream() as upstream:
        upstream.script = serves
        process, port = await start(db, upstream.url, durability)
        head = "GET /v1/realtime?session={} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{}\r\n"
        rest = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        clients = [await dial(port, head.format(number, rest).encode()) for number in range(SESSIONS)]
        calls = [asyncio.create_task(sends(peer, "client", number)) for number, peer in enumerate(clients)]
        await until(lambda: sum(len(peer.seen) for peer in clients) >= enough)
        process.kill()
        await process.wait()
        await asyncio.gather(*calls)
        for _ in range(begun):
            await upstream.done.get()
        servers = {int(peer.head.split(b"session=")[1].split(b" ")[0]): peer for peer in upstream.peers}
        for peer in clients:
            await peer.release()

    report = await verify(db)
    assert report.intact, report.to_text()
    async with await Journal.open(db) as journal:
        assert len(journal.recovered) == SESSIONS
    lost = 0
    async with await JournalReader.open(db) as reader:
        for info in await reader.sessions():
            frames = [frame async for batch in reader.recording(info.id).batches() for frame in batch]
            number = int((info.target or "").rpartition("=")[2])
            assert info.status == "cut off"
            assert [frame.seq for frame in frames] == list(range(len(frames)))
            assert (frames[0].kind, frames[-1].kind) == ("open", "cutoff")
            for sender, witness in (("client", servers[number]), ("server", clients[number])):
                recorded = [frame.payload for frame in frames if frame.sender == sender]
                assert recorded == [payload(sender, number, n) for n in range(len(recorded))]
                received = [frame.payload for frame in witness.seen if frame.opcode == TEXT]
                lost += max(0, len(received) - len(recorded)) * len(payload(sender, number, 0))
                if durability == "strict":
                    assert len(received) <= len(recorded)
                    assert received == recorded[: len(received)]
    assert lost <= WriterSettings().backlog_bytes
    report = await verify(db)
    assert report.intact, report.to_text()
