"""Calls in which words are spoken: sound and transcript of both sides, at known times."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from earwitness.replay.transcript.timing import Spoken

from tests.replay.audio.calls import Call, pcm

RATE = 24000


def tone(seconds: float) -> bytes:
    """So much sound that is not silent."""
    return pcm(np.tile(np.array([4000, -4000], np.int16), int(seconds * RATE / 2)))


def utterance(text: str, start_s: float = 0, end_s: float = 10, **fields: Any) -> Spoken:
    """Words spoken at an even pace."""
    stated: dict[str, Any] = {"side": "user", "item_id": "item_1", "content_index": 0, "timing": "audio", **fields}
    return Spoken(text=text, start_ns=round(start_s * 1e9), end_ns=round(end_s * 1e9), **stated)


@dataclass
class Dialogue(Call):
    """A call being written, utterance by utterance; times in seconds. The input stream begins at 0 and never pauses."""

    title: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.sent = 0.0

    def user(self, start: float, end: float, words: str | None, *, sound: bool = True) -> str:
        """The user speaks; the words are transcribed unless they are None."""
        if sound:
            self._send(end)
        item = f"item_{next(self._ids)}"
        self.server(start * 1000, "input_audio_buffer.speech_started", audio_start_ms=round(start * 1000), item_id=item)
        self.server(end * 1000, "input_audio_buffer.speech_stopped", audio_end_ms=round(end * 1000), item_id=item)
        self.user_item(end * 1000, item=item)
        if words is not None:
            kind = "conversation.item.input_audio_transcription.completed"
            self.server(end * 1000 + 1, kind, item_id=item, content_index=0, transcript=words)
        return item

    def _send(self, until: float) -> None:
        while self.sent < until:
            self.append(self.sent * 1000 + 100, tone(0.1))
            self.sent = round(self.sent + 0.1, 3)

    def typed(self, at: float, words: str, role: str = "user") -> str:
        item = f"item_{next(self._ids)}"
        kind = "output_text" if role == "assistant" else "input_text"
        self.add_item(
            at * 1000,
            {"id": item, "type": "message", "role": role, "status": "completed",
             "content": [{"type": kind, "text": words}]},
        )  # fmt: skip
        return item

    def assistant(
        self, at: float, seconds: float, words: str, *, arrivals: Sequence[tuple[float, str]] | None = None
    ) -> str:
        """The assistant speaks; its sound comes at ten times the pace of speech.

        ``arrivals`` says which words come before which second of its sound; all of them before the first where None.
        """
        response, item = self.begin(at * 1000)
        waiting = list(arrivals if arrivals is not None else [(0.0, words)])
        sound = tone(seconds)
        chunk = RATE // 5
        for number, first in enumerate(range(0, len(sound), chunk)):
            now = at * 1000 + number * 10
            while waiting and waiting[0][0] * RATE * 2 <= first:
                self._words(now, response, item, waiting.pop(0)[1])
            self.delta(now, response, item, sound[first : first + chunk])
        for _, late in waiting:
            self._words(at * 1000 + len(sound) // chunk * 10, response, item, late)
        after = at * 1000 + len(sound) // chunk * 10 + 5
        self.server(
            after, "response.output_audio_transcript.done", response_id=response, item_id=item, output_index=0,
            content_index=0, transcript=words,
        )  # fmt: skip
        stated = {"id": item, "type": "message", "role": "assistant", "status": "completed",
                  "content": [{"type": "output_audio", "transcript": words}]}  # fmt: skip
        self.server(after, "response.output_item.done", response_id=response, output_index=0, item=stated)
        self.server(after, "response.done", response={"id": response, "status": "completed", "output": [stated]})
        return item

    def _words(self, at_ms: float, response: str, item: str, words: str) -> None:
        for word in re.findall(r"\S+\s*|\s+", words):
            self.server(
                at_ms, "response.output_audio_transcript.delta", response_id=response, item_id=item, output_index=0,
                content_index=0, delta=word,
            )  # fmt: skip

    def tool(self, at: float, name: str, arguments: str, output: str | None, took: float = 0.5) -> str:
        """A call, and its output unless that is None; gives the call's id."""
        response, item, call = f"resp_{next(self._ids)}", f"item_{next(self._ids)}", f"call_{next(self._ids)}"
        stated = {"id": item, "type": "function_call", "status": "completed", "name": name, "call_id": call,
                  "arguments": arguments}  # fmt: skip
        now = at * 1000
        self.server(now, "response.created", response={"id": response, "status": "in_progress", "output": []})
        self.server(now, "response.output_item.added", response_id=response, output_index=0, item=stated)
        self.add_item(now, stated)
        self.server(
            now, "response.function_call_arguments.done", response_id=response, item_id=item, output_index=0,
            call_id=call, name=name, arguments=arguments,
        )  # fmt: skip
        self.server(now, "response.output_item.done", response_id=response, output_index=0, item=stated)
        self.server(now, "response.done", response={"id": response, "status": "completed", "output": [stated]})
        if output is not None:
            answer = {
                "id": f"item_{next(self._ids)}",
                "type": "function_call_output",
                "call_id": call,
                "output": output,
            }
            self.client(now + took * 1000, "conversation.item.create", item=answer)
            self.add_item(now + took * 1000 + 10, answer)
        return call
