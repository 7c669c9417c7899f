"""Look up what the fold reconstructed: in the state while it grows, and at the end."""

from __future__ import annotations

from typing import Any, Final

from ...schemas.refs import Seqs
from ...schemas.state import Conversation, Item, Response
from ..fold.working import ItemWork, PartWork, State, TextStream
from .stated import Subject

__all__ = ["FinalState", "Known", "reconstructed"]

Known = tuple[bool, Any, Seqs]
"""Whether there is a value, the value, and the records behind it."""
_UNKNOWN: Final[Known] = (False, None, Seqs())
_FINISHED: Final = ("completed", "incomplete", "failed", "cancelled")


def reconstructed(state: State, subject: Subject) -> Known:
    """Return what the fold has made of a subject so far; unknown if there was nothing to make it of."""
    if subject[0] == "response":
        return _of_response(state.responses.get(subject[1]), subject[2])
    item = state.items.get(subject[1])
    if item is None:
        return _UNKNOWN
    match subject[2:]:
        case ("part", index, name):
            return _of_part(item, item.parts.get(int(index)), name)
        case ("content",):
            texts = [text for part in item.parts.values() if (text := _said(part)) is not None]
            return (True, texts, item.seqs.copy()) if texts else _UNKNOWN
        case ("arguments",):
            return _of_stream(item.arguments)
        case ("status",):
            return (True, item.status, item.seqs.copy()) if item.status in _FINISHED else _UNKNOWN
        case (name,):
            value = getattr(item, name)
            return _UNKNOWN if value is None else (True, value, item.seqs.copy())
        case _:
            return _UNKNOWN


def _of_response(response: Response | None, name: str) -> Known:
    if response is None:
        return _UNKNOWN
    value = getattr(response, name)
    if name == "output":
        return (True, list(value), response.seqs.copy()) if value else _UNKNOWN
    if name == "status":
        return (True, value, response.seqs.copy()) if response.done_seq is not None else _UNKNOWN
    return _UNKNOWN if value is None else (True, value, response.seqs.copy())


def _of_part(item: ItemWork, part: PartWork | None, name: str) -> Known:
    if part is None:
        return _UNKNOWN
    if name == "transcription" or (name == "transcript" and part.type == "input_audio"):
        work = part.transcription
        if work is None:
            return _UNKNOWN
        text = work.stream.streamed if name == "transcription" else work.stream.stated
        if name == "transcription" and work.stream.revised:
            return _UNKNOWN  # hypotheses: what is understood in the end need not be one of them
        # The first delta of a transcription begins with the space that a tokeniser puts before a word.
        return _UNKNOWN if text is None else (True, text.strip(), work.seqs.copy())
    if name == "transcription usage":
        return _UNKNOWN
    return _of_stream(part.text if name == "text" else part.transcript)


def _of_stream(stream: TextStream) -> Known:
    streamed = stream.streamed
    if streamed is not None:
        return True, streamed, Seqs((seq, seq) for seq in stream.seqs)
    return _UNKNOWN if stream.stated is None else (True, stream.stated, Seqs())


def _said(part: PartWork) -> str | None:
    text = part.transcript.text if part.transcript.text is not None else part.text.text
    return text or None


class FinalState:
    """Values of the final state by subject."""

    def __init__(self, conversation: Conversation) -> None:
        self._items: dict[str, Item] = {}
        for item in (*conversation.out_of_band, *conversation.deleted, *conversation.items):
            self._items[item.id] = item
        self._responses = {response.id: response for response in conversation.responses}

    def value(self, subject: Subject) -> Known:
        """Whether the state has it, its value, and the records behind it."""
        if subject[0] == "response":
            response = self._responses.get(subject[1])
            return _UNKNOWN if response is None else (True, getattr(response, subject[2]), response.seqs)
        item = self._items.get(subject[1])
        if item is None or subject[2] == "content":
            return _UNKNOWN
        if subject[2] != "part":
            return True, getattr(item, subject[2]), item.seqs
        part = next((part for part in item.content if str(part.index) == subject[3]), None)
        if part is None:
            return True, None, item.seqs
        match subject[4]:
            case "transcription":
                return True, None if part.transcription is None else part.transcription.text, part.seqs
            case "transcription usage":
                return True, None if part.transcription is None else part.transcription.usage, part.seqs
            case name:
                return True, getattr(part, name), part.seqs
