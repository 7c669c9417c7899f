"""Waiting for what happens in other threads and processes, and making a store fail for real."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

LOCKER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.read()
"""


async def until(condition: Callable[[], object]) -> None:
    """Let others work until the condition holds; fail if it never does."""
    async with asyncio.timeout(90):
        while not condition():
            await asyncio.sleep(0.001)


@contextmanager
def locked_by_another_process(path: Path) -> Iterator[None]:
    """Hold SQLite's write lock in another process."""
    with subprocess.Popen(
        [sys.executable, "-c", LOCKER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        try:
            yield
        finally:
            process.communicate("", timeout=20)
