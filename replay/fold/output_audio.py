"""Audio from the server, by the fold's references: its format, and how much of an item had been delivered when."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import accumulate

from ...schemas.audio import AudioFormat, stated_format
from ...schemas.state import Response, Session
from .working import ItemWork, State

__all__ = ["Delivery", "delivered_ms", "output_format"]


def output_format(session: Session, response: Response | None, seq: int) -> AudioFormat:
    """Return the format of audio from the server: its response's, else what the session states at that record."""
    stated = stated_format(response.config, "output") if response is not None else None
    if stated is not None:
        return stated
    found: AudioFormat | None = None
    for change in session.history:
        if change.by == "server" and (found is None or change.seq <= seq):
            found = stated_format(change.config, "output") or found
    return found or session.output_format


def delivered_ms(state: State, item_id: str) -> float:
    """Milliseconds of an item's audio that the server has sent so far."""
    item = state.items.get(item_id)
    size = sum(part.audio.total for part in item.parts.values()) if item is not None else 0
    return size / output_format(state.session, item.response, state.seq).bytes_per_ms if item is not None else 0.0


@dataclass(slots=True)
class _Delivered:
    rate: float
    begun_ns: int | None
    seqs: array[int]
    totals: array[int]


class Delivery:
    """How much of each item's output audio had been delivered at any point of a session; 16 bytes for each delta.

    Args:
        state: the session, folded to its end; None for an empty one.
    """

    def __init__(self, state: State | None = None) -> None:
        self._items: dict[str, _Delivered] = {}
        if state is None:
            return
        for item in state.items.values():
            refs = sorted(ref for part in item.parts.values() for ref in part.audio)
            if refs and item.created_by != "client":
                self._items[item.id] = _Delivered(
                    output_format(state.session, item.response, refs[0][0]).bytes_per_ms,
                    first_audio_ns(item),
                    array("q", [seq for seq, _ in refs]),
                    array("q", accumulate(length for _, length in refs)),
                )

    def delivered_ms(self, item_id: str, up_to: int) -> float:
        """Milliseconds of an item's audio in the records up to a seq."""
        item = self._items.get(item_id)
        count = bisect_right(item.seqs, up_to) if item is not None else 0
        return item.totals[count - 1] / item.rate if item is not None and count else 0.0

    def first_ns(self, item_id: str) -> int | None:
        """The offset at which an item's first audio arrived; None without any, and without a clock."""
        item = self._items.get(item_id)
        return item.begun_ns if item is not None else None

    def seq_reaching(self, item_id: str, ms: float) -> int | None:
        """The seq of the record with which so many milliseconds of an item are reached; None if never."""
        item = self._items.get(item_id)
        if item is None:
            return None
        place = bisect_left(item.totals, ms * item.rate)
        return item.seqs[place] if place < len(item.seqs) else None


def first_audio_ns(item: ItemWork) -> int | None:
    """The offset at which an item's first audio arrived; None without any, and without a clock."""
    return min((part.first_audio_ns for part in item.parts.values() if part.first_audio_ns is not None), default=None)
