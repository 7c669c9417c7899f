"""The cases of ``verified.md``: each with its right value, and the tests that hold it."""

from __future__ import annotations

from typing import Final

from tests.cases import CASES, tests_of

from .markdown import code, table

__all__ = ["section"]

_HEAD: Final = """
## Inputs after public reports

Small inputs whose right value was written down before they were tried. Most follow bug reports and documents of other
projects, with their shapes and orders of events and invented words; the others are synthetic calls. Each is in
`tests/cases`, and the tests named beside it hold it to its right value. Where no reading is named, it is `heard`.

"""


def section() -> str:
    """The section with the table."""
    held = tests_of()
    head = ["input", "after", "right value", "held by"]
    rows = [[code(name), case.after, case.right, _tests(held.get(name, []))] for name, case in CASES.items()]
    return _HEAD + table(head, rows)


def _tests(found: list[str]) -> str:
    return ", ".join(code(name.rpartition("::")[2]) for name in found) or "**nothing**"
