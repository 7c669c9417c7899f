"""Follow a session: a line whenever something is said, called, cut off or goes wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from typing import Any, Final, NamedTuple, cast

from ...recorder.journal import JournalReader
from ...schemas.dialects.normalise import normalise
from ...schemas.failures import error_words, reason_of, stated_error
from ...schemas.frame import Frame
from ...schemas.summary import SWITCHING_PROTOCOLS
from ...schemas.values import Json, integer, members, string
from ..times import point
from .keys import Revealed, shown_key
from .terminal import one_line

__all__ = ["SessionTail", "TailLine", "follow_sessions"]


class TailLine(NamedTuple):
    """One thing that happened in a session; as a string, the line that ``tail`` prints.

    Attributes:
        seq: the record that says so.
        offset_ns: its time; None if the source had no clock.
        what: who spoke, or what happened.
        text: what was said.
    """

    seq: int
    offset_ns: int | None
    what: str
    text: str

    def __str__(self) -> str:
        return f"{point(self.offset_ns):>9}  {one_line(f'{self.what:<9}  {self.text}'.rstrip())}"


_INTERESTING: Final = frozenset(
    (
        "conversation.item.added",
        "conversation.item.create",
        "conversation.item.created",
        "conversation.item.done",
        "conversation.item.input_audio_transcription.completed",
        "conversation.item.input_audio_transcription.failed",
        "conversation.item.truncated",
        "error",
        "input_audio_buffer.dtmf_event_received",
        "input_audio_buffer.speech_started",
        "response.audio_transcript.done",
        "response.done",
        "response.function_call_arguments.done",
        "response.mcp_call_arguments.done",
        "response.output_item.added",
        "response.output_item.done",
        "response.output_audio_transcript.done",
        "response.output_text.done",
        "response.text.done",
        "session.created",
    )
)


_Told = tuple[str, str]
"""What happened, and the text of it."""


class SessionTail:
    """Turns the frames of one session into lines, without holding the conversation."""

    def __init__(self, reveal: Collection[Revealed] = ()) -> None:
        self._reveal = reveal
        self._told: set[_Told] = set()
        self._calls: dict[str, Json] = {}
        """What items say of their calls: an event that has the arguments need not have the function's name."""
        self._called: set[str] = set()
        """The items whose calls were told."""

    def lines(self, frame: Frame) -> list[TailLine]:
        """Return the lines for the session's next frame; for most frames there are none."""
        if frame.kind == "text" and frame.type not in _INTERESTING:
            return []
        try:
            value = frame.json() if frame.kind != "binary" else None
        except ValueError:
            return []
        if not isinstance(value, dict):
            return []
        event = cast("Json", value)
        told = self._event(normalise(event)) if frame.kind == "text" else _statement(frame.kind, event)
        return [] if told is None else [TailLine(frame.seq, frame.offset_ns, *told)]

    def _event(self, event: Json) -> _Told | None:
        match event:
            case {"type": "session.created", "session": {"model": str(model)}}:
                return "session", model
            case {"type": "conversation.item.input_audio_transcription.completed", "transcript": str(text)}:
                return "user", text.strip()
            case {"type": "conversation.item.input_audio_transcription.failed", "error": error}:
                return "user", f"(transcription failed: {error_words(error) or 'no reason stated'})"
            case {"type": "response.output_audio_transcript.done", "transcript": str(text)}:
                return "assistant", text
            case {"type": "response.output_text.done", "text": str(text)}:
                return "assistant", text
            case {"type": "response.function_call_arguments.done" | "response.mcp_call_arguments.done"}:
                return self._call(event, string(event, "item_id"))
            case {"type": str(kind), "item": {"type": "function_call" | "mcp_call"} as item}:
                return self._item_of_call(cast("Json", item), done=kind.endswith(".done"))
            case {"type": "input_audio_buffer.dtmf_event_received"}:
                return "user", f"presses {shown_key(event, self._reveal)}"
            case {"type": "conversation.item.truncated", "audio_end_ms": cut}:
                return "cut", f"at {cut} ms of the assistant's audio"
            case {"type": "input_audio_buffer.speech_started"}:
                return "", "the user begins to speak"
            case {"type": "response.done", "response": {"status": str(status)} as response} if status != "completed":
                reason = reason_of(cast("Json", response).get("status_details"))
                return "response", f"{status}: {reason}" if reason else status
            case {"type": "error"}:
                return "error", error_words(stated_error(event)) or "no words stated"
            case {"item": item}:
                return self._item(item)
            case _:
                return None

    def _item_of_call(self, item: Json, *, done: bool) -> _Told | None:
        """Remember what an item says of its call. At its end, tell what no event told: the call, or what came back."""
        item_id = string(item, "id")
        if item_id is not None:
            self._calls[item_id] = {**self._calls.get(item_id, {}), **item}
        if not done:
            return None
        output = string(item, "output")
        if output is None:
            return self._call(item, item_id)
        call = self._call(item, item_id)
        return self._once("output", output) if call is None else ("call", f"{call[1]} → {output}")

    def _call(self, stated: Json, item_id: str | None) -> _Told | None:
        if item_id is not None:
            if item_id in self._called:
                return None
            self._called.add(item_id)
        known = self._calls.get(item_id or "", {})
        return "call", _call_words({**known, **{key: value for key, value in stated.items() if value is not None}})

    def _once(self, what: str, text: str) -> _Told | None:
        """Tell something that the server's echoes repeat."""
        if not text or (what, text) in self._told:
            return None
        self._told.add((what, text))
        return what, text

    def _item(self, item: Any) -> _Told | None:
        """What an item says that no event of its own tells."""
        match item:
            case {"type": "function_call_output", "output": str(output)}:
                return self._once("output", output)
            case {"type": "message", "role": "user" | "system" as role, "content": content}:
                return self._once(str(role), " ".join(_texts(content)))
            case {"type": "mcp_approval_request"}:
                return self._once("approval", f"asked for {_call_words(cast('Json', item))}")
            case {"type": "mcp_approval_response", "approve": bool(approve)}:
                request = string(cast("Json", item), "approval_request_id")
                if request is not None and request in self._called:
                    return None
                self._called.add(request or "")
                return "approval", "given" if approve else "refused"
            case _:
                return None


def _call_words(item: Json) -> str:
    """A call: the server of the tool where there is one, its name, the arguments as they are."""
    server = string(item, "server_label")
    name = string(item, "name") or "(function not stated)"
    return f"{f'{server}: ' if server else ''}{name} {string(item, 'arguments') or ''}".rstrip()


def _texts(content: Any) -> list[str]:
    parts = cast("list[Any]", content) if isinstance(content, list) else []
    stated = [cast("Json", part).get("text") for part in parts if isinstance(part, dict)]
    return [text for text in stated if isinstance(text, str)]


def _statement(kind: str, statement: Json) -> _Told | None:
    match kind:
        case "open":
            answer = members(statement, "response")
            status = integer(answer, "status")
            if status is None or status == SWITCHING_PROTOCOLS:
                return None
            return "refused", f"{status} {' '.join((string(answer, 'body') or '').split())}".rstrip()
        case "close":
            code = statement.get("code")
            return "closed", f"{'' if code is None else code} {statement.get('reason') or ''}".rstrip()
        case "cutoff":
            return "cut off", str(statement.get("reason") or "")
        case "gap":
            return "gap", f"{statement.get('frames')} frames lost ({statement.get('reason')})"
        case "note":
            return "note", str(statement.get("note"))
        case _:
            return None


async def follow_sessions(
    reader: JournalReader,
    say: Callable[[str, TailLine], None],
    *,
    wait: Callable[[], AsyncIterator[None]],
    reveal: Collection[Revealed] = (),
) -> None:
    """Follow every session that begins from now on, each from its first frame, until cancelled.

    Args:
        reader: an open reader.
        say: called with the session's public id and each line.
        wait: returns an iterator that yields whenever it is time to look for new sessions.
        reveal: what is shown though it is hidden by default.
    """
    known = {info.id for info in await reader.sessions() if info.status != "open"}
    async with asyncio.TaskGroup() as group:
        async for _ in wait():
            for info in await reader.sessions():
                if info.id not in known:
                    known.add(info.id)
                    group.create_task(_follow(reader, info.id, say, reveal))


async def _follow(
    reader: JournalReader, public_id: str, say: Callable[[str, TailLine], None], reveal: Collection[Revealed]
) -> None:
    tail = SessionTail(reveal)
    recording = reader.recording((await reader.resolve(public_id)).id)
    async for frames in recording.follow():
        for frame in frames:
            for line in tail.lines(frame):
                say(public_id, line)
