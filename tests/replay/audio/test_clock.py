"""The time of a record, by whatever clock the recording has."""

from __future__ import annotations

import numpy as np
from earwitness.replay.audio.clock import Clock
from earwitness.schemas.frame import Frame


def clock(*offsets: int | None, first: int | None = 0) -> Clock:
    made = Clock()
    opening = Frame(0, first, "open", "recorder", None, b"{}")
    made.read([opening, *(Frame(seq, ns, "text", "client", None, b"{}") for seq, ns in enumerate(offsets, 1))])
    return made


def test_a_record_has_its_own_time_or_that_of_the_last_one_before_it() -> None:
    made = clock(None, 50, None, None, 90)
    assert [made.at(seq) for seq in range(6)] == [0, 0, 50, 50, 50, 90]
    times = made.times(np.array([1, 3, 5]))
    assert times is not None
    assert times.tolist() == [0, 50, 90]


def test_a_record_behind_the_last_one_has_its_time() -> None:
    assert clock(10, 20).at(99) == 20


def test_the_opening_alone_is_no_clock() -> None:
    made = clock(None, None)
    assert not made.known
    assert made.times(np.array([1])) is None
    assert [made.at(seq) for seq in range(3)] == [0, 0, 0]


def test_without_times_the_length_of_what_was_sent_before_counts() -> None:
    made = clock(None, None, None, None)
    made.fall_back(np.array([1, 3]), np.array([20e6, 45e6]))
    assert [made.at(seq) for seq in range(5)] == [0, 0, 20_000_000, 20_000_000, 45_000_000]


def test_a_recording_with_times_needs_no_other_clock() -> None:
    made = clock(7, 8)
    made.fall_back(np.array([1]), np.array([1e9]))
    assert made.at(2) == 8
