"""The seqs behind a whole are those behind its parts."""

from __future__ import annotations

from array import array

from earwitness.replay.fold.value import join
from earwitness.schemas.refs import Seqs
from hypothesis import given
from hypothesis import strategies as st

SETS = st.lists(st.sets(st.integers(0, 60), max_size=12).map(sorted), max_size=4)


@given(SETS, SETS)
def test_joining_gives_the_union_as_runs(runs: list[list[int]], singles: list[list[int]]) -> None:
    joined = join([Seqs.union(each) for each in runs], [array("q", each) for each in singles])
    expected = sorted({seq for each in (*runs, *singles) for seq in each})
    assert list(joined) == expected
    assert joined == Seqs.union(expected)


@given(st.integers(0, 9), st.integers(1, 4), st.integers(100, 300))
def test_many_single_seqs_join_the_same_way(start: int, step: int, count: int) -> None:
    values = [start + step * number for number in range(count)]
    singles = [array("q", values), array("q", values[::2]), array("q", [7]), array("q")]
    assert join([Seqs.union(values[:7])], singles) == Seqs.union(sorted({*values, 7}))
