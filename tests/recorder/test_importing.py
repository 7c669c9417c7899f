"""Files become sessions of a journal, with nothing lost and nothing invented."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from earwitness.recorder.importing import import_files, read_file
from earwitness.recorder.journal import JournalReader, verify
from earwitness.replay.open import open_recording
from earwitness.schemas.errors import DamagedFile, NotRecognised

from tests.corpus import capture_params, needs_corpus

HEADER = '{"earwitness":"cassette","version":1%s}'
LINE = '{"dir":"client","t":null,"event":{"type":"a"}}'


def test_a_file_that_holds_no_sessions_is_refused_with_what_is_known(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_text("hello")
    with pytest.raises(NotRecognised, match=f"{path} is neither a cassette nor a capture"):
        read_file(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(NotRecognised, match="is not UTF-8 text"):
        read_file(path)
    with pytest.raises(NotRecognised, match="does not exist"):
        read_file(tmp_path / "none")
    with pytest.raises(NotRecognised, match="is a folder"):
        read_file(tmp_path)


async def test_nothing_is_written_before_all_files_were_read(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.jsonl", tmp_path / "bad.jsonl"
    good.write_text(LINE)
    bad.write_text(f"{LINE}\n{{")
    db = tmp_path / "journal.db"
    with pytest.raises(DamagedFile, match="line 2"):
        await import_files(str(db), [good, bad])
    assert not db.exists()
    ((_, ids), (_, more)) = await import_files(str(db), [good, bad], partial=True)
    async with await JournalReader.open(db) as reader:
        assert [info.id for info in await reader.sessions()] == [*ids, *more]


async def test_an_erased_record_stays_erased(tmp_path: Path) -> None:
    path, db = tmp_path / "x.ndjson", tmp_path / "journal.db"
    path.write_text(
        HEADER % "" + '\n[0,null,"client","text",{"$raw":{"erased":true}}]\n[1,null,"client","text",{"type":"a"}]'
    )
    ((_, (public_id,)),) = await import_files(str(db), [path])
    async with open_recording(public_id, str(db)) as recording:
        frames = [frame async for batch in recording.batches() for frame in batch]
    assert [frame.erased for frame in frames] == [False, True, False, False]
    report = await verify(db)
    assert (report.intact, report.erased) == (True, 1)


@pytest.mark.parametrize(("header", "policy"), [("", None), (',"match":{"mode":"off"}', {"mode": "off"})])
async def test_the_match_policy_is_the_header_s_whether_read_from_the_file_or_the_journal(
    tmp_path: Path, header: str, policy: dict[str, str] | None
) -> None:
    path, db = tmp_path / "x.ndjson", str(tmp_path / "journal.db")
    path.write_text(HEADER % header + '\n[0,0,"recorder","open",{"match":{"mode":"strict"}}]')
    ((_, (public_id,)),) = await import_files(db, [path])
    for reference in (str(path), public_id):
        async with open_recording(reference, db) as recording:
            assert recording.info.match == policy


@needs_corpus
@pytest.mark.parametrize("path", capture_params())
def test_every_capture_is_read_whole(path: Path) -> None:
    lines = [json.loads(text) for text in path.read_text().split("\n") if text]
    sessions = read_file(path)
    assert len(sessions) == (2 if path.name.startswith("xai-drop") else 1)
    events = [frame for session in sessions for frame in session.frames if frame.kind == "text"]
    assert [frame.json() for frame in events] == [value["event"] for value in lines if "event" in value]
    assert [frame.type for frame in events] == [value["event"]["type"] for value in lines if "event" in value]
