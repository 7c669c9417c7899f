"""Measure how fast, and in how much memory, an hour's call is mixed to stereo.

    python -m bench.audio [--hours 1] [--runs 5] [--memory]

Writes a generated call (``bench.talk``) to a journal. Then, in turn and several times:

* ``add``: read the journal once and add each audio blob to its side of a buffer with ``numpy.add``, the least that any
  mix must do.
* ``mix``: what ``earwitness audio`` does, without writing the file: read the session for its timeline, read it again
  and mix it to stereo.
* ``wav``: the same with the file.

The ratio add/mix is what counts; the target is 0.4. ``--memory`` writes the file in a process of its own and prints its
peak resident memory, the imported program included; the limit is 150 MB, for one hour and for four.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from earwitness.recorder.journal import Journal, JournalReader
from earwitness.replay.audio import read_timeline, write_audio
from earwitness.replay.audio.mix import Mixer, render
from earwitness.replay.audio.tracks import timeline_tracks
from earwitness.schemas.recording import Recording
from earwitness.schemas.statements import CloseStatement, OpenStatement

from .talk import EVENTS_PER_HOUR, frames_of_talk

RATE = 24_000
COMMIT_EVERY = 500


async def write_call(path: Path, hours: float) -> None:
    """Write a generated call to a journal."""
    frames = frames_of_talk(round(EVENTS_PER_HOUR * hours))
    opening = next(frames)
    journal = await Journal.open(path)
    try:
        session = await journal.begin(OpenStatement.model_validate_json(opening.payload or b"{}"))
        offset = 0
        for number, frame in enumerate(frames):
            offset = frame.offset_ns or 0
            session.append("text", frame.sender, frame.payload or b"", offset, type=frame.type)
            if number % COMMIT_EVERY == 0:
                await session.commit()
        await session.end(CloseStatement(code=1000, by="client"), offset)
    finally:
        await journal.aclose()


async def add_blobs(recording: Recording, buffer: np.ndarray) -> None:
    """Read the recording once and add every blob to its side's buffer."""
    at = [0, 0]
    async for batch in recording.batches():
        for frame in batch:
            if frame.audio is not None:
                side = frame.sender == "server"
                samples = np.frombuffer(frame.audio, "<i2")
                there = buffer[int(side), at[side] : at[side] + len(samples)]
                np.add(there, samples, out=there)
                at[side] += len(samples)


async def mix(recording: Recording) -> float:
    """Mix a recording to stereo without keeping it; return its length in seconds."""
    timeline = await read_timeline(recording, with_text=False)
    mixer = Mixer(timeline_tracks([recording], [timeline], "both", "heard"), RATE, 2)
    await render([recording], mixer, lambda block: None)
    return mixer.samples / RATE


async def compare(path: Path, hours: float, runs: int, out: Path) -> None:
    """Time the three in turn and print the times."""
    taken: dict[str, list[float]] = {"add": [], "mix": [], "wav": []}
    seconds = 0.0
    buffer = np.zeros((2, round((hours + 0.2) * 3600 * RATE * 2)), np.int16)
    async with await JournalReader.open(path) as reader:
        recording = reader.recording((await reader.resolve("latest")).id)
        await add_blobs(recording, buffer)  # into the system's cache, for all
        for _ in range(runs):
            start = time.perf_counter()
            await add_blobs(recording, buffer)
            taken["add"].append(time.perf_counter() - start)
            start = time.perf_counter()
            seconds = await mix(recording)
            taken["mix"].append(time.perf_counter() - start)
            start = time.perf_counter()
            await write_audio(recording, out, force=True)
            taken["wav"].append(time.perf_counter() - start)
    print(f"{seconds / 3600:.2f} hours of talk, {runs} runs, seconds: median (least - most)")
    for name, times in taken.items():
        middle = statistics.median(times)
        print(f"  {name:4} {middle:6.2f} ({min(times):.2f} - {max(times):.2f})  {seconds / middle:6.0f} x real time")
    ratios = [add / mixed for add, mixed in zip(taken["add"], taken["mix"], strict=True)]
    print(f"  add/mix {statistics.median(ratios):.2f} ({min(ratios):.2f} - {max(ratios):.2f})")


def peak_mb() -> float:
    """Return this process's peak resident memory; ``getrusage`` would include its parent's when it was started."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")) / 1024


async def write_once(path: Path, out: Path) -> None:
    """Write the file, and print this process's peak memory in MB, after the imports and at the end."""
    imported = peak_mb()
    async with await JournalReader.open(path) as reader:
        recording = reader.recording((await reader.resolve("latest")).id)
        await write_audio(recording, out, force=True)
    print(f"{imported:.0f} MB after the imports, {peak_mb():.0f} MB peak")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--once", nargs=2, type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.once:
        asyncio.run(write_once(*arguments.once))
        return
    with tempfile.TemporaryDirectory(prefix="earwitness-bench-") as folder:
        path, out = Path(folder) / "journal.db", Path(folder) / "call.wav"
        asyncio.run(write_call(path, arguments.hours))
        if arguments.memory:
            once = [sys.executable, "-m", "bench.audio", "--once", str(path), str(out)]
            told = subprocess.run(once, check=True, capture_output=True, text=True).stdout
            print(f"{arguments.hours:g} hours: {told.strip()}")
        else:
            asyncio.run(compare(path, arguments.hours, arguments.runs, out))


if __name__ == "__main__":
    main()
