"""Join the seqs behind parts of a value to the seqs behind the whole."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from ...schemas.seqs import Seqs

__all__ = ["join"]

_WORTH_AN_ARRAY: Final = 200


def join(runs: Iterable[Seqs], singles: Sequence[array[int]] = ()) -> Seqs:
    """Give the union of runs of seqs and of single seqs, each in any order."""
    count = sum(len(values) for values in singles)
    if count >= _WORTH_AN_ARRAY:
        runs = [*runs, *(_runs_of(values) for values in singles)]
        singles = ()
    bounds = [tuple(run) for seqs in runs for run in seqs.runs]
    bounds.extend((seq, seq) for values in singles for seq in values)
    if not bounds:
        return Seqs()
    bounds.sort()
    joined: list[list[int]] = [list(bounds[0])]
    for first, last in bounds[1:]:
        if first > joined[-1][1] + 1:
            joined.append([first, last])
        elif last > joined[-1][1]:
            joined[-1][1] = last
    return Seqs(joined)


def _runs_of(values: array[int]) -> Seqs:
    seqs = np.unique(np.frombuffer(values, dtype=np.int64)) if values else np.empty(0, np.int64)
    breaks = np.flatnonzero(np.diff(seqs) > 1)
    firsts = seqs[np.concatenate(([0], breaks + 1))] if len(seqs) else seqs
    lasts = seqs[np.concatenate((breaks, [len(seqs) - 1]))] if len(seqs) else seqs
    return Seqs(np.column_stack((firsts, lasts)).tolist())
