"""Measure how fast a recording is served, compared with a bare ``websockets`` server that sends the same bytes.

Both serve the same generated call from memory to the same client, a process that knows just enough WebSocket to send
prepared bytes and count what comes. They do it twice: ``speech`` with the client's audio, which the replay server
parses, compares and counts, and the bare server only reads; ``answers`` with the server's frames alone.

    python -m bench.replay [--events N] [--rounds N]

prints frames per second of wall time, per second of the server's CPU time, and the replay server's share of the bare
server's. The rounds alternate, and the spread is printed: only the shares carry over to another machine.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import socket
import statistics
import time
import tracemalloc
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from earwitness.replay.playing.match import MatchPolicy
from earwitness.replay.serve.plan import Planner, make_plan
from earwitness.replay.serve.player import Player
from earwitness.replay.serve.server import serve
from earwitness.schemas.frame import Frame
from earwitness.schemas.recording import MemoryRecording
from earwitness.schemas.summary import Summary
from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as listen
from websockets.exceptions import ConnectionClosed

from bench.talk import EVENTS_PER_HOUR, frames_of_talk

TARGET = "/v1/realtime?model=gpt-realtime"


@dataclass(frozen=True)
class Load:
    """One call, as a recording and as bytes on the wire."""

    name: str
    recording: MemoryRecording
    to_client: list[bytes]
    from_client: list[bytes]

    @property
    def frames(self) -> int:
        """Number of frames in both directions."""
        return len(self.to_client) + len(self.from_client)


@dataclass(frozen=True)
class Figures:
    """The frames per second of one run."""

    wall: float
    cpu: float


def make_load(name: str, frames: list[Frame]) -> Load:
    """Renumber the frames and encode them once."""
    frames = [Frame(seq, f.offset_ns, f.kind, f.sender, f.type, f.body, f.audio, f.cut) for seq, f in enumerate(frames)]
    summary = Summary()
    for frame in frames:
        summary.apply(frame)
    sides: dict[str, list[bytes]] = {"client": [], "server": [], "recorder": []}
    for frame in frames:
        sides[frame.sender].append(frame.payload or b"")
    return Load(name, MemoryRecording(summary.info(name), frames), sides["server"], sides["client"])


def _frame_size(payload: bytes) -> int:
    return len(payload) + (2 if len(payload) < 126 else 4 if len(payload) < 65536 else 10)


def _client_frame(payload: bytes) -> bytes:
    """Return a text frame masked with zeros: the server does all its work, the client none."""
    size = len(payload)
    head = bytes([0x81, 0x80 | size]) if size < 126 else b"\x81\xfe" + size.to_bytes(2, "big")
    return head + bytes(4) + payload


def _client(port: int, from_client: list[bytes], expected: int, done: Any) -> None:
    """Send all and read all, in a process of its own."""
    blob = b"".join(map(_client_frame, from_client))
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(
            f"GET {TARGET} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(65536)
        received = len(head.partition(b"\r\n\r\n")[2])
        connection.setblocking(False)
        view = memoryview(blob)
        asyncio.run(_exchange(connection, view, expected - received))
    done.send(None)


async def _exchange(connection: socket.socket, data: memoryview, expected: int) -> None:
    loop = asyncio.get_running_loop()

    async def read() -> None:
        left, buffer = expected, bytearray(1 << 20)
        while left > 0:
            size = await loop.sock_recv_into(connection, buffer)
            if not size:
                raise SystemExit(f"the server closed with {left} bytes to come")
            left -= size

    await asyncio.gather(loop.sock_sendall(connection, data), read())


async def _measured(load: Load, port: int) -> Figures:
    """Let the client process run against a server in this one."""
    here, there = multiprocessing.Pipe()
    expected = sum(map(_frame_size, load.to_client))
    client = multiprocessing.get_context("fork").Process(
        target=_client, args=(port, load.from_client, expected, there), daemon=True
    )
    wall, cpu = time.perf_counter(), time.process_time()
    client.start()
    await asyncio.get_running_loop().run_in_executor(None, here.recv)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    client.join()
    return Figures(load.frames / wall, load.frames / cpu)


async def bare(load: Load) -> Figures:
    """Serve the bytes from memory and read what comes."""

    async def handle(websocket: ServerConnection) -> None:
        async def send() -> None:
            for payload in load.to_client:
                await websocket.send(payload, text=True)

        sending = asyncio.create_task(send())
        try:
            async for _ in websocket:
                pass
        except ConnectionClosed:
            pass
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    async with listen(handle, "127.0.0.1", 0, compression=None, max_queue=64, ping_interval=None) as server:
        return await _measured(load, next(iter(server.sockets)).getsockname()[1])


async def replayed(load: Load) -> Figures:
    """Serve the recording, matched strictly."""
    async with serve(load.recording, match=MatchPolicy(mode="strict"), timeout=60) as server:
        figures = await _measured(load, server.port)
        await server.played()
        if not server.complete:
            raise SystemExit(server.report.text())
        return figures


async def compare(load: Load, rounds: int) -> float:
    """Run both in turn; print the figures and return the median share of wall-clock speed."""
    runs: dict[str, list[Figures]] = {"bare": [], "replay": []}
    ways: dict[str, Callable[[Load], Awaitable[Figures]]] = {"bare": bare, "replay": replayed}
    for number in range(rounds):
        for name in sorted(ways, reverse=bool(number % 2)):
            runs[name].append(await ways[name](load))
    shares = [mine.wall / theirs.wall for mine, theirs in zip(runs["replay"], runs["bare"], strict=True)]
    cpu = [mine.cpu / theirs.cpu for mine, theirs in zip(runs["replay"], runs["bare"], strict=True)]
    print(f"{load.name}: {len(load.to_client)} frames to the client, {len(load.from_client)} from it")
    for name, figures in runs.items():
        wall = statistics.median(f.wall for f in figures)
        print(f"  {name:7} {wall:9,.0f} frames/s   {statistics.median(f.cpu for f in figures):9,.0f} per CPU second")
    print(f"  share   {statistics.median(shares):.2f} ({min(shares):.2f} to {max(shares):.2f}) of wall speed,", end=" ")
    print(f"{statistics.median(cpu):.2f} ({min(cpu):.2f} to {max(cpu):.2f}) of CPU speed")
    return statistics.median(shares)


def memory(load: Load) -> int:
    """Return the bytes by which memory grows while all of the client's frames are matched."""
    planner = Planner(load.recording.info)
    for frame in load.recording.frames:
        planner.apply(frame)
    player = Player(planner.plan())
    player.connected(0)
    player.feed(load.recording.frames, 0, last=True)
    messages = [payload.decode() for payload in load.from_client]
    tracemalloc.start()
    for message in messages:
        player.received(message, 0)
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    if not player.report.complete:
        raise SystemExit(player.report.text())
    return grown


def main() -> None:
    """Run the benchmark."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--events", type=int, default=EVENTS_PER_HOUR)
    arguments.add_argument("--rounds", type=int, default=3)
    options = arguments.parse_args()
    frames = list(frames_of_talk(options.events))
    speech = make_load("speech", frames)
    answers = make_load("answers", [frame for frame in frames if frame.sender != "client"])
    started = time.perf_counter()
    asyncio.run(make_plan(speech.recording))
    print(f"laid out in {time.perf_counter() - started:.2f} s ({len(frames)} frames)")
    for load in (answers, speech):
        asyncio.run(compare(load, options.rounds))
    print(f"memory: {memory(speech):,} bytes more after {len(speech.from_client)} client frames")


if __name__ == "__main__":
    main()
