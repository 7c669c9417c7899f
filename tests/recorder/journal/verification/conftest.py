"""A journal to be changed, and what is found and read afterwards."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest
from earwitness.recorder.journal import Journal, verify

from tests.recorder.journal.builders import MESSAGES, OPENING, write_session


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A journal with closed, erased-in, cut-off and open sessions, and its head."""
    path = tmp_path_factory.mktemp("journal") / "original.db"
    return path, asyncio.run(record_original(path))


async def record_original(path: Path) -> str:
    async with await Journal.open(path) as journal:
        await write_session(journal, public_id="cut", end=False)
    async with await Journal.open(path) as journal:
        await write_session(journal, public_id="plain")
        erased = await write_session(journal, public_id="partly")
        await journal.erase(erased, [2, 3], "test")
        writer = await journal.begin(OPENING, public_id="open")
        writer.append("text", "client", MESSAGES[1][3], 1, type=MESSAGES[1][2], redacted=("a.b",))
        await writer.commit()
        head = journal.head
    assert (await verify(path, head=head)).intact
    return head


@pytest.fixture
def journal_file(original, tmp_path: Path) -> Path:
    return Path(shutil.copy(original[0], tmp_path / "copy.db"))
