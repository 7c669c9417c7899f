"""Waiting for what happens in other threads and processes, and making a store fail for real."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from earwitness.recorder.journal import Journal, WriterSettings

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


@contextmanager
def moved_away(folder: Path) -> Iterator[None]:
    """Take a folder away from under whoever has files of it open."""
    elsewhere = folder.with_name(folder.name + "-elsewhere")
    folder.rename(elsewhere)
    try:
        yield
    finally:
        elsewhere.rename(folder)


@asynccontextmanager
async def full_disk(journal: Journal) -> AsyncIterator[None]:
    """Let SQLite have no page more than it has."""

    async def allow(pages: int) -> None:
        async with journal._store.lock:
            await journal._store.connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    await allow(1)
    try:
        yield
    finally:
        await allow(1 << 20)


def impatient(**changes: Any) -> WriterSettings:
    """For a writer that soon gives up, and soon tries again."""
    return WriterSettings(**{"busy_timeout": 0.02, "retry_seconds": 0.005, "close_retry_seconds": 0.05, **changes})
