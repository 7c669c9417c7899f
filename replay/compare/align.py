"""Align two sequences: pair their elements in order, for the highest total likeness.

This is Needleman and Wunsch's recurrence. :mod:`difflib` takes the longest equal run first; elements before that run
can then no longer be paired with elements after it. Equal beginnings and ends are set aside first, so only the stretch
that differs costs anything.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

__all__ = ["Pair", "align"]

T = TypeVar("T")

Pair = tuple[int | None, int | None]
"""Positions in the left and the right sequence; None for an element without a partner."""

_MOST_CELLS: Final = 1_000_000
"""Longer sequences are paired along the diagonal: filling so large a table takes minutes."""


def align(left: Sequence[T], right: Sequence[T], likeness: Callable[[T, T], float]) -> list[Pair]:
    """Pair the elements of two sequences.

    Args:
        left: one sequence.
        right: the other.
        likeness: symmetric; 0 if two elements must not be paired, else how alike they are, highest for equal ones.

    Returns:
        Pairs in order; every position of both sequences occurs once. Of two adjacent elements without partners, the
        left one comes first.
    """
    start = 0
    while start < min(len(left), len(right)) and left[start] == right[start]:
        start += 1
    end = 0
    while end < min(len(left), len(right)) - start and left[-1 - end] == right[-1 - end]:
        end += 1
    middle = _table(left[start : len(left) - end], right[start : len(right) - end], likeness)
    pairs: list[Pair] = [(n, n) for n in range(start)]
    pairs += [(None if a is None else a + start, None if b is None else b + start) for a, b in middle]
    pairs += [(len(left) - n, len(right) - n) for n in range(end, 0, -1)]
    return pairs


def _table(left: Sequence[T], right: Sequence[T], likeness: Callable[[T, T], float]) -> list[Pair]:
    rows, columns = len(left), len(right)
    if not rows or not columns or rows * columns > _MOST_CELLS:
        return _diagonal(left, right, likeness)
    # best[i * width + j]: the highest total for left[i:] and right[j:].
    width = columns + 1
    best = array("d", bytes(8 * (rows + 1) * width))
    alike = array("d", bytes(8 * rows * columns))
    for i in range(rows - 1, -1, -1):
        for j in range(columns - 1, -1, -1):
            here = alike[i * columns + j] = likeness(left[i], right[j])
            skip = max(best[(i + 1) * width + j], best[i * width + j + 1])
            best[i * width + j] = max(skip, best[(i + 1) * width + j + 1] + here) if here > 0 else skip
    pairs: list[Pair] = []
    i = j = 0
    while i < rows and j < columns:
        here = alike[i * columns + j]
        if here > 0 and best[i * width + j] == best[(i + 1) * width + j + 1] + here:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif best[(i + 1) * width + j] >= best[i * width + j + 1]:
            pairs.append((i, None))
            i += 1
        else:
            pairs.append((None, j))
            j += 1
    return pairs + [(n, None) for n in range(i, rows)] + [(None, n) for n in range(j, columns)]


def _diagonal(left: Sequence[T], right: Sequence[T], likeness: Callable[[T, T], float]) -> list[Pair]:
    pairs: list[Pair] = []
    for n in range(max(len(left), len(right))):
        if n >= len(left):
            pairs.append((None, n))
        elif n >= len(right):
            pairs.append((n, None))
        elif likeness(left[n], right[n]) > 0:
            pairs.append((n, n))
        else:
            pairs += [(n, None), (None, n)]
    return pairs
