"""What the proxy costs: latency, CPU, memory and disk, beside a bare ``websockets`` relay that records nothing.

    python -m bench.proxy [pace] [burst] [memory] [--rounds 7] [--seconds 10] [--only KIND…]

* ``pace``: 20 sessions, each with 50 audio appends a second of 1.3 KB up, and bursts of speech and transcript down.
  Added latency (over going direct, in the same round) and CPU per session-hour.
* ``burst``: one session, 20,000 messages of 6.6 KB, as fast as they go. Events per CPU-second of the relay, with the
  draining of the store counted in, its peak memory, and the bytes stored per byte of JSON.
* ``memory``: 1 GiB through one session; resident memory after 100 MiB and at the end.

Kinds are interleaved in random order within each round; figures are medians over the rounds, with the range. Only the
ratios carry over to another machine. Run it on a quiet one: the peers want a core of their own.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from .peers import End, open_client, open_server, stamped

SESSIONS = 20
APPENDS_PER_SECOND = 50
BURST_MESSAGES = 20_000
BURST_BYTES = 6_600
_TICKS = os.sysconf("SC_CLK_TCK")
MIB = 1 << 20


@dataclass
class Relay:
    """A relay in a process of its own; ``direct`` is none."""

    kind: str
    port: int
    process: asyncio.subprocess.Process | None
    folder: Path

    def cpu_s(self) -> float:
        """CPU time of the process so far, user and system."""
        if self.process is None:
            return 0.0
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def memory_mib(self, name: str = "VmRSS") -> float:
        """Resident memory, or with ``VmHWM`` its peak."""
        if self.process is None:
            return 0.0
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith(name)).split()[1]) / 1024

    def stored_bytes(self) -> int:
        """Size of the database files."""
        return sum(file.stat().st_size for file in self.folder.iterdir())

    async def drained(self) -> None:
        """Wait until it has nothing left to do: its CPU time stands still."""
        last = -1.0
        while (now := self.cpu_s()) != last:
            last = now
            await asyncio.sleep(0.3)

    async def stop(self) -> None:
        """End it in an orderly way."""
        if self.process is not None:
            assert self.process.stdin is not None
            self.process.stdin.close()
            if await self.process.wait() != 0:
                raise RuntimeError(f"the {self.kind} relay failed")


async def start(kind: str, upstream: int, folder: Path) -> Relay:
    """Start a relay and wait until it listens."""
    if kind == "direct":
        return Relay(kind, upstream, None, folder)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "bench.relays", kind, str(upstream), str(folder / "bench.db")),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    return Relay(kind, int(await process.stdout.readline()), process, folder)


async def pace(kind: str, seconds: float) -> dict[str, float]:
    """Run the sessions at a realistic pace; latencies in ms, CPU in seconds per session-hour."""
    servers: list[End] = []
    up = [stamped("input_audio_buffer.append", 1300, seed) for seed in range(8)]
    down = [stamped("response.output_audio.delta", 6600, seed) for seed in range(4)]
    words = stamped("response.output_audio_transcript.delta", 250)
    with tempfile.TemporaryDirectory() as name:
        server = await open_server(servers.append)
        relay = await start(kind, server.sockets[0].getsockname()[1], Path(name))
        clients = [await open_client(relay.port) for _ in range(SESSIONS)]
        await _reached(servers, SESSIONS)
        loop = asyncio.get_running_loop()

        async def speak(client: End, offset: float) -> None:
            begin = loop.time() + offset
            for number in range(int(seconds * APPENDS_PER_SECOND)):
                await asyncio.sleep(begin + number / APPENDS_PER_SECOND - loop.time())
                client.send(up[number % len(up)])

        async def answer(end: End, offset: float) -> None:
            begin = loop.time() + offset
            for number in range(int(seconds)):
                await asyncio.sleep(begin + number - loop.time())
                for piece in range(15):
                    end.send(down[piece % len(down)])
                    end.send(words)
                end.send(words)
                if number % 5 == 0:
                    end.ping()

        before = relay.cpu_s()
        async with asyncio.TaskGroup() as group:
            for number, (client, end) in enumerate(zip(clients, servers, strict=True)):
                group.create_task(speak(client, 0.5 + number / SESSIONS / APPENDS_PER_SECOND))
                group.create_task(answer(end, 0.5 + number / SESSIONS))
        cpu = relay.cpu_s() - before
        await _close(clients, servers)
        delays = sorted(delay for end in (*clients, *servers) for delay in end.delays)
        await relay.stop()
        server.close()
    sent = SESSIONS * (int(seconds * APPENDS_PER_SECOND) + int(seconds) * 31)
    if len(delays) != sent:
        raise RuntimeError(f"{kind}: {len(delays)} of {sent} messages arrived")
    return {
        "p50": delays[len(delays) // 2] / 1e6,
        "p99": delays[len(delays) * 99 // 100] / 1e6,
        "cpu": cpu / (SESSIONS * seconds) * 3600,
    }


async def _reached(servers: list[End], count: int) -> None:
    """Wait until all connections are through; a bare relay answers before it has asked the upstream."""
    while len(servers) < count:
        await asyncio.sleep(0.01)


async def _close(clients: Iterable[End], servers: Iterable[End]) -> None:
    await asyncio.sleep(0.2)
    for client in clients:
        client.close()
    for end in servers:
        await end.lost
    for client in clients:
        client.transport.close()
        await client.lost


async def burst(kind: str, messages: int = BURST_MESSAGES, watch: Callable[[Relay, int], None] | None = None):
    """Send a burst from server to client through one session; events per CPU-second, peak memory in MiB."""
    servers: list[End] = []
    down = [stamped("response.output_audio.delta", BURST_BYTES, seed) for seed in range(64)]
    with tempfile.TemporaryDirectory() as name:
        server = await open_server(servers.append)
        relay = await start(kind, server.sockets[0].getsockname()[1], Path(name))
        client = await open_client(relay.port)
        await _reached(servers, 1)
        (end,) = servers
        before = relay.cpu_s()
        for number in range(messages):
            end.send(down[number % len(down)])
            await end.drain()
            if number % 256 == 0:
                await asyncio.sleep(0)
                if watch is not None:
                    watch(relay, client.bytes)
        while client.count < messages:
            await asyncio.sleep(0.01)
        if watch is not None:
            watch(relay, client.bytes)
        await _close([client], servers)
        await relay.drained()
        cpu = relay.cpu_s() - before
        result = {
            "events_per_cpu_s": messages / cpu if cpu else 0.0,
            "peak_mib": relay.memory_mib("VmHWM"),
        }
        await relay.stop()
        result["disk"] = relay.stored_bytes() / client.bytes
        server.close()
    return result


async def memory(kind: str, total: int = 1 << 30) -> dict[str, float]:
    """Send a GiB through one session; MiB resident after the first 100 and at most from there on."""
    early: list[float] = []
    late: list[float] = []

    def watch(relay: Relay, received: int) -> None:
        (early if received < 100 * MIB else late).append(relay.memory_mib())

    await burst(kind, total // BURST_BYTES, watch)
    return {"after_100_mib": max(early), "at_most_after": max(late), "growth": max(late) - max(early)}


def spread(values: list[float], digits: int = 2) -> str:
    """Median and range."""
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}…{max(values):.{digits}f})"


async def rounds(kinds: list[str], count: int, run) -> dict[str, list[dict[str, float]]]:
    """Run every kind once a round, in random order."""
    results: dict[str, list[dict[str, float]]] = {kind: [] for kind in kinds}
    for number in range(count):
        order = random.sample(kinds, len(kinds))
        for kind in order:
            results[kind].append(await run(kind))
            print(f"  round {number + 1}/{count} {kind}: {results[kind][-1]}", file=sys.stderr, flush=True)
    return results


async def report_pace(kinds: list[str], count: int, seconds: float) -> None:
    results = await rounds(["direct", *kinds], count, lambda kind: pace(kind, seconds))
    print(f"\n{SESSIONS} sessions at realistic pace, {count} rounds of {seconds:g} s")
    print("| relay | p50 added, ms | p99 added, ms | CPU s per session-hour | p50 ×bare | p99 ×bare | CPU ×bare |")
    print("|---|---|---|---|---|---|---|")
    added = {
        kind: {
            name: [mine[name] - base[name] for mine, base in zip(results[kind], results["direct"], strict=True)]
            for name in ("p50", "p99")
        }
        | {"cpu": [mine["cpu"] for mine in results[kind]]}
        for kind in kinds
    }
    for kind in kinds:
        cells = [spread(added[kind][name], 3 if name == "p50" else 2) for name in ("p50", "p99", "cpu")]
        if "bare" in kinds:
            cells += [
                spread([a / b for a, b in zip(added[kind][name], added["bare"][name], strict=True)])
                for name in ("p50", "p99", "cpu")
            ]
        print(f"| {kind} | {' | '.join(cells)} |")


async def report_burst(kinds: list[str], count: int) -> None:
    results = await rounds(kinds, count, burst)
    print(f"\nA burst of {BURST_MESSAGES:,} messages of {BURST_BYTES:,} bytes through one session, {count} rounds")
    print("| relay | events per CPU-second | ×bare | peak memory, MiB | bytes stored per byte of JSON |")
    print("|---|---|---|---|---|")
    for kind in kinds:
        speed = [result["events_per_cpu_s"] for result in results[kind]]
        ratio = "–"
        if "bare" in kinds:
            base = [result["events_per_cpu_s"] for result in results["bare"]]
            ratio = spread([mine / other for mine, other in zip(speed, base, strict=True)])
        peak = spread([result["peak_mib"] for result in results[kind]], 0)
        stored = spread([result["disk"] for result in results[kind]])
        print(f"| {kind} | {spread(speed, 0)} | {ratio} | {peak} | {stored} |")


async def report_memory(kinds: list[str]) -> None:
    print("\n1 GiB through one session")
    print("| relay | MiB resident in the first 100 MiB, at most | after that, at most | growth |")
    print("|---|---|---|---|")
    for kind in kinds:
        figures = await memory(kind)
        cells = (f"{figures[name]:.0f}" for name in ("after_100_mib", "at_most_after", "growth"))
        print(f"| {kind} | {' | '.join(cells)} |")


async def main() -> None:
    """Run what was asked for and print the tables."""
    parser = argparse.ArgumentParser(prog="python -m bench.proxy", description=__doc__.split("\n")[0])
    parser.add_argument("what", nargs="*", default=["pace", "burst", "memory"])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--only", nargs="+", default=["bare", "inline", "callback", "batch", "strict"])
    options = parser.parse_args()
    if "pace" in options.what:
        await report_pace(options.only, options.rounds, options.seconds)
    if "burst" in options.what:
        await report_burst(options.only, options.rounds)
    if "memory" in options.what:
        await report_memory([kind for kind in options.only if kind in ("batch", "strict")])


if __name__ == "__main__":
    asyncio.run(main())
