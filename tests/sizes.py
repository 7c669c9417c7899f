"""How large a test runs: ``make test`` is small, ``.ci/run`` is ci, ``make soak`` is soak."""

from __future__ import annotations

import os
from typing import TypeVar

T = TypeVar("T")

SIZE = os.environ.get("EARWITNESS_TEST_SIZE", "small")
if SIZE not in ("small", "ci", "soak"):
    raise RuntimeError(f"EARWITNESS_TEST_SIZE is {SIZE!r}; it is one of small, ci, soak")


def pick(small: T, ci: T, soak: T) -> T:
    """The value for the size of this run."""
    return {"small": small, "ci": ci, "soak": soak}[SIZE]
