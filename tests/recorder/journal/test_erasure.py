"""Erasing in an SQLite file, beside those who read it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from earwitness.recorder.journal import Journal, WriterSettings, erase, verify
from earwitness.schemas.errors import RequestError, SessionNotFound, StoreBusy, StoreNotFound
from earwitness.schemas.refs import Seqs

from tests.recorder.journal.builders import write_session

SECRET = b"\x00my number is 555-0100\x00" * 40


def on_disk(path: Path) -> bytes:
    return b"".join(name.read_bytes() for name in path.parent.iterdir())


async def test_a_reader_that_keeps_the_old_bytes_is_told_and_the_next_time_they_go(tmp_path: Path) -> None:
    path = tmp_path / "calls.db"
    async with await Journal.open(path, settings=WriterSettings(busy_timeout=0.01)) as journal:
        session = await write_session(journal, [("binary", "client", None, SECRET)])
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM records").fetchone()
            with pytest.raises(StoreBusy, match="reader keeps their old bytes.*erase record 1 again") as raised:
                await journal.erase(session, [1], "the caller asked")
            assert raised.value.data == {"session": session, "seqs": [1]}
            assert SECRET in on_disk(path)
            reader.execute("COMMIT")
        head = journal.head
        assert await journal.erase(session, [1], "the caller asked") == head, "there is nothing new to tell"
        assert SECRET not in on_disk(path)
    report = await verify(path)
    assert report.intact
    assert report.erased == 1


async def test_a_journal_that_nobody_writes_is_erased_from(tmp_path: Path) -> None:
    path = tmp_path / "calls.db"
    async with await Journal.open(path) as journal:
        session = await write_session(journal, [("binary", "client", None, SECRET)])
        before = journal.head
    report = await erase(path, session, Seqs([[1, 1]]), "the caller asked")
    assert (report.session, report.seqs, report.reason) == (session, [[1, 1]], "the caller asked")
    assert "records 1." in report.to_text()
    assert SECRET not in on_disk(path)
    found = await verify(path, head=before)
    assert found.intact
    assert found.head == report.head


async def test_what_cannot_be_erased_is_refused_and_nothing_is_made(tmp_path: Path) -> None:
    path = tmp_path / "calls.db"
    with pytest.raises(StoreNotFound):
        await erase(path, "x", Seqs([[1, 1]]), "x")
    assert list(tmp_path.iterdir()) == []
    async with await Journal.open(path) as journal:
        session = await write_session(journal)
        with pytest.raises(StoreBusy, match="Stop the recorder first"):
            await erase(path, session, Seqs([[1, 1]]), "x")
    with pytest.raises(SessionNotFound):
        await erase(path, "nobody", Seqs([[1, 1]]), "x")
    with pytest.raises(RequestError, match="own statement"):
        await erase(path, session, Seqs([[0, 1]]), "x")
    assert (await verify(path)).erased == 0
