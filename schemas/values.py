"""Read fields of events that may hold any JSON value."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any, Final, cast

__all__ = [
    "DEEPEST",
    "Json",
    "integer",
    "json_differences",
    "members",
    "number",
    "objects",
    "same_number",
    "string",
    "too_deep",
]

Json = dict[str, Any]

DEEPEST: Final = 100
"""Deeper nesting of JSON is not read: nothing of the protocol needs it, and every later step may recurse."""


def string(fields: Json, key: str) -> str | None:
    """Return the string under a key; None for anything else."""
    value = fields.get(key)
    return value if isinstance(value, str) else None


def integer(fields: Json, key: str) -> int | None:
    """Return the integer under a key, also if written as ``3.0``; None for anything else."""
    value = fields.get(key)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return int(value) if isinstance(value, float) and value.is_integer() else None


def number(fields: Json, key: str) -> float | None:
    """Return the number under a key; None for anything else."""
    value = fields.get(key)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def members(fields: Json, key: str) -> Json:
    """Return the object under a key; an empty one for anything else."""
    value = fields.get(key)
    return cast("Json", value) if isinstance(value, dict) else {}


def objects(fields: Json, key: str) -> list[Json | None]:
    """Return the list of objects under a key, with None for other values; empty if it is not a list."""
    value = fields.get(key)
    if not isinstance(value, list):
        return []
    return [cast("Json", each) if isinstance(each, dict) else None for each in cast("list[Any]", value)]


_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
_BRACKET: Final = re.compile(r"[\[\]{}]")


def same_number(left: float, right: float) -> bool:
    """Whether two numbers mean the same: equal, or equal in single precision (0.8 and 0.800000011920929)."""
    if left == right:
        return True
    try:
        return struct.pack("<f", left) == struct.pack("<f", right) and not _whole(left, right)
    except (OverflowError, struct.error):
        return False


def _whole(left: float, right: float) -> bool:
    return isinstance(left, int) and isinstance(right, int)


def json_differences(left: Any, right: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield each smallest place where two JSON values differ: path, left, right.

    Absent is null, and numbers that are equal in single precision are equal. Paths are written ``a.b[0].c``; that of
    the value itself is ``path``. It recurses: see :func:`too_deep`.
    """
    if isinstance(left, dict) and isinstance(right, dict):
        ours, theirs = cast("dict[str, Any]", left), cast("dict[str, Any]", right)
        for key in (*ours, *(key for key in theirs if key not in ours)):
            yield from json_differences(ours.get(key), theirs.get(key), f"{path}.{key}" if path else key)
    elif isinstance(left, list) and isinstance(right, list):
        elements = zip_longest(cast("list[Any]", left), cast("list[Any]", right))
        for index, (one, other) in enumerate(elements):
            yield from json_differences(one, other, f"{path}[{index}]")
    elif not _same(left, right):
        yield path, left, right


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, (int, float)) and isinstance(right, (int, float)):
        return same_number(left, right)
    return type(left) is type(right) and left == right


def too_deep(text: str) -> bool:
    """Whether a JSON text nests deeper than the fold reads; such values must not be recursed over."""
    if text.count("[") + text.count("{") <= DEEPEST:
        return False
    depth = deepest = 0
    for bracket in _BRACKET.findall(_STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    return deepest > DEEPEST
