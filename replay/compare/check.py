"""Check the fold's reconstruction against what the server itself states.

A server says most things twice: in pieces while they happen, and whole at the end (``….done``,
``conversation.item.done``, ``response.done``, ``conversation.item.retrieved``). The fold is built from the pieces;
the check compares each whole statement with what was reconstructed before it, and the last statement about each thing
with the final state. So it finds damage in a recording, faults of a server, and faults of the fold.

The protocol itself causes some differences. The list of explanations is closed (:data:`EXPLANATIONS`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Literal, cast

from ...schemas.frame import Frame
from ...schemas.recording import Recording
from ...schemas.refs import Seqs, to_plain
from ...schemas.values import Json
from ..fold.folder import Folder
from .reconstructed import FinalState, reconstructed
from .stated import Statement, Subject, is_telling, statements

__all__ = ["EXPLANATIONS", "CheckReport", "Checker", "Difference", "Explanation", "check", "check_recording"]

Explanation = Literal["removed by truncation", "not stated", "cut by cancellation", "null in an echo"]

EXPLANATIONS: Final[MappingProxyType[Explanation, str]] = MappingProxyType(
    {
        "removed by truncation": "Truncating an item's audio deletes its transcript at the server, so what it states "
        "afterwards has none (API reference, `conversation.item.truncate`).",
        "not stated": "The statement leaves the content out; vendors do that in `response.output_item.done` and "
        "`response.content_part.done`. Absent is not empty: an empty list or text is a statement.",
        "cut by cancellation": "The response was cancelled or ended incomplete. Its last statements may hold less, or "
        "more, of an item than was sent, or nothing of it (API reference, `response.cancel`, `response.done`).",
        "null in an echo": "An echo of the item says null for what the server told elsewhere: a user's transcript "
        "arrives by its own events and need not be in the item.",
    }
)


@dataclass(frozen=True, slots=True)
class Difference:
    """A statement of the server that differs from the reconstruction.

    Attributes:
        seq: the record with the statement.
        type: its event type, in canonical naming.
        subject: what it is about: ``item ID, part 0, transcript``.
        stated: the server's value.
        reconstructed: the fold's.
        seqs: the records behind the fold's value.
        explanation: the rule of the protocol that explains it, or None.
    """

    seq: int
    type: str
    subject: str
    stated: Any
    reconstructed: Any
    seqs: Seqs
    explanation: Explanation | None


@dataclass(slots=True)
class CheckReport:
    """The outcome for one session."""

    statements: int = 0
    """How many statements of the server were compared."""
    differences: list[Difference] = field(default_factory=list[Difference])

    @property
    def unexplained(self) -> list[Difference]:
        """The differences that no rule of the protocol explains."""
        return [difference for difference in self.differences if difference.explanation is None]

    @property
    def explanations(self) -> dict[Explanation, int]:
        """How often each explanation was needed."""
        found = [difference.explanation for difference in self.differences]
        return {name: found.count(name) for name in EXPLANATIONS if name in found}

    def to_json(self) -> Json:
        """Return the report as plain JSON."""
        return {
            "statements": self.statements,
            "unexplained": len(self.unexplained),
            "explanations": self.explanations,
            "differences": to_plain(self.differences),
        }


def check(frames: Iterable[Frame]) -> CheckReport:
    """Check a session's frames."""
    checker = Checker()
    for frame in frames:
        checker.apply(frame)
    return checker.report()


async def check_recording(recording: Recording) -> CheckReport:
    """Check a recording, wherever it is kept."""
    checker = Checker()
    async for batch in recording.batches():
        for frame in batch:
            checker.apply(frame)
    return checker.report()


class Checker:
    """A check in progress: frames in, a report at the end."""

    def __init__(self) -> None:
        self._folder = Folder()
        self._last: dict[Subject, Statement] = {}
        self._compared: set[tuple[int, Subject]] = set()
        self._differing: dict[tuple[int, Subject], tuple[Statement, Any, Seqs]] = {}

    def apply(self, frame: Frame) -> None:
        """Take the session's next frame."""
        if frame.kind == "text" and frame.sender == "server" and frame.type is not None and is_telling(frame.type):
            for statement in statements(frame):
                self._before(statement)
        self._folder.apply(frame)

    def report(self) -> CheckReport:
        """Compare the last statement about each thing with the final state, and give the outcome."""
        conversation = self._folder.conversation()
        final = FinalState(conversation)
        for statement in self._last.values():
            known, value, seqs = final.value(statement.subject)
            if known:
                self._compare(statement, value, seqs)
        # Explained only now: a statement may come before the event that says why (an item before its response).
        differences = [
            Difference(
                statement.seq,
                statement.type,
                _words(statement.subject),
                statement.value,
                value,
                seqs,
                self._explain(statement, value),
            )
            for statement, value, seqs in self._differing.values()
        ]
        return CheckReport(len(self._compared), sorted(differences, key=lambda each: (each.seq, each.subject)))

    def _before(self, statement: Statement) -> None:
        """Compare a statement with what was reconstructed without it."""
        known, value, seqs = reconstructed(self._folder.state, statement.subject)
        if known:
            self._compare(statement, value, seqs)
            earlier = self._last.get(statement.subject)
            if earlier is not None and (earlier.seq, earlier.subject) not in self._compared:
                self._compare(earlier, value, seqs)  # it is about to be overtaken
        if statement.value is not None:
            self._last[statement.subject] = statement

    def _compare(self, statement: Statement, value: Any, seqs: Seqs) -> None:
        key = (statement.seq, statement.subject)
        self._compared.add(key)
        if statement.value != value:
            self._differing.setdefault(key, (statement, value, seqs))

    def _explain(self, statement: Statement, value: Any) -> Explanation | None:
        stated = statement.value
        subject = statement.subject
        lost = subject[0] == "item" and not stated and subject[-1] in ("transcript", "content")
        if lost and self._was_truncated(subject, statement.seq):
            return "removed by truncation"
        if stated is None and statement.echo:
            return "not stated" if statement.absent else "null in an echo"
        if self._was_cancelled(statement) and _is_cut(stated, value):
            return "cut by cancellation"
        return None

    def _was_truncated(self, subject: Subject, seq: int) -> bool:
        return any(
            cut.item_id == subject[1]
            and cut.status == "done"
            and (cut.done_seq or 0) < seq
            and (subject[-1] == "content" or subject[3] == str(cut.content_index))
            for cut in self._folder.state.truncations
        )

    def _was_cancelled(self, statement: Statement) -> bool:
        state = self._folder.state
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


def _words(subject: Subject) -> str:
    match subject:
        case (kind, name, "part", index, *rest):
            return f"{kind} {name}, part {index}, {' '.join(rest)}"
        case (kind, name, *rest):
            return f"{kind} {name}, {' '.join(rest)}"
        case _:
            return " ".join(subject)
