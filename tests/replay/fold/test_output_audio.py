from __future__ import annotations

import base64

from earwitness.replay.fold import Folder
from earwitness.replay.fold.output_audio import Delivery, delivered_ms
from hypothesis import given
from hypothesis import strategies as st

from tests.events import server, user_text
from tests.sessions import recording


def delta(item_id, size, name="response.output_audio.delta", **fields):
    return server(name, item_id=item_id, delta=base64.b64encode(bytes(size)).decode(), **fields)


def state_of(*lines, **options):
    folder = Folder()
    folder.extend(recording(*lines, **options).frames)
    return folder.state


def test_delivered_audio_is_counted_by_item():
    state = state_of(delta("a", 48), delta("b", 480), delta("a", 48, "response.audio.delta"))
    delivery = Delivery(state)
    assert [delivery.delivered_ms("a", seq) for seq in range(5)] == [0, 1, 1, 2, 2]
    assert delivery.delivered_ms("b", 99) == 10
    assert delivery.delivered_ms("unknown", 99) == 0
    assert [delivered_ms(state, item_id) for item_id in ("a", "b", "unknown")] == [2, 10, 0]


def test_it_is_counted_in_the_format_of_its_response_or_else_of_the_session():
    ulaw = {"audio": {"output": {"format": {"type": "audio/pcmu"}}}}
    lines = [
        server("session.updated", session={"output_audio_format": "g711_ulaw"}),
        delta("a", 48),
        server("session.updated", session={"output_audio_format": "pcm16"}),
        delta("b", 48),
        server("response.created", response={"id": "r", **ulaw}),
        delta("c", 48, response_id="r"),
    ]
    state = state_of(*lines)
    assert [Delivery(state).delivered_ms(item_id, 99) for item_id in "abc"] == [6, 1, 6]
    assert delivered_ms(state, "c") == 6


def test_the_parts_of_an_item_count_together():
    delivery = Delivery(state_of(*(delta("a", 48, content_index=index) for index in (1, 0, 1))))
    assert [delivery.delivered_ms("a", seq) for seq in (1, 2, 3)] == [1, 2, 3]


def test_the_record_with_which_a_position_is_reached_is_known():
    quiet = server("ping")
    delivery = Delivery(state_of(quiet, quiet, delta("a", 480), quiet, delta("a", 480), quiet, delta("a", 480)))
    assert [delivery.seq_reaching("a", ms) for ms in (5, 10, 10.1, 30, 31)] == [3, 3, 5, 7, None]
    assert delivery.seq_reaching("unknown", 1) is None


def test_an_item_begins_when_its_first_audio_arrives():
    delivery = Delivery(state_of(server("ping"), delta("a", 10), delta("a", 10), step_ms=5))
    assert delivery.first_ns("a") == 10_000_000
    assert delivery.first_ns("unknown") is None
    assert Delivery(state_of(delta("a", 10))).first_ns("a") is None


def test_audio_that_the_client_put_into_an_item_was_not_delivered():
    audio = {"type": "input_audio", "audio": base64.b64encode(bytes(480)).decode()}
    item = {"type": "message", "role": "user", "content": [audio]}
    create = user_text("", id="mine", **item)
    assert (
        Delivery(state_of(create, server("conversation.item.added", item={"id": "mine", **item}))).first_ns("mine")
        is None
    )
    assert Delivery().delivered_ms("mine", 9) == 0


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 5000))), st.integers(0, 60))
def test_what_was_delivered_is_the_sum_of_what_came(frames, up_to):
    delivery = Delivery(state_of(*(delta(item, size) for item, size in frames)))
    for item in "ab":
        expected = sum(size for seq, (name, size) in enumerate(frames, 1) if name == item and seq <= up_to)
        assert delivery.delivered_ms(item, up_to) == expected / 48.0
