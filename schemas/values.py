"""JSON values: fields that may hold anything, whether two values are the same, and where they differ."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Final, TypeGuard, cast

from .paths import Path

__all__ = [
    "DEEPEST",
    "TOO_DEEP",
    "Comparison",
    "Json",
    "integer",
    "is_number",
    "members",
    "number",
    "objects",
    "same_json",
    "same_scalar",
    "string",
    "texts_in",
    "too_deep",
]

Json = dict[str, Any]

# Fields


def string(fields: Json, key: str) -> str | None:
    """Return the string under a key, or None."""
    value = fields.get(key)
    return value if isinstance(value, str) else None


def integer(fields: Json, key: str) -> int | None:
    """Return the integer under a key, also if it is written as ``3.0``, or None."""
    value = fields.get(key)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return int(value) if isinstance(value, float) and value.is_integer() else None


def number(fields: Json, key: str) -> float | None:
    """Return the number under a key, or None."""
    value = fields.get(key)
    return value if is_number(value) else None


def members(fields: Json, key: str) -> Json:
    """Return the object under a key, or an empty one."""
    value = fields.get(key)
    return cast("Json", value) if isinstance(value, dict) else {}


def objects(fields: Json, key: str) -> list[Json | None]:
    """Return the list under a key, with None for elements that are not objects, or an empty list."""
    value = fields.get(key)
    if not isinstance(value, list):
        return []
    return [cast("Json", each) if isinstance(each, dict) else None for each in cast("list[Any]", value)]


def texts_in(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Yield the strings in a JSON value, each with the key that it stands under; in a list, with the list's."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, dict):
        for name, each in cast("Json", value).items():
            yield from texts_in(each, name)
    elif isinstance(value, list):
        for each in cast("list[Any]", value):
            yield from texts_in(each, key)


# Depth

DEEPEST: Final = 100
"""Deeper nesting is not read: nothing in the protocol needs it, and what comes later may recurse."""

TOO_DEEP: Final = f"nested deeper than {DEEPEST} levels"
"""What is said of it, wherever it is refused or listed."""


def too_deep(value: Any) -> bool:
    """Whether lists and objects are nested deeper than :data:`DEEPEST`. It does not recurse."""
    level: list[Any] = [value]
    for _ in range(DEEPEST):
        inner: list[Any] = []
        for each in level:
            if isinstance(each, dict):
                inner.extend(cast("Json", each).values())
            elif isinstance(each, list):
                inner.extend(cast("list[Any]", each))
        level = [each for each in inner if isinstance(each, dict | list)]
        if not level:
            return False
    return True


# Comparison


def is_number(value: Any) -> TypeGuard[float]:
    """Whether a value is a number; true and false are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def same_scalar(left: Any, right: Any) -> bool:
    """Whether two strings, numbers, booleans or nulls are the same.

    Numbers are if they are equal, or equal in single precision and not both integers: 0.8 and 0.800000011920929.
    """
    if not is_number(left) or not is_number(right):
        return type(left) is type(right) and left == right
    if left == right:
        return True
    try:
        same = struct.pack("<f", left) == struct.pack("<f", right)
    except (OverflowError, struct.error):
        return False
    return same and not (isinstance(left, int) and isinstance(right, int))


@dataclass(frozen=True, slots=True)
class Comparison:
    """What counts as a difference between two JSON values. Absent is null; the order of keys never counts.

    Attributes:
        empty_is_absent: whether an empty object or list is the same as none.
        members: called with the path of two objects and the objects; returns what of them is compared.
        same: called with the path of two values and the values; not for two objects, two lists or equal strings.
    """

    empty_is_absent: bool = False
    members: Callable[[Path, Json, Json], tuple[Json, Json]] = lambda path, left, right: (left, right)
    same: Callable[[Path, Any, Any], bool] = lambda path, left, right: same_scalar(left, right)

    def differences(self, left: Any, right: Any, path: Path = ()) -> Iterator[tuple[Path, Any, Any]]:
        """Yield each smallest place where two values differ: its path, left, right, in the order of the left one.

        It recurses: see :func:`too_deep`.
        """
        if self.empty_is_absent and (left is None) is not (right is None):
            left, right = _filled(left, right), _filled(right, left)
        if isinstance(left, dict) and isinstance(right, dict):
            ours, theirs = self.members(path, cast("Json", left), cast("Json", right))
            for key in (*ours, *(key for key in theirs if key not in ours)):
                one, other = ours.get(key), theirs.get(key)
                if not isinstance(one, str) or one != other:  # most leaves; it spares a generator for each
                    yield from self.differences(one, other, (*path, key))
        elif isinstance(left, list) and isinstance(right, list):
            for index, (one, other) in enumerate(zip_longest(cast("list[Any]", left), cast("list[Any]", right))):
                yield from self.differences(one, other, (*path, index))
        elif not self.same(path, left, right):
            yield path, left, right


def _filled(value: Any, other: Any) -> Any:
    """Null as an empty value of the other's kind."""
    if value is None:
        return {} if isinstance(other, dict) else [] if isinstance(other, list) else None
    return value


_LOOSE: Final = Comparison(empty_is_absent=True)


def same_json(left: Any, right: Any) -> bool:
    """Whether two JSON values are the same; null, absent and empty are."""
    return next(_LOOSE.differences(left, right), None) is None
