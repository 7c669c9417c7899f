"""For values that may be absent, where the test says that this one is not."""

from __future__ import annotations

from typing import TypeVar

T = TypeVar("T")


def present(value: T | None) -> T:
    """Return the value; fail if it is None."""
    assert value is not None
    return value
