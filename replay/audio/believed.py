"""Which of the stated times can be believed, where a clock stepped back or jumped.

Browsers log with the wall clock, which is set while they run; logs are merged out of order; a time in other units is
off by powers of ten. A session goes on in the order of its records all the same, so its times must not fall: the
fewest possible are disbelieved until they do not, and each of those takes the last one before it that is believed.
"""

from __future__ import annotations

from bisect import bisect_right

import numpy as np
import numpy.typing as npt

from ..times import JUMP_NS

__all__ = ["Times", "believed"]

Times = npt.NDArray[np.int64]


def believed(stated: Times) -> Times | None:
    """Return times that never fall, nor jump by more than a day; None if the stated ones are like that.

    A time before the opening counts as 0, here and by the caller.

    Args:
        stated: nanoseconds since the session opened, in the order of the records; any 64-bit integers.
    """
    if not len(stated):
        return None
    falls = bool((stated[1:] < stated[:-1]).any())
    if not falls and stated[0] >= -1 and stated[-1] <= JUMP_NS:  # -1: no time, and the next one is not below it
        return None
    plain = times = np.maximum(stated, 0)
    if falls:
        times = _rising(times)
    steps = np.diff(times, prepend=0)
    jumps = steps > JUMP_NS
    if jumps.any():
        steps[jumps] = 0
        times = np.cumsum(steps)
    return None if np.array_equal(times, plain) else times


def _rising(times: Times) -> Times:
    """Keep a longest run of times that never fall; each of the others becomes the one before it that was kept."""
    smallest: list[int] = []  # the smallest last time of a run of each length, and where it stands
    places: list[int] = []
    before = np.full(len(times), -1, np.int64)
    for place, time in enumerate(times.tolist()):
        length = bisect_right(smallest, time)
        if length:
            before[place] = places[length - 1]
        if length == len(smallest):
            smallest.append(time)
            places.append(place)
        else:
            smallest[length], places[length] = time, place
    kept = np.zeros(len(times), bool)
    place = places[-1]
    while place >= 0:
        kept[place] = True
        place = int(before[place])
    first = int(np.argmax(kept))
    return times[np.maximum(np.maximum.accumulate(np.where(kept, np.arange(len(times)), 0)), first)]
