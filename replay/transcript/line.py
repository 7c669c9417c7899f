"""One line of a transcript, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from ...schemas.refs import Seqs
from .heard import Estimate

__all__ = ["NAMES", "Kind", "Line", "Speaker", "readable"]

Kind = Literal["message", "call", "output", "listing", "approval", "other"]
Speaker = Literal["user", "assistant", "system", "tool"]

NAMES: Final[dict[Speaker, str]] = {"user": "User", "assistant": "Assistant", "system": "System", "tool": "Tool"}
"""Who speaks, as a word for readers."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a transcript: an item of the conversation, as far as the reading goes.

    Attributes:
        speaker: who speaks; a function's output is the tool's.
        kind: what the item is.
        text: the words; of a call its arguments, of an output the output.
        item_id: the item.
        response_id: the response that made it.
        name: the function or tool that is called.
        call_id: ties a call and its output together.
        start_ns: when it began: the user's speech, the assistant's first audio or text, else the item itself;
            nanoseconds since the session opened, None without a clock.
        end_ns: when it was over, likewise.
        seqs: the records behind it.
        interrupted: whether the user cut it short.
        spoken: whether it is speech (else text).
        estimate: what of it was heard, and what that rests on; None if its sound played to the end.
        cut_at: in a reading that goes on after the cut, how many characters of ``text`` can have been heard; an
            estimate likewise. None if nothing was cut, and in the reading ``heard``, which ends there.
        remark: what a reader should know: no transcription, deleted later, outside the conversation, ….
    """

    speaker: Speaker
    kind: Kind
    text: str
    item_id: str
    seqs: Seqs
    response_id: str | None = None
    name: str | None = None
    call_id: str | None = None
    start_ns: int | None = None
    end_ns: int | None = None
    interrupted: bool = False
    spoken: bool = False
    estimate: Estimate | None = None
    cut_at: int | None = None
    remark: str | None = None


def readable(text: str) -> str:
    """Return a text that can be written as UTF-8: lone surrogates, which JSON may hold, become U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
