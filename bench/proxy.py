"""Measure what the proxy costs, compared with a bare ``websockets`` relay: latency, CPU, memory and disk.

    python -m bench.proxy [pace] [burst] [memory] [disk] [--rounds 7] [--seconds 10] [--hours 1]
                          [--only KIND…] [--others]

* ``pace``: 20 sessions, each with 50 audio appends a second of 1.3 KB up, and bursts of speech and transcript down.
  Added latency (compared with a direct connection in the same round), CPU per session-hour and peak memory.
* ``burst``: one session, 20,000 messages of 6.6 KB, as fast as possible. Events per CPU-second of the relay, including
  the time to drain the store, its peak memory, and the bytes stored per byte of JSON.
* ``memory``: 1 GiB through one session; resident memory after 100 MiB and at the end.
* ``disk``: an hour of talk through one session; the bytes of the database per byte of JSON.

``--others`` adds mitmdump and LiteLLM's proxy to the tables of ``pace`` and ``burst``, in environments of their own
that are made the first time. One that does not install or run is named with the reason, and the rest goes on. ``disk``
and ``memory`` measure this program alone.

Kinds are interleaved in random order within each round; figures are medians over the rounds, with the range. CPU and
memory are those of the relay's process with all its children; peak memory is the kernel's high-water mark of resident
memory, in MB of 10^6 bytes. Only the ratios carry over to another machine. Run it on a quiet one: the peers need
a core of their own.
"""

from __future__ import annotations

import argparse
import asyncio
import platform
import random
import sqlite3
import statistics
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterable
from importlib.metadata import version
from pathlib import Path

from .disk import report_disk
from .others import OTHERS, Unavailable, install
from .peers import End, open_client, open_server, stamped
from .processes import Relay, running
from .relays import KINDS

SESSIONS = 20
APPENDS_PER_SECOND = 50
BURST_MESSAGES = 20_000
BURST_BYTES = 6_600
PATIENCE_SECONDS = 20
GREETING = b'{"event_id":"', b'","type":"session.created","session":{"type":"realtime","model":"gpt-realtime"}}'
"""What every session begins with."""
MIB = 1 << 20
PEAK = "peak memory, MB"

Figures = dict[str, float]


async def pace(kind: str, seconds: float) -> dict[str, float]:
    """Run sessions at a realistic pace; return latencies (ms), CPU (seconds per session-hour), peak memory (MB)."""
    servers: list[End] = []
    up = [stamped("input_audio_buffer.append", 1300, seed) for seed in range(8)]
    down = [stamped("response.output_audio.delta", 6600, seed) for seed in range(4)]
    words = stamped("response.output_audio_transcript.delta", 250)
    with tempfile.TemporaryDirectory() as name:
        async with (
            await open_server(servers.append) as server,
            running(kind, server.sockets[0].getsockname()[1], Path(name)) as relay,
        ):
            clients = [await open_client(relay.port) for _ in range(SESSIONS)]
            await _at_least(SESSIONS, lambda: len(servers), "sessions")
            for end in servers:
                end.send(GREETING)
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
            ends = (*clients, *servers)
            sent = SESSIONS * (1 + int(seconds * APPENDS_PER_SECOND) + int(seconds) * 31)
            await _at_least(sent, lambda: sum(end.count for end in ends), "messages")
            await relay.drained()
            cpu = relay.cpu_s() - before
            await _close(clients, servers)
            await relay.drained()
            peak = relay.memory_mb("VmHWM")
            await relay.stop()
    delays = sorted(delay for end in ends for delay in end.delays)
    if len(delays) != sent:
        raise RuntimeError(f"{kind}: {len(delays)} of {sent} messages arrived")
    return {
        "p50": delays[len(delays) // 2] / 1e6,
        "p99": delays[len(delays) * 99 // 100] / 1e6,
        "cpu": cpu / (SESSIONS * seconds) * 3600,
        "peak": peak,
        "binary": sum(end.binary for end in ends) / sent,
    }


async def _at_least(wanted: int, count: Callable[[], int], what: str) -> None:
    """Wait until this many have arrived.

    Raises:
        Unavailable: none arrived for a while.
    """
    last, since = -1, 0.0
    loop = asyncio.get_running_loop()
    while (now := count()) < wanted:
        if now != last:
            last, since = now, loop.time()
        elif loop.time() - since > PATIENCE_SECONDS:
            raise Unavailable(f"{now} of {wanted} {what} came through")
        await asyncio.sleep(0.01)


async def _close(clients: Iterable[End], servers: Iterable[End]) -> None:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            for client in clients:
                client.close()
            for end in servers:
                await end.lost
            for client in clients:
                client.transport.close()
                await client.lost
    except TimeoutError:
        raise Unavailable("it does not pass on that a session ends") from None


async def burst(kind: str, messages: int = BURST_MESSAGES, watch: Callable[[Relay, int], None] | None = None):
    """Send a burst from server to client through one session; return events per CPU-second, peak memory in MB."""
    servers: list[End] = []
    down = [stamped("response.output_audio.delta", BURST_BYTES, seed) for seed in range(64)]
    with tempfile.TemporaryDirectory() as name:
        async with (
            await open_server(servers.append) as server,
            running(kind, server.sockets[0].getsockname()[1], Path(name)) as relay,
        ):
            client = await open_client(relay.port)
            await _at_least(1, lambda: len(servers), "sessions")
            (end,) = servers
            before = relay.cpu_s()
            for number in range(messages):
                end.send(down[number % len(down)])
                await end.drain()
                if number % 256 == 0:
                    await asyncio.sleep(0)
                    if watch is not None:
                        watch(relay, client.bytes)
            await _at_least(messages, lambda: client.count, "messages")
            if watch is not None:
                watch(relay, client.bytes)
            await _close([client], servers)
            await relay.drained()
            cpu = relay.cpu_s() - before
            result = {
                "events_per_cpu_s": messages / cpu if cpu else 0.0,
                "peak": relay.memory_mb("VmHWM"),
                "binary": client.binary / messages,
            }
            await relay.stop()
            result["disk"] = relay.stored_bytes() / client.bytes
    return result


async def memory(kind: str, total: int = 1 << 30) -> dict[str, float]:
    """Send a GiB through one session; return the peak of resident MB in the first 100 MiB and after that."""
    early: list[float] = []
    late: list[float] = []

    def watch(relay: Relay, received: int) -> None:
        (early if received < 100 * MIB else late).append(relay.memory_mb())

    await burst(kind, total // BURST_BYTES, watch)
    return {"after_100_mib": max(early), "at_most_after": max(late), "growth": max(late) - max(early)}


def spread(values: list[float], digits: int = 2) -> str:
    """Return median and range as text."""
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}…{max(values):.{digits}f})"


async def rounds(
    kinds: list[str], count: int, run: Callable[[str], Awaitable[Figures]]
) -> tuple[dict[str, list[Figures]], dict[str, str]]:
    """Run every kind once per round, in random order; return figures by kind, and why another program has none."""
    results: dict[str, list[Figures]] = {kind: [] for kind in kinds}
    failed: dict[str, str] = {}
    for number in range(count):
        for kind in random.sample(kinds, len(kinds)):
            if kind in failed:
                continue
            try:
                results[kind].append(await run(kind))
            except (Unavailable, ConnectionError) as failure:
                if kind not in OTHERS:
                    raise
                failed[kind] = str(failure)
            told = failed.get(kind) or {name: round(value, 3) for name, value in results[kind][-1].items()}
            print(f"  round {number + 1}/{count} {kind}: {told}", file=sys.stderr, flush=True)
    return {kind: figures for kind, figures in results.items() if kind not in failed}, failed


def _remarks(results: dict[str, list[Figures]], failed: dict[str, str]) -> None:
    """Print what a reader must know about the other programs to compare their figures."""
    for kind, why in failed.items():
        print(f"{kind}: not measured: {why}")
    for kind in (kind for kind in results if kind in OTHERS):
        binary = statistics.median(figures["binary"] for figures in results[kind])
        print(f"{kind}: {OTHERS[kind].what}")
        if binary:
            print(f"{kind}: {binary:.0%} of the messages, all sent as text, came as binary")


async def report_pace(kinds: list[str], count: int, seconds: float) -> None:
    results, failed = await rounds(["direct", *kinds], count, lambda kind: pace(kind, seconds))
    print(f"\n{SESSIONS} sessions at realistic pace, {count} rounds of {seconds:g} s")
    columns = ["relay", "p50 added, ms", "p99 added, ms", "CPU s per session-hour", PEAK]
    if "bare" in results:
        columns += ["p50 ×bare", "p99 ×bare", "CPU ×bare"]
    print(f"| {' | '.join(columns)} |")
    print("|---" * len(columns) + "|")
    direct = results.pop("direct")
    added = {
        kind: {
            name: [mine[name] - base[name] for mine, base in zip(results[kind], direct, strict=True)]
            for name in ("p50", "p99")
        }
        | {name: [mine[name] for mine in results[kind]] for name in ("cpu", "peak")}
        for kind in results
    }
    for kind, figures in added.items():
        digits = {"p50": 3, "p99": 2, "cpu": 2, "peak": 0}
        cells = [spread(figures[name], places) for name, places in digits.items()]
        if "bare" in added:
            cells += [
                spread([a / b for a, b in zip(figures[name], added["bare"][name], strict=True)])
                for name in ("p50", "p99", "cpu")
            ]
        print(f"| {kind} | {' | '.join(cells)} |")
    _remarks(results, failed)


async def report_burst(kinds: list[str], count: int) -> None:
    results, failed = await rounds(kinds, count, burst)
    print(f"\nA burst of {BURST_MESSAGES:,} messages of {BURST_BYTES:,} bytes through one session, {count} rounds")
    print(f"| relay | events per CPU-second | ×bare | {PEAK} | bytes stored per byte of JSON |")
    print("|---|---|---|---|---|")
    for kind, figures in results.items():
        speed = [result["events_per_cpu_s"] for result in figures]
        ratio = "–"
        if "bare" in results:
            base = [result["events_per_cpu_s"] for result in results["bare"]]
            ratio = spread([mine / other for mine, other in zip(speed, base, strict=True)])
        peak = spread([result["peak"] for result in figures], 0)
        stored = spread([result["disk"] for result in figures])
        print(f"| {kind} | {spread(speed, 0)} | {ratio} | {peak} | {stored} |")
    _remarks(results, failed)


async def report_memory(kinds: list[str]) -> None:
    print("\n1 GiB through one session, memory in MB of 10^6 bytes")
    print("| relay | resident in the first 100 MiB, at most | after that, at most | growth |")
    print("|---|---|---|---|")
    for kind in kinds:
        figures = await memory(kind)
        cells = (f"{figures[name]:.0f}" for name in ("after_100_mib", "at_most_after", "growth"))
        print(f"| {kind} | {' | '.join(cells)} |")


def _present(kinds: list[str]) -> list[str]:
    """Install the other programs, print all versions, and leave out what does not install."""
    versions = {"python": platform.python_version(), "sqlite": sqlite3.sqlite_version}
    versions |= {name: version(name) for name in ("websockets", "zstandard", "sqlalchemy", "orjson")}
    missing: dict[str, str] = {}
    for kind in kinds:
        if kind in OTHERS:
            try:
                versions[kind] = install(kind)
            except Unavailable as failure:
                missing[kind] = str(failure)
    print(f"versions: {', '.join(f'{name} {number}' for name, number in versions.items())}")
    for kind, why in missing.items():
        print(f"{kind}: does not install here: {why}")
    return [kind for kind in kinds if kind not in missing]


async def main() -> None:
    """Run the chosen benchmarks and print their tables."""
    reports = ("pace", "burst", "memory", "disk")
    parser = argparse.ArgumentParser(prog="python -m bench.proxy", description=str(__doc__).split("\n")[0])
    parser.add_argument("what", nargs="*", default=reports, metavar="|".join(reports))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--hours", type=float, default=1)
    parser.add_argument("--only", nargs="+", default=list(KINDS), choices=[*KINDS, *OTHERS])
    parser.add_argument("--others", action="store_true")
    options = parser.parse_args()
    if unknown := set(options.what) - set(reports):
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    kinds = _present(list(dict.fromkeys(options.only + list(OTHERS) * options.others)))
    if "pace" in options.what:
        await report_pace(kinds, options.rounds, options.seconds)
    if "burst" in options.what:
        await report_burst(kinds, options.rounds)
    if "memory" in options.what:
        await report_memory([kind for kind in kinds if kind in ("batch", "strict")])
    if "disk" in options.what:
        await report_disk([kind for kind in kinds if kind == "batch"], options.hours)


if __name__ == "__main__":
    asyncio.run(main())
