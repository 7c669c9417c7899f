"""Events of a program's own, folded."""

from __future__ import annotations

import json

import earwitness
import pytest
from earwitness.replay import bundled_recording

EVENTS = [
    ("client", {"type": "response.create", "event_id": "event_ask"}),
    ("server", {"type": "response.created", "response": {"id": "r", "status": "in_progress"}}),
    ("server", {"type": "response.done", "response": {"id": "r", "status": "completed", "output": []}}),
]


def test_events_with_their_senders_are_folded() -> None:
    conversation = earwitness.fold(EVENTS)
    (response,) = conversation.responses
    assert (response.status, response.trigger, response.request_seq, response.done_seq) == ("completed", "client", 0, 2)
    assert response.created_ns is None
    assert conversation.problems == []


@pytest.mark.parametrize("write", [json.dumps, lambda event: json.dumps(event).encode()], ids=["text", "bytes"])
def test_an_event_may_be_the_text_that_was_sent(write) -> None:
    assert earwitness.fold([(sender, write(event)) for sender, event in EVENTS]) == earwitness.fold(EVENTS)


def test_times_in_seconds_give_the_state_times() -> None:
    timed = [(sender, event, second * 0.5) for second, (sender, event) in enumerate(EVENTS)]
    assert earwitness.fold(timed).responses[0].created_ns == 500_000_000
    assert earwitness.fold(timed, until="00:00.7").responses[0].status == "in_progress"
    assert earwitness.fold(timed, until="event_ask").responses == []


def test_frames_are_folded_as_they_are() -> None:
    frames = bundled_recording().frames
    conversation = earwitness.fold(frames)
    assert conversation.last_seq == frames[-1].seq
    pairs = [(f.sender, f.json(), (f.offset_ns or 0) / 1e9) for f in frames if f.kind == "text"]
    assert [item.id for item in earwitness.fold(pairs).items] == [item.id for item in conversation.items]


def test_what_cannot_be_parsed_is_a_problem_in_the_state_as_on_the_wire() -> None:
    assert [problem.what for problem in earwitness.fold([("server", "{")]).problems] == ["invalid-json"]


@pytest.mark.parametrize(
    ("event", "says"),
    [
        ({"type": "response.create"}, "event 1 is dict, not an event with its sender"),
        (("user", {}), "event 1 is tuple"),
        (("client",), "event 1 is tuple"),
        (("client", {}, 1, 2), "event 1 is tuple"),
        (("client", {"audio": b"x"}), "event 1 cannot be written as JSON"),
        (("client", {}, "soon"), "event 1 cannot be written as JSON"),
    ],
)
def test_what_is_no_event_with_a_sender_is_refused_by_its_place(event, says: str) -> None:
    with pytest.raises(earwitness.RequestError, match=says):
        earwitness.fold([EVENTS[0], event])
