"""The bundled conversation is a session as the API would have it: consistent in ids, order, times and sound."""

from __future__ import annotations

import io
import json
import re
from collections import Counter
from typing import Any

import numpy as np
import pybase64
import pytest
import soundfile
from earwitness.replay.open import bundled_path, bundled_recording
from earwitness.schemas.frame import Frame
from earwitness.schemas.statements import CloseStatement, OpenStatement
from openai.types.realtime import RealtimeClientEvent, RealtimeServerEvent
from pydantic import TypeAdapter

FRAMES = bundled_recording().frames
EVENTS = [(frame, frame.json()) for frame in FRAMES if frame.kind == "text"]


def all_of(kind: str) -> list[tuple[Frame, dict[str, Any]]]:
    return [(frame, event) for frame, event in EVENTS if event["type"] == kind]


def ms(frame: Frame) -> float:
    assert frame.offset_ns is not None
    return frame.offset_ns / 1e6


def caller() -> np.ndarray:
    """The whole input stream, decoded by libsndfile."""
    data = b"".join(pybase64.b64decode(event["audio"]) for _, event in all_of("input_audio_buffer.append"))
    samples, _ = soundfile.read(io.BytesIO(data), samplerate=8000, channels=1, format="RAW", subtype="ULAW")
    return samples


def spoken(item: str) -> bytes:
    deltas = [event["delta"] for _, event in all_of("response.output_audio.delta") if event["item_id"] == item]
    return b"".join(pybase64.b64decode(delta, validate=True) for delta in deltas)


def test_it_is_small_and_says_that_it_is_synthetic() -> None:
    assert bundled_path().stat().st_size < 2_000_000
    header = json.loads(bundled_path().read_text(encoding="utf-8").splitlines()[0])
    assert "espeak" in header["labels"]["synthetic"]
    assert bundled_recording().info.labels["synthetic"] == header["labels"]["synthetic"]


def test_its_summary_is_that_of_an_ordinary_ga_session() -> None:
    info = bundled_recording().info
    assert (info.dialect, info.model, info.status, info.close_code) == ("ga", "gpt-realtime", "closed", 1000)
    assert info.duration_ns is not None
    assert 20e9 < info.duration_ns < 40e9


def test_the_envelope_is_dense_ordered_and_opens_and_closes() -> None:
    assert [frame.seq for frame in FRAMES] == list(range(len(FRAMES)))
    offsets = [frame.offset_ns for frame in FRAMES]
    assert offsets == sorted(offset for offset in offsets if offset is not None)
    assert (FRAMES[0].kind, FRAMES[-1].kind) == ("open", "close")
    opening = OpenStatement.model_validate_json(FRAMES[0].body or b"")
    assert opening.request is not None
    assert re.fullmatch(r"redacted:hmac-sha256:[0-9a-f]{16}", dict(opening.request.headers)["Authorization"])
    closing = CloseStatement.model_validate_json(FRAMES[-1].body or b"")
    last = {sender: max(f.seq for f in FRAMES if f.sender == sender) for sender in ("client", "server")}
    assert closing.handed == {"client": last["server"], "server": last["client"]}


@pytest.mark.parametrize(("sender", "union"), [("client", RealtimeClientEvent), ("server", RealtimeServerEvent)])
def test_every_event_is_one_that_the_official_types_accept(sender: str, union: Any) -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(union)
    for frame, event in EVENTS:
        if frame.sender == sender:
            assert adapter.validate_python(event).type == event["type"]


def test_ids_are_unique_and_shaped_like_the_api_s() -> None:
    ids = [event["event_id"] for frame, event in EVENTS if frame.sender == "server"]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"event_[0-9A-Za-z]{21}", one) for one in ids)
    items = [event["item"]["id"] for _, event in all_of("conversation.item.added")]
    assert len(set(items)) == len(items) == 7
    assert all(re.fullmatch(r"item_[0-9A-Za-z]{21}", one) for one in items)


def test_each_item_names_the_one_before_it() -> None:
    added = [event for _, event in all_of("conversation.item.added")]
    assert [event["previous_item_id"] for event in added] == [None, *(event["item"]["id"] for event in added[:-1])]
    kinds = [event["item"].get("role", event["item"]["type"]) for event in added]
    answer_to_tool = ["assistant", "function_call", "function_call_output", "assistant"]
    assert kinds == ["user", *answer_to_tool, "user", "assistant"]


def test_spans_stated_by_voice_activity_hold_the_speech_and_its_padding() -> None:
    samples = caller()
    loud = np.abs(samples) > 0.02
    starts = [event["audio_start_ms"] for _, event in all_of("input_audio_buffer.speech_started")]
    ends = [event["audio_end_ms"] for _, event in all_of("input_audio_buffer.speech_stopped")]
    assert len(starts) == len(ends) == 2
    for start, end in zip(starts, ends, strict=True):
        inside = np.flatnonzero(loud[start * 8 : end * 8]) / 8
        # 300 ms before the speech, at least 500 ms of silence behind it; a window of activity is 32 ms.
        assert 300 - 32 <= inside[0] <= 300 + 64
        assert 500 - 32 <= end - start - inside[-1] <= 500 + 64 + 32
        loud[start * 8 : end * 8] = False
    assert not loud.any()


def test_the_first_transcription_completes_after_the_answer_began() -> None:
    (completed, event), _ = all_of("conversation.item.input_audio_transcription.completed")
    first_delta = all_of("response.output_audio.delta")[0][0]
    first_done = all_of("response.done")[0][0]
    assert first_delta.seq < completed.seq < first_done.seq
    pieces = [
        delta["delta"]
        for _, delta in all_of("conversation.item.input_audio_transcription.delta")
        if delta["item_id"] == event["item_id"]
    ]
    assert "".join(pieces).strip() == event["transcript"]


def test_the_caller_cuts_in_while_the_answer_plays() -> None:
    ((cut_frame, cut),) = all_of("conversation.item.truncate")
    ((ack_frame, ack),) = all_of("conversation.item.truncated")
    assert {key: ack[key] for key in ("item_id", "content_index", "audio_end_ms")} == {
        key: cut[key] for key in ("item_id", "content_index", "audio_end_ms")
    }
    assert cut_frame.seq < ack_frame.seq
    assert [f.seq < cut_frame.seq for f, _ in all_of("input_audio_buffer.speech_started")] == [True, True]
    # The answer plays from when the preamble before it is over, at the speed of speech.
    deltas = all_of("response.output_audio.delta")
    preamble = deltas[0][1]["item_id"]
    over = ms(deltas[0][0]) + len(spoken(preamble)) / 48
    first = next(ms(frame) for frame, event in deltas if event["item_id"] == cut["item_id"])
    assert first < over
    played = ms(cut_frame) - over
    assert 0 <= played - cut["audio_end_ms"] <= 20
    assert cut["audio_end_ms"] < len(spoken(cut["item_id"])) / 48


def test_responses_end_as_the_story_says() -> None:
    done = [event["response"] for _, event in all_of("response.done")]
    assert [response["status"] for response in done] == ["completed", "cancelled", "completed"]
    assert done[1]["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
    assert [[item["type"] for item in response["output"]] for response in done] == [
        ["message", "function_call"], ["message"], ["message"]
    ]  # fmt: skip
    for response in done:
        usage = response["usage"]
        assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
        for side in ("input", "output"):
            details = usage[f"{side}_token_details"]
            assert usage[f"{side}_tokens"] == details["text_tokens"] + details["audio_tokens"]
    assert len(all_of("rate_limits.updated")) == 3


def test_stated_texts_are_the_sum_of_their_deltas() -> None:
    for _, event in all_of("response.output_audio_transcript.done"):
        deltas = [
            d["delta"] for _, d in all_of("response.output_audio_transcript.delta") if d["item_id"] == event["item_id"]
        ]
        assert "".join(deltas) == event["transcript"]
    ((_, arguments),) = all_of("response.function_call_arguments.done")
    assert "".join(d["delta"] for _, d in all_of("response.function_call_arguments.delta")) == arguments["arguments"]
    (output,) = [e["item"] for _, e in all_of("conversation.item.create")]
    assert output["call_id"] == arguments["call_id"]


def test_speech_is_delivered_faster_than_it_is_played() -> None:
    for item, count in Counter(event["item_id"] for _, event in all_of("response.output_audio.delta")).items():
        arrivals = [ms(frame) for frame, event in all_of("response.output_audio.delta") if event["item_id"] == item]
        assert count > 3
        assert arrivals[-1] - arrivals[0] < len(spoken(item)) / 48
