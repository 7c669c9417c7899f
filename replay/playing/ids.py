"""Ids that the live client chose, put into the recorded frames that repeat them.

A recorded frame leaves byte for byte, but for the values of id fields (``id``, ``item_id``, ``previous_item_id``,
``call_id``, ``event_id``, …) whose recorded id stands for another one now, and for the values of ``metadata`` of a
response that the client asked for. Only these values change: not the key order, not the spacing, not the spelling of
anything else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Any, Final, Literal, cast

import orjson

from ...schemas.values import Json

__all__ = ["ID_KEYS", "IdMap", "IdMode", "collect_ids"]


IdMode = Literal["map", "fresh", "asis"]
"""``map``: as above. ``fresh``: server-made ids are made new for each connection, too. ``asis``: nothing changes."""

ID_KEYS: Final = (
    "id",
    "event_id",
    "item_id",
    "previous_item_id",
    "call_id",
    "response_id",
    "conversation_id",
    "client_event_id",
    "approval_request_id",
)

_KEYS: Final = "|".join(ID_KEYS)
_ANY_ID: Final = re.compile(rb'("(?:%s)"\s*:\s*")([^"\\]+)(")' % _KEYS.encode())
# A key inside a JSON text inside a string has a backslash before its closing quote, so it cannot match.
_METADATA: Final = re.compile(rb'"metadata"\s*:\s*(\{(?:[^{}"\\]|"(?:[^"\\]|\\.)*")*\})', re.DOTALL)
_PAIR: Final = re.compile(rb'("(?:[^"\\]|\\.)*"\s*:\s*)("(?:[^"\\]|\\.)*")', re.DOTALL)

_ATTEMPTS: Final = 50
_LOWER: Final = "abcdefghijklmnopqrstuvwxyz"
_HEX: Final = "0123456789abcdef"


class IdMap:
    """Two-way map between recorded and live ids of one connection.

    Args:
        mode: see :data:`IdMode`.
        nonce: what makes the fresh ids of one connection differ from another's; the same nonce gives the same ids.
        keep: ids that are not made new: what the recorded client itself brought into the session.
    """

    def __init__(self, mode: IdMode = "map", *, nonce: bytes = b"", keep: frozenset[str] = frozenset()) -> None:
        self.mode: IdMode = mode
        self._nonce = nonce
        self._keep = keep
        self._live: dict[str, str] = {}
        self._recorded: dict[str, str] = {}
        self._pattern: re.Pattern[bytes] | None = None
        self._stale = False
        self._metadata: dict[str, dict[str, str]] = {}

    def bind(self, recorded: str, live: str) -> None:
        """Let a live id stand for a recorded one. The first binding of a recorded id holds."""
        if self.mode == "asis" or recorded in self._live:
            return
        self._live[recorded] = live
        self._recorded[live] = recorded
        if recorded != live:
            self._stale = True

    def bind_metadata(self, response_id: str, recorded: Any, live: Any) -> None:
        """Let the live values of a response's metadata stand for the recorded ones."""
        if self.mode == "asis" or not isinstance(recorded, dict) or not isinstance(live, dict):
            return
        changed = {
            key: cast("Json", live)[key]
            for key, value in cast("Json", recorded).items()
            if isinstance(cast("Json", live).get(key), str) and cast("Json", live)[key] != value
        }
        if changed:
            self._metadata[response_id] = changed

    def to_recorded(self, live: str) -> str:
        """Return the recorded id for a live one; the live one itself if nothing is known."""
        return self._recorded.get(live, live)

    def to_live(self, recorded: str) -> str:
        """Return the live id for a recorded one; mode ``fresh`` makes one if it has not been made yet."""
        live = self._live.get(recorded)
        if live is not None:
            return live
        if self.mode != "fresh" or recorded in self._keep:
            return recorded
        live = recorded
        for attempt in range(_ATTEMPTS):
            live = _alike(recorded, self._nonce + attempt.to_bytes(2, "big"))
            if live != recorded and live not in self._recorded:
                break
        else:  # short ids, of which few others exist, are told apart by their length
            live = f"{live}{len(self._recorded)}"
        self.bind(recorded, live)
        return live

    def rewrite(self, payload: bytes) -> bytes:
        """Return a recorded frame with live ids in place of recorded ones; the same object if nothing changes."""
        if self.mode == "fresh":
            return _ANY_ID.sub(self._replace, payload)
        changed = self._changed()
        if changed is not None:
            payload = changed.sub(self._replace, payload)
        return payload

    def rewrite_metadata(self, payload: bytes, response_id: str) -> bytes:
        """Return a frame about a response with the live client's metadata in it."""
        changed = self._metadata.get(response_id)
        if not changed:
            return payload
        found = _METADATA.search(payload)
        if found is None:
            return payload
        text = _PAIR.sub(lambda pair: _swap(pair, changed), found[1])
        return payload[: found.start(1)] + text + payload[found.end(1) :]

    @property
    def has_metadata(self) -> bool:
        """Whether any response has other metadata than recorded."""
        return bool(self._metadata)

    def _changed(self) -> re.Pattern[bytes] | None:
        if self._stale:
            self._stale = False
            ids = [re.escape(old.encode()) for old, new in self._live.items() if old != new]
            self._pattern = re.compile(rb'("(?:%s)"\s*:\s*")(%s)(")' % (_KEYS.encode(), b"|".join(ids)))
        return self._pattern

    def _replace(self, found: re.Match[bytes]) -> bytes:
        live = self.to_live(found[2].decode("utf-8", "surrogateescape"))
        return found[1] + _inner(live) + found[3]


def _inner(text: str) -> bytes:
    """Return the inside of a JSON string."""
    return orjson.dumps(text)[1:-1]


def _swap(pair: re.Match[bytes], changed: Mapping[str, str]) -> bytes:
    try:
        key = orjson.loads(pair[1].rstrip().removesuffix(b":").rstrip())
    except orjson.JSONDecodeError:
        return pair[0]
    return pair[1] + orjson.dumps(changed[key]) if key in changed else pair[0]


def _alike(recorded: str, nonce: bytes) -> str:
    """Make an id of the same shape: prefix, length, letters, digits and signs stay where they are."""
    prefix, mark, rest = recorded.rpartition("_")
    seed = blake2b(recorded.encode("utf-8", "surrogateescape"), key=nonce[:64], digest_size=32).digest()
    while len(seed) < len(rest):
        seed += blake2b(seed, digest_size=32).digest()
    hexadecimal = all(char in _HEX or char == "-" for char in rest)
    made = "".join(_letter(char, seed[index], hexadecimal=hexadecimal) for index, char in enumerate(rest))
    return prefix + mark + made


def _letter(char: str, byte: int, *, hexadecimal: bool) -> str:
    if hexadecimal and char in _HEX:
        return _HEX[byte % 16]
    if char.isdigit():
        return str(byte % 10)
    if char.isascii() and char.isalpha():
        letter = _LOWER[byte % 26]
        return letter.upper() if char.isupper() else letter
    return char


def collect_ids(value: Any, found: Callable[[str], None]) -> None:
    """Call ``found`` with every value of an id field in a JSON value."""
    if isinstance(value, dict):
        for key, inner in cast("Json", value).items():
            if isinstance(inner, str):
                if key in ID_KEYS:
                    found(inner)
            else:
                collect_ids(inner, found)
    elif isinstance(value, list):
        for inner in cast("list[Any]", value):
            collect_ids(inner, found)
