"""Compare folding a recorded call with reading and parsing the same rows: ``python -m bench.fold``.

Each size is measured in rounds. A round reads the whole session from a journal three times: with ``orjson.loads`` on
every payload and nothing else; with the fold; and with neither, for the cost of reading alone. Then it does the same
with the frames in memory. Ratios are taken within a round, so that a slow moment of the machine affects both sides.
What counts is the CPU time of the process.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
import tracemalloc
from collections.abc import Awaitable, Callable
from pathlib import Path

import orjson
from earwitness.recorder.journal import Journal, JournalReader
from earwitness.replay.fold import Folder, fold_recording
from earwitness.schemas.frame import Frame
from earwitness.schemas.recording import Recording
from earwitness.schemas.statements import CloseStatement, OpenStatement, Request

from bench.talk import EVENTS_PER_HOUR, frames_of_talk

__all__ = ["main"]

SIZES = (50_000, 100_000, 200_000, 400_000)


async def write_journal(path: Path, events: int) -> None:
    """Record a call with this many events."""
    journal = await Journal.open(path)
    try:
        writer = await journal.begin(OpenStatement(request=Request(target="/v1/realtime?model=gpt-realtime")))
        last_ns = 0
        for number, frame in enumerate(frames_of_talk(events)):
            if frame.kind == "open":
                continue
            last_ns = frame.offset_ns or last_ns
            writer.append(frame.kind, frame.sender, frame.payload or b"", last_ns, type=frame.type)
            if number % 2000 == 0:
                await writer.commit()
        await writer.end(CloseStatement(code=1000, by="client"), last_ns)
    finally:
        await journal.aclose()


async def read_only(recording: Recording) -> None:
    async for batch in recording.batches():
        for _ in batch:
            pass


async def read_and_parse(recording: Recording) -> None:
    loads = orjson.loads
    async for batch in recording.batches():
        for frame in batch:
            payload = frame.payload
            if payload:
                loads(payload)


async def read_and_fold(recording: Recording) -> None:
    await fold_recording(recording)


def parse(frames: list[Frame]) -> None:
    loads = orjson.loads
    for frame in frames:
        payload = frame.payload
        if payload:
            loads(payload)


def fold_all(frames: list[Frame]) -> None:
    folder = Folder()
    folder.extend(frames)
    folder.conversation()


async def _cpu(work: Callable[[Recording], Awaitable[None]], recording: Recording) -> float:
    begin = time.process_time()
    await work(recording)
    return time.process_time() - begin


def _cpu_of(work: Callable[[list[Frame]], None], frames: list[Frame]) -> float:
    begin = time.process_time()
    work(frames)
    return time.process_time() - begin


def _spread(values: list[float], digits: int = 2) -> str:
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}–{max(values):.{digits}f})"


def _rate(events: int, seconds: list[float]) -> str:
    return f"{events / statistics.median(seconds) / 1000:,.0f}k"


async def measure(events: int, rounds: int, folder: Path) -> str:
    """Measure one row of the table."""
    path = folder / f"{events}.db"
    await write_journal(path, events)
    times: dict[str, list[float]] = {
        name: [] for name in ("read", "parse", "fold", "parse in memory", "fold in memory")
    }
    async with await JournalReader.open(path) as reader:
        recording = reader.recording((await reader.resolve("latest")).id)
        for _ in range(rounds):
            times["read"].append(await _cpu(read_only, recording))
            times["parse"].append(await _cpu(read_and_parse, recording))
            times["fold"].append(await _cpu(read_and_fold, recording))
        frames = [frame async for batch in recording.batches() for frame in batch]
    for _ in range(rounds):
        times["parse in memory"].append(_cpu_of(parse, frames))
        times["fold in memory"].append(_cpu_of(fold_all, frames))
    kept = [parsed / folded for parsed, folded in zip(times["parse"], times["fold"], strict=True)]
    in_memory = [a / b for a, b in zip(times["parse in memory"], times["fold in memory"], strict=True)]
    micros = [seconds / events * 1e6 for seconds in times["fold"]]
    return (
        f"| {events:,} | {_rate(events, times['read'])} | {_rate(events, times['parse'])} | "
        f"{_rate(events, times['fold'])} | {_spread(kept)} | {_spread(micros)} | {_spread(in_memory)} |"
    )


def state_megabytes(events: int) -> tuple[float, float]:
    """Return the memory of the folder, alone and with one value made of it; frames do not count."""
    tracemalloc.start()
    folder = Folder()
    for frame in frames_of_talk(events):
        folder.apply(frame)
    working = tracemalloc.get_traced_memory()[0]
    conversation = folder.conversation()
    both = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert conversation.last_seq >= events
    return working / 1e6, both / 1e6


async def _table(sizes: list[int], rounds: int) -> None:
    print("| events | read, /s | read + `orjson.loads`, /s | read + fold, /s | fold keeps | µs per event | in memory |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for events in sizes:
            print(await measure(events, rounds, Path(folder)), flush=True)


def main() -> None:
    """Print the table and the memory of an hour's state."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    asyncio.run(_table(arguments.events, arguments.rounds))
    working, both = state_megabytes(EVENTS_PER_HOUR)
    print(f"\nState of an hour ({EVENTS_PER_HOUR:,} events): {working:.1f} MB; with a value made of it {both:.1f} MB.")


if __name__ == "__main__":
    main()
