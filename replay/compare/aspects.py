"""Find the differences between two conversations, one aspect after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any, Final, cast

from ...schemas.paths import Path, PathRules, write_path
from ...schemas.refs import to_plain
from ...schemas.state import Conversation, ServerError
from ...schemas.values import Comparison, Json, is_number
from ..fold.digest import canonical_json
from .align import align
from .result import Aspect, DiffOptions, DiffPair, ValueDifference
from .turns import Cut, Turn, mask_ids

__all__ = ["count_of_sums", "kept", "of_configuration", "of_end", "of_usage", "pair_errors", "pair_turns"]

Found = tuple[Aspect, Path, Any, Any]
"""A difference with the steps of its path."""

_OF_ONE_SESSION: Final = frozenset(("id", "object", "expires_at", "client_secret", "event_id", "type"))
_ORDERLY: Final = frozenset((None, 1000, 1001, 1005))
_FULL_LIKENESS: Final = 3.0
_COMPARISON: Final = Comparison()


def kept(found: Iterable[Found], ignore: PathRules) -> tuple[ValueDifference, ...]:
    """Return the differences that are not ignored."""
    return tuple(
        ValueDifference(aspect, write_path(path), left, right)
        for aspect, path, left, right in found
        if ignore.find(path, aspect) is None
    )


def _values(aspect: Aspect, left: Any, right: Any, *path: str | int) -> Iterator[Found]:
    for place, ours, theirs in _COMPARISON.differences(left, right, path):
        yield aspect, place, ours, theirs


# Configuration


def of_configuration(left: Conversation, right: Conversation) -> Iterator[Found]:
    """Compare what the servers state at the end; then what the clients asked for, as far as that tells more."""
    told: set[Path] = set()
    for found in _values("configuration", _stated(left), _stated(right)):
        told.add(found[1])
        yield found
    asked = (
        [_own(change.config) for change in each.session.history if change.by == "client"] for each in (left, right)
    )
    for number, (ours, theirs) in enumerate(zip_longest(*asked)):
        if ours is None or theirs is None:
            yield "configuration", ("update", number), ours, theirs
            continue
        for found in _values("configuration", ours, theirs):
            if found[1] not in told:
                told.add(found[1])
                yield found


def _stated(conversation: Conversation) -> Json:
    session = conversation.session
    return _own({**session.config, "model": session.model or session.config.get("model")})


def _own(config: Mapping[str, Any]) -> Json:
    return {key: value for key, value in config.items() if key not in _OF_ONE_SESSION}


# Turns


def pair_turns(
    left: Sequence[Turn], right: Sequence[Turn], options: DiffOptions, ignore: PathRules
) -> tuple[DiffPair, ...]:
    """Align the turns of two conversations and compare each pair."""
    pairs: list[DiffPair] = []
    for i, j in align([_Said(turn) for turn in left], [_Said(turn) for turn in right], _likeness):
        ours = left[i] if i is not None else None
        theirs = right[j] if j is not None else None
        pairs.append(DiffPair(ours, theirs, _number(i), _number(j), kept(_of_turn(ours, theirs, options), ignore)))
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
    """0 for turns that cannot be one another; else from 1 by the words that they share, 3 if they are equal."""
    if left.place != right.place:
        return 0.0
    if left == right:
        return _FULL_LIKENESS
    both = len(left.words | right.words)
    return 1.0 + (len(left.words & right.words) / both if both else 1.0)


def _of_turn(left: Turn | None, right: Turn | None, options: DiffOptions) -> Iterator[Found]:
    if left is None or right is None:
        yield "turn", (), _name(left), _name(right)
        return
    yield from _values("turn", left.spoken, right.spoken, "spoken")
    yield from _values("transcript", left.text, right.text)
    yield from _values("transcript", left.remark, right.remark, "remark")
    aspect: Aspect = "call" if left.kind != "output" else "output"
    yield from _values(aspect, left.name, right.name, "name")
    yield from _values(aspect, left.value, right.value, *(("arguments",) if aspect == "call" else ()))
    if left.request is not None and right.request is not None:
        yield from _values("configuration", left.request, right.request, "response")
    yield from _values("response", left.status, right.status, "status")
    yield from _values("response", left.interrupted, right.interrupted, "interrupted")
    yield from _of_cuts(left.cuts, right.cuts, options.truncation_ms)
    if _too_far(left.latency_ms, right.latency_ms, options.latency_ms):
        yield "latency", ("ms",), left.latency_ms, right.latency_ms


def _too_far(left: float | None, right: float | None, tolerance: float | None) -> bool:
    return tolerance is not None and left is not None and right is not None and abs(left - right) > tolerance


def _name(turn: Turn | None) -> str | None:
    return None if turn is None else f"{turn.speaker} {turn.kind}"


def _of_cuts(left: Sequence[Cut], right: Sequence[Cut], tolerance_ms: float) -> Iterator[Found]:
    for number, (ours, theirs) in enumerate(zip_longest(left, right)):
        if ours is None or theirs is None:
            yield "truncation", (number,), to_plain(ours), to_plain(theirs)
            continue
        if abs(ours.audio_end_ms - theirs.audio_end_ms) > tolerance_ms:
            yield "truncation", (number, "audio_end_ms"), ours.audio_end_ms, theirs.audio_end_ms
        for key in ("content_index", "status", "by"):
            yield from _values("truncation", getattr(ours, key), getattr(theirs, key), number, key)


# Errors


def pair_errors(left: Conversation, right: Conversation, ignore: PathRules) -> tuple[DiffPair, ...]:
    """Align the errors of two conversations and compare each pair."""
    ours = [_error(error, left) for error in left.errors]
    theirs = [_error(error, right) for error in right.errors]
    pairs: list[DiffPair] = []
    for i, j in align(ours, theirs, _error_likeness):
        one = left.errors[i] if i is not None else None
        other = right.errors[j] if j is not None else None
        found: Iterable[Found]
        if i is None or j is None:
            found = [("error", (), _stated_error(one), _stated_error(other))]
        else:
            found = (
                difference
                for key, a, b in zip(("type", "code", "message", "param"), ours[i], theirs[j], strict=True)
                for difference in _values("error", a, b, key)
            )
        pairs.append(DiffPair(one, other, _number(i), _number(j), kept(found, ignore)))
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


# Sums


def of_usage(left: Conversation, right: Conversation) -> Iterator[Found]:
    """Compare the sums of every number of usage, responses and transcriptions apart."""
    return _values("usage", _usage(left), _usage(right))


def _usage(conversation: Conversation) -> Json:
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
        elif is_number(value):
            before = total.get(key, 0)
            total[key] = before + value if isinstance(before, (int, float)) else value


def of_end(left: Conversation, right: Conversation) -> Iterator[Found]:
    """Compare how two conversations ended; all orderly ends are the same."""
    return _values("end", _end(left), _end(right))


def _end(conversation: Conversation) -> Json | None:
    close = conversation.close
    if close is None or (close.kind == "close" and close.code in _ORDERLY):
        return None
    return {"kind": close.kind, "code": close.code, "reason": close.reason or None}


def count_of_sums(conversation: Conversation) -> int:
    """Return how much of a conversation can differ beside its turns and errors: settings, usage, an irregular end."""
    asked = sum(len(_own(change.config)) for change in conversation.session.history)
    return asked + len(_usage(conversation)) + (_end(conversation) is not None)
