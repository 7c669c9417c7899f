"""A JSON text laid out for reading."""

from __future__ import annotations

import json
from typing import Any, Final, cast

__all__ = ["pretty"]

_COLUMNS: Final = 88


class _Changed(ValueError):
    """A JSON text that would not come out of a parser as it went in."""


def pretty(text: str) -> str:
    """Lay a JSON text out in lines of at most :data:`_COLUMNS`; return as it is what is not JSON or would change."""

    def number(literal: str) -> float:
        value = float(literal)
        if repr(value) != literal:
            raise _Changed
        return value

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) != len(pairs):
            raise _Changed
        return value

    try:
        value = json.loads(text, parse_float=number, object_pairs_hook=members)
        return _laid_out(value, "", 0) if isinstance(value, dict | list) else text
    except (ValueError, RecursionError):
        return text


def _laid_out(value: Any, indent: str, taken: int) -> str:
    """A value as JSON: in one line where that fits behind ``taken`` columns, else a line for each member."""
    line = json.dumps(value, ensure_ascii=False)
    if len(indent) + taken + len(line) <= _COLUMNS or not isinstance(value, dict | list) or not value:
        return line
    inner = f"{indent}  "
    if isinstance(value, dict):
        named = (
            (f"{json.dumps(key, ensure_ascii=False)}: ", each) for key, each in cast("dict[str, Any]", value).items()
        )
        lines = [f"{inner}{name}{_laid_out(each, inner, len(name))}" for name, each in named]
        return "\n".join(("{", ",\n".join(lines), f"{indent}}}"))
    lines = [f"{inner}{_laid_out(each, inner, 0)}" for each in cast("list[Any]", value)]
    return "\n".join(("[", ",\n".join(lines), f"{indent}]"))
