"""Check the fold's reconstruction against what the server itself states.

A server says most things twice: in pieces while they happen, and whole at the end (``….done``,
``conversation.item.done``, ``response.done``, ``conversation.item.retrieved``). The fold is built from the pieces;
the check compares each whole statement with what was reconstructed before it, and the last statement about each thing
with the final state. It also compares what a server answers with the client's request (:mod:`.answered`), sums of usage
with their parts (:mod:`.sums`) and lengths of audio with the samples (:mod:`.lengths`). So it finds damage in a
recording, faults of a server, and faults of the fold.

The protocol itself causes some differences. The list of explanations is closed (:data:`.EXPLANATIONS`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from ...schemas.frame import Frame
from ...schemas.recording import Recording
from ...schemas.refs import Seqs, to_plain
from ...schemas.values import Json, integer, members, string
from ..fold.folder import Folder
from ..unread import Unread, unread
from .answered import of_cut, of_item, of_updates
from .difference import EXPLANATIONS, Compared, Difference, Explanation
from .explain import Explainer
from .lengths import of_lengths
from .reconstructed import FinalState, reconstructed
from .stated import Statement, Subject, is_telling, statements
from .sums import sums_of_usage

__all__ = ["EXPLANATIONS", "CheckReport", "Checker", "Difference", "Explanation", "check", "check_recording"]

Outcome = Literal["agrees", "differs", "nothing compared"]

_ECHOES: Final = frozenset(
    (
        "conversation.item.added",
        "conversation.item.created",
        "conversation.item.done",
        "conversation.item.retrieved",
    )
)
_BEGINNINGS: Final = frozenset(("conversation.item.added", "conversation.item.created", "response.output_item.added"))


@dataclass(slots=True)
class CheckReport:
    """The outcome for one session. It is true if the session was compared and agrees with its server."""

    statements: int = 0
    """How many statements of the server were compared."""
    differences: list[Difference] = field(default_factory=list[Difference])
    not_read: Unread = field(default_factory=Unread)
    """What of the session is not read, and so was not compared."""

    def __bool__(self) -> bool:
        """Whether the outcome is ``agrees``: a check that compared nothing is not true."""
        return self.outcome == "agrees"

    @property
    def outcome(self) -> Outcome:
        """What the check says.

        ``differs``: something differs without an explanation, or frames are missing, so that the session cannot be
        compared whole. ``nothing compared``: the server stated nothing that could be compared, or speaks a vocabulary
        that is not folded. ``agrees``: everything else.
        """
        if self.unexplained or self.not_read.gaps:
            return "differs"
        if not self.statements or self.not_read.vocabulary is not None:
            return "nothing compared"
        return "agrees"

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
            "outcome": self.outcome,
            "statements": self.statements,
            "unexplained": len(self.unexplained),
            "explanations": self.explanations,
            "differences": to_plain(self.differences),
            "not_read": self.not_read.to_json("check"),
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
        self._folder = Folder(self._watch)
        self._stated: dict[Subject, list[Statement]] = {}
        self._last: dict[Subject, Statement] = {}
        self._compared: set[tuple[int, Subject]] = set()
        self._differing: dict[tuple[int, Subject], tuple[Statement, Any, Seqs]] = {}
        self._others: list[Compared] = []
        """Comparisons with something else than the reconstruction."""
        self._sent: dict[int, Json] = {}
        self._outputs: dict[str, int] = {}
        """By call id, the record of the output that the client sent last."""
        self._cuts: dict[int, int] = {}
        self._begun: dict[str, str] = {}
        self._ended: set[str] = set()

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
        explain = Explainer(self._folder.state, self._stated, self._begun, self._sent).explain
        others = [*self._others, *of_updates(self._folder.state), *of_lengths(conversation)]
        differences = [each for each in others if each is not None]
        differences += [
            Difference(
                statement.seq,
                statement.type,
                _words(statement.subject),
                statement.value,
                value,
                seqs,
                explain(statement, value),
            )
            for statement, value, seqs in self._differing.values()
        ]
        differences.sort(key=lambda each: (each.seq, each.subject))
        return CheckReport(len(self._compared) + len(others), differences, unread(conversation))

    def _watch(self, frame: Frame, event: Json, canonical: Json) -> None:
        """Look at an event that the fold has just taken, beside what the client asked for."""
        kind, seq, state = canonical["type"], frame.seq, self._folder.state
        item = members(canonical, "item")
        if frame.sender == "client":
            if kind == "conversation.item.create":
                self._sent[seq] = item
                if string(item, "type") == "function_call_output" and (call_id := string(item, "call_id")):
                    self._outputs[call_id] = seq
            elif kind == "conversation.item.truncate" and (end := integer(canonical, "audio_end_ms")) is not None:
                self._cuts[seq] = end
            return
        item_id = string(item, "id")
        if kind in _ECHOES:
            known = state.items.get(item_id or "")
            sent_seq = None if known is None else known.request_seq
            if sent_seq is None and string(item, "type") == "function_call_output":
                sent_seq = self._outputs.get(string(item, "call_id") or "")
            if sent_seq is not None and sent_seq in self._sent:
                self._others += of_item(seq, kind, item, self._sent[sent_seq], sent_seq)
        elif kind == "conversation.item.truncated":
            self._others.append(of_cut(state, seq, canonical, self._cuts))
        if kind in _BEGINNINGS and item_id is not None and string(item, "arguments"):
            self._begun.setdefault(item_id, item["arguments"])

    def _before(self, statement: Statement) -> None:
        """Compare a statement with what was reconstructed without it."""
        subject = statement.subject
        self._stated.setdefault(subject, []).append(statement)
        if subject[-1].endswith("usage"):
            self._sums(statement)
        known, value, seqs = reconstructed(self._folder.state, subject)
        if subject[0] == "item" and subject[-1] == "status":
            # Some add an item as incomplete, before anything of it has come: that is no end.
            known = known and (value != "incomplete" or subject[1] in self._ended)
            self._ended.add(subject[1])
        if known:
            self._compare(statement, value, seqs)
            earlier = self._last.get(subject)
            if earlier is not None and (earlier.seq, earlier.subject) not in self._compared:
                self._compare(earlier, value, seqs)  # it is about to be overtaken
        if statement.value is not None:
            self._last[subject] = statement

    def _sums(self, statement: Statement) -> None:
        for name, stated, found in sums_of_usage(statement.value):
            subject = f"{_words(statement.subject)} {name}"
            seqs = Seqs([(statement.seq, statement.seq)])
            differs = Difference(statement.seq, statement.type, subject, stated, found, seqs, None, "sum")
            self._others.append(None if stated == found else differs)

    def _compare(self, statement: Statement, value: Any, seqs: Seqs) -> None:
        key = (statement.seq, statement.subject)
        self._compared.add(key)
        if statement.value != value:
            self._differing.setdefault(key, (statement, value, seqs))


def _words(subject: Subject) -> str:
    match subject:
        case (kind, name, "part", index, *rest):
            return f"{kind} {name}, part {index}, {' '.join(rest)}"
        case (kind, name, *rest):
            return f"{kind} {name}, {' '.join(rest)}"
        case _:
            return " ".join(subject)
