"""Two conversations compared by meaning.

Compared are the configuration (the session's, and what a request states for its response), the turns (what was said,
which tool was called with what, what it gave, how the response ended, whether and where it was cut), the errors, the
usage and the end. Ids, clocks and chunk boundaries never count; neither does the dialect, because both sides are read
in one vocabulary, nor the order of tool outputs that follow one another. Latency is reported, and is a difference only
where a tolerance is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final, Literal, cast, get_args

from ...schemas.recording import SessionInfo
from ...schemas.refs import to_plain
from ...schemas.state import Conversation, ServerError
from ...schemas.summary import model_of
from ...schemas.values import json_differences
from ..fold.digest import canonical_json
from ..playing.match import TRUNCATION_TOLERANCE_MS, PathRules
from .align import align
from .turns import Cut, Turn, mask_ids, turns_of

__all__ = ["ASPECTS", "Aspect", "Diff", "DiffOptions", "DiffPair", "Side", "ValueDifference", "diff"]

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

ASPECTS: Final[tuple[Aspect, ...]] = get_args(Aspect)

Json = dict[str, Any]

_OF_ONE_SESSION: Final = frozenset(("id", "object", "expires_at", "client_secret", "event_id", "type"))
_ORDERLY: Final = frozenset((None, 1000, 1001, 1005))
_FULL_LIKENESS: Final = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffOptions:
    """What counts as a difference.

    Attributes:
        ignore: aspects, or paths in them: ``usage``, ``configuration.instructions``, ``call.arguments.city``; ``*``
            stands for one step, and what is below an ignored path is ignored with it.
        truncation_ms: how far apart two truncations may lie: clients place them by a clock of their own.
        latency_ms: how far apart two latencies may lie; None where latency is no difference at all.
    """

    ignore: tuple[str, ...] = ()
    truncation_ms: float = TRUNCATION_TOLERANCE_MS
    latency_ms: float | None = None


@dataclass(frozen=True, slots=True)
class ValueDifference:
    """One place where the two differ. A side is None where the value is absent there.

    ``path`` is below the aspect: ``audio.output.voice`` of the configuration, ``arguments.city`` of a call; empty
    where the aspect is a single value.
    """

    aspect: Aspect
    path: str
    left: Any
    right: Any

    def __str__(self) -> str:
        return f"{self.aspect}{f' {self.path}' if self.path else ''}"


@dataclass(frozen=True, slots=True)
class DiffPair:
    """Two turns, or two errors, that belong together; one is None where the other has no counterpart.

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

    ``latency_ms`` is the median over its responses; None where no response has one.
    """

    session: str
    dialect: str
    model: str | None
    turns: int
    duration_ns: int | None
    latency_ms: float | None


@dataclass(frozen=True, slots=True)
class Diff:
    """What two conversations have in common and what not.

    Attributes:
        left: the first conversation.
        right: the second.
        configuration: places where the configurations differ.
        turns: all turns in order, aligned.
        errors: all errors in order, aligned.
        usage: places where the summed usage differs.
        end: how the endings differ, unless both are orderly.
        order: the differing pairs of turns and errors, in the order in which they come in the conversation.
    """

    left: Side
    right: Side
    configuration: tuple[ValueDifference, ...] = ()
    turns: tuple[DiffPair, ...] = ()
    errors: tuple[DiffPair, ...] = ()
    usage: tuple[ValueDifference, ...] = ()
    end: tuple[ValueDifference, ...] = ()
    order: tuple[DiffPair, ...] = field(default=(), repr=False)

    @property
    def same(self) -> bool:
        """Whether the two mean the same."""
        return not any(True for _ in self.differences())

    def differences(self) -> Iterator[tuple[DiffPair | None, ValueDifference]]:
        """Give each difference with its pair, the first in the conversation first; the sums come last."""
        for difference in self.configuration:
            yield None, difference
        for pair in self.order:
            for difference in pair.differences:
                yield pair, difference
        for difference in (*self.usage, *self.end):
            yield None, difference

    def to_json(self) -> Json:
        """Give everything as plain JSON."""
        first = next(self.differences(), None)
        return {
            "same": self.same,
            "first": None if first is None else _with_numbers(*first),
            "differences": [_with_numbers(pair, difference) for pair, difference in self.differences()],
            "left": to_plain(self.left),
            "right": to_plain(self.right),
            "turns": [to_plain(pair) for pair in self.turns],
            "errors": [to_plain(pair) for pair in self.errors],
        }


def _with_numbers(pair: DiffPair | None, difference: ValueDifference) -> Json:
    numbers: Json = {"left_turn": None, "right_turn": None}
    if pair is not None and not isinstance(pair.left or pair.right, ServerError):
        numbers = {"left_turn": pair.left_number, "right_turn": pair.right_number}
    return {**to_plain(difference), **numbers}


def diff(
    left: tuple[SessionInfo, Conversation],
    right: tuple[SessionInfo, Conversation],
    options: DiffOptions | None = None,
) -> Diff:
    """Compare two conversations.

    Args:
        left: summary and state of the first (the old one, what was expected).
        right: of the second.
        options: what counts.
    """
    chosen = options if options is not None else DiffOptions()
    rules = PathRules(chosen.ignore)
    ours, theirs = left[1], right[1]
    turns = _turns(turns_of(ours), turns_of(theirs), chosen, rules)
    errors = _errors(ours, theirs, rules)
    return Diff(
        left=_side(*left),
        right=_side(*right),
        configuration=tuple(_kept(_configuration(ours, theirs), rules)),
        turns=turns,
        errors=errors,
        usage=tuple(_kept(_values("usage", _usage(ours), _usage(theirs)), rules)),
        end=tuple(_kept(_values("end", _end(ours), _end(theirs)), rules)),
        order=_in_order(turns, errors),
    )


def _side(info: SessionInfo, conversation: Conversation) -> Side:
    turns = turns_of(conversation)
    latencies = [turn.latency_ms for turn in turns if turn.latency_ms is not None]
    return Side(
        session=info.id,
        dialect=conversation.dialect if conversation.dialect != "unknown" else info.dialect,
        model=model_of(info, conversation),
        turns=len(turns),
        duration_ns=conversation.last_ns,
        latency_ms=median(latencies) if latencies else None,
    )


# Values


def _values(aspect: Aspect, left: Any, right: Any, path: str = "") -> Iterator[ValueDifference]:
    """Compare two JSON values; absent is null, numbers mean the same in single precision."""
    for place, ours, theirs in json_differences(left, right, path):
        yield ValueDifference(aspect, place, ours, theirs)


def _kept(found: Iterable[ValueDifference], rules: PathRules) -> Iterator[ValueDifference]:
    """Leave out what is ignored."""
    for difference in found:
        steps = tuple(difference.path.replace("[", ".").replace("]", "").split(".")) if difference.path else ()
        if rules.find(difference.aspect, steps) is None:
            yield difference


# Configuration


def _configuration(left: Conversation, right: Conversation) -> Iterator[ValueDifference]:
    """Compare what the servers state at the end; then what the clients asked for, as far as that tells more."""
    told: set[str] = set()
    for difference in _values("configuration", _stated(left), _stated(right)):
        told.add(difference.path)
        yield difference
    asked = [
        [_own(change.config) for change in side.session.history if change.by == "client"] for side in (left, right)
    ]
    for number in range(max(map(len, asked))):
        ours, theirs = (updates[number] if number < len(updates) else None for updates in asked)
        if ours is None or theirs is None:
            yield ValueDifference("configuration", f"update[{number}]", ours, theirs)
            continue
        for difference in _values("configuration", ours, theirs):
            if difference.path not in told:
                told.add(difference.path)
                yield difference


def _stated(conversation: Conversation) -> Json:
    session = conversation.session
    return _own({**session.config, "model": session.model or session.config.get("model")})


def _own(config: Mapping[str, Any]) -> Json:
    return {key: value for key, value in config.items() if key not in _OF_ONE_SESSION}


# Turns


def _turns(left: Sequence[Turn], right: Sequence[Turn], options: DiffOptions, rules: PathRules) -> tuple[DiffPair, ...]:
    pairs: list[DiffPair] = []
    for i, j in align([_Said(turn) for turn in left], [_Said(turn) for turn in right], _likeness):
        ours = left[i] if i is not None else None
        theirs = right[j] if j is not None else None
        found = tuple(_kept(_turn(ours, theirs, options), rules))
        pairs.append(DiffPair(ours, theirs, _number(i), _number(j), found))
    return tuple(pairs)


def _number(index: int | None) -> int | None:
    return None if index is None else index + 1


class _Said:
    """What two turns are aligned by."""

    __slots__ = ("key", "place", "words")

    def __init__(self, turn: Turn) -> None:
        self.place = (turn.speaker, turn.kind)
        said = turn.text if turn.value is None else canonical_json(turn.value).decode()
        self.key = (*self.place, turn.name, said)
        self.words = frozenset([*said.casefold().split(), *([turn.name] if turn.name else [])])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Said) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


def _likeness(left: _Said, right: _Said) -> float:
    """0 for turns that cannot be one another; else from 1 by the words that they share, 3 where they are equal."""
    if left.place != right.place:
        return 0.0
    if left == right:
        return _FULL_LIKENESS
    both = len(left.words | right.words)
    return 1.0 + (len(left.words & right.words) / both if both else 1.0)


def _turn(left: Turn | None, right: Turn | None, options: DiffOptions) -> Iterator[ValueDifference]:
    if left is None or right is None:
        yield ValueDifference("turn", "", _name(left), _name(right))
        return
    yield from _values("turn", left.spoken, right.spoken, "spoken")
    yield from _values("transcript", left.text, right.text)
    yield from _values("transcript", left.remark, right.remark, "remark")
    aspect: Aspect = "call" if left.kind != "output" else "output"
    yield from _values(aspect, left.name, right.name, "name")
    yield from _values(aspect, left.value, right.value, "arguments" if aspect == "call" else "")
    if left.request is not None and right.request is not None:
        yield from _values("configuration", left.request, right.request, "response")
    yield from _values("response", left.status, right.status, "status")
    yield from _values("response", left.interrupted, right.interrupted, "interrupted")
    yield from _cuts(left.cuts, right.cuts, options.truncation_ms)
    if _too_far(left.latency_ms, right.latency_ms, options.latency_ms):
        yield ValueDifference("latency", "ms", left.latency_ms, right.latency_ms)


def _too_far(left: float | None, right: float | None, tolerance: float | None) -> bool:
    return tolerance is not None and left is not None and right is not None and abs(left - right) > tolerance


def _name(turn: Turn | None) -> str | None:
    return None if turn is None else f"{turn.speaker} {turn.kind}"


def _cuts(left: Sequence[Cut], right: Sequence[Cut], tolerance_ms: float) -> Iterator[ValueDifference]:
    for number in range(max(len(left), len(right))):
        ours = left[number] if number < len(left) else None
        theirs = right[number] if number < len(right) else None
        if ours is None or theirs is None:
            yield ValueDifference("truncation", f"[{number}]", to_plain(ours), to_plain(theirs))
            continue
        if abs(ours.audio_end_ms - theirs.audio_end_ms) > tolerance_ms:
            yield ValueDifference("truncation", f"[{number}].audio_end_ms", ours.audio_end_ms, theirs.audio_end_ms)
        for key in ("content_index", "status", "by"):
            yield from _values("truncation", getattr(ours, key), getattr(theirs, key), f"[{number}].{key}")


# Errors


def _errors(left: Conversation, right: Conversation, rules: PathRules) -> tuple[DiffPair, ...]:
    ours = [_error(error, left) for error in left.errors]
    theirs = [_error(error, right) for error in right.errors]
    pairs: list[DiffPair] = []
    for i, j in align(ours, theirs, _error_likeness):
        one = left.errors[i] if i is not None else None
        other = right.errors[j] if j is not None else None
        found: Iterable[ValueDifference]
        if i is None or j is None:
            found = [ValueDifference("error", "", _stated_error(one), _stated_error(other))]
        else:
            found = (
                difference
                for key, a, b in zip(("type", "code", "message", "param"), ours[i], theirs[j], strict=True)
                for difference in _values("error", a, b, key)
            )
        pairs.append(DiffPair(one, other, _number(i), _number(j), tuple(_kept(found, rules))))
    return tuple(pairs)


_ErrorKey = tuple[str | None, str | None, str | None, str | None]


def _error(error: ServerError, conversation: Conversation) -> _ErrorKey:
    message = None if error.message is None else mask_ids(error.message, conversation)
    return (error.type, error.code, message, error.param)


def _error_likeness(left: _ErrorKey, right: _ErrorKey) -> float:
    """Errors of one code, or without code of one type, are the same kind of error."""
    if (left[1] or left[0]) != (right[1] or right[0]):
        return 0.0
    return 1.0 + sum(a == b for a, b in zip(left, right, strict=True))


def _stated_error(error: ServerError | None) -> str | None:
    return None if error is None else f"{error.code or error.type or 'error'}: {error.message or ''}".rstrip(": ")


def _in_order(turns: Sequence[DiffPair], errors: Sequence[DiffPair]) -> tuple[DiffPair, ...]:
    """Put the differing pairs in order: an error stands before the first turn that begins after it on its side."""
    placed = [((n, 1), pair) for n, pair in enumerate(turns) if pair.differences]
    for pair in errors:
        if not pair.differences:
            continue
        on_left = pair.left is not None
        seq = cast("ServerError", pair.left or pair.right).seq
        at = next((n for n, turn in enumerate(turns) if _first_seq(turn, left=on_left) > seq), len(turns))
        placed.append(((at, 0), pair))
    return tuple(pair for _, pair in sorted(placed, key=lambda entry: entry[0]))


def _first_seq(pair: DiffPair, *, left: bool) -> int:
    turn = cast("Turn | None", pair.left if left else pair.right)
    return turn.seqs[0] if turn is not None and turn.seqs is not None else -1


# Sums


def _usage(conversation: Conversation) -> Json:
    """Sum the numbers of every usage, responses and transcriptions apart."""
    total: Json = {}
    for response in conversation.responses:
        if response.usage:
            _add(total.setdefault("responses", {}), response.usage)
    for item in conversation.items:
        for part in item.content:
            if part.transcription is not None and part.transcription.usage:
                _add(total.setdefault("transcriptions", {}), part.transcription.usage)
    return total


def _add(total: Json, usage: Any) -> None:
    for key, value in cast("Json", usage if isinstance(usage, dict) else {}).items():
        if isinstance(value, dict):
            below = total.setdefault(key, {})
            if isinstance(below, dict):
                _add(cast("Json", below), value)
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            before = total.get(key, 0)
            total[key] = before + value if isinstance(before, (int, float)) else value


def _end(conversation: Conversation) -> Json | None:
    close = conversation.close
    if close is None or (close.kind == "close" and close.code in _ORDERLY):
        return None
    return {"kind": close.kind, "code": close.code, "reason": close.reason or None}
