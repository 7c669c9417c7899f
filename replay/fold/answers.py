"""Pair what the server does with what the client asked for: by id, then by content, never by counting."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, Literal, cast

from ...schemas.values import Json, integer, members, string
from .requests import item_fingerprint
from .working import Request, State

__all__ = [
    "ACTIVE_RESPONSE",
    "answer_create",
    "answer_first",
    "answer_item_request",
    "answer_response",
    "find_cause",
    "names_item",
]


def answer_first(state: State, kind: str) -> Request | None:
    """Take the oldest open request of a type as answered: for answers that say nothing about which."""
    request = next(state.requests.of_type(kind), None)
    return None if request is None else state.requests.pop(request.seq)


def answer_item_request(state: State, kind: str, item_id: str, **same: int | None) -> Request | None:
    """Take the oldest open request of a type about an item as answered.

    Args:
        state: the working state.
        kind: the type of the request.
        item_id: the item that the answer names.
        **same: fields that must be equal, so far as the answer states them.
    """
    for request in state.requests.of_type(kind):
        if string(request.event, "item_id") == item_id and all(
            value is None or integer(request.event, key) == value for key, value in same.items()
        ):
            return state.requests.pop(request.seq)
    return None


def answer_create(state: State, item: Json) -> Request | None:
    """Take the ``conversation.item.create`` that an item on record comes from: by id, else by content."""
    item_id = string(item, "id")
    request = None if item_id is None else state.requests.create_of(item_id)
    if request is None:
        request = state.requests.create_of(item_fingerprint(item))
    return None if request is None else state.requests.pop(request.seq)


_ECHOED: Final[tuple[Callable[[Json], Any], ...]] = (
    lambda fields: fields.get("metadata"),
    lambda fields: fields.get("output_modalities"),
    lambda fields: fields.get("max_output_tokens"),
    lambda fields: members(members(fields, "audio"), "output").get("voice"),
)


def answer_response(state: State, response: Json, before_seq: int | None) -> Request | None:
    """Take the ``response.create`` that a new response comes from.

    The echo decides: metadata and configuration that the request stated and the response repeats differently rule it
    out. Of what is left the oldest counts.

    Args:
        state: the working state.
        response: the response object of ``response.created``, in canonical form.
        before_seq: a turn of the user that waits for a response since this seq; it comes first where it is older.
    """
    for request in state.requests.of_type("response.create"):
        asked = members(request.event, "response")
        if any(_contradicts(asked, response, read) for read in _ECHOED) or (
            response.get("metadata") and not asked.get("metadata")
        ):
            continue
        apart = asked.get("conversation") == "none"
        if apart and isinstance(response.get("conversation_id"), str):
            continue
        # A response to a user's turn has no metadata and is in the conversation.
        if before_seq is not None and before_seq < request.seq and not asked.get("metadata") and not apart:
            return None
        return state.requests.pop(request.seq)
    return None


def _contradicts(asked: Json, stated: Json, read: Callable[[Json], Any]) -> bool:
    wanted, got = read(asked), read(stated)
    if wanted is None or got is None:
        return False
    if isinstance(wanted, list) and isinstance(got, list):
        return _as_set(cast("list[Any]", wanted)) != _as_set(cast("list[Any]", got))
    if isinstance(got, dict) and not isinstance(wanted, dict):  # Azure answers a voice's name with an object
        got = cast("Json", got).get("name")
    return wanted != got


def _as_set(values: list[Any]) -> set[str]:
    return {value for value in values if isinstance(value, str)}


CauseBy = Literal["event_id", "param", "content", "order"]

_PATH_STEP: Final = re.compile(r"[^.\[\]]+|\[\d{1,9}\]")
ACTIVE_RESPONSE: Final = "conversation_already_has_active_response"
"""Where the client asked for nothing, it is the user's turn that gets no response: with ``interrupt_response: false``
voice detection "may fail to create a response if the model is already responding" (API reference, ``turn_detection``).
"""
_QUOTED: Final = re.compile(r"'([^']*)'")

_CODES: Final = {
    "conversation_already_has_active_response": "response.create",
    "response_cancel_not_active": "response.cancel",
    "input_audio_buffer_commit_empty": "input_audio_buffer.commit",
    "item_truncate_invalid_item_id": "conversation.item.truncate",
    "item_delete_invalid_item_id": "conversation.item.delete",
    "item_retrieve_invalid_item_id": "conversation.item.retrieve",
    "item_create_invalid_previous_item_id": "conversation.item.create",
    "item_create_duplicate_item_id": "conversation.item.create",
    "session_expired": "",
    "cannot_update_voice": "session.update",
}
"""What the error codes of the API speak of; an empty type: of no request at all."""

_MESSAGE_WORDS: Final = (
    (re.compile(r"already shorter than (?P<audio_end_ms>\d{1,15})\s*ms"), "conversation.item.truncate"),
    (re.compile(r"already has an active response"), "response.create"),
    (re.compile(r"no active response"), "response.cancel"),
    (re.compile(r"buffer too small|committing input audio buffer"), "input_audio_buffer.commit"),
    (re.compile(r"\btruncat(?:e|ing)\b", re.IGNORECASE), "conversation.item.truncate"),
    (re.compile(r"\bdelet(?:e|ing)\b", re.IGNORECASE), "conversation.item.delete"),
    (re.compile(r"\bretriev(?:e|ing)\b", re.IGNORECASE), "conversation.item.retrieve"),
)
"""What the messages of errors without a telling code speak of. The first words are what the API answers where the
audio is shorter than the cut that was asked for."""


def find_cause(state: State, error: Json) -> tuple[int, CauseBy] | None:
    """Find the client's event that an ``error`` answers.

    Returns:
        Its seq and how it was told; None where nothing points to one.
    """
    event_id = string(error, "event_id")
    if event_id is not None:
        seq = state.event_ids.get(event_id)
        if seq is None:
            seq = next((seq for known, seq in reversed(state.append_ids) if known == event_id), None)
        return None if seq is None else (seq, "event_id")
    requests = list(state.requests)
    by_param = _by_param(requests, string(error, "param"), string(error, "message") or "")
    if by_param is not None:
        return by_param.seq, "param"
    about = _about(string(error, "code"), string(error, "message") or "")
    if about is not None:
        kind, facts = about
        requests = [
            r
            for r in requests
            if r.type == kind and all(integer(r.event, key) == value for key, value in facts.items())
        ]
        # Of several the one whose item the message names; of those the last, because a second one is what fails.
        named = [r for r in requests if names_item(r.event, string(error, "message") or "")]
        return ((named[-1] if named else requests[0]).seq, "content") if requests else None
    if requests and string(error, "type") == "invalid_request_error":
        return requests[0].seq, "order"
    return None


def _by_param(requests: list[Request], param: str | None, message: str) -> Request | None:
    if param is None:
        return None
    values = [(request, _at_path(request.wire, param)) for request in requests]
    present = [(request, value) for request, value in values if value is not None]
    quoted = set(_QUOTED.findall(message))
    exact = [request for request, value in present if isinstance(value, str) and value in quoted]
    if exact:
        return exact[0]
    # The message quotes the offending value; where it quotes none that is there, one single candidate is told too.
    return present[0][0] if len(present) == 1 else None


def names_item(event: Json, message: str) -> bool:
    """Whether a message quotes an id that a request gives or names."""
    item = members(event, "item")
    ids = (
        string(event, "item_id"),
        string(event, "previous_item_id"),
        string(event, "response_id"),
        string(item, "id"),
        string(item, "call_id"),
    )
    quoted = set(_QUOTED.findall(message))
    return any(value in quoted for value in ids if value is not None)


def _at_path(value: Any, path: str) -> Any:
    """The value at a path such as ``item.content[0].type``; None where there is none."""
    for step in _PATH_STEP.findall(path):
        if step.startswith("["):
            index = int(step[1:-1])
            values = cast("list[Any]", value) if isinstance(value, list) else []
            value = values[index] if index < len(values) else None
        else:
            value = cast("Json", value).get(step) if isinstance(value, dict) else None
    return value


def _about(code: str | None, message: str) -> tuple[str, dict[str, int]] | None:
    """The type of request that an error speaks of, with the numbers of it that it repeats."""
    by_code = None if code is None else _CODES.get(code)
    for words, kind in _MESSAGE_WORDS:
        match = words.search(message)
        if match is not None and by_code in (None, kind):
            return kind, {key: int(value) for key, value in match.groupdict().items()}
    return None if by_code is None else (by_code, {})
