"""``earwitness`` in a process of its own, and an upstream for it."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as serve_websocket

EARWITNESS = [sys.executable, "-m", "earwitness.cli"]

# Every option of `record` can be set by a variable: those of whoever runs the tests must not.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("EARWITNESS_")}


class Recorder:
    """A running ``earwitness record``."""

    def __init__(self, process: asyncio.subprocess.Process, url: str, said: list[str]) -> None:
        self.process = process
        self.url = url
        self.said = said
        self.err = ""
        """What it printed to standard error until it ended, but for what was read by then."""

    async def line(self, pattern: str) -> str:
        """Read until a line matches; return it."""
        assert self.process.stdout is not None
        while True:
            line = (await self.process.stdout.readline()).decode()
            assert line, f"ended without a line like {pattern!r}: {self.said}"
            self.said.append(line.rstrip("\n"))
            if re.search(pattern, line):
                return line.rstrip("\n")

    async def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        self.err = (await self.process.communicate())[1].decode()
        assert self.process.returncode is not None
        return self.process.returncode


@asynccontextmanager
async def recorder(
    upstream: str, db: Path, *options: str, program: Sequence[str] = EARWITNESS
) -> AsyncIterator[Recorder]:
    """Run a recorder until the block ends; ``program`` is what stands before ``record`` on its command line."""
    process = await asyncio.create_subprocess_exec(
        *program, "record", "--upstream", upstream, "--listen", "127.0.0.1:0", "--db", str(db), *options,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=ENVIRONMENT,
    )  # fmt: skip
    running = Recorder(process, "", [])
    try:
        line = await running.line(r"^recording ")
        running.url = line.split()[1]
        yield running
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def command(*arguments: object) -> tuple[int, str, str]:
    """Run the command in a process; return exit code, output and errors."""
    process = await asyncio.create_subprocess_exec(
        *EARWITNESS, *map(str, arguments),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=ENVIRONMENT,
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


@asynccontextmanager
async def echo_server() -> AsyncIterator[str]:
    """An upstream that sends back what it gets, on a connection that stays open."""

    async def echo(connection: ServerConnection) -> None:
        async for message in connection:
            await connection.send(message)

    async with serve_websocket(echo, "127.0.0.1", 0, compression=None) as server:
        yield f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"


def run_in_shell(script: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run ``earwitness`` with the rest of a shell's line, in a folder."""
    command = ["bash", "-c", f"{sys.executable} -m earwitness.cli {script}"]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, env={**ENVIRONMENT, **variables})
