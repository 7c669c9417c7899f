"""Build recordings of calls whose sound and times are known."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
import orjson
import pybase64
from earwitness.replay.audio.clock import Clock
from earwitness.replay.audio.timeline import Timeline
from earwitness.replay.fold import Folder
from earwitness.schemas.frame import Frame, Sender
from earwitness.schemas.recording import MemoryRecording, SessionInfo

PCM = {"type": "audio/pcm", "rate": 24000}
MULAW = {"type": "audio/pcmu"}
ALAW = {"type": "audio/pcma"}
OPENED = datetime(2026, 1, 1, tzinfo=UTC)


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


@dataclass
class Call:
    """A GA session being written, event by event; times in milliseconds."""

    input: dict[str, Any] = field(default_factory=lambda: PCM)
    output: dict[str, Any] = field(default_factory=lambda: PCM)
    split: bool = False
    """Whether frames hold audio apart from their JSON, as the journal gives them."""
    timed: bool = True
    opened: datetime | None = OPENED
    id: str = "call"
    frames: list[Frame] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._ids = itertools.count(1)
        self.last_item: str | None = None
        self.frames.append(Frame(0, 0 if self.timed else None, "open", "recorder", None, b'{"origin":"proxy"}'))
        self.server(0, "session.created", session=self.session())

    def session(self) -> dict[str, Any]:
        audio = {"input": {"format": self.input, "turn_detection": None}, "output": {"format": self.output}}
        return {"type": "realtime", "id": "sess_1", "model": "gpt-realtime", "audio": audio}

    def add(self, at_ms: float, sender: Sender, event: Any) -> int:
        seq = len(self.frames)
        offset = round(at_ms * 1e6) if self.timed else None
        body, audio, cut = orjson.dumps(event), None, 0
        if self.split:
            key = {"input_audio_buffer.append": "audio", "response.output_audio.delta": "delta"}.get(event["type"])
            if key is not None:
                audio = pybase64.b64decode(event[key])
                body = orjson.dumps(event | {key: ""})
                cut = body.index(f'"{key}":""'.encode()) + len(key) + 4
        self.frames.append(Frame(seq, offset, "text", sender, event.get("type"), body, audio, cut))
        return seq

    def server(self, at_ms: float, kind: str, **fields: Any) -> int:
        return self.add(at_ms, "server", {"type": kind, "event_id": f"event_{len(self.frames)}", **fields})

    def client(self, at_ms: float, kind: str, **fields: Any) -> int:
        return self.add(at_ms, "client", {"type": kind, **fields})

    def append(self, at_ms: float, data: bytes) -> int:
        return self.client(at_ms, "input_audio_buffer.append", audio=pybase64.b64encode(data).decode())

    def stream(self, start_ms: float, data: bytes, *, chunk: int, every_ms: float) -> float:
        """Append data in chunks of so many bytes at a steady pace; gives the time of the next one."""
        for first in range(0, len(data), chunk):
            self.append(start_ms, data[first : first + chunk])
            start_ms += every_ms
        return start_ms

    def user_item(self, at_ms: float, kind: str = "committed", item: str | None = None) -> str:
        item = item or f"item_{next(self._ids)}"
        self.server(at_ms, f"input_audio_buffer.{kind}", previous_item_id=self.last_item, item_id=item)
        self.add_item(at_ms, {"id": item, "type": "message", "role": "user", "status": "completed",
                              "content": [{"type": "input_audio", "transcript": None}]})  # fmt: skip
        return item

    def add_item(self, at_ms: float, stated: dict[str, Any]) -> None:
        self.server(at_ms, "conversation.item.added", previous_item_id=self.last_item, item=stated)
        self.last_item = stated["id"]

    def begin(self, at_ms: float, response: str | None = None) -> tuple[str, str]:
        """A response with one spoken item; gives their ids."""
        response, item = response or f"resp_{next(self._ids)}", f"item_{next(self._ids)}"
        self.server(at_ms, "response.created", response={"id": response, "status": "in_progress", "output": []})
        stated = {"id": item, "type": "message", "role": "assistant", "status": "in_progress", "content": []}
        self.server(at_ms, "response.output_item.added", response_id=response, output_index=0, item=stated)
        self.add_item(at_ms, stated)
        return response, item

    def delta(self, at_ms: float, response: str, item: str, data: bytes, index: int = 0) -> int:
        return self.server(
            at_ms, "response.output_audio.delta", response_id=response, item_id=item, output_index=0,
            content_index=index, delta=pybase64.b64encode(data).decode(),
        )  # fmt: skip

    def say(self, at_ms: float, data: bytes, *, chunk: int = 4800, every_ms: float = 10) -> str:
        """A whole spoken response; gives the item's id."""
        response, item = self.begin(at_ms)
        for first in range(0, len(data), chunk):
            self.delta(at_ms, response, item, data[first : first + chunk])
            at_ms += every_ms
        self.done(at_ms, response, item)
        return item

    def done(self, at_ms: float, response: str, item: str, status: str = "completed") -> None:
        stated = {"id": item, "type": "message", "role": "assistant", "status": status,
                  "content": [{"type": "output_audio", "transcript": "…"}]}  # fmt: skip
        self.server(at_ms, "response.output_item.done", response_id=response, output_index=0, item=stated)
        self.server(at_ms, "response.done", response={"id": response, "status": status, "output": [stated]})

    def truncate(self, at_ms: float, item: str, audio_end_ms: int, *, ack_ms: float | None = None) -> None:
        cut = {"item_id": item, "content_index": 0, "audio_end_ms": audio_end_ms}
        self.client(at_ms, "conversation.item.truncate", **cut)
        if ack_ms is not None:
            self.server(ack_ms, "conversation.item.truncated", **cut)

    def recording(self) -> MemoryRecording:
        frames = sorted(self.frames, key=lambda frame: frame.offset_ns or 0)
        duration = max((frame.offset_ns or 0 for frame in frames), default=0)
        frames = [
            Frame(seq, f.offset_ns, f.kind, f.sender, f.type, f.body, f.audio, f.cut) for seq, f in enumerate(frames)
        ]
        info = SessionInfo(id=self.id, opened_at=self.opened, status="open", frames=len(frames), duration_ns=duration)
        return MemoryRecording(info, frames)

    def timeline(self) -> Timeline:
        folder, clock = Folder(), Clock()
        frames = self.recording().frames
        clock.read(frames)
        for frame in frames:
            folder.apply(frame)
        return Timeline.of(folder.conversation(), clock)
