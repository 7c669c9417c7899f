"""The input stream by its sample clock: bytes received against milliseconds.

Which part of it an item is, :mod:`.input_spans` tells.
"""

from __future__ import annotations

from dataclasses import replace

from ...schemas.audio import AudioFormat, default_format
from ...schemas.state import InputFormat

__all__ = ["SampleClock"]


class SampleClock:
    """Counts the input stream: bytes received, and bytes against milliseconds.

    The format may change while audio flows; each change starts a stretch with a rate of its own.
    """

    __slots__ = ("_formats", "_stretches", "gap_at", "received")

    def __init__(self) -> None:
        self.received = 0
        """Decoded bytes appended so far."""
        self.gap_at: int | None = None
        """Where the first gap of the recording lies, in bytes: behind it the server may have counted more."""
        stated = default_format()
        self._stretches: list[tuple[int, float, float, int]] = [(0, 0.0, stated.bytes_per_ms, stated.sample_size)]
        self._formats = [InputFormat(0, stated)]

    def set_format(self, audio_format: AudioFormat, at_byte: int) -> None:
        """State the format of the stream from a byte on."""
        rate, sample = audio_format.bytes_per_ms, audio_format.sample_size
        at_byte = max(at_byte, self._formats[-1].at_byte)
        last = self._formats[-1]
        if (last.format.type, last.format.rate) == (audio_format.type, audio_format.rate):
            at_byte = last.at_byte
        if last.at_byte == at_byte:
            self._formats.pop()
        self._formats.append(InputFormat(at_byte, audio_format))
        if self._stretches[-1][2:] == (rate, sample):
            return
        stretch = (at_byte, self.ms_of(at_byte), rate, sample)
        if self._stretches[-1][0] == at_byte:
            self._stretches.pop()
        self._stretches.append(stretch)

    @property
    def formats(self) -> list[InputFormat]:
        """The formats of the stream, each with the byte that it begins at."""
        return [InputFormat(each.at_byte, replace(each.format)) for each in self._formats]

    def ms_of(self, byte: int) -> float:
        """Milliseconds of audio before a byte of the stream."""
        start, start_ms, rate, _ = next(
            (stretch for stretch in reversed(self._stretches) if stretch[0] <= byte), self._stretches[0]
        )
        return start_ms + (byte - start) / rate

    def byte_of(self, ms: float) -> int:
        """The byte of the stream at a time, at the beginning of a sample."""
        start, start_ms, rate, sample = next(
            (stretch for stretch in reversed(self._stretches) if stretch[1] <= ms), self._stretches[0]
        )
        return start + round((ms - start_ms) * rate) // sample * sample
