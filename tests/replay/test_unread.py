"""What of a session is not read, and that every reader says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from earwitness.replay.audio import write_audio
from earwitness.replay.compare.check import check
from earwitness.replay.compare.diff import compare_recordings
from earwitness.replay.compare.diff_text import render_diff
from earwitness.replay.show.state import render_state
from earwitness.replay.transcript.write import FORMATS, export_transcript
from earwitness.replay.unread import doubtful_formats, grouped, named, numbered, unread
from earwitness.schemas.dialects.vocabulary import LIVE, TRANSLATION, is_known
from earwitness.schemas.errors import RequestError
from earwitness.schemas.recording import MemoryRecording
from earwitness.schemas.state import Problem
from hypothesis import given
from hypothesis import strategies as st

from tests.events import base64, ga_session
from tests.sessions import Session, as_recording

HANDSHAKES = {"live": "/v1/live/sessions", "translation": "/v1/realtime/translations", "unknown": "/elsewhere"}


def speaking(vocabulary: str, *types: str) -> MemoryRecording:
    """A session in a vocabulary that is not folded, with sound in every event."""
    script = Session().statement("open", origin="proxy", request={"target": HANDSHAKES[vocabulary]})
    for name in types:
        sound = base64(bytes(480))
        script.server(name, delta=sound, audio=sound)
    return as_recording("call", script.frames)


NOT_FOLDED = [
    ("live", "the live vocabulary"),
    ("translation", "the translation vocabulary"),
    ("unknown", "a vocabulary that is not known"),
]
EVENTS = {"live": "session.output_audio.delta", "translation": "session.output_audio.delta", "unknown": "x.audio.delta"}


@pytest.mark.parametrize(("vocabulary", "words"), NOT_FOLDED)
@pytest.mark.parametrize("form", [form for form in FORMATS if form not in ("srt", "vtt")])
async def test_every_transcript_says_in_one_line_which_vocabulary_it_cannot_tell(
    vocabulary: str, words: str, form: str
) -> None:
    exported = await export_transcript(speaking(vocabulary, *[EVENTS[vocabulary]] * 3), form)
    lines = [*exported.data.decode().replace("\\_", "_").splitlines(), *exported.notes]
    (line,) = [line for line in lines if "The session speaks" in line]
    assert words in line
    assert "what was said cannot be told: 3 events not read" in line
    assert f"{EVENTS[vocabulary]} (3)" in line.replace("\\", "")


@pytest.mark.parametrize(("vocabulary", "words"), NOT_FOLDED)
async def test_show_check_diff_and_audio_say_it_too(vocabulary: str, words: str, tmp_path: Path) -> None:
    recording = speaking(vocabulary, *[EVENTS[vocabulary]] * 3)
    report = check(recording.frames)
    assert report.outcome == "nothing compared"
    assert not report
    same = await compare_recordings(recording, recording)
    assert (same.outcome, same.same, bool(same)) == ("nothing compared", False, False)
    with pytest.raises(RequestError) as refused:
        await write_audio(recording, tmp_path / "call.wav")
    assert "3 frames carry 1,440 bytes of sound that is not read" in str(refused.value)
    assert "no audio" not in str(refused.value)
    said = [
        render_state(recording.info, report_state(recording)),
        "\n".join(report.not_read.lines("check")),
        render_diff(same),
        str(refused.value),
    ]
    assert [f"The session speaks {words}" in text for text in said] == [True] * 4


def report_state(recording: MemoryRecording) -> Any:
    from earwitness.replay.fold import fold

    return fold(recording.frames)


@given(st.sampled_from(("live", "translation")), st.data())
def test_no_session_in_a_vocabulary_that_is_not_folded_is_called_the_same_or_agreeing(
    vocabulary: str, data: st.DataObject
) -> None:
    types = sorted(kind for kind in (LIVE if vocabulary == "live" else TRANSLATION) if not is_known(kind))
    recording = speaking(vocabulary, *data.draw(st.lists(st.sampled_from(types), max_size=8)))
    assert check(recording.frames).outcome == "nothing compared"
    assert unread(report_state(recording)).vocabulary == vocabulary


def test_unknown_events_are_grouped_and_those_of_a_known_vendor_do_not_count() -> None:
    script = Session().session().item("item_1", "user", "Hello").server("ping")
    for name in ["vendor.b", "vendor.a", "vendor.b"]:
        script.server(name)
    found = unread(script.fold())
    assert found.vocabulary is None
    assert found.lines("transcript") == ("Not read: 3 events of unknown type: vendor.b (2), vendor.a (1).",)


def test_binary_frames_are_named_by_sender_with_their_bytes() -> None:
    script = Session().session().item("item_1", "user", "Hello")
    script.add(("client", b"123"), ("client", b"4567"), ("server", b"8")).frame("binary", "server", None)
    state = script.fold()
    lines = unread(state).lines("transcript")
    assert lines == (
        "Not read: 2 binary frames (7 bytes) from the client.",
        "Not read: 2 binary frames (1 byte) from the server.",
    )
    shown = render_state(as_recording("call", script.frames).info, state)
    assert "not read: 2 binary frames (7 bytes) from the client" in shown
    assert shown.count("binary") == 2


async def test_audio_in_binary_frames_is_named_and_not_called_missing(tmp_path: Path) -> None:
    recording = as_recording("call", Session().session().add(("server", bytes(960)), ("server", bytes(960))).frames)
    with pytest.raises(RequestError, match=r"2 frames carry 1,920 bytes of sound that is not read: binary \(2\)"):
        await write_audio(recording, tmp_path / "call.wav")


async def test_audio_says_beside_a_file_that_binary_frames_are_not_in_it(tmp_path: Path) -> None:
    script = Session().session().append(100, 5).add(("server", bytes(960)))
    report = await write_audio(as_recording("call", script.frames), tmp_path / "call.wav")
    notes = [str(problem) for problem in report.problems if problem.what == "not-read"]
    assert notes == ["not-read: 1 binary frame (960 bytes) from the server: what they hold is not known"]


async def test_a_recording_without_any_sound_holds_no_audio(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="holds no audio"):
        await write_audio(as_recording("call", Session().session().frames), tmp_path / "call.wav")


def test_a_record_with_a_gap_is_not_whole() -> None:
    script = Session().created().output("w").write("w", "Hi").statement("gap", frames=3, bytes=1200, reason="disk full")
    script.part("output_text.done", "resp_1", "w", text="Hi")
    report = check(script.frames)
    assert (report.unexplained, report.outcome) == ([], "differs")
    assert report.not_read.lines("check") == (
        "Not on record: 3 frames (1,200 bytes) that crossed and could not be stored, at record 3.",
    )


def test_records_that_cannot_be_parsed_are_counted() -> None:
    script = (
        Session()
        .session()
        .frame("text", "server", b"{")
        .frame("text", "server", b"[]")
        .frame("text", "server", None, "x")
    )
    assert unread(script.fold()).lines("check") == (
        "Not read: 3 records that cannot be parsed: erased (1), invalid-json (1), not-an-object (1).",
    )


def test_a_session_that_is_read_whole_has_nothing_to_say() -> None:
    found = unread(Session().session().item("item_1", "user", "Hello").server("ping").fold())
    assert not found
    assert found.lines("audio") == ()


def test_json_has_it_in_fields_and_in_sentences() -> None:
    value = unread(report_state(speaking("live", "session.output_audio.delta"))).to_json("state")
    assert value["vocabulary"] == "live"
    assert value["events"] == {"session.output_audio.delta": 1}
    assert len(value["says"]) == 1
    json.dumps(value)


def test_comparing_two_sessions_that_hold_nothing_is_no_answer() -> None:
    empty = as_recording("call", Session().statement("open", origin="proxy").frames)
    report = check(empty.frames)
    assert (report.outcome, bool(report)) == ("nothing compared", False)


async def test_no_difference_beside_what_is_not_read_says_so() -> None:
    script = Session().session().item("item_1", "user", "Hello").server("vendor.a")
    one = as_recording("call", script.frames)
    found = await compare_recordings(one, one)
    assert found.same
    assert "No differences in what is read." in render_diff(found)
    assert "vendor.a (1)" in render_diff(found)


def test_problems_that_say_the_same_are_one_line_with_their_records() -> None:
    problems = [
        Problem(3, "no-type"),
        Problem(4, "binary", "2 bytes"),
        Problem(5, "bad-field", "x"),
        Problem(4, "no-type"),
    ]
    assert [(problem.what, seqs) for problem, seqs in grouped(problems)] == [("no-type", (3, 4)), ("bad-field", (5,))]


def test_names_and_numbers_of_many_are_shortened() -> None:
    assert named({"b": 1, "a": 1, "c": 9}) == "c (9), a (1), b (1)"
    assert named({f"t{n:02}": 1 for n in range(15)}).endswith("t11 (1) and 3 more types")
    assert named({"\ud800" + "x" * 100: 1}) == "\\ud800" + "x" * 74 + "… (1)"
    assert numbered([3, 5, 6, 7]) == "3,5-7"
    assert numbered(range(0, 80, 2)) == "0…78, 40 of them"


def test_a_format_that_is_not_known_is_named_and_makes_the_other_side_doubtful() -> None:
    script = Session().server(
        "session.created", session={"input_audio_format": "pcm16", "output_audio_format": "pcm24"}
    )
    assert dict(doubtful_formats(script.fold())) == {
        "user": "the user's audio is taken as audio/pcm, 24 kHz: what rate a server means that also says pcm24 is not "
        "certain",
        "assistant": "the format of the assistant's audio, pcm24, is not known: taken as audio/pcm, 24 kHz",
    }
    assert list(doubtful_formats(Session().server("session.created", session=ga_session()).fold())) == []
