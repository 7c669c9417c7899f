"""Reading a file loads what reading needs, and no more."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from earwitness.recorder.journal import Journal

from tests.recorder.journal.builders import write_session

PROGRAM = """
import asyncio, sys
from earwitness.recorder.journal import JournalReader

async def main(path):
    async with await JournalReader.open(path) as reader:
        print(len(await reader.sessions()), loaded())
        recording = reader.recording((await reader.resolve("latest")).id)
        print(sum([len(batch) async for batch in recording.batches(0, 1)]), loaded())

def loaded():
    large = ("sqlalchemy", "alembic", "asyncpg", "numpy", "zstandard", "pydantic")
    return [name for name in large if name in sys.modules]

asyncio.run(main(sys.argv[1]))
"""


async def test_a_file_is_listed_without_what_only_a_writer_or_a_server_needs(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with await Journal.open(path) as journal:
        await write_session(journal)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(path)], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.splitlines() == ["1 []", "1 ['zstandard']"]
