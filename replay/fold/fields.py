"""Read fields of events that may hold any JSON value."""

from __future__ import annotations

from typing import Any, cast

__all__ = ["Json", "integer", "members", "number", "objects", "string"]

Json = dict[str, Any]


def string(fields: Json, key: str) -> str | None:
    """The string under a key; None where there is none."""
    value = fields.get(key)
    return value if isinstance(value, str) else None


def integer(fields: Json, key: str) -> int | None:
    """The integer under a key, also where it was written as ``3.0``; None where there is none."""
    value = fields.get(key)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return int(value) if isinstance(value, float) and value.is_integer() else None


def number(fields: Json, key: str) -> float | None:
    """The number under a key; None where there is none."""
    value = fields.get(key)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def members(fields: Json, key: str) -> Json:
    """The object under a key; an empty one where there is none."""
    value = fields.get(key)
    return cast("Json", value) if isinstance(value, dict) else {}


def objects(fields: Json, key: str) -> list[Json | None]:
    """The list under a key, with None where a value is no object; empty where there is no list."""
    value = fields.get(key)
    if not isinstance(value, list):
        return []
    return [cast("Json", each) if isinstance(each, dict) else None for each in cast("list[Any]", value)]
