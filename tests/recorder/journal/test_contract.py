"""What every database must do, in one class that each of them inherits."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import pytest
from earwitness.recorder.journal import Journal, JournalReader, WriterSettings, erase, info, rebuild, verify
from earwitness.schemas.errors import (
    AmbiguousSession,
    RequestError,
    SessionNotFound,
    StoreBusy,
    StoreCorrupt,
    StoreError,
    StoreNewer,
    StoreNotFound,
    StoreOutdated,
)
from earwitness.schemas.refs import Seqs
from earwitness.schemas.statements import CloseStatement, CutoffStatement, NoteStatement, Response
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from tests.present import present
from tests.recorder.journal.builders import ENDING, MESSAGES, OPENING, Message, read_frames, tamper, write_session
from tests.recorder.journal.faults import until

SLOW = WriterSettings(flush_seconds=3600.0)


class JournalContract:
    """``location`` names an empty place for a journal; ``engine`` is an ordinary connection to it."""

    replacements: ClassVar[tuple[str, ...]]
    """Statements of this database alone that would change a row past a guard against DELETE and UPDATE."""

    async def test_what_was_appended_is_read_back_byte_for_byte(self, location):
        async with await Journal.open(location) as journal:
            public_id = await write_session(journal)
        frames = await read_frames(location, public_id)
        assert [frame.seq for frame in frames] == list(range(len(MESSAGES) + 2))
        assert [(f.kind, f.sender, f.type, f.payload) for f in frames[1:-1]] == MESSAGES
        assert frames[0].kind == "open"
        assert frames[0].payload == OPENING.to_payload()
        assert frames[-1].kind == "close"
        assert frames[-1].payload == ENDING.to_payload()
        assert [frame.offset_ns for frame in frames] == [n * 1000 for n in range(len(frames))]
        assert frames[2].audio == bytes(range(256)) * 4

    async def test_the_summary_tells_what_the_records_hold(self, location):
        async with await Journal.open(location) as journal:
            await write_session(journal, public_id="first")
            await write_session(journal, end=False, public_id="second")
            async with await JournalReader.open(location) as reader:
                first, second = await reader.sessions()
        assert (first.id, first.status, first.frames, first.close_code) == ("first", "closed", 9, 1000)
        assert first.opened_at == datetime(2026, 3, 1, 10, tzinfo=UTC)
        assert first.target == "/v1/realtime?model=gpt-realtime"
        assert first.upstream == "wss://api.example.com"
        assert first.model == "gpt-realtime"
        assert first.labels == {"who": "tester"}
        assert first.duration_ns == 8000
        assert (second.id, second.status, second.frames, second.duration_ns) == ("second", "open", 8, 7000)

    async def test_redacted_paths_and_absent_clocks_are_kept(self, location):
        async with await Journal.open(location) as journal:
            writer = await journal.begin(OPENING, offset_ns=None)
            writer.append("text", "client", b"{}", None, redacted=("session.tools[0].authorization", "\ud800\x00é"))
            writer.note(NoteStatement(note="hello"), None)
            await writer.end(ENDING, None)
        frames = await read_frames(location, writer.id)
        assert frames[1].redacted == ("session.tools[0].authorization", "\ud800\x00é")
        assert frames[2].json() == {"note": "hello", "details": {}}
        assert {frame.offset_ns for frame in frames} == {None}
        assert (await verify(location)).intact

    @pytest.mark.parametrize("event_type", ["with\x00nul", "lone\ud800surrogate"])
    async def test_a_type_that_no_text_column_holds_is_null(self, location, event_type):
        async with await Journal.open(location) as journal:
            writer = await journal.begin(OPENING)
            writer.append("text", "client", b"{}", 1, type=event_type)
            await writer.end(ENDING, 2)
        assert (await read_frames(location, writer.id))[1].type is None
        assert (await verify(location)).intact

    async def test_sessions_interleave_on_one_writer(self, location):
        async with await Journal.open(location) as journal:
            writers = await asyncio.gather(*(journal.begin(OPENING) for _ in range(5)))
            for number in range(100):
                for which, writer in enumerate(writers):
                    writer.append("text", "client", f"{which}:{number}".encode(), number)
            heads = await asyncio.gather(*(writer.end(ENDING, 200) for writer in writers))
            assert journal.head in heads
        for which, writer in enumerate(writers):
            frames = await read_frames(location, writer.id)
            assert [frame.payload for frame in frames[1:-1]] == [f"{which}:{n}".encode() for n in range(100)]
        assert (await verify(location)).intact

    async def test_a_session_is_found_by_id_prefix_and_latest(self, location):
        async with await Journal.open(location) as journal:
            for public_id in ("aa1", "aa2", "aa", "b_x"):
                await write_session(journal, [], public_id=public_id)
        async with await JournalReader.open(location) as reader:
            assert (await reader.resolve("aa1")).id == "aa1"
            assert (await reader.resolve("aa")).id == "aa"
            assert (await reader.resolve("b")).id == "b_x"
            assert (await reader.resolve("latest")).id == "b_x"
            with pytest.raises(AmbiguousSession, match="aa1, aa2"):
                await reader.resolve("a")
            for unknown in ("zz", "", "%", "AA1", "_"):
                with pytest.raises(SessionNotFound):
                    await reader.resolve(unknown)
            with pytest.raises(SessionNotFound):
                reader.recording("aa3")

    async def test_a_public_id_is_used_once(self, location):
        async with await Journal.open(location) as journal:
            await write_session(journal, [], public_id="mine")
            with pytest.raises(RequestError, match="mine"):
                await journal.begin(OPENING, public_id="mine")
            for bad in ("", "-x", "a b", "x" * 65, "é", "../x"):
                with pytest.raises(RequestError):
                    await journal.begin(OPENING, public_id=bad)

    async def test_a_range_of_records_is_read_in_bounded_batches(self, location):
        messages: list[Message] = [("text", "client", None, str(n).encode()) for n in range(1200)]
        async with await Journal.open(location) as journal:
            public_id = await write_session(journal, messages)
        async with await JournalReader.open(location) as reader:
            recording = reader.recording((await reader.resolve(public_id)).id)
            sizes = [len(frames) async for frames in recording.batches()]
            assert sum(sizes) == 1202
            assert max(sizes) <= 1000
            part = [frame async for frames in recording.batches(5, 8) for frame in frames]
            assert [frame.payload for frame in part] == [b"4", b"5", b"6"]
            assert [frames async for frames in recording.batches(2000)] == []
            assert [frames async for frames in recording.batches(5, 5)] == []

    async def test_large_records_are_batches_of_their_own(self, location):
        messages: list[Message] = [("binary", "client", None, bytes([n]) * 3_000_000) for n in range(4)]
        async with await Journal.open(location) as journal:
            public_id = await write_session(journal, messages)
        async with await JournalReader.open(location) as reader:
            recording = reader.recording((await reader.resolve(public_id)).id)
            batches = [frames async for frames in recording.batches()]
        assert max(sum(len(frame.payload or b"") for frame in frames) for frames in batches) < 4_100_000
        assert [frame.payload for frames in batches for frame in frames][1:-1] == [m[3] for m in messages]

    async def test_a_growing_session_is_followed_to_its_end(self, location):
        async with await Journal.open(location) as journal, await JournalReader.open(location) as reader:
            writer = await journal.begin(OPENING)
            recording = reader.recording((await reader.resolve(writer.id)).id)
            seen: list[bytes | None] = []
            async for frames in recording.follow(poll_seconds=0):
                seen += [frame.payload for frame in frames if frame.kind == "text"]
                if len(seen) < 50:
                    writer.append("text", "client", str(len(seen)).encode(), len(seen))
                    await writer.commit()
                elif not writer.ended:
                    await writer.end(ENDING, 99)
            assert seen == [str(n).encode() for n in range(50)]
            assert [frames async for frames in recording.follow(start=52)] == []

    async def test_appended_records_are_durable_after_commit(self, location):
        async with await Journal.open(location, settings=SLOW) as journal:
            writer = await journal.begin(OPENING)
            writer.append("text", "client", b"one", 1)
            assert len(await read_frames(location, writer.id)) == 1
            await writer.commit()
            assert len(await read_frames(location, writer.id)) == 2
            await writer.commit()

    async def test_closing_commits_everything(self, location):
        async with await Journal.open(location, settings=SLOW) as journal:
            writer = await journal.begin(OPENING)
            for number in range(10):
                writer.append("text", "client", b"x", number)
        assert len(await read_frames(location, writer.id)) == 11

    async def test_what_a_recorder_left_open_is_marked_by_the_next_one_only(self, location):
        async with await Journal.open(location) as journal:
            await write_session(journal, public_id="done")
            await write_session(journal, end=False, public_id="left")
        async with await JournalReader.open(location) as reader:
            assert [info.status for info in await reader.sessions()] == ["closed", "open"]
        assert (await verify(location)).open == 1
        async with await Journal.open(location) as journal:
            assert journal.recovered == ["left"]
            head = journal.head
        frames = await read_frames(location, "left")
        assert [frame.kind for frame in frames[-2:]] == ["text", "cutoff"]
        CutoffStatement.model_validate_json(present(frames[-1].payload))
        async with await JournalReader.open(location) as reader:
            left = await reader.resolve("left")
            assert (left.status, left.frames, left.duration_ns) == ("cut off", len(frames), 7000)
        report = await verify(location, head=head)
        assert report.intact, report.to_text()
        assert report.open == 0
        async with await Journal.open(location) as journal:
            assert journal.recovered == []

    async def test_a_refused_handshake_is_a_session_of_its_own_kind(self, location):
        refused = OPENING.model_copy(update={"response": Response(status=401, body="no")})
        async with await Journal.open(location) as journal:
            first = await journal.begin(refused)
            assert (await verify(location)).intact
            await first.end(CloseStatement(by="server"), 5)
            await journal.begin(refused)
        async with await Journal.open(location) as journal:
            assert len(journal.recovered) == 1
        async with await JournalReader.open(location) as reader:
            assert [(info.status, info.frames) for info in await reader.sessions()] == [("refused", 2), ("refused", 2)]
        report = await verify(location)
        assert report.intact, report.to_text()

    async def test_recovery_can_be_left_out(self, location):
        async with await Journal.open(location) as journal:
            await write_session(journal, end=False)
        async with await Journal.open(location, recover_sessions=False) as journal:
            assert journal.recovered == []
        assert (await verify(location)).open == 1

    async def test_records_and_ledger_refuse_every_change(self, location, engine):
        async with await Journal.open(location) as journal:
            public_id = await write_session(journal)
            await journal.erase(public_id, [1], "test")
        columns = (
            ("records", ("position", "session", "seq", "offset_ns", "codec")),
            ("records", ("kind", "sender", "type", "redacted")),
            ("records", ("payload", "salt", "digest", "chain")),
            ("ledger", ("id", "frames", "session", "kind", "at", "detail", "head", "chain")),
            ("sessions", ("id", "public_id", "recorder")),
        )
        refused = [f"UPDATE {table} SET {name} = {name}" for table, names in columns for name in names]
        refused += [f"DELETE FROM {table}" for table in ("records", "ledger", "sessions")]
        refused += [
            "UPDATE records SET payload = NULL WHERE seq = 3",
            "UPDATE records SET salt = NULL WHERE seq = 3",
            "UPDATE records SET payload = NULL, salt = NULL, codec = 0 WHERE seq = 3",
            "UPDATE records SET payload = NULL, salt = NULL WHERE seq = 1",
            *self.replacements,
        ]
        for statement in refused:
            with pytest.raises(DBAPIError):
                async with engine.begin() as connection:
                    await connection.execute(text(statement))
        report = await verify(location)
        assert report.intact, report.to_text()
        async with engine.begin() as connection:
            await connection.execute(text("UPDATE records SET payload = NULL, salt = NULL WHERE seq = 3"))
        report = await verify(location)
        assert [(finding.kind, finding.seq) for finding in report.findings] == [("erasure", 3)]

    async def test_an_erased_payload_leaves_the_chain_verifiable(self, location):
        async with await Journal.open(location) as journal:
            public_id = await write_session(journal)
            head = await journal.erase(public_id, [2, 3, 5], "the caller asked")
            assert head == journal.head
            assert await journal.erase(public_id, [3], "again") == head
            with pytest.raises(RequestError, match="no record 99"):
                await journal.erase(public_id, [3, 99], "x")
            with pytest.raises(RequestError, match="recorder's own"):
                await journal.erase(public_id, [0], "x")
            with pytest.raises(SessionNotFound):
                await journal.erase("nobody", [1], "x")
        frames = await read_frames(location, public_id)
        assert [frame.seq for frame in frames if frame.erased] == [2, 3, 5]
        assert frames[2].type == "input_audio_buffer.append"
        report = await verify(location, head=head)
        assert report.intact, report.to_text()
        assert report.erased == 3

    async def test_maintenance_erases_what_a_dead_recorder_left_too(self, location):
        async with await Journal.open(location) as journal:
            left = await write_session(journal, end=False)
            before = journal.head
        report = await erase(location, left, Seqs([[2, 3]]), "the caller asked")
        assert (report.session, report.seqs) == (left, [[2, 3]])
        assert [frame.seq for frame in await read_frames(location, left) if frame.erased] == [2, 3]
        async with await JournalReader.open(location) as reader:
            assert (await reader.resolve(left)).status == "cut off"
        found = await verify(location, head=before)
        assert found.intact, found.to_text()
        assert found.head == report.head

    async def test_nothing_is_erased_from_a_session_that_goes_on(self, location):
        async with await Journal.open(location) as journal:
            public_id = await write_session(journal, end=False)
            with pytest.raises(RequestError, match="still open"):
                await journal.erase(public_id, [1], "x")
        assert (await verify(location)).erased == 0

    async def test_the_summary_is_what_the_records_say_after_an_erasure(self, location):
        messages: list[Message] = [
            ("text", "server", "session.created", b'{"type":"session.created","session":{"model":"secret"}}')
        ]
        async with await Journal.open(location) as journal:
            public_id = await write_session(journal, messages)
            async with await JournalReader.open(location) as reader:
                assert (await reader.resolve(public_id)).model == "secret"
            await journal.erase(public_id, [1], "the model's name")
        async with await JournalReader.open(location) as reader:
            assert (await reader.resolve(public_id)).model == "gpt-realtime"
        assert (await verify(location)).intact

    async def test_an_older_head_is_an_ancestor_and_a_foreign_one_is_not(self, location):
        async with await Journal.open(location) as journal:
            heads = [journal.head]
            for _ in range(3):
                await write_session(journal)
                heads.append(journal.head)
        assert heads[0] == "0" * 64
        for head in heads[1:]:
            assert (await verify(location, head=head)).intact
        report = await verify(location, head="ab" * 32)
        assert [finding.kind for finding in report.findings] == ["head"]
        with pytest.raises(RequestError, match="64 hexadecimal"):
            await verify(location, head="xyz")

    async def test_some_sessions_can_be_verified_alone(self, location):
        async with await Journal.open(location) as journal:
            for public_id in ("one", "two"):
                await write_session(journal, public_id=public_id)
        report = await verify(location, ["one"])
        assert (report.intact, report.sessions, report.records) == (True, 1, 9)
        with pytest.raises(SessionNotFound):
            await verify(location, ["three"])

    async def test_info_counts(self, location):
        async with await Journal.open(location) as journal:
            await write_session(journal)
            await write_session(journal, end=False)
            report = await info(location)
            assert report.head == journal.head
        assert (report.sessions, report.open, report.records, report.ledger) == (2, 1, 17, 3)
        assert report.schema == report.supported_schema == 1
        assert json.dumps(report.to_json())
        assert "SQL" in report.to_text()

    async def test_wrong_summaries_are_found_and_rebuilt(self, location, engine):
        async with await Journal.open(location) as journal:
            await write_session(journal)
            await write_session(journal, end=False)
        before = await self.summaries(location)
        async with engine.begin() as connection:
            await connection.execute(text("UPDATE sessions SET target = '/else', labels = '{}', dialect = 'live'"))
        report = await verify(location)
        assert {finding.kind for finding in report.findings} == {"summary"}
        assert len(report.findings) == 6
        assert (await rebuild(location)).changed == 2
        assert await self.summaries(location) == before
        assert (await rebuild(location)).changed == 0
        assert (await verify(location)).intact

    async def summaries(self, location):
        async with await JournalReader.open(location) as reader:
            return await reader.sessions()

    async def test_other_schema_versions_are_refused(self, location, engine):
        async with await Journal.open(location) as journal:
            await write_session(journal)
        for version, error, hint in (("0002", StoreNewer, "update"), ("0000", StoreOutdated, "db upgrade")):
            async with engine.begin() as connection:
                await connection.execute(text(f"UPDATE alembic_version SET version_num = '{version}'"))
            for use in (Journal.open, JournalReader.open, verify):
                with pytest.raises(error, match=hint):
                    await use(location)

    async def test_readers_cannot_write(self, location):
        async with await Journal.open(location):
            pass
        async with await JournalReader.open(location) as reader:
            with pytest.raises(StoreError, match="read-?only"):
                await reader.source.fetch("CREATE TABLE mine (x int)")
            async with reader.source.snapshot() as queries:
                with pytest.raises((StoreError, DBAPIError), match="read-?only"):
                    await queries.fetch("CREATE TABLE mine (x int)")

    async def test_a_writable_store_says_so(self, location):
        async with await Journal.open(location) as journal:
            await journal.check_writable()

    async def test_statistics_count_what_was_committed(self, location):
        async with await Journal.open(location) as journal:
            await write_session(journal)
            stats = journal.stats
            assert stats.frames == len(MESSAGES) + 2
            assert stats.bytes >= sum(len(message[3]) for message in MESSAGES)
            assert stats.commits >= 2
            assert stats.commit_seconds >= stats.last_commit_seconds > 0
            assert journal.backlog_bytes == 0
            assert journal.backlog_age == 0
            assert not journal.paused
            assert journal.failure is None

    async def test_any_message_is_read_back_exactly(self, location):
        async with await Journal.open(location) as journal:

            @given(
                st.lists(
                    st.tuples(
                        st.sampled_from(["text", "binary"]),
                        st.sampled_from(["client", "server"]),
                        st.one_of(st.none(), st.text(max_size=8), st.just("input_audio_buffer.append")),
                        st.one_of(st.binary(max_size=400), st.text(max_size=99).map(lambda t: json.dumps(t).encode())),
                        st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)),
                        st.lists(st.text(max_size=5), max_size=2).map(tuple),
                    ),
                    max_size=8,
                )
            )
            @settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
            def check(messages):
                written.append(messages)

            written: list = []
            check()
            for messages in written:
                writer = await journal.begin(OPENING)
                for kind, sender, event_type, payload, offset_ns, redacted in messages:
                    writer.append(kind, sender, payload, offset_ns, type=event_type, redacted=redacted)
                await writer.end(ENDING, None)
                frames = await read_frames(location, writer.id)
                got = [(f.kind, f.sender, f.payload, f.offset_ns, f.redacted) for f in frames[1:-1]]
                assert got == [(m[0], m[1], m[3], m[4], m[5]) for m in messages]
        report = await verify(location)
        assert report.intact, report.to_text()


class TestSqlite(JournalContract):
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


class TestPostgresql(JournalContract):
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
