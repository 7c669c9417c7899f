"""What an ``error`` says of the client event that it refuses, and whether a request fits that.

An error names its event, or a path in it (``param``), or speaks of it by code and message. Everything that it says must
hold of a request for the error to fit it: :meth:`Claims.fits`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, cast

from ...schemas.paths import Pattern, read_path, value_at
from ...schemas.values import Json, is_number, members, number, string
from .requests import Request

__all__ = ["APPEND", "FIELDS", "Claims", "read_claims"]

APPEND: Final = "input_audio_buffer.append"

FIELDS: Final[MappingProxyType[str, frozenset[str]]] = MappingProxyType(
    {
        "conversation.item.create": frozenset(("item", "previous_item_id")),
        "conversation.item.delete": frozenset(("item_id",)),
        "conversation.item.retrieve": frozenset(("item_id",)),
        "conversation.item.truncate": frozenset(("item_id", "content_index", "audio_end_ms")),
        APPEND: frozenset(("audio",)),
        "input_audio_buffer.clear": frozenset[str](),
        "input_audio_buffer.commit": frozenset[str](),
        "output_audio_buffer.clear": frozenset[str](),
        "response.cancel": frozenset(("response_id",)),
        "response.create": frozenset(("response",)),
        "session.update": frozenset(("session",)),
    }
)
"""The fields of the client's events: only where one belongs to an event can it be what the event lacks."""

_NO_REQUEST: Final = frozenset(("session_expired",))
"""Codes that speak of the session, and of no request."""

_CODES: Final = MappingProxyType(
    {
        "cannot_update_voice": "session.update",
        "conversation_already_has_active_response": "response.create",
        "invalid_audio": APPEND,
    }
)
"""What codes speak of."""

_CODES_BEGIN: Final = (
    ("input_audio_buffer_append_", APPEND),
    ("input_audio_buffer_clear_", "input_audio_buffer.clear"),
    ("input_audio_buffer_commit_", "input_audio_buffer.commit"),
    ("item_create_", "conversation.item.create"),
    ("item_delete_", "conversation.item.delete"),
    ("item_retrieve_", "conversation.item.retrieve"),
    ("item_truncate_", "conversation.item.truncate"),
    ("response_cancel_", "response.cancel"),
    ("response_create_", "response.create"),
    ("session_update_", "session.update"),
)
"""What codes speak of that begin so."""

_SENTENCES: Final = (
    (re.compile(r"already shorter than (?P<audio_end_ms>\d{1,15}(?:\.\d{1,9})?)\s*ms"), "conversation.item.truncate"),
    (re.compile(r"can be truncated"), "conversation.item.truncate"),
    (re.compile(r"already has an active response"), "response.create"),
    (re.compile(r"no active response"), "response.cancel"),
    (re.compile(r"buffer too small|committing input audio buffer"), "input_audio_buffer.commit"),
    (re.compile(r"Expected base64-encoded audio"), APPEND),
    (re.compile(r"Cannot update a (?:conversation|session)'s (?P<setting>\w+)"), "session.update"),
)
"""Sentences of messages, and what they speak of."""

_VERBS: Final = (
    (re.compile(r"\btruncat(?:e|ing)\b", re.IGNORECASE), "conversation.item.truncate"),
    (re.compile(r"\bdelet(?:e|ing)\b", re.IGNORECASE), "conversation.item.delete"),
    (re.compile(r"\bretriev(?:e|ing)\b", re.IGNORECASE), "conversation.item.retrieve"),
)
"""Words of messages. They count only where neither a code nor a path says more."""

_QUOTED: Final = re.compile(r"'([^']*)'")
_MISSING: Final = re.compile(r"\bmissing\b|\bis required\b", re.IGNORECASE)
_AT: Final = re.compile(r"(?:(?:Unknown|Missing required) parameter: |^Invalid (?:type for )?)'([^']+)'")
"""The path in a message, for servers that leave ``param`` out."""
_OFFENDING: Final = re.compile(r"Invalid value: '([^']*)'")
_GOT: Final = re.compile(r"but got (?:(-?\d{1,15}(?:\.\d{1,15})?)\b|an? (\w+))")
_ID: Final = re.compile(r"(?:\b|_)id:? ['\"`]([^'\"`]+)['\"`]", re.IGNORECASE)
_KINDS: Final[MappingProxyType[str, type | tuple[type, ...]]] = MappingProxyType(
    {
        "array": list,
        "boolean": bool,
        "decimal": (int, float),
        "integer": (int, float),
        "null": type(None),
        "number": (int, float),
        "object": dict,
        "string": str,
    }
)
_ABSENT: Final = object()


@dataclass(frozen=True, slots=True)
class Claims:
    """What an error says of the request that it refuses.

    Attributes:
        kind: the request's type; None where it is not said.
        path: the place in it; empty where none is said.
        lacking: whether the place is said to be missing, rather than what is there to be wrong.
        offending: the value there, a string or a number, as the message repeats it.
        json_type: the type of the value there, as the message calls it.
        setting: the setting of the session that the update states.
        audio_end_ms: where it cuts.
        item_id: an id that it names or gives.
        nobodys: whether it is said to be about no request.
        message: the whole message, for what else it quotes.
    """

    kind: str | None
    path: Pattern
    lacking: bool
    offending: str | float | None
    json_type: str | None
    setting: str | None
    audio_end_ms: float | None
    item_id: str | None
    nobodys: bool
    message: str

    @property
    def about_appends(self) -> bool:
        """Whether it can only be about appended audio."""
        return self.kind == APPEND or (
            bool(self.path) and [kind for kind, fields in FIELDS.items() if self.path[0] in fields] == [APPEND]
        )

    @property
    def subject(self) -> bool:
        """Whether anything is said by which a request can be told, besides a path."""
        return self.kind is not None or self.item_id is not None

    def fits(self, request: Request) -> bool:
        """Whether all that is said holds of a request."""
        return (
            not self.nobodys
            and self.kind in (None, request.type)
            and (not self.path or self._fits_path(request))
            and (self.setting is None or _states(members(request.event, "session"), self.setting))
            and (self.audio_end_ms is None or _near(number(request.event, "audio_end_ms"), self.audio_end_ms))
            and (self.item_id is None or self._names_item(request))
        )

    def quotes(self, request: Request) -> bool:
        """Whether the message repeats an id of the request, or its value at the path."""
        value = value_at(request.wire, self.path) if self.path and not self.lacking else None
        quoted = {*_QUOTED.findall(self.message)}
        return (isinstance(value, str) and value in quoted) or any(id_ in quoted for id_ in _ids(request))

    def _fits_path(self, request: Request) -> bool:
        value = value_at(request.wire, self.path, _ABSENT)
        if self.lacking:
            if value is not _ABSENT and value is not None:
                return False
            if len(self.path) == 1:
                return self.path[0] in FIELDS.get(request.type, ())
            parent = value_at(request.wire, self.path[:-1])
            return isinstance(parent, list if isinstance(self.path[-1], int) else dict)
        if value is _ABSENT:
            return False
        if isinstance(self.offending, str):
            return value == self.offending
        if self.offending is not None:
            return is_number(value) and value == self.offending
        kind = None if self.json_type is None else _KINDS.get(self.json_type)
        return kind is None or isinstance(value, kind)

    def _names_item(self, request: Request) -> bool:
        named = [*_ids(request)]
        # A cancel need not name the response that it stops.
        return self.item_id in named or (request.type == "response.cancel" and not named)


def read_claims(error: Json) -> Claims:
    """Read what an error says.

    Args:
        error: the ``error`` member of the event.
    """
    code, message = string(error, "code") or "", string(error, "message") or ""
    at = _AT.search(message)
    path = read_path(string(error, "param") or (at[1] if at is not None else "")) or ()
    kind, facts = _kind(code, message, with_path=bool(path))
    offending, got = _OFFENDING.search(message), _GOT.search(message)
    value: str | float | None = None
    if offending is not None:
        value = offending[1]
    elif got is not None and got[1] is not None:
        value = float(got[1])
    item_id = _ID.search(message)
    end = facts.get("audio_end_ms")
    return Claims(
        kind=kind,
        path=path,
        lacking=code.startswith("missing_") or _MISSING.search(message) is not None,
        offending=value,
        json_type=got[2] if got is not None else None,
        setting="voice" if code == "cannot_update_voice" else facts.get("setting"),
        audio_end_ms=None if end is None else float(end),
        item_id=None if item_id is None else item_id[1],
        nobodys=code in _NO_REQUEST,
        message=message,
    )


def _kind(code: str, message: str, *, with_path: bool) -> tuple[str | None, dict[str, str]]:
    """The type of request that an error speaks of, with what else the sentence says of it."""
    by_code = _CODES.get(code) or next((kind for begin, kind in _CODES_BEGIN if code.startswith(begin)), None)
    for words, kind in _SENTENCES:
        match = words.search(message)
        if match is not None and by_code in (None, kind):
            return kind, match.groupdict()
    if by_code is not None or with_path:
        return by_code, {}
    said = _QUOTED.sub("", message)
    return next((kind for words, kind in _VERBS if words.search(said)), None), {}


def _states(settings: Json, name: str) -> bool:
    """Whether settings state one of that name, at any depth of their objects."""
    return name in settings or any(
        _states(cast("Json", value), name) for value in settings.values() if isinstance(value, dict)
    )


def _near(value: float | None, stated: float) -> bool:
    return value is not None and abs(value - stated) < 1


def _ids(request: Request) -> Iterator[str]:
    """The ids that a request gives or names."""
    event, item = request.event, members(request.event, "item")
    values: tuple[Any, ...] = (
        event.get("item_id"),
        event.get("previous_item_id"),
        event.get("response_id"),
        item.get("id"),
        item.get("call_id"),
        item.get("approval_request_id"),
    )
    return (value for value in values if isinstance(value, str))
