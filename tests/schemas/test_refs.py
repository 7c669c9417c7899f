"""Seqs: a set that grows at its end, as runs."""

from __future__ import annotations

import itertools

from earwitness.schemas.refs import Seqs
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

ASCENDING = st.lists(st.integers(0, 60)).map(sorted)


@given(ASCENDING)
def test_it_holds_what_was_added_as_runs(values: list[int]) -> None:
    seqs = Seqs()
    for value in values:
        seqs.add(value)
    assert list(seqs) == sorted(set(values))
    assert len(seqs) == len(set(values))
    assert all(value in seqs for value in values)
    assert 61 not in seqs
    assert "1" not in seqs
    runs = seqs.runs
    assert all(first <= last for first, last in runs)
    assert all(before[1] + 1 < after[0] for before, after in itertools.pairwise(runs))


@given(st.lists(ASCENDING, max_size=4))
def test_a_union_holds_all(parts: list[list[int]]) -> None:
    assert set(Seqs.union(*parts)) == {value for part in parts for value in part}


def test_the_bounds_and_the_text() -> None:
    seqs = Seqs([[3, 3], [5, 9]])
    assert (seqs.first, seqs.last, str(seqs), repr(seqs)) == (3, 9, "3,5-9", "Seqs([[3, 3], [5, 9]])")
    assert (Seqs().first, Seqs().last, str(Seqs())) == (None, None, "")


def test_a_copy_does_not_grow_with_it() -> None:
    seqs = Seqs([[1, 1]])
    copied = seqs.copy()
    seqs.add(2)
    assert (copied, seqs) == (Seqs([[1, 1]]), Seqs([[1, 2]]))


def test_in_json_it_is_a_list_of_pairs() -> None:
    adapter = TypeAdapter(Seqs)
    assert adapter.dump_python(Seqs([[1, 2], [4, 4]]), mode="json") == [[1, 2], [4, 4]]
    assert adapter.validate_python([[1, 2], [4, 4]]) == Seqs([[1, 2], [4, 4]])
    assert adapter.validate_python(Seqs([[1, 2]])) == Seqs([[1, 2]])
