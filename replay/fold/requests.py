"""Pair what the server does with what the client asked for: by id, then by content, never by counting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast

from .fields import Json, integer, members, string
from .pending import item_fingerprint
from .work import Request, State

__all__ = ["answer_create", "answer_first", "answer_item_request", "answer_response"]


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
