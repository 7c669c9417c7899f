"""The conversation that Azure's documentation of the preview API walks through, as a fixture.

Synthetic: built from the documented order, fields and figures; the ids and the audio are invented.
"""

from __future__ import annotations

import base64
import json
from typing import Any, Literal

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

Sender = Literal["client", "server"]
_VAD = {"type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 300, "silence_duration_ms": 200}
_ITEM, _RESPONSE = "item_AHcs6jK3tVdZr0Yp9Qw2e", "resp_AHcs5bTq7Lm1Xn8Fh4Gk6"


def _session(**changes: Any) -> dict[str, Any]:
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


def _item(status: str, content: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": _ITEM,
        "object": "realtime.item",
        "type": "message",
        "status": status,
        "role": "assistant",
        "content": content,
    }


def _response(status: str, output: list[dict[str, Any]], usage: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "id": _RESPONSE,
        "object": "realtime.response",
        "status": status,
        "status_details": None,
        "output": output,
        "usage": usage,
    }


def _audio(number: int) -> str:
    """100 ms of a quiet saw tooth, each piece with another pitch."""
    samples = [((index * (number + 3)) % 400) - 200 for index in range(2400)]
    return base64.b64encode(b"".join(sample.to_bytes(2, "little", signed=True) for sample in samples)).decode()


def events() -> list[tuple[Sender, dict[str, Any]]]:
    """The conversation in order: who sends what."""
    part = {"response_id": _RESPONSE, "item_id": _ITEM, "output_index": 0, "content_index": 0}
    done_part = {"type": "audio", "transcript": TRANSCRIPT}
    pieces = iter(_PIECES)
    deltas: list[dict[str, Any]] = []
    for number, kind in enumerate(_ORDER):
        if kind == "t":
            deltas.append({"type": "response.audio_transcript.delta", **part, "delta": next(pieces)})
        else:
            deltas.append({"type": "response.audio.delta", **part, "delta": _audio(number)})
    updates = {"instructions": "", "input_audio_transcription": {"model": "whisper-1"}}
    server: list[dict[str, Any]] = [
        {"type": "response.created", "response": _response("in_progress", [], None)},
        {
            "type": "response.output_item.added",
            "response_id": _RESPONSE,
            "output_index": 0,
            "item": _item("in_progress", []),
        },
        {"type": "conversation.item.created", "previous_item_id": None, "item": _item("in_progress", [])},
        {"type": "response.content_part.added", **part, "part": {"type": "audio", "transcript": ""}},
        *deltas,
        {"type": "response.audio.done", **part},
        {"type": "response.audio_transcript.done", **part, "transcript": TRANSCRIPT},
        {"type": "response.content_part.done", **part, "part": done_part},
        {
            "type": "response.output_item.done",
            "response_id": _RESPONSE,
            "output_index": 0,
            "item": _item("completed", [done_part]),
        },
        {"type": "response.done", "response": _response("completed", [_item("completed", [done_part])], USAGE)},
    ]
    conversation: list[tuple[Sender, dict[str, Any]]] = [
        ("server", {"type": "session.created", "session": _session()}),
        (
            "server",
            {
                "type": "conversation.created",
                "conversation": {"id": "conv_AHcs4oP2", "object": "realtime.conversation"},
            },
        ),
        (
            "client",
            {
                "type": "session.update",
                "session": {"voice": "alloy", "turn_detection": _VAD, "tools": [], **updates},
            },
        ),
        ("server", {"type": "session.updated", "session": _session(**updates)}),
        (
            "client",
            {
                "type": "response.create",
                "event_id": None,
                "response": {
                    "commit": True,
                    "cancel_previous": True,
                    "instructions": "Please assist the user.",
                    "modalities": ["text", "audio"],
                },
            },
        ),
        *(("server", event) for event in server),
    ]
    return [
        (sender, {"event_id": f"event_AHcs{number:04}", **event} if sender == "server" else event)
        for number, (sender, event) in enumerate(conversation)
    ]


def frames() -> list[tuple[Sender, bytes]]:
    """The same as the messages on the wire."""
    return [(sender, json.dumps(event).encode()) for sender, event in events()]
