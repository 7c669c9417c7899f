"""Small pieces of Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

__all__ = ["code", "from_docstring", "table"]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table; pipes in cells are escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def code(text: str) -> str:
    """Write text in code style; an empty text stays empty."""
    return f"`{text}`" if text else ""


def from_docstring(text: str | None) -> str:
    """Write a docstring as one paragraph of Markdown."""
    joined = " ".join((text or "").split())
    return re.sub(r"``(.+?)``", r"`\1`", joined)
