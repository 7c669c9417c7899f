"""What every database must do, in classes that each of them inherits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from earwitness.recorder.journal import Journal, JournalReader, WriterSettings, info, rebuild, verify
from earwitness.schemas.errors import (
    StoreBusy,
    StoreCorrupt,
    StoreError,
    StoreNotFound,
)
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from tests.recorder.journal.builders import ENDING, OPENING, read_frames, tamper, write_session
from tests.recorder.journal.care_contract import CareContract
from tests.recorder.journal.contract import RecordingContract
from tests.recorder.journal.faults import until


class TestSqlite(RecordingContract, CareContract):
    replacements = (
        "INSERT OR REPLACE INTO records SELECT * FROM records WHERE seq = 2",
        "REPLACE INTO records SELECT position + 100, session, seq, offset_ns, kind, sender, type, redacted, payload, codec, salt, digest, chain FROM records WHERE seq = 2",  # noqa: E501
        "INSERT OR REPLACE INTO ledger SELECT * FROM ledger",
        "INSERT OR REPLACE INTO sessions SELECT * FROM sessions",
        "INSERT OR IGNORE INTO records SELECT * FROM records",
        "INSERT INTO records SELECT * FROM records WHERE seq = 2 ON CONFLICT DO UPDATE SET payload = x'00'",
    )

    @pytest.fixture
    def location(self, tmp_path: Path) -> Path:
        return tmp_path / "journal with spaces ?#%.db"

    @pytest.fixture
    async def engine(self, location: Path) -> AsyncIterator[AsyncEngine]:
        from sqlalchemy import URL

        engine = create_async_engine(URL.create("sqlite+aiosqlite", database=str(location)))
        yield engine
        await engine.dispose()

    async def test_a_missing_file_is_named(self, location):
        for use in (JournalReader.open, verify, info, rebuild):
            with pytest.raises(StoreNotFound, match="there is no journal"):
                await use(location)
        assert not location.exists()

    async def test_erased_bytes_are_in_no_file_any_more(self, location):
        secret = b"\x00my number is 555-0100\x00" * 40
        large = b"\x01another secret\x01" * 5000
        async with await Journal.open(location) as journal:
            public_id = await write_session(
                journal, [("binary", "client", None, secret), ("binary", "client", None, large)]
            )
            assert any(secret in name.read_bytes() for name in location.parent.iterdir())
            await journal.erase(public_id, [1, 2], "the caller asked")
            for name in location.parent.iterdir():
                assert b"555-0100" not in name.read_bytes(), name
                assert b"another secret" not in name.read_bytes(), name
        assert (await verify(location)).intact

    async def test_a_gap_in_the_records_ends_the_reading_there(self, location):
        async with await Journal.open(location) as journal:
            public_id = await write_session(journal)
        tamper(location, "DELETE FROM records WHERE seq = 4")
        async with await JournalReader.open(location) as reader:
            recording = reader.recording((await reader.resolve(public_id)).id)
            seen = []

            async def read() -> None:
                async for frames in recording.batches():
                    seen.extend(frames)

            with pytest.raises(StoreCorrupt, match="record 4: the record is missing"):
                await read()
        assert [frame.seq for frame in seen] == [0, 1, 2, 3]


class TestPostgresql(RecordingContract, CareContract):
    replacements = (
        "TRUNCATE records, sessions, ledger",
        "INSERT INTO records SELECT * FROM records WHERE seq = 2",
        "INSERT INTO records SELECT * FROM records WHERE seq = 2 ON CONFLICT (position) DO UPDATE SET codec = 0",
    )

    @pytest.fixture
    async def location(self, postgresql: str, request) -> str:
        name = f"t{abs(hash(request.node.name)) % 10**12}"
        server = create_async_engine(
            f"postgresql+asyncpg://tester@/postgres?host={postgresql}", isolation_level="AUTOCOMMIT"
        )
        async with server.connect() as connection:
            await connection.execute(text(f"CREATE DATABASE {name}"))
        await server.dispose()
        return f"postgresql://tester@/{name}?host={postgresql}"

    @pytest.fixture
    async def engine(self, location: str) -> AsyncIterator[AsyncEngine]:
        engine = create_async_engine(location.replace("postgresql:", "postgresql+asyncpg:"))
        yield engine
        await engine.dispose()

    async def test_recorders_may_find_the_database_empty_at_once(self, location):
        journals = await asyncio.gather(*(Journal.open(location) for _ in range(3)))
        await asyncio.gather(*(write_session(journal) for journal in journals))
        await asyncio.gather(*(journal.aclose() for journal in journals))
        report = await verify(location)
        assert report.intact, report.to_text()
        assert report.sessions == 3

    async def test_recorders_that_start_at_once_mark_a_dead_one_s_session_once(self, location):
        async with await Journal.open(location) as journal:
            await write_session(journal, end=False, public_id="left")
        journals = await asyncio.gather(*(Journal.open(location) for _ in range(3)))
        assert sorted(journal.recovered for journal in journals) == [[], [], ["left"]]
        await asyncio.gather(*(journal.aclose() for journal in journals))
        report = await verify(location)
        assert report.intact, report.to_text()

    async def test_maintenance_and_recorders_keep_out_of_each_others_way(self, location):
        async with await Journal.open(location):
            with pytest.raises(StoreBusy, match="being recorded into"):
                await rebuild(location)
        assert (await rebuild(location)).sessions == 0

    async def test_a_broken_connection_is_opened_again_and_nothing_is_lost(self, location, engine):
        options = WriterSettings(flush_seconds=0.001, retry_seconds=0.01)
        async with await Journal.open(location, settings=options) as journal:
            writer = await journal.begin(OPENING)
            for number in range(3):
                async with engine.begin() as connection:
                    await connection.execute(
                        text(
                            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                        )
                    )
                writer.append("text", "client", str(number).encode(), number)
                await until(lambda: journal.backlog_bytes == 0)
            async with await Journal.open(location) as other:
                assert other.recovered == [], "the first recorder holds its lock again"
            await writer.end(ENDING, 9)
            assert journal.stats.failures >= 3
        frames = await read_frames(location, writer.id)
        assert [frame.payload for frame in frames[1:-1]] == [b"0", b"1", b"2"]
        assert (await verify(location)).intact

    async def test_a_database_that_is_not_there_is_named(self, location):
        missing = location.replace("?host=", "_none?host=")
        for use in (Journal.open, JournalReader.open, verify):
            with pytest.raises(StoreError, match="does not exist"):
                await use(missing)

    async def test_several_recorders_share_the_database(self, location):
        async with await Journal.open(location) as one, await Journal.open(location) as two:
            writers = [await one.begin(OPENING), await two.begin(OPENING)]
            for writer in writers:
                writer.append("text", "client", b"x", 1)
                await writer.commit()
            async with await Journal.open(location) as three:
                assert three.recovered == []
            await asyncio.gather(*(writer.end(ENDING, 2) for writer in writers))
        report = await verify(location)
        assert report.intact, report.to_text()
        assert report.ledger == 4
