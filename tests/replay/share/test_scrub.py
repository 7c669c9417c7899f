"""Recordings made fit to be shared: what goes, what stays, and that they still replay."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from earwitness.recorder.importing import read_file
from earwitness.replay.audio.formats import decode
from earwitness.replay.drive.connect import drive
from earwitness.replay.fold import fold
from earwitness.replay.open import bundled_recording
from earwitness.replay.serve.server import serve
from earwitness.replay.share.cassette_file import export_cassette
from earwitness.replay.share.placeholder import tone
from earwitness.replay.share.rules import ScrubRules
from earwitness.replay.share.scrub import scrub_recording
from earwitness.schemas.audio import AudioFormat
from earwitness.schemas.errors import RequestError
from earwitness.schemas.frame import Frame
from earwitness.schemas.recording import MemoryRecording
from hypothesis import given
from hypothesis import strategies as st

from tests.corpus import both_ways, corpus_recordings
from tests.events import added, append, client, server, tool_output, user_text
from tests.replay.shapes import FRAMES
from tests.sessions import OPEN, as_recording, read_frames, recording

PEOPLE = ScrubRules.model_validate(
    {
        "replace": [
            {"pattern": "Lisbon", "with": "Springfield"},
            {"pattern": r"fifteen|15", "with": "NN"},
            {"pattern": "sunday", "with": "someday", "ignore_case": True},
        ],
        "forbid": ["(?i)lisbon", "(?i)sunday"],
    }
)


async def scrubbed(session: MemoryRecording, **rules: Any) -> MemoryRecording:
    result = await scrub_recording(session, ScrubRules.model_validate(rules))
    return MemoryRecording(result.info, await read_frames(result))


def events(session: MemoryRecording, type_: str) -> list[dict[str, Any]]:
    return [frame.json() for frame in session.frames if frame.type == type_]


# The whole


@pytest.fixture(scope="module")
def shared() -> MemoryRecording:
    async def make() -> MemoryRecording:
        result = await scrub_recording(bundled_recording(), PEOPLE)
        return MemoryRecording(result.info, await read_frames(result))

    return asyncio.run(make())


async def test_it_has_the_same_frames_at_the_same_times_with_as_much_sound(shared: MemoryRecording) -> None:
    original = bundled_recording()

    def shape(frame: Frame) -> tuple[Any, ...]:
        event = frame.json()
        sound = event.get("audio") if "append" in (frame.type or "") else None
        sound = event.get("delta") if "audio.delta" in (frame.type or "") else sound
        return (frame.seq, frame.offset_ns, frame.kind, frame.sender, frame.type, sound and len(sound))

    assert [shape(frame) for frame in shared.frames] == [shape(frame) for frame in original.frames]


async def test_names_numbers_instructions_keys_and_ids_are_gone_everywhere(shared: MemoryRecording) -> None:
    text = b"\n".join(frame.payload or b"" for frame in shared.frames).decode()
    for gone in (
        "Lisbon",
        "Sunday",
        "fifteen",
        "travel agency",
        "redacted:",
        "req_0c5c7",
        "sess_EV",
        "event_EV",
        "item_EV",
    ):
        assert gone not in text, gone
    assert "Springfield" in text
    state = fold(shared.frames)
    said = " ".join(part.transcript or "" for item in state.items for part in item.content)
    assert "Springfield" in said
    assert json.loads(state.calls[0].arguments)["city"] == "Springfield"
    assert "instructions" not in state.session.config


async def test_the_state_is_otherwise_that_of_the_original(shared: MemoryRecording) -> None:
    before, after = fold(bundled_recording().frames), fold(shared.frames)
    assert [(i.type, i.role, i.status, i.created_by) for i in after.items] == [
        (i.type, i.role, i.status, i.created_by) for i in before.items
    ]
    assert [(r.status, r.usage, r.trigger) for r in after.responses] == [
        (r.status, r.usage, r.trigger) for r in before.responses
    ]
    assert [cut.audio_end_ms for cut in after.truncations] == [cut.audio_end_ms for cut in before.truncations]
    assert after.counts == before.counts
    assert after.problems == before.problems == []


async def test_the_policy_names_what_was_taken_from_the_client_and_nothing_else(shared: MemoryRecording) -> None:
    assert shared.info.match == {
        "audio": "length",
        "ignore": ["session.update.session.instructions", "conversation.item.create.item.output"],
    }


async def test_the_original_client_replays_the_scrubbed_cassette_strictly(
    shared: MemoryRecording, tmp_path: Path
) -> None:
    path = tmp_path / "shared.ndjson"
    await export_cassette(shared, path)
    (read,) = read_file(path)
    async with serve(read.recording("shared")) as served:
        await drive(bundled_recording(), served.url)
        assert served.report.complete, served.report.text()
        assert served.policies[0].mode == "strict"


async def test_another_setting_is_still_found_in_a_scrubbed_cassette(shared: MemoryRecording) -> None:
    frames = [
        Frame(f.seq, f.offset_ns, f.kind, f.sender, f.type, (f.payload or b"").replace(b'"cedar"', b'"marin"'))
        for f in bundled_recording().frames
    ]
    async with serve(shared) as served:
        await drive(as_recording("other", frames), served.url, patience=0.2)
        assert "session.audio.output.voice" in served.report.text()


@pytest.mark.parametrize(
    "session",
    [pytest.param(session, id=session.info.id) for session in both_ways(corpus_recordings())]
    or [pytest.param(None, marks=pytest.mark.skip(reason="the corpus of real captures is not beside this checkout"))],
)
async def test_every_capture_still_replays_when_scrubbed(session: MemoryRecording) -> None:
    after = await scrubbed(session, replace=[{"pattern": r"\w+", "with": "word"}])
    async with serve(after) as served:
        await drive(session, served.url)
        assert served.report.complete, served.report.text()


async def test_scrubbing_twice_changes_nothing_more(shared: MemoryRecording) -> None:
    again = await scrub_recording(shared, PEOPLE)
    assert [frame.payload for frame in await read_frames(again)] == [frame.payload for frame in shared.frames]
    assert again.info.match == shared.info.match


# Ids


async def test_ids_are_numbered_by_appearance_and_agree_everywhere() -> None:
    session = recording(
        server("session.created", event_id="event_zzz", session={"id": "sess_zzz", "prompt": {"id": "pmpt_mine"}}),
        user_text("hello", id="msg_mine_1"),
        server("conversation.item.added", event_id="event_yyy", previous_item_id="root", item={"id": "msg_mine_1"}),
        server("error", event_id="event_xxx", error={"message": "Item 'msg_mine_1' is no good", "param": None}),
        client("conversation.item.delete", item_id="msg_mine_1"),
    )
    after = await scrubbed(session)
    created, said, put, error, deleted = [frame.json() for frame in after.frames[1:]]
    assert (created["event_id"], put["event_id"], error["event_id"]) == ("event_000001", "event_000002", "event_000003")
    assert created["session"] == {"id": "sess_000001", "prompt": {"id": "pmpt_mine"}}
    assert said["item"]["id"] == put["item"]["id"] == deleted["item_id"] == "msg_000001"
    assert put["previous_item_id"] == "root"
    assert error["error"]["message"] == "Item 'msg_000001' is no good"
    assert after.info.match == {"audio": "length"}


async def test_everything_can_be_kept() -> None:
    session = recording(
        server("session.created", event_id="event_zzz", session={"id": "sess_zzz", "instructions": "Be brief"}),
        append(8),
    )
    after = await scrubbed(session, ids="keep", instructions="keep", audio="keep", headers="keep")
    assert [frame.json() for frame in after.frames] == [frame.json() for frame in session.frames]
    assert after.info == session.info


async def test_of_the_handshake_only_what_is_acted_on_stays() -> None:
    request = {"target": "/v1/realtime?model=m", "headers": [["Authorization", "x"], ["OpenAI-Beta", "realtime=v1"]]}
    response = {"status": 101, "headers": [["x-request-id", "req_1"], ["Sec-WebSocket-Protocol", "realtime"]]}
    links = {"previous": "other"}
    after = await scrubbed(recording(opened={**OPEN, "request": request, "response": response, "links": links}))
    opened = after.frames[0].json()
    assert opened["request"] == {**request, "headers": [["OpenAI-Beta", "realtime=v1"]]}
    assert opened["response"] == {**response, "headers": [["Sec-WebSocket-Protocol", "realtime"]]}
    assert "links" not in opened


# Text


async def test_a_name_spread_over_deltas_is_replaced() -> None:
    pieces = ["Ms. Jo", "an", "na Do", "e, 42"]
    deltas = [
        server("response.output_audio_transcript.delta", response_id="r", item_id="i", content_index=0, delta=piece)
        for piece in pieces
    ]
    done = server("response.output_audio_transcript.done", response_id="r", item_id="i", transcript="".join(pieces))
    after = await scrubbed(recording(*deltas, done), replace=[{"pattern": "Joanna Doe", "with": "Jane Roe"}])
    said = [event["delta"] for event in events(after, "response.output_audio_transcript.delta")]
    assert said == ["Ms. Jane Roe", "", "", ", 42"]
    assert events(after, "response.output_audio_transcript.done")[0]["transcript"] == "".join(said)


async def test_deltas_of_two_items_are_two_texts() -> None:
    deltas = [
        server("response.output_text.delta", response_id="r", item_id=item, content_index=0, delta=piece)
        for item, piece in (("one", "sec"), ("two", "ret"), ("one", "ret"))
    ]
    after = await scrubbed(recording(*deltas), replace=[{"pattern": "secret", "with": "x"}])
    assert [event["delta"] for event in events(after, "response.output_text.delta")] == ["x", "ret", ""]


async def test_a_name_does_not_hide_behind_json_escapes() -> None:
    session = recording(tool_output("call_1", json.dumps({"who": "José"})), added("item_1", type="message"))
    after = await scrubbed(session, replace=[{"pattern": "José", "with": "X"}], forbid=["Jos"])
    assert json.loads(events(after, "conversation.item.create")[0]["item"]["output"]) == {"who": "X"}


async def test_logprobs_which_spell_the_words_are_dropped_with_them() -> None:
    logprobs = [{"token": "Lisbon", "logprob": -0.1, "bytes": [76]}]
    done = server("conversation.item.input_audio_transcription.completed", transcript="Lisbon", logprobs=logprobs)
    after = await scrubbed(recording(done), replace=[{"pattern": "Lisbon", "with": "X"}])
    assert "logprobs" not in events(after, "conversation.item.input_audio_transcription.completed")[0]


async def test_words_of_the_protocol_are_no_text() -> None:
    session = recording(
        server(
            "response.done", response={"id": "r", "status": "completed", "output": [], "object": "realtime.response"}
        )
    )
    after = await scrubbed(session, ids="keep", replace=[{"pattern": r"\w+", "with": "x"}])
    assert events(after, "response.done") == events(session, "response.done")


async def test_what_is_forbidden_and_left_is_an_error_that_names_the_record() -> None:
    session = recording(user_text("hello"), user_text("I am Joanna"))
    with pytest.raises(RequestError, match="record 2 still has what the rules forbid: 'Joanna'") as caught:
        await scrubbed(session, forbid=["Joanna"])
    assert caught.value.data["seq"] == 2
    deltas = [server("response.output_text.delta", item_id="i", delta=piece) for piece in ("Jo", "anna")]
    with pytest.raises(RequestError):
        await scrubbed(recording(*deltas), forbid=["Joanna"])


async def test_what_is_no_json_is_erased() -> None:
    session = recording(("server", "not json, Joanna"), ("client", b"\x00\x01"), server("response.done"))
    after = await scrubbed(session)
    assert [frame.erased for frame in after.frames] == [False, True, True, False]


@given(FRAMES, st.sampled_from(["silence", "tone", "keep"]))
def test_traffic_of_any_shape_can_be_scrubbed(lines: list[tuple[str, Any]], audio: str) -> None:
    session = recording(*lines)
    after = asyncio.run(scrubbed(session, audio=audio, replace=[{"pattern": "Lisbon", "with": "X"}]))
    assert [(f.seq, f.kind, f.sender, f.type) for f in after.frames] == [
        (f.seq, f.kind, f.sender, f.type) for f in session.frames
    ]
    assert b"Lisbon" not in b"".join(frame.payload or b"" for frame in after.frames)


async def test_what_nests_too_deep_to_be_read_is_erased() -> None:
    deep = "[" * 900 + "]" * 900
    session = recording(("server", f'{{"type": "x", "value": {deep}}}'), tool_output("call_1", deep))
    after = await scrubbed(session, replace=[{"pattern": "a", "with": "b"}])
    assert [frame.erased for frame in after.frames] == [False, True, False]


# Sound


@pytest.mark.parametrize("kind", ["silence", "tone"])
async def test_sound_keeps_its_length_frame_by_frame(kind: str) -> None:
    session = recording(append(480), append(7), server("response.output_audio.delta", item_id="i", delta="AAAAAA=="))
    after = await scrubbed(session, audio=kind)
    assert [len(base64.b64decode(e["audio"])) for e in events(after, "input_audio_buffer.append")] == [480, 7]
    assert [len(base64.b64decode(e["delta"])) for e in events(after, "response.output_audio.delta")] == [4]


async def test_the_original_sound_is_nowhere_left() -> None:
    loud = base64.b64encode(bytes(range(200))).decode()
    part = {"type": "input_audio", "audio": loud, "transcript": "hi"}
    item = {"type": "message", "role": "user", "content": [part]}
    session = recording(
        client("input_audio_buffer.append", audio=loud),
        client("conversation.item.create", item=item),
        server("conversation.item.retrieved", item=item),
        server("response.output_audio.delta", item_id="i", delta=loud),
        server("response.output_audio.delta", item_id="i", delta="no base64!"),
    )
    after = await scrubbed(session)
    everything = b"".join(frame.payload or b"" for frame in after.frames)
    assert loud[8:40].encode() not in everything
    assert b"no base64" not in everything
    assert after.info.match == {"audio": "length", "ignore": ["conversation.item.create.item.content.*.audio"]}


async def test_images_are_blank() -> None:
    url = "data:image/png;base64," + base64.b64encode(bytes(range(200))).decode()
    content = [
        {"type": "input_image", "image_url": url},
        {"type": "input_image", "image_url": "https://x.example/a.png"},
    ]
    session = recording(client("conversation.item.create", item={"type": "message", "content": content}))
    after = await scrubbed(session)
    first, second = events(after, "conversation.item.create")[0]["item"]["content"]
    assert first["image_url"].startswith("data:image/gif;base64,")
    assert base64.b64decode(first["image_url"].partition(",")[2]).startswith(b"GIF89a\x01\x00\x01\x00")
    assert second["image_url"] == "https://x.example/a.png"
    assert after.info.match == {"audio": "length", "ignore": ["conversation.item.create.item.content.*.image_url"]}
    assert events(await scrubbed(session, images="keep"), "conversation.item.create") == events(
        session, "conversation.item.create"
    )


async def test_sound_is_in_the_sessions_format() -> None:
    formats = {"input": {"format": {"type": "audio/pcmu"}}, "output": {"format": {"type": "audio/pcma"}}}
    session = recording(
        server("session.updated", session={"type": "realtime", "audio": formats}),
        append(3, 7),
        server("response.output_audio.delta", item_id="i", delta=base64.b64encode(b"abc").decode()),
    )
    after = await scrubbed(session)
    assert base64.b64decode(events(after, "input_audio_buffer.append")[0]["audio"]) == b"\xff" * 3
    assert base64.b64decode(events(after, "response.output_audio.delta")[0]["delta"]) == b"\xd5" * 3


async def test_a_tone_goes_on_through_the_frames_of_a_stream() -> None:
    session = recording(append(100), append(38), append(262))
    after = await scrubbed(session, audio="tone")
    sound = b"".join(base64.b64decode(e["audio"]) for e in events(after, "input_audio_buffer.append"))
    assert sound == tone(400, AudioFormat("audio/pcm", 24000))


@pytest.mark.parametrize(
    ("kind", "rate"), [("audio/pcm", 24000), ("audio/pcm", 44100), ("audio/pcmu", 8000), ("audio/pcma", 8000)]
)
def test_the_tone_is_400_hz_at_a_tenth_of_full_scale_in_every_format(kind: str, rate: int) -> None:
    stated = AudioFormat(kind, rate)
    size = rate * (2 if kind == "audio/pcm" else 1)
    samples = decode(tone(size, stated), stated).astype(np.float64)
    spectrum = np.abs(np.fft.rfft(samples))
    assert int(np.argmax(spectrum)) == 400
    assert 3000 < np.max(np.abs(samples)) < 3500
    assert tone(50, stated, 30) == tone(80, stated)[30:]


# Rules


async def test_rules_may_add_to_the_match_policy() -> None:
    session = recording(client("session.update", session={"instructions": "Be brief"}))
    tolerance = {"conversation.item.truncate.audio_end_ms": 300.0}
    after = await scrubbed(session, match={"mode": "lenient", "ignore": ["session.voice"], "tolerances": tolerance})
    assert after.info.match == {
        "mode": "lenient",
        "ignore": ["session.update.session.instructions", "session.voice"],
        "tolerances": tolerance,
        "audio": "length",
    }
