"""Make the frames of a long, ordinary call, for the benchmarks to fold, serve, mix and store."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any, Protocol

import orjson
from earwitness.schemas.frame import Frame
from earwitness.schemas.statements import OpenStatement, Request

__all__ = ["EVENTS_PER_HOUR", "Sounds", "frames_of_talk"]

EVENTS_PER_HOUR = 200_000
"""What an hour of talk comes to: audio in by 20 ms packets, about seven turns a minute, speech out with transcripts."""

_APPEND_NS = 20_000_000
_WORDS = ("the", "weather", "in", "Lisbon", "will", "be", "mild", "and", "dry", "on", "Sunday", "with", "a", "wind")


class Sounds(Protocol):
    """Where the sound of a call comes from: 16-bit samples at 24 kHz."""

    def heard(self, size: int, *, speaking: bool) -> bytes:
        """Return the next bytes of the microphone, in which the user speaks or not."""
        ...

    def said(self, size: int) -> bytes:
        """Return the next bytes of the answers."""
        ...


class _Filler:
    """Random bytes, the same for each packet, for benchmarks that do not depend on the sound."""

    def __init__(self, chance: random.Random) -> None:
        self._audio = {size: chance.randbytes(size) for size in (960, 2400, 4800, 9600)}

    def heard(self, size: int, *, speaking: bool) -> bytes:
        return self._audio[size]

    def said(self, size: int) -> bytes:
        return self._audio[size]


def frames_of_talk(events: int, *, seed: int = 1, sounds: Sounds | None = None) -> Iterator[Frame]:
    """Yield the frames of a call with about this many events; the same for the same seed.

    Audio is split from its JSON, as the journal's reader returns it. Without ``sounds`` it is filler.
    """
    chance = random.Random(seed)  # content of a benchmark, no secret
    return _Talk(chance, sounds or _Filler(chance)).frames(events)


class _Talk:
    def __init__(self, chance: random.Random, sounds: Sounds) -> None:
        self._chance = chance
        self._sounds = sounds
        self._seq = 0
        self._ns = 0
        self._last_item: str | None = None

    def frames(self, events: int) -> Iterator[Frame]:
        opening = OpenStatement(request=Request(target="/v1/realtime?model=gpt-realtime"))
        yield Frame(0, 0, "open", "recorder", None, opening.to_payload())
        session = {"type": "realtime", "id": "sess_1", "model": "gpt-realtime", "audio": {"input": {"transcription": {"model": "whisper-1"}, "turn_detection": {"type": "server_vad"}}}}  # fmt: skip  # noqa: E501
        yield self._server("session.created", session=session)
        while self._seq < events:
            yield from self._turn()

    def _id(self, prefix: str) -> str:
        return f"{prefix}_{self._chance.getrandbits(100):021x}"

    def _frame(self, sender: Any, event: dict[str, Any], audio: bytes | None = None) -> Frame:
        self._seq += 1
        body = orjson.dumps(event)
        cut = body.rindex(b'""') + 1 if audio is not None else 0
        return Frame(self._seq, self._ns, "text", sender, event["type"], body, audio, cut)

    def _server(self, kind: str, audio: bytes | None = None, **fields: Any) -> Frame:
        return self._frame("server", {"type": kind, "event_id": self._id("event"), **fields}, audio)

    def _appends(self, count: int, *, speaking: bool = False) -> Iterator[Frame]:
        for _ in range(count):
            self._ns += _APPEND_NS
            audio = self._sounds.heard(960, speaking=speaking)
            yield self._frame("client", {"type": "input_audio_buffer.append", "audio": ""}, audio)

    def _turn(self) -> Iterator[Frame]:
        """A question of about three seconds, an answer of about five; the microphone stays open."""
        start_ms = self._ns // 1_000_000
        user, reply, response = self._id("item"), self._id("item"), self._id("resp")
        yield from self._appends(10)
        yield self._server("input_audio_buffer.speech_started", audio_start_ms=start_ms, item_id=user)
        yield from self._appends(150, speaking=True)
        end_ms = self._ns // 1_000_000
        yield self._server("input_audio_buffer.speech_stopped", audio_end_ms=end_ms, item_id=user)
        yield self._server("input_audio_buffer.committed", previous_item_id=self._last_item, item_id=user)
        item = {"id": user, "type": "message", "status": "completed", "role": "user", "content": [{"type": "input_audio", "transcript": None}]}  # fmt: skip  # noqa: E501
        yield self._server("conversation.item.added", previous_item_id=self._last_item, item=item)
        yield self._server("conversation.item.done", previous_item_id=self._last_item, item=item)
        yield from self._answer(user, reply, response)
        self._last_item = reply

    def _answer(self, user: str, reply: str, response: str) -> Iterator[Frame]:
        stated = {"object": "realtime.response", "id": response, "status": "in_progress", "output": [], "conversation_id": "conv_1", "usage": None}  # fmt: skip  # noqa: E501
        yield self._server("response.created", response=stated)
        item: dict[str, Any] = {"id": reply, "type": "message", "status": "in_progress", "role": "assistant", "content": []}  # fmt: skip  # noqa: E501
        place = {"response_id": response, "output_index": 0}
        part = {**place, "item_id": reply, "content_index": 0}
        yield self._server("response.output_item.added", **place, item=item)
        yield self._server("conversation.item.added", previous_item_id=user, item=item)
        yield self._server("response.content_part.added", **part, part={"type": "audio", "transcript": ""})
        words = [self._chance.choice(_WORDS) for _ in range(self._chance.randint(10, 25))]
        asked = iter([self._chance.choice(_WORDS) for _ in range(8)])
        for word in words:
            yield self._server("response.output_audio_transcript.delta", **part, delta=f" {word}", obfuscation="x3Fq")
            for size in (4800, 9600):
                yield self._server("response.output_audio.delta", self._sounds.said(size), **part, delta="")
            if (heard := next(asked, None)) is not None:
                yield self._server("conversation.item.input_audio_transcription.delta", item_id=user, content_index=0, delta=f" {heard}")  # fmt: skip  # noqa: E501
            yield from self._appends(15)
        usage = {"type": "duration", "seconds": 3}
        yield self._server("conversation.item.input_audio_transcription.completed", item_id=user, content_index=0, transcript="what will the weather be", usage=usage)  # fmt: skip  # noqa: E501
        text = "".join(f" {word}" for word in words)
        yield self._server("response.output_audio.done", **part)
        yield self._server("response.output_audio_transcript.done", **part, transcript=text)
        yield self._server("response.content_part.done", **part, part={"type": "audio", "transcript": text})
        item = {**item, "status": "completed", "content": [{"type": "output_audio", "transcript": text}]}
        yield self._server("conversation.item.done", previous_item_id=user, item=item)
        yield self._server("response.output_item.done", **place, item=item)
        usage = {"total_tokens": 200, "input_tokens": 40, "output_tokens": 160}
        stated = {**stated, "status": "completed", "output": [item], "usage": usage}
        yield self._server("response.done", response=stated)
