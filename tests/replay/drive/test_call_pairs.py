"""Calls of a live session, each paired with the recorded one that asks for the same."""

from __future__ import annotations

import json

from earwitness.replay.drive.call_pairs import CallPairs
from earwitness.replay.drive.positions import Structure
from hypothesis import given
from hypothesis import strategies as st

from tests.events import arguments_done, output_item, server
from tests.present import present


def call(call_id: str, city: str, *, index: int = 0, name: str = "weather") -> list[tuple[str, dict]]:
    fields = {"call_id": call_id, "name": name, "arguments": json.dumps({"city": city})}
    item = output_item("r", index, f"item_{call_id}", type="function_call", call_id=call_id, name=name, arguments="")
    return [item, arguments_done("r", index, item_id=f"item_{call_id}", **fields)]


def followed(*calls: list[tuple[str, dict]], done: bool = False) -> Structure:
    structure = Structure()
    lines = [server("response.created", response={"id": "r"}), *(line for lines in calls for line in lines)]
    if done:
        lines.append(server("response.done", response={"id": "r"}))
    for seq, (sender, event) in enumerate(lines):
        structure.apply(sender, seq, event, {})
    return structure


def paired(recorded: Structure, live: Structure, *call_ids: str) -> list[str | None]:
    pairs = CallPairs(recorded, live)
    keys = [pairs.live(present(recorded.key(each))) for each in call_ids]
    return [None if key is None else live.id(key) for key in keys]


def test_calls_in_another_order_are_told_by_their_arguments() -> None:
    recorded = followed(call("1", "A"), call("2", "B"))
    assert paired(recorded, followed(call("x", "B"), call("y", "A")), "1", "2") == ["y", "x"]
    assert paired(recorded, followed(call("x", "B"), call("y", "A")), "item_1") == ["item_y"]


def test_the_output_index_tells_nothing() -> None:
    recorded = followed(call("1", "A"), call("2", "B", index=1))
    assert paired(recorded, followed(call("x", "A"), call("y", "B")), "1", "2") == ["x", "y"]


def test_calls_that_are_alike_keep_their_order() -> None:
    recorded = followed(call("1", "A"), call("2", "A"))
    assert paired(recorded, followed(call("x", "A"), call("y", "A")), "1", "2") == ["x", "y"]
    assert paired(recorded, followed(call("x", "A"), call("y", "A")), "2", "1") == ["y", "x"]


def test_another_call_is_taken_only_when_no_more_are_to_come() -> None:
    recorded = followed(call("1", "A"), call("2", "B"))
    assert paired(recorded, followed(call("x", "C")), "1") == [None]
    assert paired(recorded, followed(call("x", "C"), done=True), "1") == ["x"]
    assert paired(recorded, followed(call("x", "C"), call("y", "A")), "1", "2") == ["y", "x"]


def test_a_call_of_the_same_function_is_nearer_than_the_one_in_its_place() -> None:
    recorded = followed(call("1", "A"), call("2", "B", name="rate"))
    live = followed(call("x", "C", name="rate"), call("y", "D"))
    assert paired(recorded, live, "1", "2") == ["y", "x"]


def test_a_pair_once_told_stays() -> None:
    recorded, live = followed(call("1", "A"), call("2", "A")), followed(call("x", "A"))
    pairs = CallPairs(recorded, live)
    first = pairs.live(present(recorded.key("1")))
    output = [{"id": "item_y"}, {"id": "item_x"}]
    for line in (*call("y", "A"), server("response.done", response={"id": "r", "output": output})):
        live.apply(line[0], 9, line[1], {})
    assert pairs.live(present(recorded.key("1"))) == first
    assert live.id(present(pairs.live(present(recorded.key("2"))))) == "y"


@given(st.lists(st.sampled_from("AB"), min_size=1, max_size=5), st.randoms(use_true_random=False), st.data())
def test_each_call_is_paired_with_one_that_asks_for_the_same(cities, chance, data) -> None:
    others = [*cities]
    chance.shuffle(others)
    index = st.integers(0, 2)
    recorded = followed(*(call(f"r{n}", city, index=data.draw(index)) for n, city in enumerate(cities)))
    live = followed(*(call(f"l{n}", city, index=data.draw(index)) for n, city in enumerate(others)))
    found = paired(recorded, live, *(f"r{n}" for n in range(len(cities))))
    assert sorted(present(each) for each in found) == [f"l{n}" for n in range(len(others))]
    assert [others[int(present(each)[1:])] for each in found] == cities
