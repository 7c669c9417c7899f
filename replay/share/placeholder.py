"""A tone that stands in for sound, of the same length in bytes and in the same format."""

from __future__ import annotations

from math import pi, sin
from typing import Final

from ...schemas.audio import AudioFormat

__all__ = ["tone"]

_HERTZ: Final = 400
_AMPLITUDE: Final = 3277
"""A tenth of full scale: -20 dBFS."""


def tone(size: int, audio_format: AudioFormat, offset: int = 0) -> bytes:
    """Return this many bytes of a 400 Hz tone at -20 dBFS, from a byte position of its stream on."""
    period = _period(audio_format)
    start = offset % len(period)
    repeats = (start + size) // len(period) + 1
    return (period * repeats)[start : start + size]


def _period(audio_format: AudioFormat) -> bytes:
    """Return the bytes of whole periods of the tone; at a rate that 400 does not divide, of one second."""
    rate = audio_format.rate
    count = rate // _HERTZ if rate % _HERTZ == 0 else rate
    samples = [round(_AMPLITUDE * sin(2 * pi * _HERTZ * n / rate)) for n in range(count)]
    if audio_format.type == "audio/pcmu":
        return bytes(map(_mulaw, samples))
    if audio_format.type == "audio/pcma":
        return bytes(map(_alaw, samples))
    return b"".join(sample.to_bytes(2, "little", signed=True) for sample in samples)


def _mulaw(sample: int) -> int:
    """ITU-T G.711 table 2, from 16 bits: bias 132, 3 bits of segment, 4 of position, all inverted."""
    sign = 0x80 if sample < 0 else 0
    magnitude = min(abs(sample), 32635) + 132
    segment = magnitude.bit_length() - 8
    return ~(sign | segment << 4 | magnitude >> segment + 3 & 0x0F) & 0xFF


def _alaw(sample: int) -> int:
    """ITU-T G.711 table 1, from 16 bits: 3 bits of segment, 4 of position, even bits inverted."""
    sign = 0x80 if sample >= 0 else 0
    magnitude = (sample if sample >= 0 else -sample - 1) >> 3
    segment = max(magnitude.bit_length() - 5, 0)
    position = magnitude >> (segment or 1) & 0x0F
    return (sign | segment << 4 | position) ^ 0x55
