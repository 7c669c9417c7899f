"""Whether a session has the settings that an update asked for: only what both state as scalars can tell."""

from __future__ import annotations

from typing import Any, cast

from ...schemas.values import Json, members, same_scalar

__all__ = ["changed", "differs", "lacks"]


def differs(asked: Json, stated: Json) -> bool:
    """Whether a setting is stated otherwise than it was asked for, where both are scalars."""
    for name, wanted in asked.items():
        got = stated.get(name)
        if isinstance(wanted, dict):
            if isinstance(got, dict) and differs(cast("Json", wanted), cast("Json", got)):
                return True
        elif _scalar(wanted) and _scalar(got) and not same_scalar(wanted, got):
            return True
    return False


def changed(asked: Json, before: Json) -> Json:
    """What was asked for and was not so before: scalars, in their objects."""
    changes: Json = {}
    for name, wanted in asked.items():
        if isinstance(wanted, dict):
            inner = changed(cast("Json", wanted), members(before, name))
            if inner:
                changes[name] = inner
        elif _scalar(wanted) and not same_scalar(wanted, before.get(name)):
            changes[name] = wanted
    return changes


def lacks(changes: Json, stated: Json) -> bool:
    """Whether some of the changes are not stated."""
    return any(
        lacks(cast("Json", wanted), members(stated, name))
        if isinstance(wanted, dict)
        else not same_scalar(wanted, stated.get(name))
        for name, wanted in changes.items()
    )


def _scalar(value: Any) -> bool:
    return isinstance(value, str | int | float)
