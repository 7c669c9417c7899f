"""How the input stream, which runs by its samples, keeps pace with the arrival of its messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from .pieces import Integers

__all__ = ["DRIFT_FROM_NS", "InputPace", "Silence", "measure"]

DRIFT_FROM_NS: Final = 10_000_000_000
"""From this length on, a drift is more than the network's irregularity."""


@dataclass(frozen=True, slots=True)
class Silence:
    """Silence that was put between two appends because the client paused, on the session's clock."""

    seq: int
    start_ns: int
    end_ns: int


@dataclass(frozen=True, slots=True)
class InputPace:
    """How the input stream, which runs by its samples, keeps pace with the arrival of its messages.

    Attributes:
        lead_ms: how far the stream was ahead of the arrivals at most (a clip sent in one burst).
        lag_ms: how far behind them at most.
        drift_ppm: how much faster (or slower, if negative) the sender's samples are than the recorder's clock, over the
            longest stretch without a pause; None where that is shorter than :data:`DRIFT_FROM_NS`.
        drift_ms: what that comes to at the end of the stretch.
        silences: what was put in where the client paused.
    """

    lead_ms: float
    lag_ms: float
    drift_ppm: float | None
    drift_ms: float | None
    silences: list[Silence]


def measure(
    late: npt.NDArray[np.float64], arrivals: npt.NDArray[np.int64], anchors: Sequence[int], seqs: Integers
) -> InputPace:
    """Measure the pace of a stream.

    Args:
        late: for each append, nanoseconds from where the stream places it, if it began at time 0 and never paused, to
            its arrival.
        arrivals: when each came, in nanoseconds.
        anchors: the appends that begin a run, in order: 0, and one after each pause.
        seqs: the records.
    """
    starts = [*anchors, len(late)]
    lead = lag = 0.0
    silences: list[Silence] = []
    before = 0.0
    for first, stop in pairwise(starts):
        shift = float(late[first])
        lead = max(lead, shift - float(late[first:stop].min()))
        lag = max(lag, float(late[first:stop].max()) - shift)
        if first:
            # The stream before the pause ended where the one after it would have begun without one.
            ended = int(arrivals[first]) - round(shift - before)
            silences.append(Silence(int(seqs[first]), ended, int(arrivals[first])))
        before = shift
    first, stop = max(pairwise(starts), key=lambda run: int(arrivals[run[1] - 1] - arrivals[run[0]]))
    took = int(arrivals[stop - 1] - arrivals[first])
    slower = _drift(late[first:stop], arrivals[first:stop]) if took >= DRIFT_FROM_NS else None
    return InputPace(
        round(lead / 1e6, 3),
        round(lag / 1e6, 3),
        None if slower is None else round(-slower * 1e6, 1),
        None if slower is None else round(-slower * took / 1e6, 3),
        silences,
    )


def _drift(late: npt.NDArray[np.float64], arrivals: npt.NDArray[np.int64]) -> float | None:
    """How much slower the stream runs than the clock, as a part of it.

    Messages are delayed, never early: the least delayed ones of the first and last tenth are compared.
    """
    tenth = len(late) // 10
    if tenth < 5:
        return None
    first, last = int(late[:tenth].argmin()), len(late) - tenth + int(late[-tenth:].argmin())
    apart = int(arrivals[last] - arrivals[first])
    return float(late[last] - late[first]) / apart if apart > 0 else None
