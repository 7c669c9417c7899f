"""What every database must do, part one: what is recorded is read back."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from earwitness.recorder.journal import Journal, JournalReader, WriterSettings, verify
from earwitness.schemas.errors import (
    AmbiguousSession,
    RequestError,
    SessionNotFound,
)
from earwitness.schemas.statements import CloseStatement, CutoffStatement, NoteStatement, Response

from tests.present import present
from tests.recorder.journal.builders import ENDING, MESSAGES, OPENING, Message, read_frames, write_session

SLOW = WriterSettings(flush_seconds=3600.0)


class RecordingContract:
    """``location`` names an empty place for a journal."""

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
