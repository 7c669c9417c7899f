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


def test_speech_is_delivered_faster_than_it_is_played() -> None:
    for item, count in Counter(event["item_id"] for _, event in all_of("response.output_audio.delta")).items():
        arrivals = [ms(frame) for frame, event in all_of("response.output_audio.delta") if event["item_id"] == item]
        assert count > 3
        assert arrivals[-1] - arrivals[0] < len(spoken(item)) / 48
