"""Pieces of audio: which bytes of which records.

A piece is bytes, not samples: an append or a delta may end in the middle of a sample, and the next one goes on there.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Literal, get_args

import numpy as np
import numpy.typing as npt

from ...schemas.audio import AudioFormat
from ...schemas.refs import AudioRefs
from .formats import bytes_to_ns

__all__ = ["SIDES", "AudioProblem", "Interval", "Piece", "Placed", "Side", "bounds_of", "ref_arrays"]

Integers = npt.NDArray[np.int32] | npt.NDArray[np.int64]
Side = Literal["user", "assistant"]
SIDES: Final[tuple[Side, ...]] = get_args(Side)


@dataclass(frozen=True, slots=True)
class AudioProblem:
    """Audio that could not be used as it stands, and what was done instead.

    ``what``: ``bad-base64``, ``odd-bytes``, ``no-audio`` (erased, or not there any more), ``length``, ``missing``,
    ``format`` (no event stated it, or the sound contradicts it), ``unknown-cut`` (nothing says how much was heard),
    ``clipped``, ``inexact`` (an item's place in the input), ``gap`` (frames that the recorder could not store),
    ``clock`` (times that cannot be believed), ``silence`` (hours of it), ``not-read`` (frames that may hold sound, in a
    vocabulary or a form that is not read).
    """

    seq: int | None
    what: str
    detail: str

    def __str__(self) -> str:
        return f"{self.what}{'' if self.seq is None else f' (record {self.seq})'}: {self.detail}"


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A run of audio bytes in records: ``size`` bytes of their audio, after the first ``skip``.

    Attributes:
        seqs: the records, ascending.
        lengths: decoded bytes of each.
        skip: bytes at the beginning that do not belong to it; fewer than ``lengths[0]``.
        size: its length in bytes: whole samples.
        format: what the bytes are.
        part: index of the content part, where the records are ``conversation.item.create`` events.
    """

    seqs: Integers
    lengths: Integers
    skip: int
    size: int
    format: AudioFormat
    part: int | None = None

    @property
    def samples(self) -> int:
        """Its length in samples of its own format."""
        return self.size // self.format.sample_size

    @classmethod
    def of(
        cls,
        seqs: Integers,
        lengths: Integers,
        audio_format: AudioFormat,
        *,
        start: int = 0,
        end: int | None = None,
        bounds: Integers | None = None,
    ) -> Piece:
        """Cut bytes ``start`` to ``end`` (default: all) out of records; a broken sample at the end is left out.

        ``bounds`` are the byte positions between the records, from any origin, which ``start`` and ``end`` then have
        too; without them they count from the first byte.
        """
        bounds = bounds_of(lengths) if bounds is None else bounds
        end = int(bounds[-1]) if end is None else min(end, int(bounds[-1]))
        start = min(start, end)
        size = (end - start) // audio_format.sample_size * audio_format.sample_size
        if size == 0:
            return cls(seqs[:0], lengths[:0], 0, 0, audio_format)
        first = int(np.searchsorted(bounds, start, side="right")) - 1
        last = int(np.searchsorted(bounds, start + size, side="left"))
        return cls(seqs[first:last], lengths[first:last], start - int(bounds[first]), size, audio_format)


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """A piece of audio at its place on the session's clock."""

    start_ns: Fraction
    side: Side
    piece: Piece
    item_id: str | None = None

    @property
    def end_ns(self) -> Fraction:
        """Where its last sample ends."""
        return self.start_ns + bytes_to_ns(self.piece.size, self.piece.format)


@dataclass(frozen=True, slots=True)
class Interval:
    """Somebody was speaking.

    ``source``: ``audio`` where the recording holds the sound, ``events`` where only events speak of it (a WebRTC
    session seen from a side channel). ``cut`` is True where the assistant was cut short.
    """

    side: Side
    item_id: str | None
    start_ns: int
    end_ns: int
    source: Literal["audio", "events"]
    cut: bool = False


def ref_arrays(refs: AudioRefs) -> tuple[Integers, Integers]:
    """Return references as two arrays: seqs, and decoded bytes of each; records without audio are left out."""
    flat = np.frombuffer(refs.tobytes(), np.int64)
    seqs, lengths = flat[0::2], flat[1::2]
    if not lengths.all():
        seqs, lengths = seqs[lengths > 0], lengths[lengths > 0]
    # A long call has millions of them; records are counted and messages bounded well within 32 bits.
    return seqs.astype(np.int32), lengths.astype(np.int32)


def bounds_of(lengths: Integers) -> npt.NDArray[np.int64]:
    """Return the byte positions before, between and after records of these lengths."""
    bounds = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=bounds[1:])
    return bounds
