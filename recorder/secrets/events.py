"""Secrets in the messages of a session: finding them, and taking them out of what is recorded.

Pure. The value is replaced where it stands and every other byte stays; the wire carries the original. Most messages
are audio and deltas, which hold no secrets: for them the check is one look at the type.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from ...schemas.errors import RequestError
from ...schemas.frame import Sender
from ...schemas.paths import Pattern, parse_path
from .headers import is_secret_name, redact_authorization, redact_urls
from .markers import Marker
from .spans import Node, parse_spans, walk

__all__ = ["EventRedactor", "hide_fragments", "parse_secret_path"]

_HARMLESS_ENDS: Final = (".delta", ".append")
_NEEDLES: Final = (b"client_secret", b"uthorization", b"headers", b"server_url")
_HEAD: Final = 8
"""Official servers repeat up to eight characters of a key's start in an error text."""
_TAIL: Final = 4
"""And four of its end."""
_MAX_SECRETS: Final = 64
_FALLBACK: Final = re.compile(
    rb'("(?:client_secret|authorization|Authorization)"\s*:\s*(?:\{[^{}]*?"value"\s*:\s*)?")([^"\\]*(?:\\.[^"\\]*)*)'
)
_IDENTIFIERS: Final = re.compile(r"type|code|id|.*_id")


def parse_secret_path(text: str) -> Pattern:
    """Parse a path of values to take out of messages.

    Raises:
        RequestError: the text is not a path, or names no key: messages are searched for its last key first.
    """
    path = parse_path(text)
    if not any(isinstance(step, str) for step in path):
        raise RequestError(
            f"{text!r} names no key.", hint="Write it like session.instructions or item.content[*].text."
        )
    return path


def hide_fragments(data: bytes, secrets: Iterable[str], marker: Marker) -> bytes:
    """Replace in a free text what repeats a secret: the whole, eight characters or more of its start, four of its end.

    A start and an end with only fill characters between them (``sk-abcde****wxyz``) become one marker.
    """
    for secret in secrets:
        if len(secret) < _HEAD:
            continue
        mark = marker.mark(secret).encode()
        for form in {secret, secret.replace("/", "\\/")}:
            data = _hide_one(data, form.encode("utf-8", "surrogatepass"), mark)
    return data


def _hide_one(data: bytes, secret: bytes, mark: bytes) -> bytes:
    spans: list[tuple[int, int]] = []
    for position in _occurrences(data, secret[:_HEAD]):
        length = _HEAD
        while length < len(secret) and data[position + length : position + length + 1] == secret[length : length + 1]:
            length += 1
        spans.append((position, position + length))
    for position in _occurrences(data, secret[-_TAIL:]):
        length = _TAIL
        while (
            length < len(secret)
            and position + _TAIL - length > 0
            and (data[position + _TAIL - length - 1] == secret[-length - 1])
        ):
            length += 1
        spans.append((position + _TAIL - length, position + _TAIL))
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and (start <= merged[-1][1] or not data[merged[-1][1] : start].strip(b"*.xX\xe2\x80\xa6\xc2\xb7")):
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return _replace(data, [(start, end, mark) for start, end in merged])


def _occurrences(data: bytes, needle: bytes) -> Iterable[int]:
    position = data.find(needle)
    while position >= 0:
        yield position
        position = data.find(needle, position + 1)


def _replace(data: bytes, edits: Sequence[tuple[int, int, bytes]]) -> bytes:
    """Replace byte ranges, given in ascending order and without overlaps."""
    if not edits:
        return data
    parts: list[bytes] = []
    position = 0
    for start, end, text in edits:
        parts += (data[position:start], text)
        position = end
    parts.append(data[position:])
    return b"".join(parts)


@dataclass(frozen=True, slots=True)
class _Edit:
    start: int
    end: int
    text: bytes
    path: str


class EventRedactor:
    """Takes secrets out of one session's messages.

    Args:
        marker: makes the markers.
        secrets: of the session's handshake; more are learned from its messages.
        paths: further values that the user wants out.
    """

    def __init__(self, marker: Marker, secrets: Iterable[str] = (), paths: Iterable[Pattern] = ()) -> None:
        self._marker = marker
        self._secrets: list[str] = []
        self._needles: tuple[bytes, ...] = ()
        for secret in secrets:
            self._learn(secret)
        self._paths = tuple(paths)
        self._path_needles = tuple(
            next(step for step in reversed(path) if isinstance(step, str)).encode() for path in self._paths
        )

    def _learn(self, secret: str) -> str:
        if len(secret) >= _HEAD and secret not in self._secrets and len(self._secrets) < _MAX_SECRETS:
            self._secrets.append(secret)
            self._needles += (secret.encode("utf-8", "surrogatepass"),)
        return self._marker.mark(secret)

    def __call__(self, payload: bytes, sender: Sender, type_: str | None) -> tuple[bytes, tuple[str, ...]]:
        """Return the payload to record, and the JSON paths of what was replaced.

        The path is ``$`` where the message is not JSON, or the secret is not in one string of it.
        """
        harmless = type_ is not None and type_.endswith(_HARMLESS_ENDS)
        if harmless and not any(map(payload.__contains__, self._path_needles)):
            return payload, ()
        paths: tuple[str, ...] = ()
        if (
            any(needle in payload for needle in _NEEDLES)
            or b'"error"' in payload
            or b"\\u00" in payload
            or any(needle in payload for needle in self._path_needles)
        ):
            payload, paths = self._by_structure(payload)
        if any(needle in payload for needle in self._needles):
            payload, more = self._by_bytes(payload)
            paths += more
        return payload, paths

    def hide(self, text: str) -> str:
        """Take fragments of the session's secrets out of a free text: a close reason, the body of a refusal."""
        return hide_fragments(text.encode(), self._secrets, self._marker).decode("utf-8", "replace")

    def _by_bytes(self, payload: bytes) -> tuple[bytes, tuple[str, ...]]:
        """Replace whole secrets wherever they stand; return their paths too."""
        tree = parse_spans(payload)
        strings = [node for node in walk(tree) if node.kind == "string"] if tree is not None else []
        paths = tuple(
            node.path for node in strings if any(needle in payload[node.start : node.end] for needle in self._needles)
        )
        for secret, needle in zip(self._secrets, self._needles, strict=True):
            if needle in payload:
                payload = payload.replace(needle, self._marker.mark(secret).encode())
        return payload, paths or ("$",)

    def _by_structure(self, payload: bytes) -> tuple[bytes, tuple[str, ...]]:
        tree = parse_spans(payload)
        if tree is None:
            return self._in_damaged(payload)
        edits: list[_Edit] = []
        for node in walk(tree):
            if node.kind == "object":
                self._in_object(payload, node, edits)
        for path in self._paths:
            edits += [self._whole(payload, node) for node in _select(tree, path)]
        self._in_errors(payload, tree, edits)
        edits.sort(key=lambda edit: (edit.start, -edit.end))
        kept: list[_Edit] = []
        for edit in edits:
            if not kept or edit.start >= kept[-1].end:
                kept.append(edit)
        return _replace(payload, [(e.start, e.end, e.text) for e in kept]), tuple(e.path for e in kept)

    def _in_damaged(self, payload: bytes) -> tuple[bytes, tuple[str, ...]]:
        """Redact a message that is not JSON, by the names that stand before secrets."""
        found = _FALLBACK.search(payload) is not None

        def hide(match: re.Match[bytes]) -> bytes:
            return match[1] + self._marker.mark(match[2].decode("utf-8", "replace")).encode()

        payload = _FALLBACK.sub(hide, payload)
        hidden = hide_fragments(payload, self._secrets, self._marker) if b"error" in payload else payload
        return hidden, ("$",) if found or hidden != payload else ()

    def _in_object(self, payload: bytes, node: Node, edits: list[_Edit]) -> None:
        for member in node.members:
            key = (member.key or "").lower()
            if key == "client_secret":
                edits += [self._whole(payload, leaf, learn=True) for leaf in walk(member) if leaf.kind == "string"]
            elif key == "authorization" and member.kind == "string":
                edits += self._partial(payload, member, redact_authorization)
            elif key == "headers" and member.kind in ("object", "array") and _is_mcp(payload, node):
                leaves = (leaf for leaf in walk(member) if not leaf.members and leaf.kind in ("string", "scalar"))
                edits += [
                    self._whole(payload, leaf, learn=is_secret_name(leaf.key or ""))
                    for leaf in leaves
                    # The header of that name is met again as a member by itself, and keeps its scheme.
                    if payload[leaf.start : leaf.end] != b"null" and (leaf.key or "").lower() != "authorization"
                ]
            elif key == "server_url" and member.kind == "string":
                edits += self._partial(payload, member, redact_urls)

    def _in_errors(self, payload: bytes, tree: Node, edits: list[_Edit]) -> None:
        if not self._secrets:
            return
        kind = tree.get("type")
        whole = kind is not None and payload[kind.start : kind.end] == b'"error"'
        for top in walk(tree):
            if not (top.key == "error" or (whole and top is tree)):
                continue
            for node in walk(top):
                if node.kind != "string" or (node.key is not None and _IDENTIFIERS.fullmatch(node.key)):
                    continue
                text = payload[node.start : node.end]
                hidden = hide_fragments(text, self._secrets, self._marker)
                if hidden != text:
                    edits.append(_Edit(node.start, node.end, hidden, node.path))

    def _whole(self, payload: bytes, node: Node, *, learn: bool = False) -> _Edit:
        if node.kind == "string":
            # What is not surely a secret is replaced here, but not hunted for in the rest of the session.
            mark = (self._learn if learn else self._marker.mark)(node.text(payload))
        else:
            mark = self._marker.mark(payload[node.start : node.end].decode("utf-8", "replace"))
        return _Edit(node.start, node.end, f'"{mark}"'.encode(), node.path)

    def _partial(
        self, payload: bytes, node: Node, redact: Callable[[str, Callable[[str], str]], str]
    ) -> Iterable[_Edit]:
        text = node.text(payload)
        hidden = redact(text, self._learn)
        if hidden == text:
            return
        quoted = json.dumps(hidden, ensure_ascii=False).encode("utf-8", "surrogatepass")
        yield _Edit(node.start, node.end, quoted, node.path)


def _is_mcp(payload: bytes, node: Node) -> bool:
    """Whether an object is an MCP tool; elsewhere ``headers`` may be anything, such as a parameter of a function."""
    for member in node.members:
        if member.key in ("server_url", "server_label", "connector_id"):
            return True
        if member.key == "type" and payload[member.start : member.end] == b'"mcp"':
            return True
    return False


def _select(tree: Node, path: Pattern) -> list[Node]:
    nodes = [tree]
    for step in path:
        found: list[Node] = []
        for node in nodes:
            if isinstance(step, int):
                found += node.members[step : step + 1] if node.kind == "array" else []
            else:
                found += [member for member in node.members if step is None or member.key == step]
        nodes = found
    return nodes
