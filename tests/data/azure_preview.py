"""The conversation that Azure's documentation of the preview API walks through, as a fixture.

Synthetic: built from the documented order, fields and figures; the ids and the audio are invented.
"""

from __future__ import annotations

import json
from typing import Any

from tests.events import Json, Line, base64, client, message, pcm, server

TRANSCRIPT = "Hello! How can I assist you today?"
DEPLOYMENT = "gpt-4o-realtime-preview"
TARGET = f"/openai/realtime?api-version=2024-10-01-preview&deployment={DEPLOYMENT}"
USAGE = {
    "total_tokens": 82,
    "input_tokens": 5,
    "output_tokens": 77,
    "input_token_details": {"cached_tokens": 0, "text_tokens": 5, "audio_tokens": 0},
    "output_token_details": {"text_tokens": 21, "audio_tokens": 56},
}
_PIECES = ["Hello", "!", " How", " can", " I", " assist", " you", " today", "?"]
_ORDER = "ttttt" + "aa" + "t" + "a" + "ttt" + "aaaa"
"""Transcript and audio deltas in the documented order."""

_VAD = {"type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 300, "silence_duration_ms": 200}
_ITEM, _RESPONSE = "item_AHcs6jK3tVdZr0Yp9Qw2e", "resp_AHcs5bTq7Lm1Xn8Fh4Gk6"


def _session(**changes: Any) -> Json:
    return {
        "id": "sess_AHcs4zJ6uRw1Cy5Ns3Dv8",
        "object": "realtime.session",
        "model": "gpt-4o-realtime-preview-2024-10-01",
        "expires_at": 1728511234,
        "modalities": ["audio", "text"],
        "instructions": "Your knowledge cutoff is 2023-10.",
        "voice": "alloy",
        "input_audio_format": "pcm16",
        "output_audio_format": "pcm16",
        "input_audio_transcription": None,
        "turn_detection": _VAD,
        "tools": [],
        "tool_choice": "auto",
        "temperature": 0.8,
        "max_response_output_tokens": None,
        **changes,
    }


def _message(status: str, *content: Json) -> Json:
    return {"object": "realtime.item", **message(_ITEM, "assistant", *content, status=status)}


def _response(status: str, output: list[Json], usage: Json | None) -> Json:
    stated = {"id": _RESPONSE, "object": "realtime.response", "status": status, "status_details": None}
    return {**stated, "output": output, "usage": usage}


def _audio(number: int) -> str:
    """100 ms of a quiet saw tooth, each piece with another pitch."""
    return base64(pcm([((index * (number + 3)) % 400) - 200 for index in range(2400)]))


def events() -> list[Line]:
    """The conversation in order: who sends what."""
    updates = {"instructions": "", "input_audio_transcription": {"model": "whisper-1"}}
    asked = {"commit": True, "cancel_previous": True, "instructions": "Please assist the user."}
    place = {"response_id": _RESPONSE, "item_id": _ITEM, "output_index": 0, "content_index": 0}
    output = {"response_id": _RESPONSE, "output_index": 0}
    said = {"type": "audio", "transcript": TRANSCRIPT}
    pieces = iter(_PIECES)
    deltas = [
        server("response.audio_transcript.delta", **place, delta=next(pieces))
        if kind == "t"
        else server("response.audio.delta", **place, delta=_audio(number))
        for number, kind in enumerate(_ORDER)
    ]
    lines = [
        server("session.created", session=_session()),
        server("conversation.created", conversation={"id": "conv_AHcs4oP2", "object": "realtime.conversation"}),
        client("session.update", session={"voice": "alloy", "turn_detection": _VAD, "tools": [], **updates}),
        server("session.updated", session=_session(**updates)),
        client("response.create", event_id=None, response={**asked, "modalities": ["text", "audio"]}),
        server("response.created", response=_response("in_progress", [], None)),
        server("response.output_item.added", **output, item=_message("in_progress")),
        server("conversation.item.created", previous_item_id=None, item=_message("in_progress")),
        server("response.content_part.added", **place, part={"type": "audio", "transcript": ""}),
        *deltas,
        server("response.audio.done", **place),
        server("response.audio_transcript.done", **place, transcript=TRANSCRIPT),
        server("response.content_part.done", **place, part=said),
        server("response.output_item.done", **output, item=_message("completed", said)),
        server("response.done", response=_response("completed", [_message("completed", said)], USAGE)),
    ]
    return [
        (sender, {"event_id": f"event_AHcs{number:04}", **event} if sender == "server" else event)
        for number, (sender, event) in enumerate(lines)
    ]


def frames() -> list[tuple[str, bytes]]:
    """The same as the messages on the wire."""
    return [(sender, json.dumps(event).encode()) for sender, event in events()]
