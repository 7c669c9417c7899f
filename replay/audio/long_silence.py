"""Hours without any sound: a clock that was set wrong, more often than a call on hold. They are not written unasked."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

from ...schemas.errors import RequestError
from ..times import point
from .formats import NS
from .mix import Track
from .pieces import AudioProblem

__all__ = ["LONGEST_SILENCE_NS", "long_silence", "refuse_long_silence"]

LONGEST_SILENCE_NS: Final = 3600 * NS


def long_silence(tracks: Sequence[Track]) -> AudioProblem | None:
    """Name the longest stretch without sound before or within one recording, where it is longer than an hour."""
    ends: dict[int, Fraction] = {}
    longest, found = Fraction(LONGEST_SILENCE_NS), None
    for track in sorted(tracks, key=lambda each: each.start_ns):
        # Sessions that follow each other lie as far apart as they opened: that is stated apart from their clocks.
        end = ends.get(track.source, Fraction(0) if track.source == 0 else track.start_ns)
        if track.start_ns - end > longest and track.piece.size:
            longest = track.start_ns - end
            seq = int(track.piece.seqs[0])
            detail = f"no sound from {point(int(end))} to {point(int(track.start_ns))}; its time may be wrong"
            found = AudioProblem(seq, "silence", detail)
        ends[track.source] = max(end, track.end_ns)
    return found


def refuse_long_silence(tracks: Sequence[Track], start: int | None, end: int | None) -> None:
    """Refuse to write hours of silence unless it is said from when to when to write.

    Raises:
        RequestError: there is such a silence; ``data``: ``seq``.
    """
    found = long_silence(tracks)
    if found is not None and (start is None or end is None):
        raise RequestError(
            f"There is {found.detail}: record {found.seq} ends the silence.",
            hint="State from when to when to write (--from and --to), or write each item to a file (--items).",
            seq=found.seq,
        )
