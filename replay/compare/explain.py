"""Which rule of :data:`.EXPLANATIONS` explains a difference between a statement and the reconstruction."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final, cast

from ...schemas.values import Json, string
from ..fold.working import State
from .difference import Explanation
from .stated import Statement, Subject

__all__ = ["Explainer", "is_torn"]

_TEXTS: Final = ("text", "transcript", "transcription", "arguments")
_LAST_ASCII: Final = 127
_MOST_TORN: Final = 256
"""A text with more of them has more wrong with it than a few torn characters, and trying every place takes long."""
_RUN: Final = re.compile("\ufffd+")


class Explainer:
    """Explains differences, knowing the whole session.

    Args:
        state: the fold's state at the end.
        stated: every statement of the session about a subject, in order.
        begun: by item, the arguments that a function call was added with.
        sent: by the seq of the client's ``conversation.item.create``, the item in it.
    """

    def __init__(
        self,
        state: State,
        stated: dict[Subject, list[Statement]],
        begun: dict[str, str],
        sent: dict[int, Json],
    ) -> None:
        self._state = state
        self._stated = stated
        self._begun = begun
        self._sent = sent

    def explain(self, statement: Statement, value: Any) -> Explanation | None:
        """Return the rule that explains why a statement differs from the reconstruction's value; None if none does."""
        stated, subject = statement.value, statement.subject
        lost = subject[0] == "item" and not stated and subject[-1] in ("transcript", "content")
        if lost and self._was_truncated(subject, statement.seq):
            return "removed by truncation"
        if stated is None and statement.echo:
            return "not stated" if statement.absent else "null in an echo"
        if self._was_cancelled(statement) and _is_cut(stated, value):
            return "cut by cancellation"
        if isinstance(stated, str) and isinstance(value, str):
            return self._of_texts(statement, stated, value)
        if subject[-1] == "metadata" and _has_all(stated, value):
            return "added by the server"
        return None

    def _of_texts(self, statement: Statement, stated: str, value: str) -> Explanation | None:
        subject = statement.subject
        if stated.strip() == value.strip() and self._is_users_transcript(subject):
            return "space around a transcript"
        if not stated and statement.type == "response.content_part.done" and self._is_between_wholes(statement, value):
            return "empty between whole statements"
        if subject[-1] == "arguments" and stated == self._begun.get(subject[1], "") + value:
            return "begun when added"
        if subject[-1] == "role" and statement.echo and value == self._role_by_origin(subject[1]):
            return "another side's role"
        if subject[-1] in _TEXTS and is_torn(value, stated):
            return "torn characters"
        return None

    def _is_users_transcript(self, subject: Subject) -> bool:
        if subject[-1] == "transcription":
            return True
        item = self._state.items.get(subject[1])
        if item is None or subject[-1] != "transcript":
            return False
        part = item.parts.get(int(subject[3]))
        return part is not None and part.type == "input_audio"

    def _is_between_wholes(self, statement: Statement, value: str) -> bool:
        wholes = [each.seq for each in self._stated.get(statement.subject, ()) if each.value == value]
        return bool(value) and any(a < statement.seq < b for a, b in pairwise(wholes))

    def _role_by_origin(self, item_id: str) -> str | None:
        """The role that whoever made the item gives it; None if that is not known."""
        item = self._state.items.get(item_id)
        if item is None or item.type != "message":
            return None
        if item.created_by == "speech":
            return "user"
        if item.response is not None:
            return "assistant"
        return None if item.request_seq is None else string(self._sent.get(item.request_seq, {}), "role")

    def _was_truncated(self, subject: Subject, seq: int) -> bool:
        return any(
            cut.item_id == subject[1]
            and cut.status == "done"
            and (cut.done_seq or 0) < seq
            and (subject[-1] == "content" or subject[3] == str(cut.content_index))
            for cut in self._state.truncations
        )

    def _was_cancelled(self, statement: Statement) -> bool:
        state = self._state
        item = state.items.get(statement.subject[1]) if statement.subject[0] == "item" else None
        response_id = statement.response_id
        if item is not None and item.response is not None:
            response_id = item.response.id
        response = state.responses.get(response_id or "")
        return (response is not None and response.status in ("cancelled", "incomplete")) or (
            item is not None and item.status == "incomplete"
        )


def _is_cut(stated: Any, value: Any) -> bool:
    """Whether one is a beginning of the other, or the two are ends that a cancelled item may be given."""
    if isinstance(stated, str) and isinstance(value, str):
        ends = {"completed", "incomplete", "in_progress"}
        return stated.startswith(value) or value.startswith(stated) or {stated, value} <= ends
    if isinstance(stated, list) and isinstance(value, list):
        one, other = cast("list[Any]", stated), cast("list[Any]", value)
        return one == other[: len(one)]
    return False


def _has_all(stated: Any, value: Any) -> bool:
    if not isinstance(stated, dict) or not isinstance(value, dict):
        return False
    more, known = cast("Json", stated), cast("Json", value)
    return all(key in more and more[key] == each for key, each in known.items())


def is_torn(pieces: str, whole: str) -> bool:
    """Whether a text is another one with U+FFFD for characters that were cut apart.

    Each run of U+FFFD stands for at least one character, and for no more than it is long: a character that is cut
    leaves one for each of its pieces, or one for each byte. ASCII characters are one byte and cannot be cut.
    """
    if not 0 < pieces.count("\ufffd") <= _MOST_TORN:
        return False
    ends = {0}
    for literal, run in _runs(pieces):
        ends = {end + len(literal) for end in ends if whole.startswith(literal, end)}
        if run:
            ends = {last for end in ends for last in _over(whole, end, run)}
        if not ends:
            return False
    return len(whole) in ends


def _over(text: str, start: int, most: int) -> Iterator[int]:
    """Where one, two, …, at most so many characters outside ASCII end."""
    for at in range(start, min(start + most, len(text))):
        if ord(text[at]) <= _LAST_ASCII:
            return
        yield at + 1


def _runs(text: str) -> Iterator[tuple[str, int]]:
    """Split a text into what is between runs of U+FFFD, each with the length of the run behind it."""
    start = 0
    for run in _RUN.finditer(text):
        yield text[start : run.start()], run.end() - run.start()
        start = run.end()
    yield text[start:], 0
