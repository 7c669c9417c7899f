"""Which client event an ``error`` refuses: the rules, one function each; :mod:`.answers` has their order."""

from __future__ import annotations

import re
from typing import Final

from ...schemas.paths import read_path, value_at
from ...schemas.values import Json, integer, members, string
from .requests import NOBODY, first_seq
from .working import State

__all__ = ["ACTIVE_RESPONSE", "named_param", "oldest_of_any", "stated_event", "subject"]

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


def stated_event(state: State, event: Json) -> int | None:
    """The client event whose id the server event states; a stated id that the client did not use is nobody's.

    An error states it in its ``event_id``, the live vocabulary in ``client_event_id``. The ``event_id`` of any other
    event is its own.
    """
    error = members(event, "error")
    stated = (string(error, "event_id"), string(error, "client_event_id"), string(event, "client_event_id"))
    event_id = next((value for value in stated if value is not None), None)
    if event_id is None:
        return None
    seq = state.event_ids.get(event_id)
    if seq is None:
        seq = next((seq for known, seq in reversed(state.append_ids) if known == event_id), NOBODY)
    return seq


def named_param(state: State, event: Json) -> int | None:
    """The request that has the offending value at the path, or else the only one that has the path."""
    error = members(event, "error")
    path = read_path(string(error, "param") or "")
    if not path:
        return None
    values = [(request, value_at(request.wire, path)) for request in state.requests]
    present = [(request, value) for request, value in values if value is not None]
    quoted = set(_QUOTED.findall(string(error, "message") or ""))
    exact = first_seq(request for request, value in present if isinstance(value, str) and value in quoted)
    if exact is not None:
        return exact
    return present[0][0].seq if len(present) == 1 else None


def subject(state: State, event: Json) -> int | None:
    """The request that the error's code or message speaks of; nobody's where no such request is open."""
    error = members(event, "error")
    message = string(error, "message") or ""
    about = _about(string(error, "code"), message)
    if about is None:
        return None
    kind, facts = about
    requests = [
        request
        for request in state.requests.of_type(kind)
        if all(integer(request.event, key) == value for key, value in facts.items())
    ]
    # Of several the one whose item the message names; of those the last, because a second one is what fails.
    named = [request for request in requests if _names_item(request.event, message)]
    if named:
        return named[-1].seq
    return requests[0].seq if requests else NOBODY


def oldest_of_any(state: State, event: Json) -> int | None:
    """The oldest open request, for an error that blames the client and says no more."""
    if string(members(event, "error"), "type") != "invalid_request_error":
        return None
    return first_seq(state.requests)


def _about(code: str | None, message: str) -> tuple[str, dict[str, int]] | None:
    """The type of request that an error speaks of, with the numbers of it that it repeats."""
    by_code = None if code is None else _CODES.get(code)
    for words, kind in _MESSAGE_WORDS:
        match = words.search(message)
        if match is not None and by_code in (None, kind):
            return kind, {key: int(value) for key, value in match.groupdict().items()}
    return None if by_code is None else (by_code, {})


def _names_item(event: Json, message: str) -> bool:
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
