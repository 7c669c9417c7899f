"""Errors over generated sessions: a cause is a request that the error fits, and nothing is known where two fit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

from earwitness.replay.fold.claims import FIELDS
from earwitness.schemas.events import parse_event
from earwitness.schemas.events.base import ClientEvent
from earwitness.schemas.state import Conversation
from hypothesis import given
from hypothesis import strategies as st

from tests.sessions import Session

Json = dict[str, Any]


class Told(NamedTuple):
    """An error, and which requests it can be about: written without the code under test."""

    error: Json
    about: Callable[[Json], bool]


def text(*words: str, **item: Any) -> Json:
    parts = [{"type": "input_text", "text": word} for word in words]
    return {"type": "conversation.item.create", "item": {"type": "message", "role": "user", "content": parts, **item}}


REQUESTS: list[Json] = [
    {"type": "session.update", "session": {"instructions": "Sing."}},
    {"type": "session.update", "session": {"voice": "nobody"}},
    {"type": "session.update", "session": {"voice": "cedar", "speed": 9}},
    {"type": "session.update", "session": {"speed": 9, "instructions": "Sing."}},
    text("one"),
    text("two", id="two"),
    {"type": "conversation.item.create", "item": {"type": "message", "role": "user", "content": [{"type": "text"}]}},
    {"type": "conversation.item.create", "item": {"type": "function_call_output", "call_id": "c", "output": "x"}},
    {"type": "conversation.item.delete", "item_id": "a"},
    {"type": "conversation.item.delete", "item_id": "b"},
    {"type": "conversation.item.retrieve", "item_id": "a"},
    {"type": "conversation.item.truncate", "item_id": "a", "content_index": 0, "audio_end_ms": 700},
    {"type": "conversation.item.truncate", "item_id": "b", "content_index": 0, "audio_end_ms": 900},
    {"type": "input_audio_buffer.commit"},
    {"type": "input_audio_buffer.clear"},
    {"type": "response.create"},
    {"type": "response.create", "response": {"instructions": "Sing."}},
    {"type": "response.cancel"},
]


def is_a(kind: str) -> Callable[[Json], bool]:
    return lambda request: request["type"] == kind


def first_part(request: Json) -> Json | None:
    content = request.get("item", {}).get("content")
    return content[0] if content else None


ERRORS: list[Told] = [
    Told({"code": "cannot_update_voice"}, lambda r: "voice" in r.get("session", {})),
    Told(
        {"code": "invalid_value", "param": "session.voice", "message": "Invalid value: 'nobody'. Use 'cedar'."},
        lambda r: r.get("session", {}).get("voice") == "nobody",
    ),
    Told(
        {"code": "invalid_value", "param": "session.speed", "message": "Expected at most 1.5, but got 9 instead."},
        lambda r: r.get("session", {}).get("speed") == 9,
    ),
    Told(
        {"code": "unknown_parameter", "message": "Unknown parameter: 'session.instructions'."},
        lambda r: "instructions" in r.get("session", {}),
    ),
    Told(
        {"code": "missing_required_parameter", "param": "session.type"},
        lambda r: "session" in r and "type" not in r["session"],
    ),
    Told(
        {"code": "missing_required_parameter", "param": "item.content[0].text"},
        lambda r: (part := first_part(r)) is not None and "text" not in part,
    ),
    Told({"code": "missing_required_parameter", "param": "audio_end_ms"}, lambda r: False),
    Told({"code": "missing_required_parameter", "param": "response"}, lambda r: r == {"type": "response.create"}),
    Told({"message": "Only model output audio messages can be truncated"}, is_a("conversation.item.truncate")),
    Told({"message": "Audio content of 600ms is already shorter than 700ms"}, lambda r: r.get("audio_end_ms") == 700),
    Told(
        {"code": "item_delete_invalid_item_id", "message": "Error deleting item: the item with id 'a' does not exist."},
        lambda r: r["type"] == "conversation.item.delete" and r["item_id"] == "a",
    ),
    Told({"code": "input_audio_buffer_commit_empty"}, is_a("input_audio_buffer.commit")),
    Told({"code": "conversation_already_has_active_response"}, is_a("response.create")),
    Told({"message": "Cancellation failed: no active response found"}, is_a("response.cancel")),
    Told({"code": "session_expired"}, lambda r: False),
    Told({"param": "audio", "code": "invalid_value"}, lambda r: False),
    Told({"event_id": "unheard-of"}, lambda r: False),
    Told({}, lambda r: True),
]


def told(requests: list[Json], error: Json) -> tuple[Session, Session]:
    """A session of requests, and the same with the error behind it."""
    before, after = Session(), Session()
    for session in (before, after):
        for request in requests:
            session.add(("client", request))
    return before, after.error(**error)


@given(st.lists(st.sampled_from(REQUESTS), max_size=6), st.sampled_from(ERRORS))
def test_the_cause_of_an_error_is_the_only_request_that_it_fits(requests: list[Json], case: Told) -> None:
    found = told(requests, case.error)[1].fold()
    fit = [seq for seq, request in enumerate(requests) if case.about(request)]
    assert found.errors[0].cause_seq == (fit[0] if len(fit) == 1 else None)
    assert (found.errors[0].cause_by is None) is (len(fit) != 1)


SATISFIABLE = [case for case in ERRORS if any(map(case.about, REQUESTS))]


@given(st.lists(st.sampled_from(REQUESTS), max_size=4), st.sampled_from(SATISFIABLE), st.data())
def test_swapping_two_requests_that_fit_equally_never_yields_a_cause(
    others: list[Json], case: Told, data: st.DataObject
) -> None:
    fitting = st.sampled_from([request for request in REQUESTS if case.about(request)])
    one, two = data.draw(fitting), data.draw(fitting)
    at = data.draw(st.integers(0, len(others)))
    for first, second in ((one, two), (two, one)):
        found = told([*others[:at], first, *others[at:], second], case.error)[1].fold()
        assert (found.errors[0].cause_seq, found.errors[0].cause_by) == (None, None)
        assert len(found.pending) == len(others) + 2


@given(st.lists(st.sampled_from(REQUESTS), max_size=6), st.sampled_from(ERRORS))
def test_an_error_whose_cause_is_not_known_changes_nothing_else(requests: list[Json], case: Told) -> None:
    before, after = (session.fold() for session in told(requests, case.error))
    if after.errors[0].cause_seq is None:
        assert _but_the_error(after) == _but_the_error(before)


def _but_the_error(state: Conversation) -> Conversation:
    counts = {name: count for name, count in state.counts.items() if name != "error"}
    return replace(state, errors=[], counts=counts, last_seq=0)


def test_the_fields_of_the_requests_are_those_of_the_protocol() -> None:
    for kind, fields in FIELDS.items():
        event = parse_event({"type": kind}, sender="client")
        assert isinstance(event, ClientEvent)
        assert fields <= set(type(event).model_fields), kind
