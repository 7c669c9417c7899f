"""The user's audio: one input stream, where it lies on the session's clock, and which part of it an item is.

The stream runs by its samples. Its first sample lies where the first append arrived; what follows, follows without a
gap, however irregularly it arrives: a network delays packets, it does not stretch speech. Only where the stream has
fallen behind the arrivals by more than :data:`PAUSE_NS` did the client pause, and the stream is anchored again, unless
the client makes up for it at once (:data:`CATCH_UP_NS`): then the network stalled, and no speech is missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np
import numpy.typing as npt

from ...schemas.audio import AudioFormat
from ...schemas.errors import RequestError
from ...schemas.state import Conversation, Item
from .clock import Clock
from .formats import bytes_to_ns
from .pace import InputPace, measure
from .pieces import AudioProblem, Integers, Piece, bounds_of, ref_arrays

__all__ = ["CATCH_UP_NS", "PAUSE_NS", "InputStream", "Run"]

PAUSE_NS: Final = 500_000_000
"""A client that falls this far behind has paused."""
CATCH_UP_NS: Final = 1_000_000_000
"""A stall of the network is over, and made up for, within this time."""


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """A part of the input stream without a gap and of one format.

    ``start_ns`` is its place on the session's clock; ``first_byte`` its place in the stream.
    """

    start_ns: Fraction
    first_byte: int
    piece: Piece

    @property
    def end_ns(self) -> Fraction:
        """Where its last sample ends."""
        return self.start_ns + bytes_to_ns(self.piece.size, self.piece.format)


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Appends of one format: ``first`` to ``stop`` in the list of appends, ``first_byte`` of the stream."""

    first: int
    stop: int
    first_byte: int
    format: AudioFormat
    start_ms: Fraction


class InputStream:
    """All audio that the client appended in a session."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self._seqs, self._lengths = ref_arrays(conversation.input_audio.audio)
        self._bounds = bounds_of(self._lengths)
        self._stretches = self._by_format()
        self.pace: InputPace | None = None
        """Known once :meth:`runs` has placed the stream; None without a clock."""
        self.problems: list[AudioProblem] = []
        for stretch in self._stretches:
            size = int(self._bounds[stretch.stop]) - stretch.first_byte
            if size % stretch.format.sample_size:
                seq = int(self._seqs[stretch.stop - 1])
                self.problems.append(
                    AudioProblem(seq, "odd-bytes", "the input ends within a sample; its byte is left out")
                )

    def __bool__(self) -> bool:
        return len(self._seqs) > 0

    @property
    def formats(self) -> list[AudioFormat]:
        """Return its formats, in order."""
        return [stretch.format for stretch in self._stretches]

    def _by_format(self) -> list[_Stretch]:
        """Divide the appends where the input format changes: always between two of them."""
        cuts = [
            (int(np.searchsorted(self._bounds, each.at_byte)), each.format)
            for each in self._conversation.input_audio.formats
        ]
        stretches: list[_Stretch] = []
        start_ms = Fraction(0)
        for index, (first, stated) in enumerate(cuts):
            stop = cuts[index + 1][0] if index + 1 < len(cuts) else len(self._seqs)
            if first >= stop:
                continue
            first_byte = int(self._bounds[first])
            stretches.append(_Stretch(first, stop, first_byte, stated, start_ms))
            start_ms += bytes_to_ns(int(self._bounds[stop]) - first_byte, stated) / 1_000_000
        return stretches

    def sent_ns(self) -> tuple[Integers, npt.NDArray[np.float64]]:
        """Return the seq of each append, and how long the stream was after it."""
        return self._seqs, self._length_ns(self._bounds[1:])

    def _length_ns(self, positions: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """How long the stream is up to a byte position of each append."""
        length = np.empty(len(self._seqs))
        for stretch in self._stretches:
            there = slice(stretch.first, stretch.stop)
            np.subtract(positions[there], stretch.first_byte, out=length[there])
            length[there] *= float(bytes_to_ns(1, stretch.format))
            length[there] += float(stretch.start_ms) * 1e6
        return length

    def runs(self, clock: Clock) -> list[Run]:
        """Return where the stream lies on the session's clock."""
        if not self:
            return []
        anchors = self._anchors(clock)
        starts = sorted({*anchors, *(stretch.first for stretch in self._stretches)})
        runs: list[Run] = []
        at = Fraction(0)
        for index, first in enumerate(starts):
            stop = starts[index + 1] if index + 1 < len(starts) else len(self._seqs)
            stretch = next(each for each in reversed(self._stretches) if each.first <= first)
            at = Fraction(anchors[first]) if first in anchors else at
            # A run may begin within a sample, whose first byte came before the pause: it belongs to the run before.
            skip = -(int(self._bounds[first]) - stretch.first_byte) % stretch.format.sample_size
            begins = int(self._bounds[first]) + skip
            ends = int(self._bounds[stop])
            ends += -(ends - stretch.first_byte) % stretch.format.sample_size if stop < stretch.stop else 0
            piece = self._cut(begins, ends, stretch)
            if piece.size:
                run = Run(at, begins, piece)
                runs.append(run)
                at = run.end_ns
        return runs

    def _anchors(self, clock: Clock) -> dict[int, int]:
        """Which appends begin a run, with the time of their arrival."""
        arrivals = clock.times(self._seqs)
        if arrivals is None:
            return {0: 0}
        # How late each append is if the stream begins at time 0 and never pauses. Long calls: no copy too many.
        late = self._length_ns(self._bounds[:-1])
        np.subtract(arrivals, late, out=late)
        anchors = {0: int(arrivals[0])}
        shift = float(late[0])
        index = _first_above(late, 1, shift + PAUSE_NS)
        while index is not None:
            if not _caught_up(late, arrivals, index, shift):
                anchors[index] = int(arrivals[index])
                shift = float(late[index])
            index = _first_above(late, index + 1, shift + PAUSE_NS)
        self.pace = measure(late, arrivals, sorted(anchors), self._seqs)
        return anchors

    def _cut(self, start: int, end: int, stretch: _Stretch) -> Piece:
        there = slice(stretch.first, stretch.stop)
        bounds = self._bounds[stretch.first : stretch.stop + 1]
        return Piece.of(self._seqs[there], self._lengths[there], stretch.format, start=start, end=end, bounds=bounds)

    def item(self, item: Item) -> list[Piece]:
        """Cut a user item's audio out of the stream, or return the audio that the client put into the item.

        Several pieces where the format changed within it.

        Raises:
            RequestError: the item has no audio, or its span is not reliable; ``data``: ``item``, ``why``.
        """
        pieces: list[Piece] = []
        for part in item.content:
            if part.audio:
                seqs, lengths = ref_arrays(part.audio)
                stated = self._format_at(item.request_seq if item.request_seq is not None else item.first_seq)
                whole = Piece.of(seqs, lengths, stated)
                pieces.append(Piece(whole.seqs, whole.lengths, whole.skip, whole.size, stated, part.index))
        if pieces:
            return pieces
        span = item.span
        if span is None or span.start_byte is None or span.end_byte is None or not span.reliable:
            why = (span.why_not if span else None) or "the recording does not say which part of the input it is"
            raise RequestError(
                f"The audio of item {item.id} cannot be cut out of the input: {why}.",
                hint="--track user writes the whole input.",
                item=item.id,
                why=why,
            )
        for stretch in self._stretches:
            ends = int(self._bounds[stretch.stop])
            start, end = max(span.start_byte, stretch.first_byte), min(span.end_byte, ends)
            if start < end:
                pieces.append(self._cut(start, end, stretch))
        return pieces

    def _format_at(self, seq: int) -> AudioFormat:
        first = int(np.searchsorted(self._seqs, seq))
        for stretch in self._stretches:
            if first < stretch.stop:
                return stretch.format
        return self._stretches[-1].format if self._stretches else self._conversation.session.input_format


def _first_above(values: npt.NDArray[np.float64], start: int, bound: float) -> int | None:
    """The first index from ``start`` on whose value is above a bound; it looks hardly further than that."""
    size = 64
    while start < len(values):
        found = np.flatnonzero(values[start : start + size] > bound)
        if len(found):
            return start + int(found[0])
        start += size
        size *= 2
    return None


def _caught_up(late: npt.NDArray[np.float64], arrivals: npt.NDArray[np.int64], index: int, shift: float) -> bool:
    """Whether what was missing at ``index`` came at once, so that the stream is as far as the clock again.

    Speech that was held up is as long as the time it was held up for: before and after it the stream keeps pace with
    the clock, neither behind nor ahead of it. A clip sent in one burst is ahead.
    """
    if late[index - 1] - shift < -PAUSE_NS:
        return False
    stop = int(np.searchsorted(arrivals, int(arrivals[index]) + CATCH_UP_NS, side="right"))
    least = float(np.min(late[index:stop])) - shift
    return -PAUSE_NS <= least <= PAUSE_NS / 2
