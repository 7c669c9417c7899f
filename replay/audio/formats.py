"""Audio formats of the Realtime API as samples: 16-bit PCM and G.711.

Everything here is decoded to 16-bit signed samples, native byte order, mono: what PCM16 is already, and what G.711
expands to without loss (ITU-T G.711, 14 and 13 significant bits).
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ...schemas.audio import AudioFormat

__all__ = ["NS", "Samples", "bytes_to_ns", "decode", "ns_to_samples"]

Samples = npt.NDArray[np.int16]

NS: Final = 1_000_000_000


def bytes_to_ns(size: int, audio_format: AudioFormat) -> Fraction:
    """Return how long this many bytes play, in nanoseconds, exactly."""
    return Fraction(size * NS, audio_format.sample_size * audio_format.rate)


def ns_to_samples(ns: Fraction | int, rate: int) -> int:
    """Return the sample of a ``rate`` Hz clock that is nearest to a time; a tie goes to the later one."""
    return (ns * rate * 2 + NS) // (2 * NS)


def _mulaw_table() -> Samples:
    """ITU-T G.711 table 2: complement, 3 bits of segment, 4 of position, offset 33 (here at 14 bits, shifted by 2)."""
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    magnitude = ((((code & 0x0F) << 3) + 0x84) << ((code & 0x70) >> 4)) - 0x84
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def _alaw_table() -> Samples:
    """ITU-T G.711 table 1: even bits inverted, 3 bits of segment, 4 of position (here at 13 bits, shifted by 3)."""
    code = np.arange(256, dtype=np.int32) ^ 0x55
    position, segment = (code & 0x0F) << 4, (code & 0x70) >> 4
    magnitude = np.where(segment == 0, position + 8, (position + 0x108) << np.maximum(segment - 1, 0))
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


_TABLES: Final = {"audio/pcmu": _mulaw_table(), "audio/pcma": _alaw_table()}


def decode(data: Any, audio_format: AudioFormat) -> Samples:
    """Decode whole samples.

    Args:
        data: bytes-like; its length is a multiple of the format's ``sample_size``.
        audio_format: what the bytes are.
    """
    table = _TABLES.get(audio_format.type)
    if table is not None:
        return table[np.frombuffer(data, np.uint8)]
    return np.frombuffer(data, "<i2").astype(np.int16, copy=False)
