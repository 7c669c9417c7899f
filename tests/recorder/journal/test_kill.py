"""``kill -9`` in the middle of a recording: a gapless prefix of each session, marked; no more lost than the bound."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest
from earwitness.recorder.journal import Journal, JournalReader, verify

from tests.recorder.journal import victim
from tests.recorder.journal.builders import read_frames
from tests.recorder.journal.faults import until
from tests.sizes import pick


@pytest.mark.parametrize("moment", range(pick(5, 20, 200)))
async def test_a_killed_recorder_leaves_a_gapless_prefix_that_the_next_one_marks(tmp_path: Path, moment: int):
    path, shared = tmp_path / "journal.db", tmp_path / "counters"
    shared.write_bytes(bytes(victim.SESSIONS * 16))
    enough = random.Random(moment).randrange(10, 500)
    with subprocess.Popen([sys.executable, victim.__file__, str(path), str(shared)], stderr=subprocess.PIPE) as process:
        try:
            await until(lambda: victim.counters(shared.read_bytes())[0][1] >= enough or process.poll() is not None)
        finally:
            process.kill()
        assert process.stderr is not None
        assert process.stderr.read() == b""
    counted = victim.counters(shared.read_bytes())
    report = await verify(path)
    assert report.intact, report.to_text()
    assert report.open == victim.SESSIONS
    async with await Journal.open(path) as journal:
        assert sorted(journal.recovered) == [f"session-{number}" for number in range(victim.SESSIONS)]
        head = journal.head
    lost = 0
    for number, (appended, durable) in enumerate(counted):
        frames = await read_frames(path, f"session-{number}")
        assert [frame.seq for frame in frames] == list(range(len(frames)))
        assert [frame.kind for frame in frames] == ["open", *["binary"] * (len(frames) - 2), "cutoff"]
        assert [frame.payload for frame in frames[1:-1]] == [
            victim.payload(number, n) for n in range(1, len(frames) - 1)
        ]
        assert len(frames) - 2 >= durable
        lost += max(0, appended - (len(frames) - 2)) * victim.PAYLOAD
    assert lost <= victim.BACKLOG
    report = await verify(path, head=head)
    assert report.intact, report.to_text()
    assert report.open == 0
    async with await JournalReader.open(path) as reader:
        assert {info.status for info in await reader.sessions()} == {"cut off"}
