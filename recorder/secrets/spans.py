"""JSON with positions: where in the bytes each value stands, so that one can be replaced and the rest stay as it is.

A reader for the few messages that may hold a secret, not a general parser: it takes what RFC 8259 allows (and is lax
about numbers), keeps duplicate keys, and does not recurse, however deep a message is nested.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

from ...schemas.frame import parse_json
from ...schemas.paths import Step, write_path

__all__ = ["Node", "parse_spans", "walk"]

_TOKEN: Final = re.compile(
    rb'[ \t\n\r]*(?:([{}\[\],:])|("[^"\\\x00-\x1f]*(?:\\.[^"\\\x00-\x1f]*)*")|(-?[0-9][0-9.eE+-]*|true|false|null))'
)
_SPACE: Final = re.compile(rb"[ \t\n\r]*")


@dataclass(slots=True, eq=False)
class Node:
    """A value and where it stands.

    Attributes:
        kind: what it is; ``scalar`` is a number, ``true``, ``false`` or ``null``.
        start: position of its first byte, the quote of a string included.
        end: position behind its last byte.
        parent: the object or array that it is in; None for the document itself.
        key: of the member that it is; None for an element of an array and the document itself.
        index: its place among its parent's members.
        members: values of an object or array, in order.
    """

    kind: Literal["object", "array", "string", "scalar"]
    start: int
    end: int
    parent: Node | None
    key: str | None
    index: int
    members: list[Node] = field(default_factory=list["Node"])

    @property
    def path(self) -> str:
        """Where it stands in the document, such as ``session.tools[0].headers``; empty for the document itself."""
        steps: list[Step] = []
        node = self
        while node.parent is not None:
            steps.append(node.index if node.key is None else node.key)
            node = node.parent
        return write_path(tuple(reversed(steps)))

    def text(self, data: bytes) -> str:
        """The value of a string."""
        return str(parse_json(data[self.start : self.end]))

    def get(self, key: str) -> Node | None:
        """The last member of that name."""
        return next((member for member in reversed(self.members) if member.key == key), None)


def parse_spans(data: bytes) -> Node | None:
    """Parse one JSON text; None where it is not one."""
    try:
        return _parse(data)
    except ValueError:
        return None


def walk(node: Node) -> Iterator[Node]:
    """Yield a value and everything in it, outer before inner."""
    pending = [node]
    while pending:
        current = pending.pop()
        yield current
        pending.extend(reversed(current.members))


def _parse(data: bytes) -> Node:
    position = 0
    stack: list[Node] = []
    key: str | None = None
    expect: Literal["value", "key", "colon", "next"] = "value"
    can_close = False
    root: Node | None = None
    while root is None or stack:
        match = _TOKEN.match(data, position)
        if match is None:
            raise ValueError("not JSON")
        position = match.end()
        mark, string, _ = match.groups()
        if expect == "key" and string is not None:
            key = str(parse_json(string))
            expect, can_close = "colon", False
        elif expect == "colon" and mark == b":":
            expect = "value"
        elif expect == "next" and mark == b",":
            expect, can_close = ("key" if stack[-1].kind == "object" else "value"), False
        elif mark in (b"}", b"]") and (expect == "next" or can_close):
            if stack[-1].kind != ("object" if mark == b"}" else "array"):
                raise ValueError("not JSON")
            stack.pop().end = position
            expect, can_close = "next", False
        elif expect == "value" and mark not in (b"}", b"]", b",", b":"):
            node = Node(
                "object" if mark == b"{" else "array" if mark == b"[" else "string" if string else "scalar",
                match.start(match.lastindex or 0),
                position,
                stack[-1] if stack else None,
                key,
                len(stack[-1].members) if stack else 0,
            )
            if stack:
                stack[-1].members.append(node)
            else:
                root = node
            key = None
            expect, can_close = "next", False
            if mark is not None:
                stack.append(node)
                expect, can_close = ("key" if mark == b"{" else "value"), True
        else:
            raise ValueError("not JSON")
    if _SPACE.fullmatch(data, position) is None:
        raise ValueError("not JSON")
    return root
