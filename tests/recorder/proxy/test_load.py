"""Many sessions at once: what both ends counted and hashed is what the journal has."""

from __future__ import annotations

import asyncio
import hashlib
import random
from pathlib import Path
from time import monotonic

from earwitness.recorder.journal import Journal, JournalReader, verify

from tests.recorder.harness import BINARY, TEXT, Peer, request, running_proxy, running_upstream, talk
from tests.sizes import SIZE, pick

SESSIONS = pick(10, 20, 100)
FRAMES = pick(300, 600, 0)
SECONDS = 60
"""How long the soak goes on; its memory is compared between the second ten seconds and the last."""
PACE_S = 0.02


def resident_mib() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


class Ledger:
    """Digests of what one end sent and received."""

    def __init__(self) -> None:
        self.sent, self.received = hashlib.sha256(), hashlib.sha256()
        self.counts = [0, 0]

    def note(self, payload: bytes, *, sent: bool) -> None:
        (self.sent if sent else self.received).update(len(payload).to_bytes(8, "big") + payload)
        self.counts[not sent] += 1


def digest(payloads: list[bytes]) -> bytes:
    ledger = Ledger()
    for payload in payloads:
        ledger.note(payload, sent=True)
    return ledger.sent.digest()


async def test_every_message_of_every_session_is_in_the_journal_once_and_in_order(tmp_path: Path):
    ends: dict[tuple[str, str], Ledger] = {}
    began = monotonic()
    memory: dict[int, float] = {}

    async def chats(peer: Peer, side: str, name: str) -> None:
        """Talk and listen at once; the client closes when both have said all."""
        ledger = ends[side, name] = Ledger()
        chance = random.Random(f"{side}{name}")
        all_said = asyncio.Event()

        async def listen() -> None:
            while (frame := await peer.read()) is not None:
                if frame.opcode in (TEXT, BINARY):
                    peer.seen.clear()
                    if frame.payload == b"all said":
                        all_said.set()
                    ledger.note(frame.payload, sent=False)
                elif frame.opcode == 8:
                    if not peer.sent_close:
                        peer.close()
                    if not peer.client:
                        peer.eof()

        listening = asyncio.create_task(listen())
        number = 0
        while (number < FRAMES) if FRAMES else (monotonic() - began < SECONDS):
            size = chance.choice((0, 30, 300, 1300, 6600, 70_000 if number % 50 == 0 else 1))
            payload = b'{"type":"x","n":%d,"pad":"' % number + chance.randbytes(size).hex().encode() + b'"}'
            ledger.note(payload, sent=True)
            peer.frame(chance.choice((TEXT, BINARY)), payload)
            await peer.writer.drain()
            number += 1
            await asyncio.sleep(0 if FRAMES else PACE_S)
            memory[int(monotonic() - began) // 10] = resident_mib()
        ledger.note(b"all said", sent=True)
        peer.text("all said")
        if peer.client:
            await all_said.wait()
            peer.close()
        await listening

    async def server(peer: Peer) -> None:
        await chats(peer, "server", peer.head.split(b"name=")[1].split(b" ")[0].decode())

    async with running_upstream() as upstream, await Journal.open(tmp_path / "calls.db") as journal:
        upstream.script = server
        async with running_proxy(upstream.url, journal) as (proxy, told):
            names = [f"s{number}" for number in range(SESSIONS)]
            calls = [
                talk(
                    proxy.port,
                    lambda peer, name=name: chats(peer, "client", name),
                    request(f"/v1/realtime?name={name}"),
                )
                for name in names
            ]
            await asyncio.gather(*calls)
            for _ in names:
                assert (await told.next()).code == 1000
        assert journal.stats.gaps == 0

    for name in names:
        client, serving = ends["client", name], ends["server", name]
        assert client.sent.digest() == serving.received.digest()
        assert serving.sent.digest() == client.received.digest()
    async with await JournalReader.open(tmp_path / "calls.db") as reader:
        for info in await reader.sessions():
            name = (info.target or "").rpartition("=")[2]
            frames = [frame async for batch in reader.recording(info.id).batches() for frame in batch]
            for side in ("client", "server"):
                payloads = [frame.payload or b"" for frame in frames if frame.sender == side]
                assert len(payloads) == ends[side, name].counts[0]
                assert digest(payloads) == ends[side, name].sent.digest()
    report = await verify(tmp_path / "calls.db")
    assert report.intact, report.to_text()
    if SIZE == "soak":
        assert memory[SECONDS // 10 - 1] - memory[1] < 32
