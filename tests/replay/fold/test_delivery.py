from __future__ import annotations

from earwitness.replay.fold.delivery import Delivery
from hypothesis import given
from hypothesis import strategies as st


def test_the_frame_with_which_a_position_is_reached_is_known():
    delivery = Delivery()
    for seq in (3, 5, 9):
        delivery.add(seq, "a", 480, 48.0)
    assert [delivery.seq_reaching("a", ms) for ms in (5, 10, 10.1, 30, 31)] == [3, 3, 5, 9, None]
    assert delivery.seq_reaching("unknown", 1) is None


def test_an_item_begins_when_its_first_audio_arrives():
    delivery = Delivery()
    delivery.add(1, "a", 10, 48.0, 500)
    delivery.add(2, "a", 10, 48.0, 900)
    assert delivery.first_ns("a") == 500
    assert delivery.first_ns("unknown") is None


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 5000))), st.integers(0, 60))
def test_what_was_delivered_is_the_sum_of_what_came(frames, up_to):
    delivery = Delivery()
    for seq, (item, size) in enumerate(frames):
        delivery.add(seq, item, size, 48.0)
    for item in "ab":
        expected = sum(size for seq, (name, size) in enumerate(frames) if name == item and seq <= up_to)
        assert delivery.delivered_ms(item, up_to) == expected / 48.0
