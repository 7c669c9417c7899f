"""When a recorded frame is due: recorded gaps kept, scaled, or left out."""

from __future__ import annotations

import math
from typing import Final

from ...schemas.errors import RequestError
from ..times import JUMP_NS

__all__ = ["MAX_SPEED", "Pacer", "parse_speed"]

MAX_SPEED: Final = math.inf
"""No gaps at all: a frame is due as soon as nothing else holds it."""


def parse_speed(stated: float | str) -> float:
    """Read ``max`` or a positive number: ``1`` as recorded, ``2`` twice as fast.

    Raises:
        RequestError: it is neither.
    """
    if stated == MAX_SPEED or (isinstance(stated, str) and stated.strip().lower() == "max"):
        return MAX_SPEED
    try:
        speed = float(stated)
    except (TypeError, ValueError):
        speed = math.nan
    if not (speed > 0 and math.isfinite(speed)):
        raise RequestError(
            f"{stated!r} is not a speed.", hint="Give `max`, or a positive number such as 1 or 2.5.", speed=stated
        )
    return speed


class Pacer:
    """Due times for frames in recorded order, on the caller's clock.

    A frame is due its recorded gap after what came before it: the frame before, or a cause that arrived later. The gap
    counts from the *due* time of the frame before, not from when it was sent, so delays do not add up. Where the
    recorded clock stepped back or jumped (:data:`~earwitness.replay.times.JUMP_NS`), there is no gap.

    Args:
        speed: recorded seconds per second; :data:`MAX_SPEED` leaves gaps out.
        start_ns: when the session began on the caller's clock. The recording's offset 0 belongs to it.
    """

    __slots__ = ("_due_ns", "_offset_ns", "_speed")

    def __init__(self, speed: float, start_ns: int) -> None:
        self._speed = speed
        self._due_ns = start_ns
        self._offset_ns: int | None = 0

    def due(self, offset_ns: int | None, *, ready_ns: int | None = None, cause_ns: int | None = None) -> int:
        """Return the time at which a frame is due.

        Args:
            offset_ns: its recorded offset; None where the recording has no clock, which makes the gap 0.
            ready_ns: when its causes were met, on the caller's clock; None where they were before it was its turn.
            cause_ns: recorded offset of its last cause; None without one or without a clock.
        """
        ready = self._due_ns if ready_ns is None else max(self._due_ns, ready_ns)
        if self._speed == MAX_SPEED or offset_ns is None:
            return ready
        known = [value for value in (self._offset_ns, cause_ns) if value is not None]
        gap = max(0, offset_ns - max(known)) if known else 0
        gap = gap if gap <= JUMP_NS else 0
        return ready + round(gap / self._speed)

    def sent(self, offset_ns: int | None, due_ns: int) -> None:
        """Note that the frame with that offset was due then and is gone."""
        self._due_ns = due_ns
        if offset_ns is not None:
            self._offset_ns = offset_ns
