"""Calls without an event loop, and inside a running one: the same answers as the commands'."""

from __future__ import annotations

import asyncio
import inspect
import json
import threading
import wave
from pathlib import Path

import earwitness
import numpy as np
import pytest
from earwitness import aio
from earwitness.replay import bundled_recording, fold_recording
from earwitness.replay.fold.digest import full_digest
from earwitness.replay.library import blocking, calls
from earwitness.replay.transcript.write import export_transcript
from earwitness.replay.usage import usage_of
from earwitness.testing import bundled_path
from websockets.sync.client import connect

from tests.replay.library.places import journal


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("earwitness")]


@pytest.fixture(scope="module")
def demo_db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return journal(tmp_path_factory.mktemp("demo") / "calls.db", bundled_path())


def test_a_place_has_one_thread_while_it_is_open() -> None:
    with earwitness.open(bundled_path()) as opened:
        assert threads() == ["earwitness-calls"]
        call = opened.session()
    assert threads() == []
    opened.close()
    for use in (call.conversation, call.frames().__next__, opened.session, opened.sessions().__next__):
        with pytest.raises(earwitness.RequestError, match="closed"):
            use()


def test_a_place_that_cannot_be_opened_leaves_no_thread(tmp_path: Path) -> None:
    with pytest.raises(earwitness.StoreNotFound):
        earwitness.open(tmp_path / "absent.db")
    assert threads() == []


def test_the_state_is_that_of_the_fold_at_any_point(demo_db: Path) -> None:
    whole = asyncio.run(fold_recording(bundled_recording()))
    with earwitness.open(demo_db) as opened:
        call = opened.session()
        assert repr(call) == f"<Call {call.id}: gpt-realtime, 1745 records, closed>"
        assert [frame.payload for frame in call.frames()] == [f.payload for f in bundled_recording().frames]
        assert full_digest(call.conversation()) == full_digest(whole)
        early = call.conversation(until="00:07.5")
        assert early.last_ns is not None
        assert early.last_ns <= 7_500_000_000
        assert call.conversation(until=early.last_seq) == early
        with pytest.raises(earwitness.RequestError, match="no record 9999"):
            call.conversation(until=9999)


async def test_it_works_inside_a_running_loop_as_in_a_notebook() -> None:
    with earwitness.open(bundled_path()) as opened:
        assert opened.session().conversation() == await fold_recording(bundled_recording())


async def test_a_transcript_is_that_of_the_command(demo_db: Path, tmp_path: Path) -> None:
    with earwitness.open(demo_db) as opened:
        call = opened.session()
        for reading in ("generated", "delivered", "heard"):
            printed = (await export_transcript(call, "text", reading)).data.decode()
            assert call.transcript(reading=reading).text() + "\n" == printed
        assert json.loads(call.transcript().text("json"))["reading"] == "heard"
        assert call.write_transcript(tmp_path / "call.srt") == ()
        assert (tmp_path / "call.srt").read_text().startswith("1\n00:00:")
        with pytest.raises(earwitness.OutputExists):
            call.write_transcript(tmp_path / "call.srt")
        with pytest.raises(earwitness.RequestError, match=r"call\.doc"):
            call.write_transcript(tmp_path / "call.doc")


def test_sound_in_memory_is_that_of_the_file(demo_db: Path, tmp_path: Path) -> None:
    with earwitness.open(demo_db) as opened:
        call = opened.session()
        samples, rate = call.audio()
        report = call.write_audio(tmp_path / "call.wav")
        assert (report.rate, report.samples) == (rate, len(samples))
        assert rate == 24000
        assert samples.dtype == np.int16
        with wave.open(str(tmp_path / "call.wav")) as file:
            written = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
        assert np.array_equal(samples, written)
        user = call.audio("user", start=1, end=2.5)
        assert user.samples.shape == (user.rate * 3 // 2,)
        assert np.array_equal(user.samples, call.audio("user").samples[user.rate : user.rate * 5 // 2])
        item = call.conversation().items[1].id
        assert len(call.audio(item=item).samples) < len(samples)
        with pytest.raises(earwitness.RequestError, match="no item nobody"):
            call.audio(item="nobody")
        with pytest.raises(earwitness.OutputExists):
            call.write_audio(tmp_path / "call.wav")


def test_a_journals_call_is_checked_and_verified(demo_db: Path) -> None:
    with earwitness.open(demo_db) as opened:
        call = opened.session()
        report = call.check()
        assert report.statements > 10
        assert report.unexplained == []
        verified = call.verify()
        assert verified.intact
        assert verified.records == call.info.frames
        assert opened.verify(head=verified.head).intact
        assert not call.verify(head="0" * 64).intact
        with pytest.raises(earwitness.RequestError, match="64 hexadecimal digits"):
            call.verify(head="abc")


def test_a_cassette_has_no_chain_and_is_not_called_fine() -> None:
    with earwitness.open(bundled_path()) as opened:
        for verify in (opened.session().verify, opened.verify):
            with pytest.raises(earwitness.RequestError, match="no chain to verify: only a journal does"):
                verify()
        assert opened.session().check().unexplained == []


def test_a_cassette_that_a_call_is_written_to_is_the_call(demo_db: Path, tmp_path: Path) -> None:
    target = tmp_path / "call.ndjson"
    with earwitness.open(demo_db) as opened:
        assert opened.session().write_cassette(target) == 1745
        with pytest.raises(earwitness.OutputExists):
            opened.session().write_cassette(target)
        assert opened.session().write_cassette(target, force=True) == 1745
        assert earwitness.diff(opened.session(), target).same


def test_a_difference_is_found_between_a_call_and_a_file(tmp_path: Path) -> None:
    other = tmp_path / "other.ndjson"
    other.write_text(bundled_path().read_text().replace("walk on Sunday", "walk on Monday"))
    found = earwitness.diff(bundled_path(), str(other))
    assert [str(difference) for _, difference in found.differences()] == ["transcript"]
    assert "Monday" in earwitness.render_diff(found)
    assert earwitness.diff(bundled_path(), other, earwitness.DiffOptions(ignore=("transcript",))).same
    assert threads() == []


def test_a_call_is_served_from_another_thread_than_its_own(db: Path) -> None:
    """And by the match policy that its cassette brought into the journal."""
    with earwitness.open(db) as opened, earwitness.serve(opened.session("latest")) as realtime:
        assert set(threads()) == {"earwitness-calls", "earwitness-realtime"}
        with connect(realtime.url, compression=None, proxy=None) as websocket:
            assert json.loads(websocket.recv())["session"]["model"] == "gpt-realtime-mini"
            websocket.send('{"type":"response.cancel"}')
            websocket.send('{"type":"response.create"}')
            assert json.loads(websocket.recv())["type"] == "response.created"
        assert len(realtime.report.divergences) == 1
        assert not realtime.strict
    assert threads() == []


@pytest.mark.parametrize("name", ["open", "diff", "Call", "Calls"])
def test_the_asynchronous_form_is_called_the_same_way(name: str) -> None:
    ours, theirs = getattr(blocking, name), getattr(calls, name)
    assert getattr(earwitness, name) is ours
    assert getattr(aio, name) is theirs
    if inspect.isfunction(ours):
        assert inspect.signature(ours) == inspect.signature(theirs)
        return
    public = {key for key in vars(theirs) if not key.startswith("_")}
    assert {key for key in vars(ours) if not key.startswith("_")} ^ public <= {"close", "source"}
    for key in public - {"source"}:
        if inspect.isfunction(vars(theirs)[key]):
            assert inspect.signature(vars(ours)[key]).parameters == inspect.signature(vars(theirs)[key]).parameters
        first, second = ((inspect.getdoc(vars(each)[key]) or "").split("\n")[0] for each in (ours, theirs))
        assert first == second or key == "batches"


def test_what_a_call_cost_is_that_of_the_command(demo_db: Path) -> None:
    with earwitness.open(demo_db) as opened:
        usage = opened.session().usage()
    assert isinstance(usage, earwitness.Usage)
    assert usage == usage_of(asyncio.run(fold_recording(bundled_recording())))
    assert usage.responses.stated > 0


def test_keys_are_hidden_unless_they_are_asked_for(tmp_path: Path) -> None:
    press = {"type": "input_audio_buffer.dtmf_event_received", "event": "7", "received_at": 0}
    file = tmp_path / "keys.jsonl"
    file.write_text(json.dumps({"dir": "server", "t": 1, "event": press}), encoding="utf-8")
    with earwitness.open(file) as opened:
        call = opened.session()
        assert [line.text for line in call.transcript().lines] == ["•"]
        assert [line.text for line in call.transcript(reveal=["dtmf"]).lines] == ["7"]
        call.write_transcript(tmp_path / "hidden.csv")
        call.write_transcript(tmp_path / "shown.csv", reveal=["dtmf"])
        for name, key in (("hidden.csv", "•"), ("shown.csv", "7")):
            assert f",key,1.000,,{key}," in (tmp_path / name).read_text(encoding="utf-8")
