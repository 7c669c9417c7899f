"""Reducers of session, conversation, rate limits and errors."""

from __future__ import annotations

from typing import cast

from ....schemas.audio import stated_format
from ....schemas.failures import stated_error
from ....schemas.state import CauseBy, ConfigChange, RateLimits, ServerError
from ....schemas.values import Json, integer, members, objects, string
from ..answers import answer
from ..refusals import ACTIVE_RESPONSE
from ..working import Output, Request, State

__all__ = ["conversation_created", "error", "rate_limits_updated", "session_created", "session_updated"]


def session_created(state: State, event: Json) -> None:
    """``session.created``: the first configuration."""
    _take_config(state, event, at_byte=state.input.received)


def session_updated(state: State, event: Json) -> None:
    """``session.updated``: the configuration in force."""
    request = answer(state, event)
    state.session.requested = _still_requested(state)
    _take_config(state, event, at_byte=state.input.received if request is None else request.at_byte)


def _still_requested(state: State) -> Json:
    requested: Json = {}
    for request in state.requests.of_type("session.update"):
        requested.update(members(request.event, "session"))
    return requested


def _take_config(state: State, event: Json, at_byte: int) -> None:
    config = members(event, "session")
    session = state.session
    if not config:
        state.problem("bad-field", "session")
        return
    session.id = string(config, "id") or session.id
    session.model = string(config, "model") or session.model
    expires_at = integer(config, "expires_at")
    session.expires_at = session.expires_at if expires_at is None else expires_at
    session.config = config
    session.history.append(ConfigChange(state.seq, state.ns, "server", string(event, "type") or "", config))
    session.input_format = stated_format(config, "input") or session.input_format
    session.output_format = stated_format(config, "output") or session.output_format
    state.input.set_format(session.input_format, at_byte)


def conversation_created(state: State, event: Json) -> None:
    """``conversation.created``: the conversation's id."""
    conversation_id = string(members(event, "conversation"), "id")
    if conversation_id is None:
        state.problem("bad-field", "conversation.id")
    else:
        state.conversation_id = conversation_id


def rate_limits_updated(state: State, event: Json) -> None:
    """``rate_limits.updated``: the last one counts, whichever response it came with."""
    limits = [limit for limit in objects(event, "rate_limits") if limit is not None]
    state.rate_limits = RateLimits(state.seq, state.ns, limits)


def error(state: State, event: Json) -> None:
    """``error``: kept, and what it refuses is taken back."""
    stated = stated_error(event)
    refused = answer(state, event)
    cause = state.answers.get(state.seq)
    state.errors.append(
        ServerError(
            state.seq,
            state.ns,
            string(stated, "type"),
            string(stated, "code"),
            string(stated, "message"),
            string(stated, "param"),
            string(stated, "event_id"),
            None if cause is None else cause.seq,
            None if cause is None else cast("CauseBy", cause.by),
        )
    )
    if refused is not None:
        _take_back(state, refused)
    elif cause is None and state.seq not in state.doubts.undecided and string(stated, "code") == ACTIVE_RESPONSE:
        state.turn = None


def _take_back(state: State, refused: Request) -> None:
    match refused.type:
        case "conversation.item.truncate":
            cut = state.truncation_asked.get(refused.seq)
            if cut is not None:
                cut.status = "refused"
                cut.done_seq, cut.done_ns = state.seq, state.ns
        case "conversation.item.create":
            _refuse_output(state, string(members(refused.event, "item"), "call_id"), refused.seq)
        case "response.cancel":
            for response in state.responses.values():
                if response.cancel_seq == refused.seq:
                    response.cancel_seq = response.cancel_ns = None
        case "session.update":
            state.session.requested = _still_requested(state)
        case _:
            pass


def _refuse_output(state: State, call_id: str | None, seq: int) -> None:
    """Take back a function's output; one that was sent for the same call before counts again."""
    if call_id is None:
        return
    after: Output | None = None
    output = state.outputs.get(call_id)
    while output is not None and output.seq != seq:
        after, output = output, output.before
    if output is None:
        return
    if after is not None:
        after.before = output.before
    elif output.before is not None:
        state.outputs[call_id] = output.before
    else:
        del state.outputs[call_id]
