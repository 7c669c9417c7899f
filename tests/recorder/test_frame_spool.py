from __future__ import annotations

import asyncio
import json
import tracemalloc
from contextlib import closing
from pathlib import Path

import pytest
from earwitness.recorder.frame_spool import FrameSpool
from earwitness.recorder.importing import import_files, read_file
from earwitness.replay.fold import fold
from earwitness.replay.open import open_recording
from hypothesis import given
from hypothesis import strategies as st

from tests.events import ga_session, silence
from tests.sessions import Session, read_frames

FRAMES = Session().at(5).session().append(20, 3).frames


@given(st.lists(st.sampled_from(FRAMES)), st.data())
def test_a_spool_is_a_list(frames, data: st.DataObject) -> None:
    with closing(FrameSpool()) as spool:
        for frame in frames:
            spool.append(frame)
        assert list(spool) == frames
        assert list(reversed(spool)) == frames[::-1]
        first, stop = data.draw(st.integers(-3, len(frames))), data.draw(st.integers(-3, len(frames)))
        assert spool[first:stop] == frames[first:stop]
        assert [spool[index] for index in range(-len(frames), len(frames))] == frames * 2
        with pytest.raises(IndexError):
            spool[len(frames)]


def long_capture(path: Path, megabytes: int) -> None:
    append = json.dumps({"type": "input_audio_buffer.append", "audio": silence(2000)})
    with path.open("w", encoding="utf-8") as file:
        created = {"type": "session.created", "session": ga_session()}
        file.write(json.dumps({"dir": "server", "t": 0, "event": created}) + "\n")
        for number in range(megabytes * 1_000_000 // len(append)):
            file.write(f'{{"dir":"client","t":{number / 10},"event":{append}}}\n')


async def test_memory_does_not_grow_with_the_size_of_an_import(tmp_path: Path) -> None:
    path, db = tmp_path / "long.jsonl", str(tmp_path / "journal.db")
    peaks = []
    for megabytes in (4, 12):
        long_capture(path, megabytes)
        tracemalloc.start()
        await import_files(db, [path])
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 3_000_000


def test_what_is_imported_through_a_spool_is_what_is_read_in_memory(tmp_path: Path) -> None:
    path, db = tmp_path / "long.jsonl", str(tmp_path / "journal.db")
    long_capture(path, 1)

    async def imported() -> list:
        ((_, (session,)),) = await import_files(db, [path])
        async with open_recording(session, db) as recording:
            return await read_frames(recording)

    (session,) = read_file(path)
    assert fold(asyncio.run(imported())) == fold(session.frames)
