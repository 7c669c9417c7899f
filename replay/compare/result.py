"""What a comparison of two conversations finds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

from ...schemas.refs import to_plain
from ...schemas.state import ServerError
from ...schemas.values import Json
from ..playing.match import TRUNCATION_TOLERANCE_MS
from ..unread import Unread
from .turns import Turn

__all__ = ["ASPECTS", "Aspect", "Diff", "DiffOptions", "DiffOutcome", "DiffPair", "Side", "ValueDifference"]

Aspect = Literal[
    "configuration",
    "turn",
    "transcript",
    "call",
    "output",
    "response",
    "truncation",
    "latency",
    "error",
    "usage",
    "end",
]
"""What can differ. ``turn``: it is on one side only, or is of another kind; ``response``: how it ended."""

DiffOutcome = Literal["same", "different", "nothing compared"]

ASPECTS: Final[tuple[Aspect, ...]] = get_args(Aspect)


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffOptions:
    """What counts as a difference.

    Attributes:
        ignore: aspects, or paths in them: ``usage``, ``configuration.instructions``, ``call.arguments.city``; ``*``
            stands for one step, and everything below an ignored path is ignored as well.
        truncation_ms: how far apart two truncations may lie: clients place them by a clock of their own.
        latency_ms: how far apart two latencies may lie; None if latency never counts.
    """

    ignore: tuple[str, ...] = ()
    truncation_ms: float = TRUNCATION_TOLERANCE_MS
    latency_ms: float | None = None


@dataclass(frozen=True, slots=True)
class ValueDifference:
    """One place where the two sides differ. A side is None if the value is absent there.

    ``path`` is below the aspect: ``audio.output.voice`` of the configuration, ``arguments.city`` of a call; empty
    if the aspect is a single value.
    """

    aspect: Aspect
    path: str
    left: Any
    right: Any

    def __str__(self) -> str:
        return f"{self.aspect}{f' {self.path}' if self.path else ''}"


@dataclass(frozen=True, slots=True)
class DiffPair:
    """Two turns, or two errors, that belong together; one is None if the other has no counterpart.

    ``left_number`` and ``right_number`` count the turns (or errors) of a side from 1.
    """

    left: Turn | ServerError | None
    right: Turn | ServerError | None
    left_number: int | None
    right_number: int | None
    differences: tuple[ValueDifference, ...] = ()


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two conversations, for headings.

    ``latency_ms`` is the median over its responses; None if no response has one. ``not_read`` is what of the session is
    not in the conversation, and so was not compared.
    """

    session: str
    dialect: str
    model: str | None
    turns: int
    duration_ns: int | None
    latency_ms: float | None
    not_read: Unread = field(default_factory=Unread)


@dataclass(frozen=True, slots=True)
class Diff:
    """What two conversations have in common and what not. It is true if they are the same.

    Attributes:
        left: the first conversation.
        right: the second.
        configuration: places where the configurations differ.
        turns: all turns in order, aligned.
        errors: all errors in order, aligned.
        usage: places where the summed usage differs.
        end: how the endings differ, unless both are orderly.
        compared: how many turns, errors, settings, sums of usage and irregular ends there were to compare.
        order: the differing pairs of turns and errors, in the order in which they come in the conversation.
    """

    left: Side
    right: Side
    configuration: tuple[ValueDifference, ...] = ()
    turns: tuple[DiffPair, ...] = ()
    errors: tuple[DiffPair, ...] = ()
    usage: tuple[ValueDifference, ...] = ()
    end: tuple[ValueDifference, ...] = ()
    compared: int = 0
    order: tuple[DiffPair, ...] = field(default=(), repr=False)

    def __bool__(self) -> bool:
        """Whether the two are the same; where nothing was compared, they are not."""
        return self.same

    @property
    def outcome(self) -> DiffOutcome:
        """What the comparison says: ``same``, ``different``, or ``nothing compared``.

        Nothing was compared if neither has anything that could differ, or if one speaks a vocabulary that is not
        folded and no difference was found beside it.
        """
        if any(True for _ in self.differences()):
            return "different"
        unknown = self.left.not_read.vocabulary or self.right.not_read.vocabulary
        return "nothing compared" if unknown or not self.compared else "same"

    @property
    def same(self) -> bool:
        """Whether there was something to compare, and no difference."""
        return self.outcome == "same"

    def differences(self) -> Iterator[tuple[DiffPair | None, ValueDifference]]:
        """Yield each difference with its pair, the first in the conversation first; the sums come last."""
        for difference in self.configuration:
            yield None, difference
        for pair in self.order:
            for difference in pair.differences:
                yield pair, difference
        for difference in (*self.usage, *self.end):
            yield None, difference

    def to_json(self) -> Json:
        """Return everything as plain JSON."""
        first = next(self.differences(), None)
        return {
            "same": self.same,
            "outcome": self.outcome,
            "compared": self.compared,
            "first": None if first is None else _with_numbers(*first),
            "differences": [_with_numbers(pair, difference) for pair, difference in self.differences()],
            "left": {**to_plain(self.left), "not_read": self.left.not_read.to_json("diff")},
            "right": {**to_plain(self.right), "not_read": self.right.not_read.to_json("diff")},
            "turns": to_plain(self.turns),
            "errors": to_plain(self.errors),
        }


def _with_numbers(pair: DiffPair | None, difference: ValueDifference) -> Json:
    numbers: Json = {"left_turn": None, "right_turn": None}
    if pair is not None and not isinstance(pair.left or pair.right, ServerError):
        numbers = {"left_turn": pair.left_number, "right_turn": pair.right_number}
    return {**to_plain(difference), **numbers}
