"""A recorder that writes as fast as it may until it is killed. Run as a program: ``victim.py JOURNAL COUNTERS``.

``COUNTERS`` is a file of 64-bit numbers that it keeps up to date through shared memory, so that they outlive it: for
each session, how many frames were appended and how many were known to be durable.
"""

from __future__ import annotations

import asyncio
import mmap
import struct
import sys
from pathlib import Path

from earwitness.recorder.journal import Journal, WriterSettings
from earwitness.schemas.statements import OpenStatement

SESSIONS = 3
BACKLOG = 200_000
PAYLOAD = 700


def payload(session: int, seq: int) -> bytes:
    return f"{session}:{seq}:".encode().ljust(PAYLOAD, b"x")


def counters(data: bytes) -> list[tuple[int, int]]:
    return list(struct.iter_unpack("<QQ", data[: SESSIONS * 16]))


async def record(location: str, shared: mmap.mmap) -> None:
    settings = WriterSettings(flush_seconds=0.002, flush_frames=40, backlog_bytes=BACKLOG)
    async with await Journal.open(location, settings=settings) as journal:
        flowing = asyncio.Event()
        flowing.set()

        def press(paused: bool) -> None:
            (flowing.clear if paused else flowing.set)()

        async def session(number: int) -> None:
            writer = await journal.begin(OpenStatement(), public_id=f"session-{number}", on_pressure=press)
            seq = 1
            while True:
                for _ in range(10):
                    writer.append("binary", "client", payload(number, seq), seq)
                    struct.pack_into("<Q", shared, number * 16, seq)
                    seq += 1
                await flowing.wait()
                if number == 0:
                    await writer.commit()
                    struct.pack_into("<Q", shared, number * 16 + 8, seq - 1)
                await asyncio.sleep(0)

        async with asyncio.TaskGroup() as group:
            for number in range(SESSIONS):
                group.create_task(session(number))


if __name__ == "__main__":
    with Path(sys.argv[2]).open("r+b") as file, mmap.mmap(file.fileno(), SESSIONS * 16) as memory:
        asyncio.run(record(sys.argv[1], memory))
