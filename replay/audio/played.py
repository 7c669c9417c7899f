"""How one content part of the assistant's audio played, as a value: where it lies, and how much of it was heard."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction

from ...schemas.audio import AudioFormat
from .cuts import Basis
from .formats import NS, bytes_to_ns
from .pieces import Integers, Piece, Placed

__all__ = ["Playback", "Played"]


@dataclass(frozen=True, slots=True)
class Played:
    """A stretch of a part without a stall: bytes ``start`` to ``end`` of its audio, from ``start_ns`` on."""

    start_ns: Fraction
    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class Playback:
    """How one content part of an assistant's item played.

    Attributes:
        item_id: the item.
        content_index: its content part.
        response_id: the response that it belongs to.
        format: what the bytes are.
        seqs: the records with its audio.
        lengths: decoded bytes of each.
        stretches: where its audio lies on the session's clock if nothing cuts it.
        size: its bytes in all, whole samples.
        heard: how many of them can have been heard.
        cut: why not all of them were; None if they were.
        cut_seq: the record that cut it.
        behind: of what never began: what cut that which played before it.
        known: False where it is not known how much was heard; ``heard`` is 0 then.
    """

    item_id: str
    content_index: int
    response_id: str | None
    format: AudioFormat
    seqs: Integers
    lengths: Integers
    stretches: list[Played] = field(repr=False)
    size: int
    heard: int
    cut: Basis | None = None
    cut_seq: int | None = None
    behind: Basis | None = None
    known: bool = True

    def ns_of(self, byte: int) -> Fraction:
        """When a byte of its audio is due."""
        stretch = next((each for each in reversed(self.stretches) if each.start < byte), self.stretches[0])
        return stretch.start_ns + bytes_to_ns(byte - stretch.start, self.format)

    @property
    def start_ns(self) -> Fraction:
        """When it begins."""
        return self.stretches[0].start_ns

    @property
    def heard_end_ns(self) -> Fraction:
        """When the last of it was heard; its beginning if nothing was."""
        return self.ns_of(self.heard) if self.heard else self.start_ns

    @property
    def heard_ms(self) -> float:
        """Milliseconds of its audio that can have been heard."""
        return self.heard / self.format.bytes_per_ms

    @property
    def total_ms(self) -> float:
        """Milliseconds of its audio in all."""
        return self.size / self.format.bytes_per_ms

    def piece(self, *, heard_only: bool) -> Piece:
        """Return its audio as one piece, without stalls."""
        return Piece.of(self.seqs, self.lengths, self.format, end=self.heard if heard_only else self.size)

    def placed(self, *, heard_only: bool) -> Iterator[Placed]:
        """Yield its audio at its places on the session's clock."""
        limit = self.heard if heard_only else self.size
        for stretch in self.stretches:
            end = min(stretch.end, limit)
            if stretch.start < end:
                piece = Piece.of(self.seqs, self.lengths, self.format, start=stretch.start, end=end)
                yield Placed(stretch.start_ns, "assistant", piece, self.item_id)

    def bytes_of_ms(self, ms: float) -> int:
        """Return how many bytes so many milliseconds of its audio are; whole samples."""
        return int(Fraction(max(ms, 0)) * self.format.rate / 1000) * self.format.sample_size

    def bytes_until(self, at_ns: Fraction) -> int:
        """Return how many of its bytes are due before a moment."""
        due = 0
        for stretch in self.stretches:
            if stretch.start_ns >= at_ns:
                break
            samples = int((at_ns - stretch.start_ns) * self.format.rate / NS)
            due = min(stretch.start + samples * self.format.sample_size, stretch.end)
        return due

    def moved(self, ns: Fraction, byte: int = 0) -> Playback:
        """Return the same, so much later; where it stalls, from the stretch on that holds a byte."""
        moved = [replace(each, start_ns=each.start_ns + ns) if each.end >= byte else each for each in self.stretches]
        return replace(self, stretches=moved)
