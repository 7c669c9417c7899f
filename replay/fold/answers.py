"""Which client event a server event answers: the one place that decides it.

:data:`RULES` is the table: for each server event, the rules by which its client event is found, the surest first. The
first rule that tells decides, also where it tells that the event answers nobody; where none tells, it is not known.
Nothing is ever paired by count: an ``error`` may overtake the acknowledgement of the event before it, and three creates
may give two items.

An answered request waits no longer. Errors, pending requests, why a response was created, what a replayed server frame
waits for, and the positions by which a recording drives another server all follow from these answers.

To add a rule, write a function that takes the state and the event, and put it into the table.
"""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Any, Final, NamedTuple, cast

from ...schemas.values import Json, integer, members, number, string
from .refusals import named_param, oldest_of_any, stated_event, subject
from .requests import NOBODY, Answer, AnswerBy, Request, Requests, first_seq, item_fingerprint
from .working import State

__all__ = ["ACKNOWLEDGED", "RULES", "Rule", "answer"]


Find = Callable[[State, Json], int | None]
"""Given the state before a server event, and that event in canonical form: the seq of the client event that it answers,
:data:`.NOBODY`, or None where the rule does not tell."""


class Rule(NamedTuple):
    """One way to find the client event that a server event answers.

    Attributes:
        by: the name under which the answer is kept.
        find: the rule.
    """

    by: AnswerBy
    find: Find


def answer(state: State, event: Json) -> Request | None:
    """Find the client event that the server event at hand answers, and take it as answered.

    The answer is kept in ``state.answers``, under the server event's seq.

    Args:
        state: the working state; its requests are those that came before the event.
        event: the server event, in canonical form.

    Returns:
        The request, if it was open until now.
    """
    for rule in RULES.get(cast("str", event["type"]), _OF_OTHERS):
        seq = rule.find(state, event)
        if seq == NOBODY:
            return None
        if seq is not None:
            state.answers[state.seq] = Answer(seq, rule.by)
            return state.requests.pop(seq) or state.other_requests.pop(seq)
    return None


# Answers that say nothing but their type


def _oldest(kind: str) -> Find:
    def oldest(state: State, event: Json) -> int | None:
        return first_seq(state.requests.of_type(kind))

    return oldest


def _oldest_other(kind: str) -> Find:
    def oldest_other(state: State, event: Json) -> int | None:
        return first_seq(state.other_requests.of_type(kind))

    return oldest_other


def _commit(state: State, event: Json) -> int | None:
    """The oldest commit, unless voice detection ended the turn."""
    item_id = string(event, "item_id")
    speech = None if item_id is None else state.speech_of.get(item_id)
    if speech is not None and speech.stopped_seq is not None:
        return NOBODY
    return first_seq(state.requests.of_type("input_audio_buffer.commit"))


# Answers about an item


def _item_id(event: Json) -> str | None:
    item_id = string(event, "item_id")
    return string(members(event, "item"), "id") if item_id is None else item_id


def _same_item(kind: str) -> Find:
    def same_item(state: State, event: Json) -> int | None:
        item_id = _item_id(event)
        return first_seq(each for each in state.requests.of_type(kind) if string(each.event, "item_id") == item_id)

    return same_item


def _same_cut(state: State, event: Json) -> int | None:
    """The truncation of the same part of the item at the same position."""
    wanted = (_item_id(event), integer(event, "content_index") or 0, number(event, "audio_end_ms"))
    return first_seq(
        each
        for each in state.requests.of_type("conversation.item.truncate")
        if (string(each.event, "item_id"), integer(each.event, "content_index"), number(each.event, "audio_end_ms"))
        == wanted
    )


def _known_item(state: State, event: Json) -> int | None:
    """What made an item that is known already: one create, or nothing that the client asked for."""
    item = state.items.get(string(members(event, "item"), "id") or "")
    if item is None or item.created_by is None:
        return None
    return NOBODY if item.request_seq is None else item.request_seq


def _chosen_id(state: State, event: Json) -> int | None:
    return _create(state.requests, string(members(event, "item"), "id"))


def _same_content(state: State, event: Json) -> int | None:
    return _create(state.requests, item_fingerprint(members(event, "item")))


def _create(requests: Requests, item: Any) -> int | None:
    request = None if item is None else requests.create_of(item)
    return None if request is None else request.seq


# Answers about a response

_ECHOED: Final[tuple[Callable[[Json], Any], ...]] = (
    lambda fields: fields.get("metadata"),
    lambda fields: fields.get("output_modalities"),
    lambda fields: fields.get("max_output_tokens"),
    lambda fields: members(members(fields, "audio"), "output").get("voice"),
)


def _same_metadata(state: State, event: Json) -> int | None:
    """The request whose metadata the response repeats."""
    return _create_response(state, members(event, "response")) if members(event, "response").get("metadata") else None


def _next_response(state: State, event: Json) -> int | None:
    return _create_response(state, members(event, "response"))


def _create_response(state: State, response: Json) -> int | None:
    """The oldest ``response.create`` that a new response can come from.

    Metadata and configuration that the request stated and the response repeats differently rule it out. A turn of the
    user that waits for a response and is older comes first.
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
        turn = state.turn
        if turn is not None and turn.first_seq < request.seq and not asked.get("metadata") and not apart:
            return NOBODY
        return request.seq
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


def _cancel(state: State, event: Json) -> int | None:
    """The cancel of a response that ended before its time.

    A response that was completed all the same leaves it to the server's refusal. A client may cancel what it asked for
    before the server has said that it began.
    """
    response = state.responses.get(string(members(event, "response"), "id") or string(event, "response_id") or "")
    if response is None or response.status == "completed":
        return None
    if response.cancel_seq is not None or response.status != "cancelled":
        return response.cancel_seq
    details = response.status_details
    if isinstance(details, dict) and cast("Json", details).get("reason") not in (None, "client_cancelled"):
        return None
    since = response.created_seq if response.trigger_seq is None else response.trigger_seq
    for request in state.requests.of_type("response.cancel"):
        named = string(request.event, "response_id")
        if since is not None and request.seq > since and (response.in_band if named is None else named == response.id):
            return request.seq
    return None


# The table

ACKNOWLEDGED: Final[MappingProxyType[str, str]] = MappingProxyType(
    {
        "decision.item.created": "decision.item.create",
        "decision.item.deleted": "decision.item.delete",
        "session.closed": "session.close",
        "session.commentary.appended": "session.commentary.append",
        "session.input_audio.muted": "session.input_audio.mute",
        "session.input_audio.unmuted": "session.input_audio.unmute",
        "session.instructions.appended": "session.instructions.append",
        "session.output_audio.fixture.playing": "session.output_audio.fixture.play",
        "session.started": "session.start",
        "session.thinking.appended": "session.thinking.append",
        "transport.dtmf.sent": "transport.dtmf.send",
    }
)
"""Answers of the live and translation vocabularies, which are not folded, and the client events that they answer."""

_ITEM: Final = (Rule("item_id", _known_item), Rule("item_id", _chosen_id), Rule("content", _same_content))
_OF_OTHERS: Final = (Rule("event_id", stated_event),)

RULES: Final[MappingProxyType[str, tuple[Rule, ...]]] = MappingProxyType(
    {
        "conversation.item.added": _ITEM,
        "conversation.item.created": _ITEM,
        "conversation.item.deleted": (Rule("item_id", _same_item("conversation.item.delete")),),
        "conversation.item.done": _ITEM,
        "conversation.item.retrieved": (Rule("item_id", _same_item("conversation.item.retrieve")),),
        "conversation.item.truncated": (
            Rule("content", _same_cut),
            Rule("item_id", _same_item("conversation.item.truncate")),
        ),
        "error": (
            Rule("event_id", stated_event),
            Rule("param", named_param),
            Rule("content", subject),
            Rule("order", oldest_of_any),
        ),
        "input_audio_buffer.cleared": (Rule("order", _oldest("input_audio_buffer.clear")),),
        "input_audio_buffer.committed": (Rule("order", _commit),),
        "output_audio_buffer.cleared": (Rule("order", _oldest("output_audio_buffer.clear")),),
        "response.created": (Rule("content", _same_metadata), Rule("order", _next_response)),
        "response.done": (Rule("order", _cancel),),
        "session.updated": (Rule("order", _oldest("session.update")),),
        **{
            name: (*_OF_OTHERS, Rule("order", _oldest_other(acknowledged)))
            for name, acknowledged in ACKNOWLEDGED.items()
        },
    }
)
"""The rules for each server event that answers one of the client's, by its canonical type, the surest first. Any other
answers at most the client event whose id it states."""
