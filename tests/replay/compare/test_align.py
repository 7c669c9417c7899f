"""Which elements of two sequences belong together."""

from __future__ import annotations

from itertools import combinations

import earwitness.replay.compare.align as module
import pytest
from earwitness.replay.compare.align import Pair, align
from hypothesis import given
from hypothesis import strategies as st


def likeness(left: str, right: str) -> float:
    """Equal letters are alike most; letters of other case hardly; a space is like nothing but itself."""
    if left == right:
        return 3.0
    return 1.0 if " " not in left + right and left.islower() == right.islower() else 0.0


def total(pairs: list[Pair], left: str, right: str) -> float:
    return sum(likeness(left[i], right[j]) for i, j in pairs if i is not None and j is not None)


def best(left: str, right: str) -> float:
    """By trying everything."""
    found = 0.0
    for size in range(min(len(left), len(right)) + 1):
        for ours in combinations(range(len(left)), size):
            for theirs in combinations(range(len(right)), size):
                values = [likeness(left[i], right[j]) for i, j in zip(ours, theirs, strict=True)]
                if all(values):
                    found = max(found, sum(values))
    return found


words = st.text("abA ", max_size=6)


@given(words, words)
def test_every_element_occurs_once_and_in_order(left: str, right: str) -> None:
    pairs = align(left, right, likeness)
    assert [i for i, _ in pairs if i is not None] == list(range(len(left)))
    assert [j for _, j in pairs if j is not None] == list(range(len(right)))
    assert all(likeness(left[i], right[j]) for i, j in pairs if i is not None and j is not None)


@given(words, words)
def test_no_other_alignment_is_more_alike(left: str, right: str) -> None:
    assert total(align(left, right, likeness), left, right) == best(left, right)


def test_of_two_without_partners_the_left_one_comes_first() -> None:
    assert align("xA", "xb", likeness) == [(0, 0), (1, None), (None, 1)]


def test_sequences_too_long_for_a_table_are_paired_along_the_diagonal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_CELLS", 3)
    assert align("abA", "xyzw", likeness) == [(0, 0), (1, 1), (2, None), (None, 2), (None, 3)]
    assert align("abab", "ab", likeness) == [(0, 0), (1, 1), (2, None), (3, None)]
