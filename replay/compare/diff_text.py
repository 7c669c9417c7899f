"""A :class:`.Diff` as text: the first divergence, then the turns side by side, then the sums."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby, zip_longest
from textwrap import wrap
from typing import Any, Final

from ...schemas.state import ServerError
from ..show.terminal import visible
from ..times import decimal
from .result import Diff, DiffPair, Side, ValueDifference
from .turns import Turn

__all__ = ["render_diff"]

_LONGEST_VALUE: Final = 300
_LEAST_WIDTH: Final = 60
_MARGIN: Final = 2
_SAME_ABOVE_AND_BELOW: Final = 1


def render_diff(found: Diff, *, width: int = 100, every_turn: bool = False) -> str:
    """Write a diff for a person, without a line end.

    Args:
        found: the diff.
        width: columns of the text.
        every_turn: show the turns that are the same as well; else only those next to one that differs.
    """
    width = max(width, _LEAST_WIDTH)
    lines = [*_head(found), ""]
    all_differences = list(found.differences())
    if found.outcome == "nothing compared":
        lines.append("Nothing to compare: whether the two are the same is not known.")
    elif not all_differences:
        partly = found.left.not_read or found.right.not_read
        lines.append("No differences in what is read." if partly else "No differences.")
    else:
        count = len(all_differences)
        lines.append(f"{count} difference{'s' if count > 1 else ''}; the first: {_where(*all_differences[0])}")
        lines += _explain(all_differences[0][1])
    if every_turn or found.order:
        lines += ["", *_table(found, width, every_turn=every_turn)]
    rest = all_differences[1:]
    if rest:
        lines.append("")
        for pair, difference in rest:
            lines.append(_where(pair, difference))
            lines += _explain(difference)
    latency = _latency(found)
    if latency:
        lines += ["", latency]
    return visible("\n".join(line.rstrip() for line in lines))


def _head(found: Diff) -> Iterator[str]:
    for name, side in (("A", found.left), ("B", found.right)):
        yield f"{name}  {'  '.join(_facts(side))}"
        yield from (f"   {line}" for line in side.not_read.lines("diff"))


def _facts(side: Side) -> Iterator[str]:
    yield side.session
    yield side.dialect
    yield side.model or "model not stated"
    yield f"{side.turns} turn{'' if side.turns == 1 else 's'}"
    if side.duration_ns is not None:
        yield f"{decimal(side.duration_ns, 1)} s"


def _where(pair: DiffPair | None, difference: ValueDifference) -> str:
    if pair is None:
        return str(difference)
    one = pair.left or pair.right
    if isinstance(one, ServerError):
        return f"{difference} ({_places(pair)})"
    numbers = "/".join("–" if number is None else str(number) for number in (pair.left_number, pair.right_number))
    if pair.left_number == pair.right_number:
        numbers = str(pair.left_number)
    speaker = one.speaker if one is not None else ""
    return f"turn {numbers}, {speaker}: {difference} ({_places(pair)})"


def _places(pair: DiffPair) -> str:
    places: list[str] = []
    for name, side in (("A", pair.left), ("B", pair.right)):
        if isinstance(side, ServerError):
            places.append(f"{name} seq {side.seq}")
        elif side is not None and side.seqs is not None:
            first, last = side.seqs
            places.append(f"{name} seq {first}" if first == last else f"{name} seq {first}-{last}")
    return ", ".join(places)


def _explain(difference: ValueDifference) -> Iterator[str]:
    yield f"    A  {_value(difference.left)}"
    yield f"    B  {_value(difference.right)}"


def _value(value: Any) -> str:
    if value is None:
        return "(nothing)"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}… ({len(text)} characters)"


# Side by side


def _table(found: Diff, width: int, *, every_turn: bool) -> Iterator[str]:
    shown = [every_turn or bool(pair.differences) for pair in found.turns]
    near = [any(shown[max(n - _SAME_ABOVE_AND_BELOW, 0) : n + _SAME_ABOVE_AND_BELOW + 1]) for n in range(len(shown))]
    column = (width - 3 - 2 * _MARGIN) // 2
    for wanted, group in groupby(zip(found.turns, near, strict=True), key=lambda entry: entry[1]):
        pairs = [pair for pair, _ in group]
        if not wanted:
            yield f"    … {len(pairs)} turn{'s' if len(pairs) > 1 else ''} the same …"
            continue
        for pair in pairs:
            yield from _row(pair, column)


def _row(pair: DiffPair, column: int) -> Iterator[str]:
    mark = "≠" if pair.differences else "="
    if pair.left is None or pair.right is None:
        mark = ">" if pair.left is None else "<"
    left = _cell(pair.left, pair.left_number, column)
    right = _cell(pair.right, pair.right_number, column)
    for number, (a, b) in enumerate(zip_longest(left, right, fillvalue="")):
        yield f"  {a.ljust(column)} {mark if number == 0 else ' '}   {b}"


def _cell(turn: Any, number: int | None, column: int) -> list[str]:
    if not isinstance(turn, Turn):
        return []
    head = f"{number:>3} {turn.speaker}: "
    return wrap(head + _said(turn), column, subsequent_indent="    ", break_on_hyphens=False) or [head.rstrip()]


def _said(turn: Turn) -> str:
    marks = [turn.remark] if turn.remark else []
    if turn.status is not None and turn.status != "completed":
        marks.append(turn.status)
    if turn.interrupted:
        marks.append("interrupted")
    marks += [
        f"cut at {cut.audio_end_ms} ms" + ("" if cut.status == "done" else f" ({cut.status})") for cut in turn.cuts
    ]
    words = turn.text
    if turn.kind == "call":
        words = f"calls {turn.name or '?'}({_value(turn.value)})"
    elif turn.kind == "output":
        words = f"returns {_value(turn.value)}"
    elif turn.kind == "response":
        words = "(no output)"
    elif turn.kind != "message":
        words = f"{turn.kind} {turn.name or ''} {turn.text}"
    return f"{' '.join(words.split())}{_marks(marks)}".strip()


def _marks(marks: list[str]) -> str:
    return f" [{'; '.join(marks)}]" if marks else ""


def _latency(found: Diff) -> str:
    ours, theirs = found.left.latency_ms, found.right.latency_ms
    if ours is None or theirs is None:
        return ""
    return f"median latency: A {ours:.0f} ms, B {theirs:.0f} ms"
