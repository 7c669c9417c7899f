"""Small builders for sessions: a test says what matters to it and nothing else.

``Script`` collects frames. Times are in milliseconds and only move by ``at``; without ``at`` the session has no clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pybase64
from earwitness.replay.fold import Folder, fold
from earwitness.schemas.frame import NS_PER_MS, Frame, Sender
from earwitness.schemas.state import Conversation, Item, Response

__all__ = ["Script", "pcm", "said"]


def pcm(ms: int, *, rate: int = 24000) -> str:
    """Base64 of so many milliseconds of 16-bit audio."""
    return pybase64.b64encode(bytes(ms * rate // 1000 * 2)).decode()


def said(item: Item) -> str | None:
    """The text of an item's only part."""
    (part,) = item.content
    return part.text if part.text is not None else part.transcript


class Script:
    """A session being written down."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self._ns: int | None = None
        self._last_item: str | None = None

    @property
    def seq(self) -> int:
        """The seq of the last frame."""
        return len(self.frames) - 1

    def at(self, ms: float) -> Script:
        """Set the clock for what follows."""
        self._ns = int(ms * NS_PER_MS)
        return self

    def frame(self, kind: Any, sender: Sender, payload: bytes | None, type_: str | None = None) -> Script:
        self.frames.append(Frame(len(self.frames), self._ns, kind, sender, type_, payload))
        return self

    def raw(self, sender: Sender, value: Any) -> Script:
        """Any JSON value as an event."""
        payload = orjson.dumps(value)
        type_ = value.get("type") if isinstance(value, dict) else None
        return self.frame("text", sender, payload, type_ if isinstance(type_, str) else None)

    def server(self, kind: str, /, **fields: Any) -> Script:
        return self.raw("server", {"type": kind, "event_id": f"event_{len(self.frames)}", **fields})

    def client(self, kind: str, /, **fields: Any) -> Script:
        return self.raw("client", {"type": kind, **fields})

    def statement(self, kind: str, **fields: Any) -> Script:
        """A record of the recorder's own."""
        return self.frame(kind, "recorder", orjson.dumps(fields))

    def session(self, **audio_input: Any) -> Script:
        """``session.created`` with server VAD and transcription, unless told otherwise."""
        settings = {"transcription": {"model": "whisper-1"}, "turn_detection": {"type": "server_vad"}, **audio_input}
        config = {"type": "realtime", "id": "sess_1", "model": "gpt-realtime", "audio": {"input": settings}}
        return self.server("session.created", session=config)

    def append(self, ms: int, count: int = 1) -> Script:
        for _ in range(count):
            self.client("input_audio_buffer.append", audio=pcm(ms))
        return self

    def item(self, item_id: str, role: str = "user", text: str | None = None, **event: Any) -> Script:
        """``conversation.item.added`` of a message."""
        kind = "output_text" if role == "assistant" else "input_text"
        content = [] if text is None else [{"type": kind, "text": text}]
        item = {"id": item_id, "type": "message", "role": role, "status": "completed", "content": content}
        event.setdefault("previous_item_id", self._last_item)
        self._last_item = item_id
        return self.server("conversation.item.added", item=item, **event)

    def speech(self, item_id: str, start_ms: int, end_ms: int, *, previous: str | None = None) -> Script:
        """A user's utterance: started, stopped, committed, added."""
        self.server("input_audio_buffer.speech_started", item_id=item_id, audio_start_ms=start_ms)
        self.server("input_audio_buffer.speech_stopped", item_id=item_id, audio_end_ms=end_ms)
        self.server("input_audio_buffer.committed", item_id=item_id, previous_item_id=previous)
        item = {"id": item_id, "type": "message", "role": "user", "status": "completed"}
        content = [{"type": "input_audio", "transcript": None}]
        self._last_item = item_id
        return self.server("conversation.item.added", previous_item_id=previous, item={**item, "content": content})

    def created(self, response_id: str = "resp_1", **fields: Any) -> Script:
        """``response.created``, in band."""
        stated = {"id": response_id, "status": "in_progress", "output": [], "conversation_id": "conv_1", **fields}
        return self.server("response.created", response=stated)

    def output(self, item_id: str, response_id: str = "resp_1", index: int = 0, **item: Any) -> Script:
        """``response.output_item.added`` of an assistant's message."""
        stated = {"id": item_id, "type": "message", "role": "assistant", "status": "in_progress", "content": [], **item}
        return self.server("response.output_item.added", response_id=response_id, output_index=index, item=stated)

    def _place(self, item_id: str, response_id: str) -> dict[str, Any]:
        return {"response_id": response_id, "item_id": item_id, "output_index": 0, "content_index": 0}

    def speak(self, item_id: str, text: str, ms: int = 0, response_id: str = "resp_1", pieces: int = 4) -> Script:
        """Transcript deltas word by word, then audio in equal pieces."""
        place = self._place(item_id, response_id)
        for word in _words(text):
            self.server("response.output_audio_transcript.delta", delta=word, **place)
        for _ in range(pieces if ms else 0):
            self.server("response.output_audio.delta", delta=pcm(ms // pieces), **place)
        return self

    def write(self, item_id: str, text: str, response_id: str = "resp_1") -> Script:
        """Text deltas word by word."""
        for word in _words(text):
            self.server("response.output_text.delta", delta=word, **self._place(item_id, response_id))
        return self

    def spoken(self, item_id: str, text: str, response_id: str = "resp_1") -> Script:
        """``response.output_audio.done`` and ``….output_audio_transcript.done``."""
        place = self._place(item_id, response_id)
        self.server("response.output_audio.done", **place)
        return self.server("response.output_audio_transcript.done", transcript=text, **place)

    def done(self, response_id: str = "resp_1", status: str = "completed", **fields: Any) -> Script:
        """``response.done``."""
        return self.server("response.done", response={"id": response_id, "status": status, **fields})

    def reply(self, item_id: str, text: str, ms: int = 1000, response_id: str = "resp_1") -> Script:
        """A whole spoken response of one item, up to ``response.done``."""
        self.created(response_id).output(item_id, response_id)
        stated = {"id": item_id, "type": "message", "role": "assistant", "status": "in_progress", "content": []}
        self.server("conversation.item.added", previous_item_id=self._last_item, item=stated)
        self._last_item = item_id
        self.speak(item_id, text, ms, response_id).spoken(item_id, text, response_id)
        content = [{"type": "output_audio", "transcript": text}]
        return self.done(response_id, output=[{**stated, "status": "completed", "content": content}])

    def error(self, message: str = "no", **fields: Any) -> Script:
        stated = {"type": "invalid_request_error", "code": None, "message": message, "param": None, "event_id": None}
        return self.server("error", error={**stated, **fields})

    def truncate(self, item_id: str, audio_end_ms: int, **fields: Any) -> Script:
        event = {"item_id": item_id, "content_index": 0, "audio_end_ms": audio_end_ms, **fields}
        return self.client("conversation.item.truncate", **event)

    def truncated(self, item_id: str, audio_end_ms: int) -> Script:
        return self.server(
            "conversation.item.truncated", item_id=item_id, content_index=0, audio_end_ms=audio_end_ms
        )  # fmt: skip

    def fold(self) -> Conversation:
        return fold(self.frames)

    def states(self) -> Iterator[Conversation]:
        """The state after each frame."""
        folder = Folder()
        for frame in self.frames:
            folder.apply(frame)
            yield folder.conversation()


def _words(text: str) -> list[str]:
    """Pieces that begin with their space, as servers send them."""
    words = text.split(" ")
    return [word if index == 0 else f" {word}" for index, word in enumerate(words)]


def response(conversation: Conversation, response_id: str = "resp_1") -> Response:
    """The response of that id."""
    return next(each for each in conversation.responses if each.id == response_id)
