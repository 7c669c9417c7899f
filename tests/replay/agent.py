"""A voice agent as people write them, on the official SDK: it reacts to events, and knows no recording's order.

Of a recording it takes only what its user would say and what its tools would answer.
"""

from __future__ import annotations

import asyncio
import base64
import time
from dataclasses import dataclass, field
from typing import Any

from earwitness.schemas.audio import stated_format
from earwitness.schemas.recording import MemoryRecording
from openai import AsyncOpenAI


@dataclass
class Script:
    """What the user says, what the tools answer, and how long the call goes."""

    settings: dict[str, Any] | None = None
    rounds: list[list[dict[str, Any]]] = field(default_factory=list)
    """What is typed: each round ends with a request for a response."""
    audio: bytes = b""
    outputs: list[str] = field(default_factory=list)
    """Answers of the tools, in the order of the calls."""
    responses: int = 0
    preview: bool = False
    input_bytes_per_ms: float = 48.0


_OUTPUT_BYTES_PER_MS = 48.0


def script_of(session: MemoryRecording) -> Script:
    script, typed = Script(), []
    for frame in session.frames:
        if frame.kind != "text":
            continue
        event = frame.json()
        if frame.sender == "server":
            script.responses += event["type"] == "response.done"
            continue
        match event["type"]:
            case "session.update":
                script.settings = event["session"]
                stated = stated_format(event["session"], "input")
                script.input_bytes_per_ms = 48.0 if stated is None else stated.bytes_per_ms
                script.preview = "audio" not in event["session"] and event["session"].get("type") is None
            case "input_audio_buffer.append":
                script.audio += base64.b64decode(event["audio"])
            case "conversation.item.create" if event["item"]["type"] == "function_call_output":
                script.outputs.append(event["item"]["output"])
            case "conversation.item.create":
                typed.append(event)
            case "response.create" if typed:
                script.rounds.append([*typed, event])
                typed = []
    return script


@dataclass
class Agent:
    """One call. ``habits`` are the ways in which it is not the client that was recorded."""

    script: Script
    chunk: int = 997
    realtime: bool = False
    truncates: bool = True
    cut_off_by_ms: float = 0.0
    seen: list[str] = field(default_factory=list)
    done: int = 0
    calls: int = 0
    item: str | None = None
    delivered: float = 0.0
    started: float = 0.0
    ends: float = 0.0
    pending: asyncio.Task[None] | None = None

    async def call(self, base_url: str, model: str = "gpt-realtime") -> None:
        """Hold the call until the recorded number of responses has come, or the server hangs up."""
        async with AsyncOpenAI(api_key="unused", websocket_base_url=base_url, max_retries=0) as client:
            api: Any = client.beta.realtime if self.script.preview else client.realtime
            async with api.connect(model=model) as connection:
                try:
                    async for event in connection:
                        self.seen.append(event.type)
                        await self.react(connection, event)
                        if self.done == self.script.responses:
                            if self.pending is not None:
                                await self.pending
                            break
                except Exception as error:  # noqa: BLE001  # the SDK raises what the library beneath it does
                    self.seen.append(type(error).__name__)
                finally:
                    if self.pending is not None:
                        self.pending.cancel()
                        await asyncio.gather(self.pending, return_exceptions=True)

    async def react(self, connection: Any, event: Any) -> None:
        match event.type:
            case "session.created":
                if self.script.settings is not None:
                    await connection.session.update(session=self.script.settings, event_id="my-settings")
                else:
                    await self.begin(connection)
            case "session.updated" if self.pending is None and self.done == 0 and self.script.settings is not None:
                await self.begin(connection)
            case "response.output_audio.delta" | "response.audio.delta":
                if event.item_id != self.item:
                    # What is still being played is played to its end before the next item begins.
                    self.item, self.delivered, self.started = event.item_id, 0.0, max(time.monotonic(), self.ends)
                self.delivered += len(base64.b64decode(event.delta)) / _OUTPUT_BYTES_PER_MS
                self.ends = self.started + self.delivered / 1000
            case "response.output_audio.done" | "response.audio.done" if not self.realtime:
                self.item = None  # without a clock, what has come whole has been played
            case "input_audio_buffer.speech_started":
                await self.interrupted(connection)
            case "response.done":
                self.done += 1
                await self.answered(connection, event)
            case _:
                pass

    async def begin(self, connection: Any) -> None:
        await self.type_next(connection)
        if self.script.audio:
            self.pending = asyncio.create_task(self.speak(connection))

    async def type_next(self, connection: Any) -> None:
        if not self.script.rounds:
            return
        *typed, asking = self.script.rounds.pop(0)
        for number, event in enumerate(typed):
            item = {**event["item"], "id": f"my-item-{number}"} if "id" in event["item"] else event["item"]
            await connection.conversation.item.create(item=item)
        response = asking.get("response")
        await (connection.response.create(response=response) if response else connection.response.create())

    async def speak(self, connection: Any) -> None:
        audio = self.script.audio
        seconds = self.chunk / self.script.input_bytes_per_ms / 1000
        begun = time.monotonic()
        for number, start in enumerate(range(0, len(audio), self.chunk)):
            if self.realtime:
                await asyncio.sleep(max(0.0, begun + number * seconds - time.monotonic()))
            await connection.input_audio_buffer.append(
                audio=base64.b64encode(audio[start : start + self.chunk]).decode()
            )

    async def interrupted(self, connection: Any) -> None:
        """Cut what was being played where its own clock says that playback is."""
        if self.item is None or not self.truncates:
            return
        played = self.delivered
        if self.realtime:
            played = (time.monotonic() - self.started) * 1000
            if played >= self.delivered:
                return
            self.ends = time.monotonic()
        item, self.item = self.item, None
        await connection.conversation.item.truncate(
            item_id=item, content_index=0, audio_end_ms=int(played + self.cut_off_by_ms)
        )

    async def answered(self, connection: Any, event: Any) -> None:
        calls = [item for item in event.response.output or () if item.type == "function_call"]
        for item in calls:
            output = self.script.outputs[self.calls]
            self.calls += 1
            await connection.conversation.item.create(
                item={"type": "function_call_output", "call_id": item.call_id, "output": output}
            )
        if calls:
            await connection.response.create()
        else:
            await self.type_next(connection)
