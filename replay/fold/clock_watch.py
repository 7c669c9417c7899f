"""Watches the stated times of a session: a clock that steps back or jumps is a problem of its own, listed once each."""

from __future__ import annotations

from ...schemas.frame import NS_PER_MS
from ...schemas.state import Problem
from ..times import JUMP_NS

__all__ = ["ClockWatch"]


class ClockWatch:
    """Names where a session's clock first stepped back, and where it first jumped, with how often it did.

    Args:
        problems: where it lists them.
    """

    def __init__(self, problems: list[Problem]) -> None:
        self._problems = problems
        self._found: dict[str, tuple[Problem, int, int]] = {}
        self._last_ns = 0

    def fell(self, seq: int, by_ns: int) -> None:
        """Take it that a record's time is before that of the record before it, or before the opening."""
        self._note("the clock steps back", seq, by_ns)

    def look(self, seq: int, ns: int) -> None:
        """Take the time of an event that is not one of thousands, in order: between two of them a clock may jump."""
        if ns - self._last_ns > JUMP_NS:
            self._note("the clock jumps ahead", seq, ns - self._last_ns)
        self._last_ns = ns

    def _note(self, what: str, seq: int, by_ns: int) -> None:
        problem, count, most = self._found.get(what) or (Problem(seq, "clock"), 0, 0)
        if not count:
            self._problems.append(problem)
        count, most = count + 1, max(most, by_ns)
        problem.detail = f"{what} by {_text(most)}" if count == 1 else f"{what} {count} times, by up to {_text(most)}"
        self._found[what] = problem, count, most


def _text(ns: int) -> str:
    if ns >= JUMP_NS:
        return f"{ns // JUMP_NS} days"
    return f"{ns / NS_PER_MS:g} ms" if ns < 1000 * NS_PER_MS else f"{ns / NS_PER_MS / 1000:g} s"
