"""Frames of every kind, traffic that is no event, and the folder as such."""

from __future__ import annotations

from typing import Any

import orjson
import pybase64
import pytest
from earwitness.replay.fold import Folder, fold, fold_recording
from earwitness.schemas.frame import Frame
from earwitness.schemas.recording import MemoryRecording, SessionInfo
from earwitness.schemas.refs import to_plain
from earwitness.schemas.values import DEEPEST

from tests.sessions import Session


def problems(script: Session) -> list[tuple[int, str]]:
    return [(problem.seq, problem.what) for problem in script.fold().problems]


def test_nothing_folds_to_an_empty_conversation() -> None:
    conversation = fold([])
    assert (conversation.items, conversation.last_seq, conversation.dialect) == ([], -1, "unknown")


@pytest.mark.parametrize(
    ("payload", "what"),
    [
        (b"{", "invalid-json"),
        (b"", "invalid-json"),
        (b"NaN", "invalid-json"),
        (b'"text"', "not-an-object"),
        (b"[]", "not-an-object"),
        (b"null", "not-an-object"),
        (b"{}", "no-type"),
        (b'{"type": 3}', "no-type"),
        (b'{"type": ["session.created"]}', "no-type"),
        (b'{"type":' + b"[" * 5000 + b"]" * 5000 + b"}", "invalid-json"),
        (b'{"type":"x","deep":' + b"[" * DEEPEST + b"]" * DEEPEST + b"}", "too-deep"),
    ],
)
def test_what_cannot_be_read_is_named_and_harms_nothing(payload: bytes, what: str) -> None:
    script = Session().item("a", text="Hi").frame("text", "server", payload).item("b", text="there")
    assert problems(script) == [(1, what)]
    assert [item.id for item in script.fold().items] == ["a", "b"]


def test_nesting_up_to_the_limit_is_read() -> None:
    levels = DEEPEST - 1
    script = Session().frame("text", "server", b'{"type":"x","deep":' + b"[" * levels + b"]" * levels + b"}")
    assert problems(script) == []


def test_many_brackets_side_by_side_are_not_deep() -> None:
    script = Session().server("session.created", session={"tools": [{"name": str(n)} for n in range(DEEPEST * 2)]})
    assert problems(script) == []


def test_binary_frames_are_named() -> None:
    script = Session().frame("binary", "client", b"\x00\x01").frame("binary", "client", None)
    assert [(p.what, p.detail) for p in script.fold().problems] == [("binary", "2 bytes"), ("binary", "erased")]


def test_an_erased_event_is_counted_and_named() -> None:
    script = Session().frame("text", "server", None, "response.output_text.delta")
    script.frame("text", "client", None, "input_audio_buffer.append")
    conversation = script.fold()
    assert problems(script) == [(0, "erased"), (1, "erased")]
    assert conversation.counts == {"input_audio_buffer.append": 1, "response.output_text.delta": 1}


def test_events_are_counted_by_their_own_type_and_unknown_ones_named() -> None:
    conversation = Session().server("ping", timestamp=1).server("ping").server("response.audio.delta").fold()
    assert conversation.counts == {"ping": 2, "response.audio.delta": 1}
    assert conversation.unknown == {"ping": 2}


def test_the_dialect_is_read_off_the_handshake() -> None:
    request = {"target": "/openai/realtime?api-version=2024-10-01-preview&deployment=x", "headers": [["Host", "h"]]}
    assert Session().statement("open", request=request).fold().dialect == "preview"


def test_the_dialect_is_read_off_the_events() -> None:
    script = Session().created().output("a")
    script.server("response.audio_transcript.delta", response_id="resp_1", item_id="a", content_index=0, delta="Hi")
    assert script.fold().dialect == "preview"


def test_a_stated_dialect_comes_first() -> None:
    script = Session().statement("open", dialect="preview", request={"target": "/v1/realtime"}).item("a")
    assert script.fold().dialect == "preview"


@pytest.mark.parametrize("stated", [{}, {"request": None}, {"request": {"headers": [1, ["a"], ["a", 2]]}}])
def test_an_open_record_of_any_form_is_taken(stated: dict[str, Any]) -> None:
    assert Session().statement("open", **stated).fold().problems == []


def test_a_gap_is_kept() -> None:
    (gap,) = Session().statement("gap", frames=3, bytes=99, reason="disk full").fold().gaps
    assert (gap.seq, gap.frames, gap.bytes, gap.reason) == (0, 3, 99, "disk full")


def test_a_note_changes_nothing() -> None:
    conversation = Session().statement("note", note="hello").fold()
    assert (conversation.problems, conversation.last_seq) == ([], 0)


def test_a_cutoff_is_an_end_without_a_code() -> None:
    close = Session().statement("cutoff", reason="recorder died", found_at="x").fold().close
    assert close is not None
    assert (close.kind, close.code, close.reason) == ("cutoff", None, "recorder died")


def test_an_erased_statement_is_named() -> None:
    assert problems(Session().frame("open", "recorder", None)) == [(0, "erased")]


def test_the_last_known_time_stays() -> None:
    script = Session().at(5).item("a")
    frame = Frame(1, None, "text", "server", "ping", b'{"type":"ping"}')
    assert fold([*script.frames, frame]).last_ns == 5_000_000


def whole_session() -> Session:
    script = Session().session().append(20, 5).speech("user_1", 0, 90).reply("reply_1", "One two three", 400)
    return script.truncate("reply_1", 100).truncated("reply_1", 100).client("response.cancel").error()


def test_a_value_does_not_change_with_later_frames() -> None:
    script, folder = whole_session(), Folder()
    values = []
    for frame in script.frames:
        folder.apply(frame)
        values.append((folder.conversation(), orjson.dumps(to_plain(folder.conversation()))))
    assert all(orjson.dumps(to_plain(value)) == before for value, before in values)


def test_folding_on_gives_what_folding_at_once_gives() -> None:
    frames = whole_session().frames
    for at in range(len(frames)):
        folder = Folder()
        folder.extend(frames[:at])
        folder.conversation()  # looking in between changes nothing
        folder.extend(frames[at:])
        assert folder.conversation() == fold(frames)


def split(frame: Frame) -> Frame:
    """The frame with its audio held apart, as the journal's reader gives it."""
    event = orjson.loads(frame.body or b"")
    key = "audio" if frame.type == "input_audio_buffer.append" else "delta"
    audio = pybase64.b64decode(event[key])
    body = (frame.body or b"").replace(f'"{key}":"{event[key]}"'.encode(), f'"{key}":""'.encode())
    cut = body.index(f'"{key}":"'.encode()) + len(key) + 4
    return Frame(frame.seq, frame.offset_ns, frame.kind, frame.sender, frame.type, body, audio, cut)


def test_audio_held_apart_gives_the_same_state() -> None:
    frames = whole_session().frames
    carries = ("input_audio_buffer.append", "response.output_audio.delta")
    apart = [split(frame) if frame.type in carries else frame for frame in frames]
    assert [frame.payload for frame in apart] == [frame.payload for frame in frames]
    assert any(frame.audio for frame in apart)
    assert fold(apart) == fold(frames)


def test_the_short_way_for_deltas_gives_what_the_reducers_give() -> None:
    """A field of another type, which no delta has, sends every event the long way."""
    script, long = whole_session(), Session()
    for frame in script.frames:
        event = orjson.loads(frame.body or b"")
        if "content_index" in event:
            event["content_index"] = float(event["content_index"])
        long.frame("text", frame.sender, orjson.dumps(event), frame.type)
    assert fold(long.frames) == script.fold()


def test_an_append_that_looks_like_the_last_one_is_only_taken_from_the_client() -> None:
    frames = [split(frame) for frame in Session().append(20, 2).frames]
    frames.append(Frame(2, None, "text", "server", frames[0].type, frames[0].body, frames[0].audio, frames[0].cut))
    conversation = fold(frames)
    assert conversation.input_audio.audio.total == 2 * 960
    assert conversation.unknown == {"input_audio_buffer.append": 1}


async def test_a_recording_folds_in_batches() -> None:
    script = whole_session()
    for _ in range(600):
        script.append(20, 2)
    recording = MemoryRecording(SessionInfo(id="x"), script.frames)
    assert await fold_recording(recording) == script.fold()


def test_session_config_is_in_ga_shape_whatever_the_session_spoke() -> None:
    flat = {
        "id": "sess_1", "model": "gpt-4o-realtime-preview", "modalities": ["text", "audio"], "voice": "alloy",
        "input_audio_format": "g711_ulaw", "output_audio_format": "pcm16", "turn_detection": None, "temperature": 0.8,
    }  # fmt: skip
    session = Session().server("session.created", session=flat).fold().session
    assert session.config["audio"]["output"]["voice"] == "alloy"
    assert session.config["output_modalities"] == ["text", "audio"]
    assert session.config["temperature"] == 0.8
    assert (session.input_format.type, session.input_format.rate, session.input_format.stated) == (
        "audio/pcmu", 8000, True,
    )  # fmt: skip


def test_without_a_statement_the_formats_are_the_default_and_say_so() -> None:
    session = Session().append(20).fold().session
    assert (session.input_format.rate, session.input_format.stated) == (24000, False)


def test_an_unacknowledged_update_is_requested_not_in_force() -> None:
    script = Session().session().client("session.update", session={"voice": "marin"})
    session = script.fold().session
    assert "voice" not in session.config.get("audio", {}).get("output", {})
    assert session.requested == {"audio": {"output": {"voice": "marin"}}}


@pytest.mark.parametrize("name", ["started", "stopped", "cleared"])
def test_playback_events_under_their_old_names(name: str) -> None:
    conversation = Session().server(f"output_audio_buffer.audio_{name}", response_id="resp_1").fold()
    assert [event.type for event in conversation.playback] == [f"output_audio_buffer.{name}"]
    assert conversation.unknown == {}


def test_a_base64_text_is_still_a_text() -> None:
    script = Session().created().output("a").write("a", "abcd").write("a", "efgh" * 10)
    frame = script.frames[-1]
    audio = pybase64.b64decode("efgh" * 10)
    body = (frame.body or b"").replace(b"efgh" * 10, b"")
    apart = Frame(frame.seq, None, "text", "server", frame.type, body, audio, body.index(b'"delta":"') + 9)
    assert apart.payload == frame.payload
    assert fold([*script.frames[:-1], apart]) == script.fold()
