"""The order of a conversation's items, from what servers say of predecessors.

``previous_item_id`` says after which item a new one was inserted. Three things make it more than a list: it may be
null where nothing is meant (``conversation.item.done``), it may name an item that is announced later, and it may name
one that was deleted. So deleted items keep their place here, an item whose predecessor is not there yet goes to the
end for the time being, and the first statement about an item that names a predecessor settles its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Generic, Protocol, TypeVar

__all__ = ["Order", "Placed"]


class Placed(Protocol):
    """What the order needs to know of an item."""

    id: str
    previous_item_id: str | None
    settled: bool
    """Whether a statement decided its place; until then it stands where it was first seen."""


T = TypeVar("T", bound=Placed)


class Order(Generic[T]):
    """A linked list of items; every operation but iteration takes constant time (chains apart)."""

    def __init__(self) -> None:
        self._after: dict[T | None, T | None] = {None: None}
        self._before: dict[T | None, T | None] = {None: None}
        self._waiting: dict[str, list[T]] = {}

    def __contains__(self, item: object) -> bool:
        return item is not None and item in self._after

    def __iter__(self) -> Iterator[T]:
        item = self._after[None]
        while item is not None:
            yield item
            item = self._after[item]

    def backwards(self) -> Iterator[T]:
        """The items from the last to the first."""
        item = self._before[None]
        while item is not None:
            yield item
            item = self._before[item]

    def is_awaited(self, item: T) -> bool:
        """Whether another item was said to follow this one."""
        return any(not other.settled for other in self._waiting.get(item.id, ()))

    def before(self, item: T, following: T) -> None:
        """Move an item before another; one whose place is settled stays."""
        if not item.settled and item is not following:
            self._unlink(item)
            self._link(item, self._before[following])

    def put_in_line(self, items: Sequence[T]) -> None:
        """Order items among themselves; those whose place is settled stay.

        Args:
            items: in the order that they shall have.
        """
        wanted = {item for item in items if item in self}
        places: dict[T, int] = {}
        for place, item in enumerate(self.backwards()):
            if len(places) == len(wanted):
                break
            if item in wanted:
                places[item] = -place
        for one, other in pairwise(item for item in items if item in places):
            if not other.settled and places[other] < places[one]:
                self._unlink(other)
                self._link(other, one)
                places[other] = places[one]

    def at_front(self, item: T) -> None:
        """Place an item before all others (``previous_item_id: "root"``); one whose place is settled stays."""
        if item.settled:
            return
        item.settled = True
        self._move([item], None)

    def somewhere(self, item: T) -> None:
        """Place an item of which nobody said where it belongs: at the end, unless it stands somewhere already.

        Where an item waits for this one as its predecessor, it takes its place right before it.
        """
        if item in self:
            return
        waiting = self._unsettled_after(item)
        if not waiting:
            self._link(item, self._before[None])
            return
        self._link(item, self._before[waiting[0]])
        waiting[0].settled = True
        for other in waiting[1:]:
            self._settle(other, item)

    def after(self, item: T, previous: T | None, named: str) -> None:
        """Place an item after the one that a server named.

        Args:
            item: the item; one whose place is settled stays.
            previous: the named item, where it has a place; None where it is not known (so far).
            named: the id that was named.
        """
        if item.settled or previous is item:
            self.somewhere(item)
            return
        if previous is None or previous not in self:
            self.somewhere(item)
            self._waiting.setdefault(named, []).append(item)
            return
        waiting = self._unsettled_after(item)
        self._settle(item, previous)
        for other in waiting:
            self._settle(other, item)

    def _unsettled_after(self, item: T) -> list[T]:
        """The items that wait for this one as their predecessor."""
        return [other for other in self._waiting.pop(item.id, []) if not other.settled]

    def _settle(self, item: T, previous: T) -> None:
        chain = self._chain(item)
        if previous in chain:  # each names the other: no order follows from that
            self.somewhere(item)
            return
        item.settled = True
        self._move(chain, previous)

    def _chain(self, item: T) -> list[T]:
        """The item with those behind it that were placed after it and each other."""
        chain = [item]
        if item not in self:
            return chain
        following = self._after[item]
        while following is not None and following.settled and following.previous_item_id == chain[-1].id:
            chain.append(following)
            following = self._after[following]
        return chain

    def _move(self, chain: list[T], previous: T | None) -> None:
        for item in chain:
            if item in self:
                self._unlink(item)
        for item in chain:
            self._link(item, previous)
            previous = item

    def _link(self, item: T, previous: T | None) -> None:
        following = self._after[previous]
        self._after[previous] = item
        self._after[item] = following
        self._before[item] = previous
        self._before[following] = item

    def _unlink(self, item: T) -> None:
        before, after = self._before.pop(item), self._after.pop(item)
        self._after[before] = after
        self._before[after] = before
