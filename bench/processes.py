"""Run the relays as processes: start them, measure them from outside with all their children, stop them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from . import others

__all__ = ["Relay", "running"]

_TICKS = os.sysconf("SC_CLK_TCK")
_KIB_IN_MB = 1024 / 1e6


@dataclass
class Relay:
    """A relay in a process of its own; ``direct`` means no relay."""

    kind: str
    port: int
    process: asyncio.subprocess.Process | None
    folder: Path

    def cpu_s(self) -> float:
        """Return the CPU time so far of the process and its children, user and system."""
        ticks = 0
        for process in self._tree():
            fields = (process / "stat").read_text().rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15]))  # utime, stime, and those of the children waited for
        return ticks / _TICKS

    def memory_mb(self, name: str = "VmRSS") -> float:
        """Return the resident memory in 10^6 bytes, or with ``VmHWM`` its peak, summed over the processes."""
        total = 0
        for process in self._tree():
            lines = (process / "status").read_text().splitlines()
            total += int(next(line for line in lines if line.startswith(name)).split()[1])
        return total * _KIB_IN_MB

    def _tree(self) -> list[Path]:
        """Return the ``/proc`` folders of the process and its descendants."""
        if self.process is None:
            return []
        own = str(self.process.pid)
        if self.kind not in others.OTHERS:
            return [Path("/proc", own)]  # ours start no process, and a look at every process costs the peers time
        parents: dict[str, str] = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):  # gone since
                parents[stat.parent.name] = stat.read_text().rpartition(")")[2].split()[1]
        found = [own]
        for known in found:
            found += [pid for pid, parent in parents.items() if parent == known]
        return [Path("/proc", pid) for pid in found]

    def stored_bytes(self) -> int:
        """Return the size of the files that hold the recording."""
        return sum(file.stat().st_size for file in self.folder.glob("bench.*"))

    async def drained(self) -> None:
        """Wait until it has nothing left to do: until its CPU time no longer grows by a tick."""
        last = -1.0
        while (now := self.cpu_s()) - last > 1.5 / _TICKS:
            last = now
            await asyncio.sleep(0.3)

    async def stop(self) -> None:
        """Stop it in an orderly way."""
        if self.process is None:
            return
        if self.kind in others.OTHERS:
            await others.end(self.process)
            return
        assert self.process.stdin is not None
        self.process.stdin.close()
        if await self.process.wait() != 0:
            raise RuntimeError(f"the {self.kind} relay failed")


@contextlib.asynccontextmanager
async def running(kind: str, upstream: int, folder: Path) -> AsyncIterator[Relay]:
    """Start a relay and wait until it listens; kill it at the end if it was not stopped.

    Raises:
        Unavailable: another program does not start here.
    """
    relay = await _start(kind, upstream, folder)
    try:
        yield relay
    finally:
        if relay.process is not None and relay.process.returncode is None:
            relay.process.kill()
            await relay.process.wait()


async def _start(kind: str, upstream: int, folder: Path) -> Relay:
    if kind == "direct":
        return Relay(kind, upstream, None, folder)
    if kind in others.OTHERS:
        process, port = await others.launch(kind, upstream, folder)
        return Relay(kind, port, process, folder)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "bench.relays", kind, str(upstream), str(folder / "bench.db")),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    return Relay(kind, int(await process.stdout.readline()), process, folder)
