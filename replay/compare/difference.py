"""A difference between what a server states and what else is on record, and the rules that explain one."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal

from ...schemas.refs import Seqs

__all__ = ["EXPLANATIONS", "Basis", "Compared", "Difference", "Explanation"]

Basis = Literal["reconstructed", "asked", "sent", "sum", "sound"]
"""What a statement is compared with.

``reconstructed``: what the fold made of the pieces. ``asked``: the client's request that it answers. ``sent``: the item
that the client sent. ``sum``: the parts that the statement itself gives. ``sound``: the audio on record.
"""

Explanation = Literal[
    "removed by truncation",
    "not stated",
    "cut by cancellation",
    "null in an echo",
    "space around a transcript",
    "empty between whole statements",
    "begun when added",
    "added by the server",
    "another side's role",
    "torn characters",
    "dated model",
]

EXPLANATIONS: Final[MappingProxyType[Explanation, str]] = MappingProxyType(
    {
        "removed by truncation": "Truncating an item's audio deletes its transcript at the server, so what it states "
        "afterwards has none (API reference, `conversation.item.truncate`).",
        "not stated": "The statement leaves the content out; vendors do that in `response.output_item.done` and "
        "`response.content_part.done`, and with settings in `session.updated`. Absent is not empty: an empty list or "
        "text is a statement.",
        "cut by cancellation": "The response was cancelled or ended incomplete. Its last statements may hold less, or "
        "more, of an item than was sent, or nothing of it (API reference, `response.cancel`, `response.done`).",
        "null in an echo": "An echo says null for what the server told elsewhere: a user's transcript arrives by its "
        "own events and need not be in the item; the items of a response came before `response.done`, whose `output` "
        "may be null.",
        "space around a transcript": "A transcription model puts white space before the first word or after the last, "
        "and the server strips it in one statement and not in the other. Only at the two ends, and only of what the "
        "user said.",
        "empty between whole statements": "`response.content_part.done` gives an empty text between two statements of "
        "the same text that are whole and equal (Azure Voice Live).",
        "begun when added": "The function call was added with the beginning of its arguments, and the deltas go on "
        "from there (Speaches): that beginning and the deltas together are what is stated.",
        "added by the server": "The statement has the response's metadata and more keys beside it, which the server "
        "put there. Every key that was known has its value.",
        "another side's role": "An echo gives an item the role of another side, although it is known who made it: the "
        "user's speech, a response, or a client that stated the role.",
        "torn characters": "The server cut its text inside a character and put U+FFFD for the halves, in the pieces "
        "only. Everything around them is the same, and a character outside ASCII stands in their place.",
        "dated model": "The client asked for a model by its family's name, and the server names the version of it: "
        "the same name with a date behind it.",
    }
)


@dataclass(frozen=True, slots=True)
class Difference:
    """A statement of the server that differs from what it was compared with.

    Attributes:
        seq: the record with the statement.
        type: its event type, in canonical naming.
        subject: what it is about: ``item ID, part 0, transcript``.
        stated: the server's value.
        reconstructed: the other value: the fold's, or what ``basis`` names.
        seqs: the records behind the other value.
        explanation: the rule that explains it, or None.
        basis: what the other value is.
        note: what else on record speaks for one of the two values, or None.
    """

    seq: int
    type: str
    subject: str
    stated: Any
    reconstructed: Any
    seqs: Seqs
    explanation: Explanation | None
    basis: Basis = "reconstructed"
    note: str | None = None


Compared = Difference | None
"""One comparison: how its values differ, or None if they do not."""
