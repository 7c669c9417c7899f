r"""Paths of JSON values: ``session.tools[0].name``, in one notation for options, rules, records and reports.

A key follows a dot and an index stands in brackets. A key that is not a plain word is quoted, in brackets too:
``headers["X.Api Key"]``. A leading ``$`` is allowed and means nothing. In a pattern, ``*`` or ``[*]`` stands for any
one step: ``item.content[*].text``, ``session.*.format``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, cast

from .errors import RequestError

__all__ = ["Path", "PathRules", "Pattern", "Step", "parse_path", "read_path", "value_at", "write_path"]

Step = str | int
"""A key of an object, or an index of an array."""
Path = tuple[Step, ...]
Pattern = tuple[Step | None, ...]
"""A path in which None stands for any step."""

_STEP: Final = re.compile(r'\.?([^.\[\]"*]+)|\.?\[(\d+)\]|(?:\.?\*|\[\*\])|\[("(?:[^"\\]|\\.)*")\]')
_PLAIN: Final = re.compile(r"[^\W\d][\w$-]*|\$[\w$-]+")


def parse_path(text: str) -> Pattern:
    """Parse a path or pattern.

    Raises:
        RequestError: the text is not a path, or has no steps.
    """
    steps = read_path(text)
    if not steps:
        raise RequestError(
            f"{text!r} is not a JSON path.", hint="Write, for example, session.instructions or item.content[*].text."
        )
    return steps


def read_path(text: str) -> Pattern | None:
    """Parse a path or pattern that need not be one: None if the text is not, an empty path if it is empty."""
    rest = text.removeprefix("$")
    steps: list[Step | None] = []
    position = 0
    while position < len(rest):
        match = _STEP.match(rest, position)
        if match is None:
            return None
        position = match.end()
        key, index, quoted = match.groups()
        if quoted is not None:
            try:
                key = cast("str", json.loads(quoted))
            except ValueError:
                return None
        steps.append(int(index) if index is not None else key)
    return tuple(steps)


def write_path(path: Pattern) -> str:
    """Write a path so that :func:`parse_path` reads it back; the empty path is an empty text."""
    text = ""
    for step in path:
        if step is None:
            text += ".*" if text else "*"
        elif isinstance(step, int):
            text += f"[{step}]"
        elif _PLAIN.fullmatch(step) and (text or not step.startswith("$")):
            text += f".{step}" if text else step
        else:
            text += f"[{json.dumps(step, ensure_ascii=False)}]"
    return text


def value_at(value: Any, path: Pattern, default: Any = None) -> Any:
    """Return the value at a path, or ``default`` if the path leads nowhere."""
    for step in path:
        if isinstance(value, dict) and step in value:
            value = cast("dict[str, Any]", value)[cast("str", step)]
        elif isinstance(value, list) and isinstance(step, int) and step < len(cast("list[Any]", value)):
            value = cast("list[Any]", value)[step]
        else:
            return default
    return value


class PathRules:
    """Rules that hold for a path and everything below it, as users write them.

    A rule may begin with the kind of thing that the path is in, such as an event's type. A key of digits also matches
    an index: ``tools.0`` is ``tools[0]``. A text that is not a path matches nothing.

    Args:
        rules: patterns, or patterns with a value each.
        aliases: yields further places that a pattern means, less its kind.
    """

    def __init__(
        self,
        rules: Mapping[str, float] | tuple[str, ...],
        *,
        aliases: Callable[[Pattern], Iterable[Pattern]] = lambda pattern: (),
    ) -> None:
        stated = dict.fromkeys(rules, 0.0) if isinstance(rules, tuple) else rules
        self._rules = [(pattern, value) for text, value in stated.items() if (pattern := read_path(text))]
        self._aliases = aliases
        self._of_kind: dict[str, list[tuple[Pattern, float]]] = {}

    def find(self, path: Path, kind: str = "") -> float | None:
        """Return the value of the first rule for a path (0 for rules without values), or None."""
        if not self._rules:
            return None
        rules = self._of_kind.get(kind)
        if rules is None:
            rules = self._of_kind[kind] = list(self._less(tuple(kind.split("."))))
        for pattern, value in rules:
            if len(pattern) <= len(path) and all(map(_matches, pattern, path)):
                return value
        return None

    def _less(self, kind: Pattern) -> Iterator[tuple[Pattern, float]]:
        for pattern, value in self._rules:
            rest = pattern[len(kind) :] if pattern[: len(kind)] == kind else pattern
            for each in (rest, *self._aliases(rest)):
                yield each, value


def _matches(wanted: Step | None, step: Step) -> bool:
    return wanted is None or str(wanted) == str(step)
