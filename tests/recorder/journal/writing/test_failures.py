"""A store that fails under the writer: what is kept, what is told, and what comes back."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest
from earwitness.recorder.journal import Journal, JournalReader, verify
from earwitness.recorder.journal.writing.batch import Batch
from earwitness.recorder.relay.reasons import store_failure
from earwitness.schemas.errors import StoreCorrupt, StoreWriteFailed

from tests.present import present
from tests.recorder.journal.builders import ENDING, OPENING, read_frames
from tests.recorder.journal.faults import impatient, until

NEVER = 3600.0


async def count(path: Path) -> int:
    async with await JournalReader.open(path) as reader:
        return (await reader.resolve("latest")).frames


async def settled(tasks: list[asyncio.Task]) -> list[asyncio.Task]:
    await asyncio.wait(tasks)
    return tasks


async def test_a_full_disk_fails_the_commit_and_room_heals_it(path):
    options = impatient(on_store_failure="pass", flush_seconds=0.001, max_page_count=20)
    async with await Journal.open(path, settings=options) as journal:
        writer = await journal.begin(OPENING)
        for number in range(30):
            writer.append("binary", "client", bytes([number]) * 16_384, number)
        with pytest.raises(StoreWriteFailed, match="full") as caught:
            await writer.commit()
        assert caught.value.hint == "Free space on the disk."
        async with journal._store.lock:
            await journal._store.connection.exec_driver_sql("PRAGMA max_page_count = 100000")
        await until(lambda: journal.failure is None)
        await writer.end(ENDING, 99)
    frames = await read_frames(path, writer.id)
    assert [frame.payload for frame in frames[1:-1]] == [bytes([number]) * 16_384 for number in range(30)]
    assert (await verify(path)).intact


async def test_closing_over_a_full_disk_tells_what_is_lost_and_keeps_the_prefix(path):
    journal = await Journal.open(path, settings=impatient(flush_seconds=0.001, max_page_count=20, flush_frames=5))
    writer = await journal.begin(OPENING)
    for number in range(60):
        writer.append("binary", "client", bytes([number]) * 16_384, number)
    with pytest.raises(StoreWriteFailed, match="the last .* records could not be written .*full") as caught:
        await journal.aclose()
    async with await Journal.open(path) as journal:
        assert journal.recovered == [writer.id]
    frames = await read_frames(path, writer.id)
    assert len(frames) - 1 + int(str(caught.value.data["frames"])) == 61
    assert [present(frame.payload)[:1] for frame in frames[1:-1]] == [
        bytes([number]) for number in range(len(frames) - 2)
    ]
    assert (await verify(path)).intact


async def test_a_removed_folder_is_a_failure_and_not_silence(path):
    """SQLite would go on writing into the removed file."""
    journal = await Journal.open(path, settings=impatient(flush_seconds=0.001))
    writer = await journal.begin(OPENING)
    shutil.rmtree(path.parent)
    writer.append("text", "client", b"x", 1)
    with pytest.raises(StoreWriteFailed, match="removed or replaced"):
        await writer.commit()
    with pytest.raises(StoreWriteFailed, match="the last 1 records"):
        await journal.aclose()


async def test_a_replaced_file_is_a_failure(path, tmp_path):
    journal = await Journal.open(path, settings=impatient(flush_seconds=0.001))
    writer = await journal.begin(OPENING)
    shutil.copy(path, tmp_path / "copy.db")
    path.unlink()
    shutil.copy(tmp_path / "copy.db", path)
    writer.append("text", "client", b"x", 1)
    with pytest.raises(StoreWriteFailed, match="removed or replaced"):
        await writer.commit()
    with pytest.raises(StoreWriteFailed):
        await journal.aclose()


async def test_a_commit_whose_answer_was_lost_is_not_written_twice(path, monkeypatch):
    async with await Journal.open(path, settings=impatient(flush_seconds=0.001, on_store_failure="pass")) as journal:
        write = journal._store.write
        batches: list[int] = []

        async def write_and_lose_the_answer(batch):
            await write(batch)
            batches.append(len(batch.rows))
            raise StoreWriteFailed("connection lost")

        monkeypatch.setattr(journal._store, "write", write_and_lose_the_answer)
        writer = await journal.begin(OPENING)
        writer.append("text", "client", b"x", 1)
        await until(lambda: journal.backlog_bytes == 0)
        with pytest.raises(StoreWriteFailed):
            await writer.end(ENDING, 2)
        await until(lambda: journal.backlog_bytes == 0)
        assert sum(batches) == 3
        monkeypatch.undo()
        other = await journal.begin(OPENING)
        assert await other.end(ENDING, 1) == journal.head
    assert [frame.kind for frame in await read_frames(path, writer.id)] == ["open", "text", "close"]
    report = await verify(path, head=journal.head)
    assert report.intact, report.to_text()


async def test_a_record_that_cannot_be_encoded_is_a_failure_that_everybody_hears_of(path, monkeypatch):
    """Nothing that `append` lets through should do so; if it does, it must not be silence."""
    heard: list[StoreWriteFailed] = []
    journal = await Journal.open(path, settings=impatient(flush_seconds=0.001))
    writer = await journal.begin(OPENING, on_failure=heard.append)
    writer.append("text", "client", "no bytes", 1)  # type: ignore[arg-type]
    with pytest.raises(StoreWriteFailed, match="cannot be encoded"):
        await writer.commit()
    assert len(heard) == 1
    with pytest.raises(StoreWriteFailed, match="the last 1 records"):
        await journal.aclose()


async def test_peers_are_not_told_where_a_damaged_journal_is(path, monkeypatch):
    """The damage is pretended: SQLite does not meet real damage reliably while its pages are cached."""

    async def damaged(batch: Batch) -> dict[str, bytes]:
        message = f"{path} is not an earwitness journal, or is damaged (malformed)"
        raise StoreCorrupt(message, reason="malformed", store=str(path))

    async with await Journal.open(path, settings=impatient(flush_seconds=0.001, on_store_failure="close")) as journal:
        writer = await journal.begin(OPENING)
        with monkeypatch.context() as patch:
            patch.setattr(journal._store, "write", damaged)
            writer.append("text", "client", b"x", 1)
            await until(lambda: journal.failure is not None)
            assert str(present(journal.failure).data["reason"]) == "malformed"
            assert str(path.parent) not in store_failure(present(journal.failure)).close.reason
        await until(lambda: journal.failure is None)
