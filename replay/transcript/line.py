"""One line of a transcript, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from ...schemas.refs import Seqs
from ..show.terminal import readable
from ..show.voices import Voice
from .heard import Estimate

__all__ = ["NAMES", "Kind", "Line", "Speaker", "Voice", "readable"]

Kind = Literal["message", "call", "output", "listing", "approval", "key", "response", "other"]
Speaker = Literal["user", "assistant", "system", "tool"]

NAMES: Final[dict[Speaker, str]] = {"user": "User", "assistant": "Assistant", "system": "System", "tool": "Tool"}
"""Who speaks, as a word for readers."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a transcript: an item of the conversation, as far as the reading goes.

    Two kinds are no items: a ``key`` that the caller pressed, and a ``response`` that failed without an item.

    Attributes:
        speaker: who speaks; a function's output is the tool's.
        kind: what the line is.
        text: the words; of a call its arguments, of an output the output, of a key the key (``•`` unless revealed).
        item_id: the item; None where the line is no item.
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
        outcome: how the response ended, and why, if it failed or stayed incomplete; on its last line.
        server: of a tool that the server calls itself (MCP), the label of the tool's server.
        output: of such a call, what came back; a function's output is a line of its own.
        approved: whether the client approved such a call; None where it was not asked or has not answered.
        voices: who said what, where the transcription tells several speakers apart.
    """

    speaker: Speaker
    kind: Kind
    text: str
    item_id: str | None
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
    outcome: str | None = None
    server: str | None = None
    output: str | None = None
    approved: bool | None = None
    voices: tuple[Voice, ...] = ()
