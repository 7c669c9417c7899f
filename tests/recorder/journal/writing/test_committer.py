"""Groups, pressure, and what becomes of frames while the store fails. Every fault is a real one."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from earwitness.recorder.journal import Journal, JournalReader, verify
from earwitness.schemas.errors import StoreWriteFailed
from earwitness.schemas.statements import GapStatement

from tests.present import present
from tests.recorder.journal.builders import ENDING, OPENING, read_frames, write_session
from tests.recorder.journal.faults import impatient, locked_by_another_process, until

NEVER = 3600.0


async def count(path: Path) -> int:
    async with await JournalReader.open(path) as reader:
        return (await reader.resolve("latest")).frames


async def test_a_group_is_full_at_its_number_of_frames(path):
    async with await Journal.open(path, settings=impatient(flush_seconds=NEVER, flush_frames=10)) as journal:
        writer = await journal.begin(OPENING)
        for number in range(9):
            writer.append("text", "client", b"x", number)
        assert journal.stats.frames == 1
        writer.append("text", "client", b"x", 9)
        await until(lambda: journal.stats.frames == 11)


async def test_a_group_is_full_at_its_bytes(path):
    async with await Journal.open(path, settings=impatient(flush_seconds=NEVER, flush_bytes=10_000)) as journal:
        writer = await journal.begin(OPENING)
        writer.append("binary", "client", bytes(9_000), 1)
        assert journal.stats.frames == 1
        writer.append("binary", "client", bytes(9_000), 2)
        await until(lambda: journal.stats.frames == 3)


async def test_a_lonely_frame_is_committed_by_the_timer(path):
    async with await Journal.open(path, settings=impatient(flush_seconds=0.001)) as journal:
        writer = await journal.begin(OPENING)
        writer.append("text", "client", b"x", 1)
        assert journal.backlog_bytes > 0
        await until(lambda: journal.stats.frames == 2)
        assert await count(path) == 2


async def test_a_burst_is_committed_to_its_last_frame(path):
    async with await Journal.open(path, settings=impatient(flush_seconds=NEVER, flush_frames=10)) as journal:
        writer = await journal.begin(OPENING)
        for number in range(45):
            writer.append("text", "client", b"x", number)
        await until(lambda: journal.stats.frames == 46)
        assert journal.stats.commits == 3


async def test_what_arrives_during_a_commit_waits_for_its_own_group(path):
    """Or else steady traffic would be committed in endless small groups."""
    async with await Journal.open(path, settings=impatient(flush_seconds=NEVER, flush_frames=10)) as journal:
        writer = await journal.begin(OPENING)
        async with journal._store.lock:
            for number in range(10):
                writer.append("text", "client", b"x", number)
            await until(lambda: not journal._committer._pending)
            for number in range(10, 15):
                writer.append("text", "client", b"x", number)
        await until(lambda: journal.stats.frames == 11)
        for number in range(15, 20):
            assert journal.stats.frames == 11
            writer.append("text", "client", b"x", number)
        await until(lambda: journal.stats.frames == 21)
        assert journal.stats.commits == 3


async def test_waiting_committers_share_a_group(path):
    async with await Journal.open(path, settings=impatient(flush_seconds=NEVER)) as journal:
        writers = [await journal.begin(OPENING) for _ in range(4)]
        before = journal.stats.commits
        for writer in writers:
            writer.append("text", "client", b"x", 1)
        await asyncio.gather(*(writer.commit() for writer in writers))
        assert journal.stats.commits == before + 1


async def test_a_cancelled_wait_loses_nothing_and_harms_nobody(path):
    async with await Journal.open(path, settings=impatient(flush_seconds=NEVER)) as journal:
        writer = await journal.begin(OPENING)
        writer.append("text", "client", b"x", 1)
        waits = [asyncio.create_task(writer.commit()) for _ in range(3)]
        await asyncio.sleep(0)
        waits[0].cancel()
        waits[2].cancel()
        await waits[1]
        assert [wait.cancelled() or wait.exception() for wait in await settled(waits)] == [True, None, True]
        ending = asyncio.create_task(writer.end(ENDING, 2))
        await asyncio.sleep(0)
        ending.cancel()
        await settled([ending])
    assert [frame.kind for frame in await read_frames(path, "latest")] == ["open", "text", "close"]
    assert (await verify(path)).intact


async def settled(tasks: list[asyncio.Task]) -> list[asyncio.Task]:
    await asyncio.wait(tasks)
    return tasks


async def test_a_cancelled_close_still_releases_the_file(path):
    journal = await Journal.open(path, settings=impatient())
    writer = await journal.begin(OPENING)
    writer.append("text", "client", b"x", 1)
    closing = asyncio.create_task(journal.aclose())
    await asyncio.sleep(0)
    closing.cancel()
    await settled([closing])
    async with await Journal.open(path) as journal:
        assert journal.recovered == [writer.id]
    assert (await verify(path)).intact


async def test_a_backlog_above_half_its_bound_asks_for_a_pause_until_it_is_low(path):
    asked: list[bool] = []
    options = impatient(flush_seconds=NEVER, backlog_bytes=100_000)
    async with await Journal.open(path, settings=options) as journal:
        writer = await journal.begin(OPENING, on_pressure=asked.append)
        writer.append("binary", "client", bytes(40_000), 1)
        assert asked == []
        writer.append("binary", "client", bytes(20_000), 2)
        assert asked == [True]
        assert journal.paused
        writer.append("binary", "client", bytes(1_000), 3)
        assert asked == [True]
        await writer.commit()
        assert asked == [True, False]
        assert not journal.paused
        assert journal.stats.pauses == 1
        await writer.end(ENDING, 4)
        other = await journal.begin(OPENING)
        other.append("binary", "client", bytes(60_000), 1)
        assert asked == [True, False], "an ended session is not asked any more"


async def test_passing_keeps_what_fits_and_states_the_rest_as_a_gap(path):
    failures: list[StoreWriteFailed] = []
    asked: list[bool] = []
    options = impatient(on_store_failure="pass", backlog_bytes=50_000, flush_seconds=0.001)
    async with await Journal.open(path, settings=options) as journal:
        writer = await journal.begin(OPENING, on_failure=failures.append, on_pressure=asked.append)
        with locked_by_another_process(path):
            seqs = [writer.append("text", "client", b"kept", 10)]
            await until(lambda: journal.failure is not None)
            seqs += [writer.append("binary", "server", bytes(1000), 20 + n) for n in range(100)]
            assert "locked" in str(journal.failure)
            with pytest.raises(StoreWriteFailed, match="locked"):
                await writer.commit()
            assert len(failures) == 1
            assert asked == [], "while it fails, a pause would not help"
        gap = max(seqs)
        kept = seqs.index(gap)
        assert 30 < kept < 60
        assert seqs[kept:] == [gap] * (len(seqs) - kept)
        await until(lambda: journal.failure is None)
        assert writer.append("text", "client", b"later", 500) == gap + 1
        await writer.end(ENDING, 600)
        assert journal.stats.gaps == 1
        assert journal.stats.gap_frames == 101 - kept
        assert journal.stats.failures >= 1
    frames = await read_frames(path, writer.id)
    assert [frame.kind for frame in frames] == ["open", "text", *["binary"] * (gap - 2), "gap", "text", "close"]
    statement = GapStatement.model_validate_json(present(frames[gap].payload))
    assert (statement.frames, statement.bytes) == (101 - kept, (101 - kept) * 1000)
    assert (statement.from_ns, statement.to_ns) == (20 + kept - 1, 119)
    assert "locked" in statement.reason
    report = await verify(path)
    assert report.intact, report.to_text()


async def test_a_session_that_begins_when_the_backlog_is_full_still_has_its_first_record(path):
    """A gap cannot stand for it: nothing could be said of the session, and its rows would refer to none."""
    options = impatient(on_store_failure="pass", backlog_bytes=20_000, flush_seconds=0.001)
    async with await Journal.open(path, settings=options) as journal:
        writer = await journal.begin(OPENING)
        with locked_by_another_process(path):
            seqs = [writer.append("text", "client", b"x", 1)]
            await until(lambda: journal.failure is not None)
            while seqs[-1:] != seqs[-2:-1]:
                seqs.append(writer.append("text", "client", b"", 2))
            late = await journal.begin(OPENING)
            assert late.append("text", "client", b"lost", 1) == 1
        await until(lambda: journal.failure is None)
        await writer.end(ENDING, 3)
        await late.end(ENDING, 3)
    assert [frame.kind for frame in await read_frames(path, late.id)] == ["open", "gap", "close"]
    report = await verify(path)
    assert report.intact, report.to_text()


async def test_a_session_may_begin_and_end_while_the_store_fails_and_the_policy_is_pass(path):
    async with await Journal.open(path, settings=impatient(on_store_failure="pass", flush_seconds=0.001)) as journal:
        with locked_by_another_process(path):
            writer = await journal.begin(OPENING)
            assert writer.append("text", "client", b"x", 1) == 1
            with pytest.raises(StoreWriteFailed):
                await writer.end(ENDING, 2)
        await until(lambda: journal.failure is None and journal.backlog_bytes == 0)
    assert [frame.kind for frame in await read_frames(path, writer.id)] == ["open", "text", "close"]
    assert (await verify(path)).intact


async def test_closing_refuses_frames_and_sessions_until_the_store_works_again(path):
    failures: list[StoreWriteFailed] = []
    async with await Journal.open(path, settings=impatient(on_store_failure="close", flush_seconds=0.001)) as journal:
        writer = await journal.begin(OPENING, on_failure=failures.append)
        with locked_by_another_process(path):
            writer.append("text", "client", b"x", 1)
            await until(lambda: failures)
            with pytest.raises(StoreWriteFailed, match="locked"):
                writer.append("text", "client", b"y", 2)
        await until(lambda: journal.failure is None)
        assert writer.append("text", "client", b"z", 3) == 2
        await writer.end(ENDING, 4)
    frames = await read_frames(path, writer.id)
    assert [frame.payload for frame in frames if frame.kind == "text"] == [b"x", b"z"]
    assert (await verify(path)).intact


async def test_a_refused_beginning_leaves_no_session_that_seems_to_go_on(path):
    async with await Journal.open(path, settings=impatient(on_store_failure="close", flush_seconds=0.001)) as journal:
        with locked_by_another_process(path):
            with pytest.raises(StoreWriteFailed):
                await journal.begin(OPENING)
            with pytest.raises(StoreWriteFailed):
                await journal.begin(OPENING)
            with pytest.raises(StoreWriteFailed):
                await journal.check_writable()
        await until(lambda: journal.failure is None and journal.backlog_bytes == 0)
        await journal.check_writable()
    async with await JournalReader.open(path) as reader:
        assert [info.status for info in await reader.sessions()] == ["closed"]


async def test_nothing_is_appended_after_the_end(path):
    async with await Journal.open(path) as journal:
        writer = await journal.begin(OPENING)
        head = await writer.end(ENDING, 1)
        assert head == journal.head
        with pytest.raises(RuntimeError, match="has ended"):
            writer.append("text", "client", b"x", 2)
        with pytest.raises(RuntimeError, match="has ended"):
            await writer.end(ENDING, 2)


@pytest.mark.parametrize(
    ("kind", "sender", "offset_ns"), [("x", "client", 1), ("text", "x", 1), ("text", "client", 2**63)]
)
async def test_a_record_that_the_format_cannot_hold_harms_only_its_maker(path, kind, sender, offset_ns):
    async with await Journal.open(path) as journal:
        writer = await journal.begin(OPENING)
        with pytest.raises(ValueError, match="no record can be"):
            writer.append(kind, sender, b"", offset_ns)
        await write_session(journal)
        await writer.end(ENDING, 1)
    assert (await verify(path)).intact


async def test_closing_twice_is_closing_once(path):
    journal = await Journal.open(path)
    await journal.aclose()
    await journal.aclose()
