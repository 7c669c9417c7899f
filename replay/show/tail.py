"""What a person who follows a session wants to see: a line when something was said, called, cut or went wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, Final, cast

from ...recorder.journal import JournalReader
from ...schemas.dialects.normalise import normalise
from ...schemas.frame import Frame
from .state import clock
from .terminal import one_line

__all__ = ["SessionTail", "follow_sessions"]

Json = dict[str, Any]

_INTERESTING: Final = frozenset(
    (
        "conversation.item.create",
        "conversation.item.created",
        "conversation.item.done",
        "conversation.item.input_audio_transcription.completed",
        "conversation.item.input_audio_transcription.failed",
        "conversation.item.truncated",
        "error",
        "input_audio_buffer.speech_started",
        "response.audio_transcript.done",
        "response.done",
        "response.function_call_arguments.done",
        "response.output_audio_transcript.done",
        "response.output_text.done",
        "response.text.done",
        "session.created",
    )
)


class SessionTail:
    """Turns the frames of one session into lines, without holding the conversation."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def lines(self, frame: Frame) -> list[str]:
        """Give the lines for the session's next frame; mostly none."""
        if frame.kind == "text" and frame.type not in _INTERESTING:
            return []
        try:
            value = frame.json() if frame.kind != "binary" else None
        except ValueError:
            return []
        if not isinstance(value, dict):
            return []
        event = cast("Json", value)
        text = self._event(normalise(event)) if frame.kind == "text" else _statement(frame.kind, event)
        return [] if text is None else [f"{clock(frame.offset_ns):>9}  {one_line(text)}"]

    def _event(self, event: Json) -> str | None:
        match event:
            case {"type": "session.created", "session": {"model": str(model)}}:
                return f"session    {model}"
            case {"type": "conversation.item.input_audio_transcription.completed", "transcript": str(text)}:
                return f"user       {text.strip()}"
            case {"type": "conversation.item.input_audio_transcription.failed", "error": error}:
                return f"user       (transcription failed: {_message(error)})"
            case {"type": "response.output_audio_transcript.done", "transcript": str(text)}:
                return f"assistant  {text}"
            case {"type": "response.output_text.done", "text": str(text)}:
                return f"assistant  {text}"
            case {"type": "response.function_call_arguments.done", "arguments": arguments}:
                return f"call       {event.get('name') or ''} {arguments}"
            case {"type": "conversation.item.truncated", "audio_end_ms": cut}:
                return f"cut        at {cut} ms of the assistant's audio"
            case {"type": "input_audio_buffer.speech_started"}:
                return "           the user begins to speak"
            case {"type": "response.done", "response": {"status": str(status)}} if status != "completed":
                return f"response   {status}"
            case {"type": "error", "error": error}:
                return f"error      {_message(error)}"
            case {"item": item}:
                return self._item(item)
            case _:
                return None

    def _item(self, item: Any) -> str | None:
        """What a client's own item says; the echoes of the server say the same again."""
        match item:
            case {"type": "function_call_output", "output": str(output)}:
                said = f"{'output':<9}  {output}"
            case {"type": "message", "role": "user" | "system" as role, "content": content}:
                text = " ".join(_texts(content))
                said = f"{role!s:<9}  {text}" if text else ""
            case _:
                return None
        if not said or said in self._told:
            return None
        self._told.add(said)
        return said


def _texts(content: Any) -> list[str]:
    parts = cast("list[Any]", content) if isinstance(content, list) else []
    stated = [cast("Json", part).get("text") for part in parts if isinstance(part, dict)]
    return [text for text in stated if isinstance(text, str)]


def _message(error: Any) -> str:
    match error:
        case {"message": str(message)}:
            return message
        case _:
            return "no message"


def _statement(kind: str, statement: Json) -> str | None:
    match kind:
        case "close":
            code = statement.get("code")
            return f"closed     {'' if code is None else code} {statement.get('reason') or ''}".rstrip()
        case "cutoff":
            return f"cut off    {statement.get('reason') or ''}".rstrip()
        case "gap":
            return f"gap        {statement.get('frames')} frames lost ({statement.get('reason')})"
        case "note":
            return f"note       {statement.get('note')}"
        case _:
            return None


async def follow_sessions(
    reader: JournalReader, say: Callable[[str, str], None], *, wait: Callable[[], AsyncIterator[None]]
) -> None:
    """Follow every session that begins from now on, each from its first frame, until cancelled.

    Args:
        reader: an open reader.
        say: told each line, with the public id of its session.
        wait: gives an iterator that yields whenever it is time to look for new sessions.
    """
    known = {info.id for info in await reader.sessions() if info.status != "open"}
    async with asyncio.TaskGroup() as group:
        async for _ in wait():
            for info in await reader.sessions():
                if info.id not in known:
                    known.add(info.id)
                    group.create_task(_follow(reader, info.id, say))


async def _follow(reader: JournalReader, public_id: str, say: Callable[[str, str], None]) -> None:
    tail = SessionTail()
    recording = reader.recording((await reader.resolve(public_id)).id)
    async for frames in recording.follow():
        for frame in frames:
            for line in tail.lines(frame):
                say(public_id, line)
