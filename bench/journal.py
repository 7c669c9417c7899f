"""Measure the journal by itself: ``python -m bench.journal [--seconds 600] [--rounds 5]``.

The call is made from the speech of the bundled conversation: the user's microphone sends 20 ms packets of speech,
pauses and noise all the time; the assistant speaks half of the time, in packets of 100 ms with transcripts. Measures

* **write**: CPU per record, in groups of 81 (as many as 20 such calls produce in 50 ms), compared with plain
  ``sqlite3`` writing the same JSON as text to a bare table with one more column, the same pages and durability;
* **read**: CPU per record, compared with plain ``sqlite3`` reading that table;
* **disk**: bytes of the closed database per byte of JSON.

The two take turns, so that a slow moment of the machine affects both.
"""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import numpy as np
import orjson
import pybase64
from earwitness.recorder.journal import Journal, JournalReader
from earwitness.schemas.frame import Sender
from earwitness.schemas.statements import CloseStatement, OpenStatement

__all__ = ["main", "talk"]

GROUP = 81
PACKET = 960
SPOKEN_PACKET = 4800
PACKETS_PER_SECOND = 50
TURN_SECONDS = 20
NOISE = 12
"""Standard deviation of the microphone's noise, in units of a 16-bit sample: a quiet room."""

Message = tuple[Sender, str, bytes]


def speech() -> bytes:
    """Return the assistant's speech of the bundled conversation: 24 kHz, 16 bits, mono."""
    text = (files("earwitness.replay") / "data" / "demo.ndjson").read_bytes()
    events = [record[4] for record in map(orjson.loads, text.splitlines()[1:]) if isinstance(record, list)]
    deltas = (event["delta"] for event in events if event and event.get("type") == "response.output_audio.delta")
    return b"".join(map(pybase64.b64decode, deltas))


def talk(seconds: int, seed: int = 1) -> Iterator[Message]:
    """Yield sender, type and bytes of each message of a call of this length; the same for the same seed."""
    chance = np.random.default_rng(seed)
    voice = np.frombuffer(speech(), "<i2")
    silence = np.zeros(len(voice), "<i2")
    quiet = np.concatenate((voice, silence)) + np.round(chance.normal(0, NOISE, 2 * len(voice))).astype("<i2")
    microphone, said = quiet.astype("<i2").tobytes(), voice.tobytes()

    def name(prefix: str) -> str:
        return f"{prefix}_{pybase64.b64encode(chance.bytes(15)).decode()}"

    place = '"response_id":"resp_%s","item_id":"item_%s","output_index":0,"content_index":0,"delta":"'
    kind = "session.created"
    yield "server", kind, b'{"type":"session.created","session":{"type":"realtime","model":"gpt-realtime"}}'
    spoken = 0
    for packet in range(seconds * PACKETS_PER_SECOND):
        at = packet * PACKET % (len(microphone) - PACKET)
        audio = pybase64.b64encode(microphone[at : at + PACKET])
        yield "client", "input_audio_buffer.append", b'{"type":"input_audio_buffer.append","audio":"%s"}' % audio
        turn, within = divmod(packet, TURN_SECONDS * PACKETS_PER_SECOND)
        if within * 2 >= TURN_SECONDS * PACKETS_PER_SECOND:
            continue
        ids = place % (f"DOaRmUmA3tUEO0Xr{turn:05}", f"DOaRmoMMzZcG8c{turn:05}")
        if packet % 5 == 0:
            at = spoken * SPOKEN_PACKET % (len(said) - SPOKEN_PACKET)
            spoken += 1
            kind = "response.output_audio.delta"
            head = f'{{"type":"{kind}","event_id":"{name("event")}",{ids}'.encode()
            yield "server", kind, head + pybase64.b64encode(said[at : at + SPOKEN_PACKET]) + b'"}'
        if packet % 16 == 0:
            kind = "response.output_audio_transcript.delta"
            text = f'{{"type":"{kind}","event_id":"{name("event")}",{ids} word","obfuscation":"{"x" * (packet % 12)}"}}'
            yield "server", kind, text.encode()


async def write_journal(path: Path, messages: list[Message]) -> float:
    async with await Journal.open(path) as journal:
        writer = await journal.begin(OpenStatement())
        begin = time.process_time()
        for first in range(0, len(messages), GROUP):
            for number, (sender, kind, payload) in enumerate(messages[first : first + GROUP], first):
                writer.append("text", sender, payload, number, type=kind)
            await writer.commit()
        spent = time.process_time() - begin
        await writer.end(CloseStatement(by="client"), len(messages))
    return spent


def write_plain(path: Path, messages: list[Message]) -> float:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA page_size = 16384")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE messages (id INTEGER PRIMARY KEY, sender TEXT, type TEXT, payload TEXT)")
    begin = time.process_time()
    for first in range(0, len(messages), GROUP):
        connection.execute("BEGIN IMMEDIATE")
        rows = [(sender, kind, payload.decode()) for sender, kind, payload in messages[first : first + GROUP]]
        connection.executemany("INSERT INTO messages (sender, type, payload) VALUES (?, ?, ?)", rows)
        connection.execute("COMMIT")
    spent = time.process_time() - begin
    connection.close()
    return spent


async def read_journal(path: Path) -> float:
    async with await JournalReader.open(path) as reader:
        recording = reader.recording((await reader.resolve("latest")).id)
        begin = time.process_time()
        async for _ in recording.batches():
            pass
        return time.process_time() - begin


def read_plain(path: Path) -> float:
    connection = sqlite3.connect(path)
    begin = time.process_time()
    for _ in connection.execute("SELECT id, sender, type, payload FROM messages ORDER BY id"):
        pass
    spent = time.process_time() - begin
    connection.close()
    return spent


def _spread(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


async def measure(seconds: int, rounds: int) -> None:
    messages = list(talk(seconds))
    raw = sum(len(payload) for _, _, payload in messages)
    count = len(messages)
    spent: dict[str, list[float]] = {name: [] for name in ("write", "plain write", "read", "plain read")}
    sizes: dict[str, int] = {}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            journal, plain = Path(folder) / "journal.db", Path(folder) / "plain.db"
            spent["write"].append(await write_journal(journal, messages))
            spent["plain write"].append(write_plain(plain, messages))
            spent["read"].append(await read_journal(journal))
            spent["plain read"].append(read_plain(plain))
            sizes = {"journal": journal.stat().st_size, "plain": plain.stat().st_size}
    print(f"{count:,} messages of {seconds} s of talk, {raw / 1e6:,.1f} MB of JSON, {rounds} rounds")
    print("| | journal, µs | plain sqlite3, µs | ratio |")
    print("|---|---|---|---|")
    for name in ("write", "read"):
        micros = {key: [value / count * 1e6 for value in spent[key]] for key in (name, f"plain {name}")}
        ratios = [ours / theirs for ours, theirs in zip(*micros.values(), strict=True)]
        ours, theirs = micros.values()
        print(f"| {name} | {_spread(ours)} | {_spread(theirs)} | {_spread(ratios)} |")
    print("| | journal | plain sqlite3 |")
    print("|---|---|---|")
    print(f"| bytes on disk for each byte of JSON | {sizes['journal'] / raw:.3f} | {sizes['plain'] / raw:.3f} |")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    asyncio.run(measure(options.seconds, options.rounds))


if __name__ == "__main__":
    main()
