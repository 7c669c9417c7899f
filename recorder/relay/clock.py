"""The time of one session: how long it has been open, and what is due when."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic_ns

__all__ = ["SessionClock"]


class SessionClock:
    """Counts from the moment it is made, and runs a session's timers."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._opened_ns = monotonic_ns()

    def now(self) -> int:
        """Return the monotonic nanoseconds since the session opened."""
        return monotonic_ns() - self._opened_ns

    def start(self, name: str, seconds: float, action: Callable[[], None]) -> None:
        """Call ``action`` after so many seconds, unless a timer of that name is running."""
        if name not in self._timers:
            self._timers[name] = self._loop.call_later(seconds, self._due, name, action)

    def _due(self, name: str, action: Callable[[], None]) -> None:
        del self._timers[name]
        action()

    def stop(self) -> None:
        """Stop all timers."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
