"""The order of items by what is said of their predecessors."""

from __future__ import annotations

from dataclasses import dataclass

from earwitness.replay.fold.order import Order
from hypothesis import given
from hypothesis import strategies as st


@dataclass(eq=False)
class Item:
    id: str
    previous_item_id: str | None = None
    settled: bool = False


class Conversation:
    """Says to an order what a server says, and keeps the items by id."""

    def __init__(self) -> None:
        self.order: Order[Item] = Order()
        self.items: dict[str, Item] = {}

    def add(self, item_id: str, previous: str | None) -> None:
        item = self.items.setdefault(item_id, Item(item_id))
        if previous is None:
            self.order.somewhere(item)
        elif previous == "root":
            self.order.at_front(item)
        else:
            item.previous_item_id = previous
            self.order.after(item, self.items.get(previous), previous)

    @property
    def ids(self) -> list[str]:
        return [item.id for item in self.order]


@given(st.lists(st.integers(-2, 20), max_size=20))
def test_known_predecessors_insert_as_into_a_list(places: list[int]) -> None:
    """-1 is the front, -2 says nothing, every other number one of the items so far."""
    conversation, expected = Conversation(), list[str]()
    for number, place in enumerate(places):
        item_id = f"item_{number}"
        if place == -1:
            conversation.add(item_id, "root")
            expected.insert(0, item_id)
        elif place == -2 or number == 0:
            conversation.add(item_id, None)
            expected.append(item_id)
        else:
            previous = f"item_{place % number}"
            conversation.add(item_id, previous)
            expected.insert(expected.index(previous) + 1, item_id)
        assert conversation.ids == expected


NAMES = st.sampled_from(["a", "b", "c", "d", "e"])


@given(st.lists(st.tuples(NAMES, NAMES | st.sampled_from([None, "root", "never"])), max_size=30))
def test_no_statements_lose_or_double_an_item(statements: list[tuple[str, str | None]]) -> None:
    conversation = Conversation()
    for item_id, previous in statements:
        conversation.add(item_id, previous)
    assert sorted(conversation.ids) == sorted(conversation.items)


@given(st.permutations(["a", "b", "c", "d", "e", "f"]))
def test_a_chain_comes_out_in_order_however_its_items_arrive(arrival: list[str]) -> None:
    chain = ["a", "b", "c", "d", "e", "f"]
    conversation = Conversation()
    for item_id in arrival:
        index = chain.index(item_id)
        conversation.add(item_id, chain[index - 1] if index else "root")
    assert conversation.ids == chain


def test_a_settled_item_stays() -> None:
    conversation = Conversation()
    for item_id, previous in (("a", None), ("b", "a"), ("c", "b"), ("c", "a"), ("b", "root")):
        conversation.add(item_id, previous)
    assert conversation.ids == ["a", "b", "c"]


def test_what_is_not_in_the_order_is_not_in_it() -> None:
    assert Item("x") not in Conversation().order
    assert None not in Conversation().order
