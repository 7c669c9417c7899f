"""How much of each item's output audio had been delivered at any point of a recording."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field

__all__ = ["Delivery"]


@dataclass(slots=True)
class _Item:
    rate: float
    begun_ns: int | None
    seqs: array[int] = field(default_factory=lambda: array("q"))
    totals: array[int] = field(default_factory=lambda: array("q"))


@dataclass(slots=True)
class Delivery:
    """The output audio of a session by item: which frames carry it, and how much there is up to each. 16 bytes each."""

    items: dict[str, _Item] = field(default_factory=dict[str, _Item])

    def add(self, seq: int, item_id: str, size: int, rate: float, offset_ns: int | None = None) -> None:
        """Note the audio of one frame.

        Args:
            seq: the frame.
            item_id: the item that it belongs to.
            size: decoded bytes.
            rate: bytes per millisecond; the first one stated for an item holds.
            offset_ns: when the frame arrived; None without a clock.
        """
        item = self.items.get(item_id)
        if item is None:
            item = self.items[item_id] = _Item(rate, offset_ns)
        item.totals.append(size + (item.totals[-1] if item.totals else 0))
        item.seqs.append(seq)

    def delivered_ms(self, item_id: str, up_to: int) -> float:
        """Give the milliseconds of an item's audio in the frames up to a seq."""
        item = self.items.get(item_id)
        count = bisect_right(item.seqs, up_to) if item is not None else 0
        return item.totals[count - 1] / item.rate if item is not None and count else 0.0

    def first_ns(self, item_id: str) -> int | None:
        """Give the offset at which an item's first audio arrived; None where there is none, or no clock."""
        item = self.items.get(item_id)
        return item.begun_ns if item is not None else None

    def seq_reaching(self, item_id: str, ms: float) -> int | None:
        """Give the seq of the frame with which so many milliseconds of an item are reached; None if never."""
        item = self.items.get(item_id)
        if item is None:
            return None
        place = bisect_left(item.totals, ms * item.rate)
        return item.seqs[place] if place < len(item.seqs) else None
