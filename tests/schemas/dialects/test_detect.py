"""Which vocabulary a session speaks, by handshake and by events."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from earwitness.schemas.dialects.detect import DialectReading, detect
from hypothesis import given
from hypothesis import strategies as st

from tests.corpus import capture_params

BETA = [("OpenAI-Beta", "realtime=v1")]
BROWSER = [("Sec-WebSocket-Protocol", "realtime, openai-insecure-api-key.x, openai-beta.realtime-v1")]


@pytest.mark.parametrize(
    ("target", "headers", "expected"),
    [
        ("/v1/realtime?model=gpt-realtime", [], "ga"),
        ("/v1/realtime?model=gpt-4o-realtime-preview", BETA, "preview"),
        ("/v1/realtime?intent=transcription", [("openai-beta", "assistants=v2, realtime=v1")], "preview"),
        ("/v1/realtime?model=gpt-realtime", BROWSER, "preview"),
        ("/v1/realtime?model=x", [("Sec-WebSocket-Protocol", "realtime")], "ga"),
        ("/v1/realtime?call_id=rtc_1", [], "ga"),
        ("/openai/realtime?api-version=2024-10-01-preview&deployment=d", [("api-key", "k")], "preview"),
        ("/openai/v1/realtime?model=d", [], "ga"),
        ("/voice-live/realtime?api-version=2025-10-01&model=m", [], "preview"),
        ("/v1/realtime/translations?model=m", [], "translation"),
        ("/v1/live/sessions?model=m", [], "live"),
        ("/v1/live/sessions/sess_1/events", [], "live"),
        ("/proxy/somebody/v1/realtime/", [], "ga"),
        ("/socket", [], "unknown"),
        ("//[", [], "unknown"),
        (None, [], "unknown"),
    ],
)
def test_the_handshake_tells(target: str | None, headers: list[tuple[str, str]], expected: str) -> None:
    assert detect(target, headers) == expected


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([{"type": "response.audio.delta"}], "preview"),
        ([{"type": "response.output_text.delta"}], "ga"),
        ([{"type": "transcription_session.update"}], "preview"),
        ([{"type": "session.created", "session": {"modalities": ["text"]}}], "preview"),
        ([{"type": "session.created", "session": {"output_modalities": ["text"]}}], "ga"),
        ([{"type": "session.update", "session": {"audio": {"input": {}}}}], "ga"),
        ([{"type": "session.updated", "session": {"audio": {}, "voice": "ara"}}], "unknown"),
        ([{"type": "session.updated", "session": None}], "unknown"),
        ([{"type": "session.input_audio_buffer.append"}], "translation"),
        ([{"type": "session.started"}], "live"),
        ([{"type": "session.output_audio.delta"}], "unknown"),
        ([{"type": "response.created"}], "unknown"),
        ([{"type": []}, {}], "unknown"),
    ],
)
def test_events_tell(events: list[dict[str, Any]], expected: str) -> None:
    assert detect(events=events) == expected


def test_what_the_server_sends_outranks_the_handshake() -> None:
    assert detect("/v1/realtime", events=[{"type": "session.created", "session": {"modalities": []}}]) == "preview"


def test_the_name_of_the_models_output_settles_a_mixture() -> None:
    reading = DialectReading()
    reading.observe({"type": "conversation.item.done"})
    assert (reading.dialect, reading.settled) == ("ga", False)
    reading.observe({"type": "response.audio.delta"})
    assert (reading.dialect, reading.settled) == ("preview", True)
    reading.observe({"type": "response.output_audio.delta"})
    assert reading.dialect == "preview"


@pytest.mark.parametrize("path", capture_params())
def test_a_captures_dialect_is_detected_from_its_events(path: Path) -> None:
    events = [record["event"] for record in map(json.loads, path.read_text().splitlines()) if "event" in record]
    # Azure Voice Live speaks preview names, xAI GA names.
    preview = "preview" in path.name or "voice-live" in path.name
    assert detect(events=events) == ("preview" if preview else "ga")


@given(st.text(), st.lists(st.tuples(st.text(), st.text())))
def test_any_handshake_is_read(target: str, headers: list[tuple[str, str]]) -> None:
    assert detect(target, headers) in {"preview", "ga", "translation", "live", "unknown"}
