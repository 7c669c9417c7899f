"""Measure how much disk space an hour of talk takes when it goes through the proxy."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from itertools import takewhile
from pathlib import Path

from earwitness.recorder.journal import JournalReader

from .peers import End, open_client, open_server
from .processes import running
from .talk import frames_of_talk
from .voices import Call, Voices, bundled, recorded

__all__ = ["report_disk"]

HOUR_NS = 3600 * 10**9


async def report_disk(kinds: list[str], hours: float) -> None:
    """Print the bytes of the database per byte of JSON, after its recorder has ended."""
    print(f"\n{hours:g} h of talk through one session, as fast as it goes; MB are 10^6 bytes")
    print("| relay | speech | messages | JSON, MB | database, MB | bytes stored per byte of JSON |")
    print("|---|---|---|---|---|---|")
    for voices in (recorded(), bundled()):
        if voices is None:
            print("there is no recorded speech beside this checkout", file=sys.stderr)
            continue
        for kind in kinds:
            messages, raw, stored = await _disk(kind, voices, hours)
            cells = (kind, voices.name, f"{messages:,}", f"{raw / 1e6:.1f}", f"{stored / 1e6:.1f}")
            print(f"| {' | '.join(cells)} | {stored / raw:.3f} |", flush=True)


async def _disk(kind: str, voices: Voices, hours: float) -> tuple[int, int, int]:
    """Return the messages, the bytes of JSON and the bytes stored of one call."""
    servers: list[End] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with (
            await open_server(servers.append, timed=False) as server,
            running(kind, server.sockets[0].getsockname()[1], folder) as relay,
        ):
            client = await open_client(relay.port, timed=False)
            sent, raw = await _call(client, servers[0], voices, hours)
            received = client.bytes + servers[0].bytes
            await relay.stop()
        async with await JournalReader.open(folder / "bench.db") as reader:
            records = (await reader.resolve("latest")).frames
        if (received, records) != (raw, sent + 2):  # and its opening and its end
            raise RuntimeError(f"{kind}: {records} records of {sent} messages, {received} of {raw} bytes")
        return sent, raw, relay.stored_bytes()


async def _call(client: End, server: End, voices: Voices, hours: float) -> tuple[int, int]:
    """Hold a call and end it; return the messages and bytes of both sides."""
    sent = raw = 0
    call = frames_of_talk(sys.maxsize, sounds=Call(voices))
    for frame in takewhile(lambda frame: (frame.offset_ns or 0) < hours * HOUR_NS, call):
        if frame.sender == "recorder":
            continue
        payload = frame.payload
        assert payload is not None
        side = client if frame.sender == "client" else server
        side.send_plain(payload)
        await side.drain()
        sent, raw = sent + 1, raw + len(payload)
    while client.count + server.count < sent:
        await asyncio.sleep(0.01)
    client.close()
    await server.lost
    client.transport.close()
    await client.lost
    return sent, raw
