"""The live session that a recording drives, as far as it has come: folded as it goes."""

from __future__ import annotations

from typing import Final

from ...schemas.frame import Frame, Sender, sniff_type
from ...schemas.values import Json, members, string
from ..fold.folder import Folder
from ..fold.output_audio import delivered_ms, first_audio_ns
from .positions import Structure

__all__ = ["LiveSession"]

_OUTPUT_DONE: Final = frozenset(("response.output_audio.done", "response.output_item.done"))


class LiveSession:
    """What has crossed in a live session: its ids by position, and how much audio of each item has come."""

    def __init__(self) -> None:
        self.structure = Structure()
        self._folder = Folder(self._take)
        self._frames = 0
        self._ended: set[str] = set()
        self.answered: set[int] = set()
        """The client's frames that the server has answered, by the seqs that :meth:`apply` gave them."""

    def apply(self, sender: Sender, data: bytes, now_ns: int) -> int:
        """Take a text frame from either side, and return its seq. Appended audio may be left out."""
        seq = self._frames
        self._folder.apply(Frame(seq, now_ns, "text", sender, sniff_type(data), data))
        self._frames += 1
        return seq

    def appended(self) -> None:
        """Take note of appended audio that was left out: an error may be about it."""
        self._folder.state.requests.appended = self._frames
        self._frames += 1

    def _take(self, frame: Frame, event: Json, canonical: Json) -> None:
        answers = self._folder.state.answers
        self.structure.apply(frame.sender, frame.seq, canonical, answers)
        if frame.seq in answers:
            self.answered.add(answers[frame.seq].seq)
        if canonical["type"] in _OUTPUT_DONE:
            self._ended.add(string(canonical, "item_id") or string(members(canonical, "item"), "id") or "")

    def delivered_ms(self, item_id: str) -> float:
        """Milliseconds of an item's audio that have come."""
        return delivered_ms(self._folder.state, item_id)

    def first_ns(self, item_id: str) -> int | None:
        """When the first of an item's audio came; None before it."""
        item = self._folder.state.items.get(item_id)
        return None if item is None else first_audio_ns(item)

    def ended(self, item_id: str) -> bool:
        """Whether no more of an item's audio will come."""
        return item_id in self._ended
