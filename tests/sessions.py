"""Sessions for tests: a list of events, or a builder that writes them down over time.

A test says what matters to it and nothing else::

    recording(user_text("hello"), client("response.create"), server("response.done"))   # lines, each a frame
    Session().session().speech("item_1", 0, 900).reply("item_2", "Hi.").fold()          # verbs, without a clock
    call = Call(); item = call.at(100).say(pcm(ramp(24000))); call.timeline()           # sound, at known times

Verbs that make up an id return it; all others return the session. Times are milliseconds.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Self

import msgspec
import pybase64
from earwitness.replay.audio.clock import Clock
from earwitness.replay.audio.timeline import Timeline
from earwitness.replay.fold import Folder, fold
from earwitness.schemas.frame import NS_PER_MS, Frame, Sender, sniff_type
from earwitness.schemas.recording import MemoryRecording, Recording
from earwitness.schemas.state import Conversation, Item, Response
from earwitness.schemas.summary import Summary

from tests.events import PCM, RATE, Json, Line, base64, ga_session, message, silence, spoken_message, tone, written

OPEN = {"origin": "proxy", "request": {"target": "/v1/realtime?model=gpt-realtime"}, "response": {"status": 101}}
OPENED = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Session:
    """A session being written. It has a clock from the first ``at``, and none before."""

    id: str = "session"
    timed: bool = True
    """Whether ``at`` counts."""
    split: bool = False
    """Whether frames hold audio apart from their JSON, as the journal gives them."""
    opened: datetime | None = None
    frames: list[Frame] = field(default_factory=list)
    last_item: str | None = None
    ms: float = 0
    """When the next frame crosses."""

    def __post_init__(self) -> None:
        self._ids = itertools.count(1)
        self._clock = False
        self._sent = 0

    @property
    def seq(self) -> int:
        """The seq of the last frame."""
        return len(self.frames) - 1

    def at(self, ms: float) -> Self:
        """Set the clock for what follows."""
        self.ms, self._clock = ms, self.timed
        return self

    # -- frames

    def frame(self, kind: Any, sender: Sender, payload: bytes | None, type_: str | None = None) -> Self:
        offset = round(self.ms * NS_PER_MS) if self._clock else None
        self.frames.append(Frame(len(self.frames), offset, kind, sender, type_, payload))
        return self

    def add(self, *lines: Line) -> Self:
        for who, content in lines:
            sender: Any = who
            if isinstance(content, bytes):
                self.frame("binary", sender, content)
            elif isinstance(content, str):
                self.frame("text", sender, content.encode(), sniff_type(content))
            elif who in ("client", "server"):
                self.raw(sender, content)
            else:
                self.statement(who, **content)
        return self

    def raw(self, sender: Sender, value: Any) -> Self:
        """Any JSON value as an event."""
        type_ = value.get("type") if isinstance(value, dict) else None
        self.frame("text", sender, as_json(value), type_ if isinstance(type_, str) else None)
        key = {"input_audio_buffer.append": "audio", "response.output_audio.delta": "delta"}.get(str(type_))
        if self.split and key is not None:
            body = as_json(value | {key: ""})
            cut = body.index(f'"{key}":""'.encode()) + len(key) + 4
            sound = pybase64.b64decode(value[key])
            self.frames[-1] = msgspec.structs.replace(self.frames[-1], body=body, audio=sound, cut=cut)
        return self

    def statement(self, kind: str, **fields: Any) -> Self:
        """A record of the recorder's own."""
        return self.frame(kind, "recorder", as_json(fields))

    def server(self, kind: str, /, **fields: Any) -> Self:
        return self.raw("server", {"type": kind, "event_id": f"event_{len(self.frames)}", **fields})

    def client(self, kind: str, /, **fields: Any) -> Self:
        return self.raw("client", {"type": kind, **fields})

    # -- the session, items and errors

    def session(self, **audio_input: Any) -> Self:
        """``session.created`` with server VAD and transcription, unless told otherwise."""
        settings = {"transcription": {"model": "whisper-1"}, "turn_detection": {"type": "server_vad"}, **audio_input}
        return self.server("session.created", session=ga_session(input=settings))

    def added(self, item: Json, **event: Any) -> Self:
        """``conversation.item.added``, after the one before."""
        event.setdefault("previous_item_id", self.last_item)
        self.last_item = item["id"]
        return self.server("conversation.item.added", item=item, **event)

    def item(self, item_id: str, role: str = "user", text: str | None = None, **event: Any) -> Self:
        """The same of a message."""
        return self.added(message(item_id, role, *([] if text is None else [written(text, role)])), **event)

    def typed(self, words: str, role: str = "user") -> str:
        item_id = f"item_{next(self._ids)}"
        self.item(item_id, role, words)
        return item_id

    def error(self, text: str = "no", **fields: Any) -> Self:
        stated = {"type": "invalid_request_error", "code": None, "message": text, "param": None, "event_id": None}
        return self.server("error", error={**stated, **fields})

    # -- the user

    def append(self, sound: int | bytes, count: int = 1) -> Self:
        """So much audio, or milliseconds of silence, so many times."""
        for _ in range(count):
            audio = silence(sound) if isinstance(sound, int) else base64(sound)
            self.client("input_audio_buffer.append", audio=audio)
        return self

    def stream(self, sound: bytes, *, chunk: int, every_ms: float) -> Self:
        """Append audio in chunks of so many bytes at a steady pace; afterwards the next one would be due."""
        for first in range(0, len(sound), chunk):
            self.append(sound[first : first + chunk])
            self.at(self.ms + every_ms)
        return self

    def user_item(self, kind: str = "committed", item: str | None = None) -> str:
        """The buffer becomes an item."""
        item = item or f"item_{next(self._ids)}"
        self.server(f"input_audio_buffer.{kind}", previous_item_id=self.last_item, item_id=item)
        self.added(message(item, "user", {"type": "input_audio", "transcript": None}))
        return item

    def speech(self, item_id: str, start_ms: int, end_ms: int, *, previous: str | None = None) -> Self:
        """An utterance all at once: started, stopped, committed, added."""
        self.server("input_audio_buffer.speech_started", item_id=item_id, audio_start_ms=start_ms)
        self.server("input_audio_buffer.speech_stopped", item_id=item_id, audio_end_ms=end_ms)
        self.last_item = previous
        self.user_item(item=item_id)
        return self

    def transcribed(self, item_id: str, words: str) -> Self:
        kind = "conversation.item.input_audio_transcription.completed"
        return self.server(kind, item_id=item_id, content_index=0, transcript=words)

    def user(self, start_ms: float, end_ms: float, words: str | None, *, sound: bool = True) -> str:
        """An utterance in time, transcribed unless the words are None; its sound is a stream without a pause from 0."""
        while sound and self._sent < end_ms:
            self.at(self._sent + 100).append(tone(100))
            self._sent += 100
        item = f"item_{next(self._ids)}"
        start, end = round(start_ms), round(end_ms)
        self.at(start_ms).server("input_audio_buffer.speech_started", audio_start_ms=start, item_id=item)
        self.at(end_ms).server("input_audio_buffer.speech_stopped", audio_end_ms=end, item_id=item)
        self.user_item(item=item)
        if words is not None:
            self.at(end_ms + 1).transcribed(item, words)
        return item

    # -- the assistant

    def created(self, response_id: str = "resp_1", **fields: Any) -> Self:
        """``response.created``, in band."""
        stated = {"id": response_id, "status": "in_progress", "output": [], "conversation_id": "conv_1", **fields}
        return self.server("response.created", response=stated)

    def output(self, item_id: str, response_id: str = "resp_1", index: int = 0, **item: Any) -> Self:
        """``response.output_item.added`` of an assistant's message."""
        stated = {**message(item_id, "assistant", status="in_progress"), **item}
        return self.server("response.output_item.added", response_id=response_id, output_index=index, item=stated)

    def begin(self, response_id: str | None = None, item_id: str | None = None) -> tuple[str, str]:
        """A response with one item that is to be spoken: their ids."""
        response_id = response_id or f"resp_{next(self._ids)}"
        item_id = item_id or f"item_{next(self._ids)}"
        self.created(response_id).output(item_id, response_id)
        self.added(message(item_id, "assistant", status="in_progress"))
        return response_id, item_id

    def part(self, kind: str, response_id: str, item_id: str, index: int = 0, **fields: Any) -> Self:
        """``response.…`` of a part of an item."""
        place = {"response_id": response_id, "item_id": item_id, "output_index": 0, "content_index": index}
        return self.server(f"response.{kind}", **place, **fields)

    def delta(self, response_id: str, item_id: str, sound: bytes, index: int = 0) -> Self:
        return self.part("output_audio.delta", response_id, item_id, index, delta=base64(sound))

    def words(self, response_id: str, item_id: str, text: str, kind: str = "output_audio_transcript") -> Self:
        """Deltas word by word, each with the space before it, as servers send them."""
        for word in re.findall(r"^\S*|\s\S*", text):
            self.part(f"{kind}.delta", response_id, item_id, delta=word)
        return self

    def write(self, item_id: str, text: str, response_id: str = "resp_1") -> Self:
        return self.words(response_id, item_id, text, "output_text")

    def speak(self, item_id: str, text: str, ms: int = 0, response_id: str = "resp_1", pieces: int = 4) -> Self:
        """The transcript word by word, then silence in equal pieces."""
        self.words(response_id, item_id, text)
        for _ in range(pieces if ms else 0):
            self.part("output_audio.delta", response_id, item_id, delta=silence(ms // pieces))
        return self

    def spoken(self, item_id: str, text: str, response_id: str = "resp_1") -> Self:
        """``response.output_audio.done`` and ``….output_audio_transcript.done``."""
        self.part("output_audio.done", response_id, item_id)
        return self.part("output_audio_transcript.done", response_id, item_id, transcript=text)

    def done(self, response_id: str = "resp_1", status: str = "completed", **fields: Any) -> Self:
        """``response.done``."""
        return self.server("response.done", response={"id": response_id, "status": status, **fields})

    def finish(self, response_id: str, item: Json) -> Self:
        """The only item and its response are done, with the same status."""
        self.server("response.output_item.done", response_id=response_id, output_index=0, item=item)
        return self.done(response_id, item["status"], output=[item])

    def reply(self, item_id: str, text: str, ms: int = 1000, response_id: str = "resp_1") -> Self:
        """A whole spoken response of one item, all at once, up to ``response.done``."""
        self.begin(response_id, item_id)
        self.speak(item_id, text, ms, response_id).spoken(item_id, text, response_id)
        return self.done(response_id, output=[spoken_message(item_id, text)])

    def say(self, sound: bytes, *, chunk: int = 4800, every_ms: float = 10) -> str:
        """A whole spoken response of that sound, in time."""
        response_id, item_id = self.begin()
        for first in range(0, len(sound), chunk):
            self.delta(response_id, item_id, sound[first : first + chunk])
            self.at(self.ms + every_ms)
        self.finish(response_id, spoken_message(item_id))
        return item_id

    def assistant(self, ms: float, words: str, *, arrivals: Sequence[tuple[float, str]] | None = None) -> str:
        """A whole spoken response of those words; its sound comes at twenty times the pace of speech.

        ``arrivals`` says which words come before which millisecond of its sound; all before the first where None.
        """
        response_id, item_id = self.begin()
        waiting = list(arrivals if arrivals is not None else [(0, words)])
        sound = tone(ms)
        chunk = RATE // 5
        for first in range(0, len(sound), chunk):
            while waiting and waiting[0][0] * RATE * 2 / 1000 <= first:
                self.words(response_id, item_id, waiting.pop(0)[1])
            self.delta(response_id, item_id, sound[first : first + chunk])
            self.at(self.ms + 10)
        for _, late in waiting:
            self.words(response_id, item_id, late)
        self.at(self.ms + 5).part("output_audio_transcript.done", response_id, item_id, transcript=words)
        self.finish(response_id, spoken_message(item_id, words))
        return item_id

    def tool(self, name: str, arguments: str, output: str | None, took_ms: float = 500) -> str:
        """A call, and its output unless that is None: the call's id."""
        response_id, item_id, call_id = (f"{what}_{next(self._ids)}" for what in ("resp", "item", "call"))
        call = {"call_id": call_id, "name": name, "arguments": arguments}
        item = {"id": item_id, "type": "function_call", "status": "completed", **call}
        self.created(response_id)
        self.server("response.output_item.added", response_id=response_id, output_index=0, item=item).added(item)
        self.server("response.function_call_arguments.done",
                    response_id=response_id, item_id=item_id, output_index=0, **call)  # fmt: skip
        self.finish(response_id, item)
        if output is not None:
            answer = {"id": f"item_{next(self._ids)}", "type": "function_call_output", "call_id": call_id}
            self.at(self.ms + took_ms).client("conversation.item.create", item={**answer, "output": output})
            self.at(self.ms + 10).added({**answer, "output": output})
        return call_id

    def truncate(
        self, item_id: str, audio_end_ms: int, *, index: int = 0, ack_ms: float | None = None, **fields: Any
    ) -> Self:
        """The client cuts an item; the server says so at a time, if at all."""
        cut = {"item_id": item_id, "content_index": index, "audio_end_ms": audio_end_ms}
        self.client("conversation.item.truncate", **cut, **fields)
        return self if ack_ms is None else self.at(ack_ms).truncated(item_id, audio_end_ms, index)

    def truncated(self, item_id: str, audio_end_ms: int, index: int = 0) -> Self:
        cut = {"item_id": item_id, "content_index": index, "audio_end_ms": audio_end_ms}
        return self.server("conversation.item.truncated", **cut)

    # -- what came of it

    def recording(self) -> MemoryRecording:
        """The frames in the order of time."""
        frames = sorted(self.frames, key=lambda frame: frame.offset_ns or 0)
        frames = [msgspec.structs.replace(frame, seq=seq) for seq, frame in enumerate(frames)]
        made = as_recording(self.id, frames)
        made.info = replace(made.info, opened_at=self.opened)
        return made

    def timeline(self) -> Timeline:
        folder, clock = Folder(), Clock()
        frames = self.recording().frames
        clock.read(frames)
        for frame in frames:
            folder.apply(frame)
        return Timeline.of(folder.conversation(), clock)

    def fold(self) -> Conversation:
        return fold(self.frames)

    def states(self) -> Iterator[Conversation]:
        """The state after each frame."""
        folder = Folder()
        for frame in self.frames:
            folder.apply(frame)
            yield folder.conversation()


@dataclass
class Call(Session):
    """A session that begins as a recorded GA call does."""

    id: str = "call"
    opened: datetime | None = OPENED
    input_format: Json = field(default_factory=lambda: PCM)
    output_format: Json = field(default_factory=lambda: PCM)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.at(0).statement("open", origin="proxy")
        self.server("session.created", session=self.settings())

    def settings(self) -> Json:
        return ga_session(
            input={"format": self.input_format, "turn_detection": None}, output={"format": self.output_format}
        )


def as_json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


# ---- recordings


def recording(
    *lines: Line, name: str = "talk", step_ms: int | None = None, opened: Json | None = None
) -> MemoryRecording:
    """A session; line N is the frame with seq N + 1. ``step_ms`` apart, or without a clock."""
    session = Session()
    for number, line in enumerate([("open", OPEN if opened is None else opened), *lines]):
        (session if step_ms is None else session.at(number * step_ms)).add(line)
    return as_recording(name, session.frames)


def as_recording(name: str, frames: list[Frame]) -> MemoryRecording:
    summary = Summary()
    for frame in frames:
        summary.apply(frame)
    return MemoryRecording(summary.info(name), frames)


async def read_frames(recording: Recording, start: int = 0, stop: int | None = None) -> list[Frame]:
    """Frames of a recording, in memory."""
    return [frame async for batch in recording.batches(start, stop) for frame in batch]


def payloads(session: MemoryRecording, sender: str) -> list[bytes]:
    return [f.payload or b"" for f in session.frames if f.sender == sender and f.kind in ("text", "binary")]


def said(item: Item) -> str | None:
    """The text of an item's only part."""
    (part,) = item.content
    return part.text if part.text is not None else part.transcript


def response(conversation: Conversation, response_id: str = "resp_1") -> Response:
    """The response of that id."""
    return next(each for each in conversation.responses if each.id == response_id)
