"""Which client event a server event answers: the one place that decides it.

:data:`RULES` is the table: for each server event, the rules by which its client event is found, the surest first. The
first rule that tells decides, also where it tells that the event answers nobody, or that it is not known whom; where
none tells, it answers nobody. Nothing is ever paired by count: an ``error`` may overtake the acknowledgement of the
event before it, and three creates may give two items.

An acknowledgement that fits several requests is for the oldest of them: a server takes up the events of a connection in
their order, and an error for an earlier one would have come before. Only where an error fitted several requests equally
(:mod:`.doubts`) is that not known, either.

An answered request waits no longer. Errors, pending requests, why a response was created, what a replayed server frame
waits for, and what the frames of a driven client wait for all follow from these answers.

To add a rule, write a function that takes the state and the event, and put it into the table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import MappingProxyType
from typing import Any, Final, NamedTuple, cast

from ...schemas.state import Response
from ...schemas.values import Json, integer, members, number, string
from .echoes import changed, differs, lacks
from .refusals import fitting, only_open, stated_event, stated_path
from .requests import NOBODY, Answer, AnswerBy, Request, Requests, Undecided, item_fingerprint
from .working import State

__all__ = ["ACKNOWLEDGED", "RULES", "Rule", "answer", "settle_turn"]


Find = Callable[[State, Json], int | Undecided | None]
"""Given the state before a server event, and that event in canonical form: the seq of the client event that it answers,
:data:`.NOBODY` or another :class:`.Undecided`, or None where the rule does not tell."""


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

    The answer is kept in ``state.answers``, under the server event's seq; where it is not known, what it may answer is
    kept in ``state.doubts.undecided``.

    Args:
        state: the working state; its requests are those that came before the event.
        event: the server event, in canonical form.

    Returns:
        The request, if it was open until now.
    """
    for rule in RULES.get(cast("str", event["type"]), _OF_OTHERS):
        found = rule.find(state, event)
        if found is None:
            continue
        if isinstance(found, Undecided):
            _leave_open(state, found)
            return None
        state.answers[state.seq] = Answer(found, rule.by)
        state.requests.answered_to = max(state.requests.answered_to, found)
        state.doubts.answered(found)
        return state.requests.pop(found) or state.other_requests.pop(found)
    return None


def _leave_open(state: State, found: Undecided) -> None:
    if found == NOBODY or not (found.seqs or found.appends):
        return
    state.doubts.undecided[state.seq] = found
    state.doubts.add((each for each in state.requests if each.seq in found.seqs), surely=found.surely)


# Answers that say nothing but their type

Choose = Callable[[State, Json], Iterable[Request]]
"""Given the state before a server event, and that event in canonical form: the open requests that it may answer, all
of one type, oldest first."""


def _by_order(choose: Choose) -> tuple[Rule, Rule]:
    """The rules for an event that may answer any of some requests."""

    def only(state: State, event: Json) -> int | None:
        requests = [*choose(state, event)]
        return requests[0].seq if len(requests) == 1 else None

    def oldest(state: State, event: Json) -> int | Undecided | None:
        return state.doubts.oldest([*choose(state, event)])

    return Rule("only_candidate", only), Rule("protocol_order", oldest)


def _of_type(kind: str) -> Choose:
    return lambda state, event: state.requests.of_type(kind)


def _of_other_type(kind: str) -> Choose:
    return lambda state, event: state.other_requests.of_type(kind)


def _commits(state: State, event: Json) -> Iterable[Request]:
    """The commits, unless voice detection ended the turn."""
    item_id = string(event, "item_id")
    speech = None if item_id is None else state.speech_of.get(item_id)
    if speech is not None and speech.stopped_seq is not None:
        return ()
    return state.requests.of_type("input_audio_buffer.commit")


# Answers about the session


def _echoed_update(state: State, event: Json) -> int | Undecided | None:
    """The update whose settings the session now has: the oldest, unless the session has others than it asked for.

    A server may put a setting in other words, so what contradicts an update counts only together with an update that
    changed something, and whose changes the session has.
    """
    config = members(event, "session")
    updates = [*state.requests.of_type("session.update")]
    fitting = [each for each in updates if not differs(members(each.event, "session"), config)]
    if len(updates) < 2 or not fitting or len(fitting) == len(updates):
        return None
    if not state.session.config:  # what an update changes is not known
        return None
    first = fitting[0]
    changes = changed(members(first.event, "session"), state.session.config)
    if changes and not lacks(changes, config):
        return first.seq if len(fitting) == 1 or first is updates[0] else state.doubts.oldest(fitting)
    return None


# Answers about an item


def _item_id(event: Json) -> str | None:
    return string(event, "item_id") or string(members(event, "item"), "id") or None


def _same_item(kind: str) -> Find:
    def same_item(state: State, event: Json) -> int | Undecided | None:
        item_id = _item_id(event)
        requests = [each for each in state.requests.of_type(kind) if string(each.event, "item_id") == item_id]
        return state.doubts.oldest(requests) if item_id is not None else None

    return same_item


def _only_unnamed(state: State, event: Json) -> int | Undecided | None:
    """The only deletion, where the answer leaves the item's id out (xAI); of several it may be any."""
    if _item_id(event) is not None:
        return None
    seqs = tuple(each.seq for each in state.requests.of_type("conversation.item.delete"))
    return seqs[0] if len(seqs) == 1 else Undecided(seqs, surely=True)


def _same_cut(state: State, event: Json) -> int | Undecided | None:
    """The truncation of the same part of the item at the same position."""
    wanted = (_item_id(event), integer(event, "content_index") or 0, number(event, "audio_end_ms"))
    return state.doubts.oldest(
        [
            each
            for each in state.requests.of_type("conversation.item.truncate")
            if (
                string(each.event, "item_id"),
                integer(each.event, "content_index") or 0,
                number(each.event, "audio_end_ms"),
            )
            == wanted
        ]
    )


def _known_item(state: State, event: Json) -> int | Undecided | None:
    """What made an item that is known already: one create, or nothing that the client asked for."""
    item = state.items.get(string(members(event, "item"), "id") or "")
    if item is None or item.created_by is None:
        return None
    return NOBODY if item.request_seq is None else item.request_seq


def _chosen_id(state: State, event: Json) -> int | Undecided | None:
    return _create(state, string(members(event, "item"), "id"))


def _same_content(state: State, event: Json) -> int | Undecided | None:
    return _create(state, item_fingerprint(members(event, "item")))


def _create(state: State, item: Any) -> int | Undecided | None:
    return None if item is None else state.doubts.oldest([*state.requests.creates_of(item)])


# Answers about a response

_ECHOED: Final[tuple[Callable[[Json], Any], ...]] = (
    lambda fields: fields.get("metadata"),
    lambda fields: fields.get("output_modalities"),
    lambda fields: fields.get("max_output_tokens"),
    lambda fields: members(members(fields, "audio"), "output").get("voice"),
)


def _same_metadata(state: State, event: Json) -> int | Undecided | None:
    """The request whose metadata the response repeats."""
    if not members(event, "response").get("metadata"):
        return None
    return _unless_turn(state, state.doubts.oldest([*_responses(state, event)]))


def _only_create(state: State, event: Json) -> int | Undecided | None:
    requests = [*_responses(state, event)]
    return _unless_turn(state, requests[0].seq) if len(requests) == 1 else None


def _oldest_create(state: State, event: Json) -> int | Undecided | None:
    return _unless_turn(state, state.doubts.oldest([*_responses(state, event)]))


def _responses(state: State, event: Json) -> Iterable[Request]:
    """The ``response.create`` that a new response can come from.

    Metadata and configuration that the request stated and the response repeats differently rule it out.
    """
    response = members(event, "response")
    for request in state.requests.of_type("response.create"):
        asked = members(request.event, "response")
        if any(_contradicts(asked, response, read) for read in _ECHOED) or (
            response.get("metadata") and not asked.get("metadata")
        ):
            continue
        if asked.get("conversation") == "none" and isinstance(response.get("conversation_id"), str):
            continue
        yield request


def _unless_turn(state: State, found: int | Undecided | None) -> int | Undecided | None:
    """A turn of the user that waits for a response, and is older than the request, comes first.

    A response to a turn has no metadata and is in the conversation.
    """
    turn = state.turn
    if turn is None or found is None:
        return found
    seqs = found.seqs if isinstance(found, Undecided) else (found,)
    plain = [_is_plain(state.requests, seq) and turn.first_seq < seq for seq in seqs]
    if not plain or not all(plain):
        return found
    state.doubts.turn_before[state.seq] = seqs[0]
    return NOBODY


def settle_turn(state: State, response: Response) -> Request | None:
    """Find out at a response's end whether the client's request made it, rather than the turn before.

    A request that meets the response to a turn is refused, and a refusal does not wait for the response's end. So a
    request that is still open when the response has been completed was not refused: it made the response.

    Returns:
        The request, which waits no longer; None where the turn made the response, or is not known to have made it.
    """
    created_seq = response.created_seq
    seq = None if created_seq is None else state.doubts.turn_before.pop(created_seq, None)
    if seq is None or created_seq is None or response.status != "completed" or state.doubts.has(seq):
        return None
    request = state.requests.pop(seq)
    if request is not None:
        state.answers[created_seq] = Answer(seq, "protocol_order")
        state.requests.answered_to = max(state.requests.answered_to, seq)
    return request


def _is_plain(requests: Requests, seq: int) -> bool:
    asked = next(members(each.event, "response") for each in requests.of_type("response.create") if each.seq == seq)
    return not asked.get("metadata") and asked.get("conversation") != "none"


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


def _cancel(state: State, event: Json) -> int | Undecided | None:
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

_ITEM: Final = (Rule("content", _known_item), Rule("content", _chosen_id), Rule("content", _same_content))
_CANCELLED: Final = (Rule("content", _cancel),)
_OF_OTHERS: Final = (Rule("event_id", stated_event),)

RULES: Final[MappingProxyType[str, tuple[Rule, ...]]] = MappingProxyType(
    {
        "conversation.item.added": _ITEM,
        "conversation.item.created": _ITEM,
        "conversation.item.deleted": (
            Rule("content", _same_item("conversation.item.delete")),
            Rule("only_candidate", _only_unnamed),
        ),
        "conversation.item.done": _ITEM,
        "conversation.item.retrieved": (Rule("content", _same_item("conversation.item.retrieve")),),
        "conversation.item.truncated": (
            Rule("content", _same_cut),
            Rule("content", _same_item("conversation.item.truncate")),
        ),
        "error": (
            Rule("event_id", stated_event),
            Rule("param", stated_path),
            Rule("content", fitting),
            Rule("only_candidate", only_open),
        ),
        "input_audio_buffer.cleared": _by_order(_of_type("input_audio_buffer.clear")),
        "input_audio_buffer.committed": _by_order(_commits),
        "output_audio_buffer.cleared": _by_order(_of_type("output_audio_buffer.clear")),
        "response.cancelled": _CANCELLED,
        "response.created": (
            Rule("content", _same_metadata),
            Rule("only_candidate", _only_create),
            Rule("protocol_order", _oldest_create),
        ),
        "response.done": _CANCELLED,
        "session.updated": (Rule("content", _echoed_update), *_by_order(_of_type("session.update"))),
        **{
            name: (*_OF_OTHERS, *_by_order(_of_other_type(acknowledged))) for name, acknowledged in ACKNOWLEDGED.items()
        },
    }
)
"""The rules for each server event that answers one of the client's, by its canonical type, the surest first. Any other
answers at most the client event whose id it states."""
