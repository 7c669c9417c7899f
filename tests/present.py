"""For values that may be absent, where the test says that this one is not."""

from __future__ import annotations

from typing import TypeVar

T = TypeVar("T")


def present(value: T | None) -> T:
    """Give the value; fail where there is none."""
    assert value is not None
    return value
