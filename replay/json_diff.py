"""Where two JSON values differ, and which are too deep to be looked into."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any, Final, cast

from .fold.folder import DEEPEST
from .matching import same_number

__all__ = ["json_differences", "too_deep"]

_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
_BRACKET: Final = re.compile(r"[\[\]{}]")


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
    """Whether a JSON text nests deeper than the fold reads: whoever recurses over its value leaves it alone."""
    if text.count("[") + text.count("{") <= DEEPEST:
        return False
    depth = deepest = 0
    for bracket in _BRACKET.findall(_STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    return deepest > DEEPEST
