"""Events as values, and the sound in them: ``recording(user_text("hello"), client("response.create"))``."""

from __future__ import annotations

from typing import Any

import numpy as np
import pybase64

Json = dict[str, Any]
Line = tuple[str, Any]
"""Who, and what: an event, text or bytes of ``client`` or ``server``; or the kind of a record and what it states."""

PCM = {"type": "audio/pcm", "rate": 24000}
MULAW = {"type": "audio/pcmu"}
ALAW = {"type": "audio/pcma"}
RATE = 24000


# ---- sound


def base64(data: bytes) -> str:
    return pybase64.b64encode(data).decode()


def silence(ms: int, *, rate: int = RATE) -> str:
    """Base64 of so many milliseconds of 16-bit audio."""
    return base64(bytes(ms * rate // 1000 * 2))


def pcm(samples: Any) -> bytes:
    """Samples as little-endian 16-bit PCM."""
    return np.asarray(samples).astype("<i2").tobytes()


def ramp(count: int, first: int = 1) -> np.ndarray:
    """Samples that tell their place, none of them silent."""
    return ((np.arange(count) + first) % 30000 + 1).astype(np.int16)


def clicks(seconds: float, rate: int, every: float = 0.25, first: float = 0.1, height: int = 20000) -> np.ndarray:
    """Silence with single-sample clicks."""
    samples = np.zeros(round(seconds * rate), np.int16)
    at = np.round(np.arange(first, seconds, every) * rate).astype(int)
    samples[at[at < len(samples)]] = height
    return samples


def tone(ms: float) -> bytes:
    """So much sound that is not silent."""
    return pcm(np.tile(np.array([4000, -4000], np.int16), int(ms * RATE / 2000)))


# ---- events as values


def client(type_: str, /, **fields: Any) -> Line:
    return "client", {"type": type_, **fields}


def server(type_: str, /, **fields: Any) -> Line:
    return "server", {"type": type_, **fields}


def append(size: int, value: int = 0) -> Line:
    return client("input_audio_buffer.append", audio=base64(bytes([value]) * size))


def message(item_id: str, role: str, *content: Json, status: str = "completed") -> Json:
    return {"id": item_id, "type": "message", "role": role, "status": status, "content": list(content)}


def spoken_message(item_id: str, words: str = "…", status: str = "completed") -> Json:
    return message(item_id, "assistant", {"type": "output_audio", "transcript": words}, status=status)


def written(text: str, role: str = "user") -> Json:
    """A part of an item."""
    return {"type": "output_text" if role == "assistant" else "input_text", "text": text}


def user_text(text: str, **fields: Any) -> Line:
    item = {"type": "message", "role": "user", "content": [written(text)], **fields}
    return client("conversation.item.create", item=item)


def added(item_id: str, **fields: Any) -> Line:
    return server("conversation.item.added", previous_item_id=None, item={"id": item_id, **fields})


def added_text(item_id: str, text: str) -> Line:
    return added(item_id, type="message", role="user", content=[written(text)])


def tool_output(call_id: str, output: str) -> Line:
    item = {"type": "function_call_output", "call_id": call_id, "output": output}
    return client("conversation.item.create", item=item)


def output_item(response_id: str, index: int, item_id: str, done: bool = False, **item: Any) -> Line:
    name = "response.output_item.done" if done else "response.output_item.added"
    return server(name, response_id=response_id, output_index=index, item={"id": item_id, **item})


def arguments_done(response_id: str, output_index: int = 0, **fields: Any) -> Line:
    place = {"response_id": response_id, "output_index": output_index}
    return server("response.function_call_arguments.done", **place, **fields)


def closing(by: str, code: int | None = 1000, reason: str = "") -> Line:
    return "close", {"code": code, "reason": reason, "by": by}


def ga_session(**audio: Any) -> Json:
    return {"type": "realtime", "id": "sess_1", "model": "gpt-realtime", "audio": audio}
