"""What every database must do, part two: nothing changes unnoticed, and what is done to a journal afterwards."""

from __future__ import annotations

import json
from typing import ClassVar

import pytest
from earwitness.recorder.journal import Journal, JournalReader, erase, info, rebuild, verify
from earwitness.schemas.errors import (
    RequestError,
    SessionNotFound,
    StoreError,
    StoreNewer,
    StoreOutdated,
)
from earwitness.schemas.refs import Seqs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.recorder.journal.builders import ENDING, MESSAGES, OPENING, Message, read_frames, write_session


class CareContract:
    """``location`` names an empty place for a journal; ``engine`` is an ordinary connection to it."""

    replacements: ClassVar[tuple[str, ...]]
    """Statements of this database alone that would change a row past a guard against DELETE and UPDATE."""

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
