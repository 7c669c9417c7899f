"""Small recordings for tests: a list of lines, each one frame."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from typing import Any

from earwitness.recorder.importing import read_file
from earwitness.schemas.frame import Frame, sniff_type
from earwitness.schemas.recording import MemoryRecording, Recording
from earwitness.schemas.summary import Summary

from tests.corpus import captures

OPEN = {"origin": "proxy", "request": {"target": "/v1/realtime?model=gpt-realtime"}, "response": {"status": 101}}


def client(type_: str, **fields: Any) -> tuple[str, dict[str, Any]]:
    return "client", {"type": type_, **fields}


def server(type_: str, **fields: Any) -> tuple[str, dict[str, Any]]:
    return "server", {"type": type_, **fields}


def append(size: int, value: int = 0) -> tuple[str, dict[str, Any]]:
    return client("input_audio_buffer.append", audio=base64.b64encode(bytes([value]) * size).decode())


def output_item(
    response_id: str, index: int, item_id: str, done: bool = False, **item: Any
) -> tuple[str, dict[str, Any]]:
    name = "response.output_item.done" if done else "response.output_item.added"
    return server(name, response_id=response_id, output_index=index, item={"id": item_id, **item})


def arguments_done(response_id: str, output_index: int = 0, **fields: Any) -> tuple[str, dict[str, Any]]:
    place = {"response_id": response_id, "output_index": output_index}
    return server("response.function_call_arguments.done", **place, **fields)


def user_text(text: str, **fields: Any) -> tuple[str, dict[str, Any]]:
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}], **fields}
    return client("conversation.item.create", item=item)


def added(item_id: str, **fields: Any) -> tuple[str, dict[str, Any]]:
    return server("conversation.item.added", previous_item_id=None, item={"id": item_id, **fields})


def added_text(item_id: str, text: str) -> tuple[str, dict[str, Any]]:
    return added(item_id, type="message", role="user", content=[{"type": "input_text", "text": text}])


def tool_output(call_id: str, output: str) -> tuple[str, dict[str, Any]]:
    item = {"type": "function_call_output", "call_id": call_id, "output": output}
    return client("conversation.item.create", item=item)


def closing(by: str, code: int | None = 1000, reason: str = "") -> tuple[str, dict[str, Any]]:
    return "close", {"code": code, "reason": reason, "by": by}


def recording(
    *lines: tuple[str, Any], name: str = "talk", step_ms: int | None = None, opened: dict[str, Any] | None = None
) -> MemoryRecording:
    """A session; line N is the frame with seq N + 1. ``step_ms`` apart, or without a clock."""
    frames = [_frame(0, 0 if step_ms is not None else None, "open", opened if opened is not None else OPEN)]
    for seq, (who, content) in enumerate(lines, 1):
        frames.append(_frame(seq, seq * step_ms * 1_000_000 if step_ms is not None else None, who, content))
    return as_recording(name, frames)


def as_recording(name: str, frames: list[Frame]) -> MemoryRecording:
    summary = Summary()
    for frame in frames:
        summary.apply(frame)
    return MemoryRecording(summary.info(name), frames)


def _frame(seq: int, offset_ns: int | None, who: str, content: Any) -> Frame:
    if isinstance(content, bytes):
        return Frame(seq, offset_ns, "binary", who, None, content)  # type: ignore[arg-type]
    if isinstance(content, str):
        return Frame(seq, offset_ns, "text", who, sniff_type(content), content.encode())  # type: ignore[arg-type]
    body = json.dumps(content, separators=(",", ":")).encode()
    if who in ("client", "server"):
        return Frame(seq, offset_ns, "text", who, content.get("type"), body)
    return Frame(seq, offset_ns, who, "recorder", None, body)  # type: ignore[arg-type]


def corpus_recordings() -> list[MemoryRecording]:
    """Every session of the captures; empty where the corpus is absent."""
    return [
        session.recording(f"{path.name.removesuffix('.jsonl')}-{number}")
        for path in captures()
        for number, session in enumerate(read_file(path), 1)
    ]


def both_ways(sessions: Iterable[MemoryRecording]) -> list[MemoryRecording]:
    """Those in which both sides speak."""
    return [s for s in sessions if {"client", "server"} <= {f.sender for f in s.frames if f.kind == "text"}]


async def read_frames(recording: Recording, start: int = 0, stop: int | None = None) -> list[Frame]:
    """Frames of a recording, in memory."""
    return [frame async for batch in recording.batches(start, stop) for frame in batch]


def payloads(session: MemoryRecording, sender: str) -> list[bytes]:
    return [f.payload or b"" for f in session.frames if f.sender == sender and f.kind in ("text", "binary")]
