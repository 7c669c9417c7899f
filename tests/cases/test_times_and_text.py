"""Times that cannot be, and text that a terminal obeys: every reader goes on, and says so."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest
from earwitness.recorder.importing import import_files, read_file
from earwitness.recorder.journal import JournalReader
from earwitness.replay.audio.believed import believed
from earwitness.replay.fold import fold, fold_recording
from earwitness.replay.fold.digest import content_digest, full_digest
from earwitness.replay.playing.pacing import Pacer
from earwitness.replay.share.cassette_file import export_cassette
from earwitness.replay.show.state import render_state
from earwitness.replay.times import JUMP_NS
from earwitness.replay.transcript.write import FORMATS, export_transcript
from earwitness.schemas.errors import NotRecognised, RequestError
from earwitness.schemas.frame import Frame, sniff_type
from earwitness.schemas.recording import MemoryRecording
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.cases import case_file, case_recording, case_state
from tests.readers import read_everything
from tests.sessions import Call, as_recording
from tests.sizes import pick

INT64 = (-(1 << 63), (1 << 63) - 1)
HOUR = 3600 * 1_000_000_000


def _call() -> list[Frame]:
    call = Call()
    call.user(100, 900, "Hello there. How are you?")
    item = call.at(1000).assistant(3000, "I am well. Thank you very much for asking. And you?")
    call.at(2500).truncate(item, 1200, ack_ms=2600)
    call.tool("look", "{}", "out")
    call.server("output_audio_buffer.started", response_id="resp_1")
    call.server("output_audio_buffer.cleared", response_id="resp_1")
    call.user(3000, 3500, "Bye.")
    call.assistant(500, "Bye bye.")
    call.statement("close", code=1000, reason="", by="server")
    return call.recording().frames  # type: ignore[return-value]  # a list


FRAMES = _call()
STATED = [frame.offset_ns or 0 for frame in FRAMES]


def at(offsets: Sequence[int | None]) -> MemoryRecording:
    """The call with other times."""
    pairs = zip(FRAMES, offsets, strict=True)
    return as_recording("call", [msgspec.structs.replace(frame, offset_ns=ns) for frame, ns in pairs])


@st.composite
def wrong_times(draw: st.DrawFn) -> list[int | None]:
    """Times of which some are missing, step back, jump ahead, or are any number at all."""
    times: list[int | None] = list(STATED)
    for _ in range(draw(st.integers(1, 4))):
        first = draw(st.integers(0, len(times) - 1))
        last = draw(st.integers(first, len(times)))
        by = draw(
            st.sampled_from([None, -2_000_000, -HOUR, HOUR // 2, 5 * HOUR, 10**18, -(10**18)]) | st.integers(*INT64)
        )
        for index in range(first, last):
            now = times[index]
            times[index] = None if by is None or now is None else min(max(now + by, INT64[0]), INT64[1])
    return times


@settings(max_examples=pick(10, 40, 1000))
@given(wrong_times())
@example([10**18] * len(FRAMES))
@example(STATED[:40] + [ns + 10**18 for ns in STATED[40:]])
@example([*STATED[:40], 10**18, *STATED[41:]])
@example(STATED[::-1])
@example([None if index % 3 else ns for index, ns in enumerate(STATED)])
@example([INT64[index % 2] for index in range(len(FRAMES))])
def test_no_time_breaks_a_reader_or_makes_it_write_hours(times: list[int | None]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        made = asyncio.run(read_everything(at(times), Path(folder)))
        assert sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file()) < 400_000_000
    refused = {name: str(error) for name, error in made.items() if isinstance(error, RequestError)}
    assert refused.keys() <= {"audio", "srt", "vtt"}
    assert "no sound from" in refused.get("audio", "no sound from")
    assert made["pacing"] < len(times) * JUMP_NS
    stepped = [ns for ns in times if ns is not None]
    if any(later < earlier for earlier, later in zip([0, *stepped], stepped, strict=False)):
        assert "clock: the clock steps back" in made["show"]
        assert "clock steps back" in made["html"].data.decode()


@given(st.lists(st.integers(*INT64) | st.integers(0, 50), max_size=40))
def test_believed_times_never_fall_and_keep_as_many_as_can_be(times: list[int]) -> None:
    made = believed(np.array(times, np.int64))
    if made is None:
        kept = [max(ns, 0) for ns in times]
        assert kept == sorted(kept)
        return
    assert len(made) == len(times)
    steps = np.diff(made, prepend=0)
    assert (steps >= 0).all()
    assert (steps <= JUMP_NS).all()


def test_one_time_that_is_wrong_moves_no_other() -> None:
    times = np.arange(10) * 1000
    wrong = times.copy()
    wrong[4] = 10**18
    made = believed(wrong)
    assert made is not None
    assert made.tolist() == [0, 1000, 2000, 3000, 3000, 5000, 6000, 7000, 8000, 9000]


async def test_hours_of_silence_are_refused_unless_they_are_asked_for(tmp_path: Path) -> None:
    late = at(STATED[:60] + [ns + 5 * HOUR for ns in STATED[60:]])
    made = await read_everything(late, tmp_path)
    assert isinstance(made["audio"], RequestError)
    assert "no sound from 00:0" in made["audio"].message
    assert "--from and --to" in made["audio"].hint
    assert "The page is without sound" in made["html"].data.decode()
    assert not (tmp_path / "call.wav").exists()


def test_a_clock_that_steps_back_often_is_one_problem() -> None:
    state = fold(at(STATED[::-1]).frames)
    (problem,) = (each for each in state.problems if each.what == "clock")
    assert "times, by up to" in problem.detail


def test_a_replay_does_not_wait_for_a_clock_that_jumped() -> None:
    pacer = Pacer(1.0, 0)
    for offset in (0, 10**18, 5, 1000):
        due = pacer.due(offset)
        pacer.sent(offset, due)
    assert due == 995


# Cases


async def test_a_clock_that_stepped_back_is_imported_whole_in_the_files_order(tmp_path: Path) -> None:
    file, db = case_file("58_clock_step.jsonl", tmp_path), str(tmp_path / "calls.db")
    ((_, (imported,)),) = await import_files(db, [file])
    async with await JournalReader.open(db) as reader:
        recording = reader.recording((await reader.resolve(imported)).id)
        frames = [frame async for batch in recording.batches() for frame in batch]
        state = await fold_recording(recording)
    assert [frame.type or frame.kind for frame in frames] == [
        "open",
        "session.created",
        "response.create",
        "response.created",
        "close",
    ]
    assert [frame.offset_ns for frame in frames[1:]] == [100_000_000, 200_000_000, 198_000_000, 400_000_000]
    assert [(each.seq, each.what, each.detail) for each in state.problems] == [
        (0, "source", "line 3: 't' goes back, from 0.2 to 0.198"),
        (3, "clock", "the clock steps back by 2 ms"),
    ]


async def test_no_reader_breaks_on_null_fields(tmp_path: Path) -> None:
    session = case_recording("46_null_fields.jsonl", tmp_path)
    made = await read_everything(session, tmp_path)
    refused = {name: str(error) for name, error in made.items() if isinstance(error, RequestError)}
    assert refused.keys() <= {"audio", "items", "srt", "vtt"}, refused
    whats = {problem.what for problem in fold(session.frames).problems}
    assert {"no-type", "not-an-object"} <= whats
    assert "not-an-object" in made["show"]
    assert "not an object" in made["html"].data.decode()


@pytest.mark.parametrize("name", ["51_chrome.har", "52_bare_events.jsonl"])
def test_what_cannot_be_imported_is_refused_with_what_can_be_read(name: str, tmp_path: Path) -> None:
    with pytest.raises(NotRecognised) as refused:
        read_file(case_file(name, tmp_path))
    assert "neither a cassette nor a capture" in refused.value.message
    assert '{"earwitness": "cassette", …}' in refused.value.hint
    assert '{"dir": "client", "t": 0.1, "event": {…}}' in refused.value.hint


def test_replacement_characters_of_the_pieces_are_not_in_the_text(tmp_path: Path) -> None:
    state = case_state("32a_replacement_chars.jsonl", tmp_path)
    assert [part.transcript for item in state.items for part in item.content] == ["가볍게 이야기"]


async def test_what_a_terminal_obeys_is_shown_as_escapes(tmp_path: Path) -> None:
    session = case_recording("32b_split_surrogates.jsonl", tmp_path)
    shown = {
        form: (await export_transcript(session, form, "generated")).data.decode()
        for form in FORMATS
        if form not in ("srt", "vtt")
    }
    shown["show"] = render_state(session.info, fold(session.frames))
    for form in ("text", "markdown", "csv", "html", "show", "json", "jsonl"):
        assert "Done \U0001f600 now\\u0000 \\u202eabc" in shown[form], form
        assert not set(shown[form]) & {"\0", "\u202e", "\ufffd"}, form
    said = json.loads(shown["json"])["lines"][0]["text"]
    assert said == "Done \U0001f600 now\0 \u202eabc"


async def test_split_surrogates_survive_the_journal_and_the_cassette(tmp_path: Path) -> None:
    file, db = case_file("32b_split_surrogates.jsonl", tmp_path), str(tmp_path / "calls.db")
    first = case_state("32b_split_surrogates.jsonl", tmp_path)
    ((_, (imported,)),) = await import_files(db, [file])
    async with await JournalReader.open(db) as reader:
        await export_cassette(reader.recording((await reader.resolve(imported)).id), tmp_path / "out.ndjson")
        second = await fold_recording(reader.recording((await reader.resolve(imported)).id))
    ((_, (again,)),) = await import_files(db, [tmp_path / "out.ndjson"])
    async with await JournalReader.open(db) as reader:
        third = await fold_recording(reader.recording((await reader.resolve(again)).id))
    assert full_digest(first) == full_digest(second) == full_digest(third)
    assert content_digest(first) == content_digest(third)


# There and back


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 63), (1 << 63) - 1) | st.text(st.characters(), max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
UNKNOWN = st.dictionaries(st.sampled_from(["x", "speaker", "ü"]), JSONS, max_size=2)
MESSAGES = st.sampled_from(
    [
        b'{"type":"response.created","response":{"id":"r","x":"\\ud83d"}}',
        b'{"type":"response.output_text.delta","item_id":"i","delta":"\xff\xfe"}',
        b'{"type":"response.output_text.delta","item_id":"i","delta":"a\\ud800"}',
        b'{"type":"error","error":{"message":"\\u0000\xed\xa0\x80"}}',
        b'{"type":"x","n":1e999}',
        b'{"type":"x","n":123456789012345678901234567890}',
        b'{"type":"\\ud800"}',
        b"not JSON \xff",
        b'"text"',
        b'{"type":"x","$raw":{"text":"y"}}',
        b'{"type":"deep","a":' + b"[" * 200 + b"]" * 200 + b"}",
        None,
    ]
)


@given(st.lists(st.tuples(st.sampled_from(["client", "server"]), MESSAGES), max_size=6))
def test_a_cassette_keeps_state_digests_and_types_of_any_bytes(lines: list[tuple[str, bytes | None]]) -> None:
    session = Call()
    for sender, payload in lines:
        session.frame("text", sender, payload, "erased.type" if payload is None else sniff_type(payload))  # type: ignore[arg-type]
    session.frame("binary", "server", b"\xff\0")
    session.statement("close", code=1000, reason="", by="server")
    first = session.recording()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "a.ndjson"
        asyncio.run(export_cassette(first, file))
        second = read_file(file)[0].recording("call")
        asyncio.run(export_cassette(second, Path(folder) / "b.ndjson"))
        assert file.read_bytes().split(b"\n", 1)[1] == (Path(folder) / "b.ndjson").read_bytes().split(b"\n", 1)[1]
    assert full_digest(fold(first.frames)) == full_digest(fold(second.frames))
    assert content_digest(fold(first.frames)) == content_digest(fold(second.frames))
    assert [frame.type for frame in first.frames] == [frame.type for frame in second.frames]


OPENED = '[0,0,"recorder","open",{"origin":"proxy"}]'


@settings(max_examples=pick(6, 20, 200))
@given(
    UNKNOWN,
    UNKNOWN,
    st.lists(UNKNOWN, min_size=4, max_size=4),
    st.lists(st.lists((UNKNOWN | JSONS).filter(lambda each: each != {}), max_size=2), min_size=2, max_size=2),
    st.booleans(),
)
def test_what_is_unknown_in_a_cassette_survives_the_journal(
    header: dict[str, object],
    close: dict[str, object],
    others: list[dict[str, object]],
    more: list[list[object]],
    with_opening: bool,
) -> None:
    first = 1 if with_opening else 0
    lines = [
        json.dumps({"earwitness": "cassette", "version": 1, "close": {"code": 1000, "reason": "", **close}, **header})
    ]
    lines += [json.dumps({"line": 0, **others[0]})] * with_opening + [OPENED] * with_opening
    for number, extra in enumerate(more):
        lines.append(json.dumps({"line": number + 1, **others[number]}))
        lines.append(json.dumps([first + number, 5, "client", "text", {"type": "x"}, *extra]))
    lines.append(
        json.dumps([first + 2, 9, "recorder", "close", {"code": 1000, "reason": "", "by": "client", "handed": {}}])
    )
    lines.append(json.dumps({"line": 9, **others[3]}))

    async def there_and_back(folder: Path) -> list[str]:
        file, db = folder / "a.ndjson", str(folder / "calls.db")
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        ((_, (imported,)),) = await import_files(db, [file])
        async with await JournalReader.open(db) as reader:
            recording = reader.recording((await reader.resolve(imported)).id)
            await export_cassette(recording, folder / "b.ndjson")
        return (folder / "b.ndjson").read_text(encoding="utf-8").rstrip("\n").split("\n")

    with tempfile.TemporaryDirectory() as folder:
        made = asyncio.run(there_and_back(Path(folder)))
    stated = json.loads(made[0])
    assert {key: stated.get(key, "lost") for key in header} == header
    assert {key: stated["close"].get(key, "lost") for key in close} == close
    assert not any("kept" in line for line in made)
    assert _without_seqs(made[1:]) == _without_seqs(lines[1:])


def _without_seqs(lines: list[str]) -> list[object]:
    """The lines of a cassette as JSON, but for its ``open`` record, which an import may add."""
    values = [json.loads(line) for line in lines]
    return [
        each[1:] if isinstance(each, list) else each
        for each in values
        if not (isinstance(each, list) and each[3] == "open")
    ]
