"""The input stream by its sample clock: where an utterance lies in the audio that the client sent.

The rules (API reference, ``input_audio_buffer.speech_started``): milliseconds count from the start of all audio
written to the buffer during the session, and ``audio_start_ms`` includes the padding already. A commit takes what was
appended since the last commit or clear. What the received audio cannot hold is marked, never invented.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final, Literal

from ...schemas.audio import AudioFormat, default_format
from ...schemas.state import InputFormat, InputSpan

__all__ = [
    "MAX_CHARACTERS_PER_SECOND",
    "SampleClock",
    "distrust_by_transcript",
]

MAX_CHARACTERS_PER_SECOND: Final = 50
"""Nobody speaks faster: quick speech has about 25 characters per second. A span whose transcript needs more was not
measured by the clock of the received audio (some vendors count otherwise)."""

_NO_AUDIO: Final = "the recording has no input audio"

_MIN_TELLING_CHARACTERS: Final = 10
"""A shorter transcript says nothing about its span."""


class SampleClock:
    """Counts the input stream: bytes received, what is committed, and bytes against milliseconds.

    The format may change while audio flows; each change starts a stretch with a rate of its own.
    """

    __slots__ = ("_formats", "_stretches", "committed_to", "gap_at", "received")

    def __init__(self) -> None:
        self.received = 0
        """Decoded bytes appended so far."""
        self.committed_to = 0
        """Where the uncommitted rest begins, in bytes."""
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

    def span_of_times(
        self, source: Literal["vad", "timeout"], start_ms: float | None, end_ms: float | None
    ) -> InputSpan:
        """The span between two times as a server stated them."""
        start_ms, end_ms = (None if ms is None else float(ms) for ms in (start_ms, end_ms))
        start = None if start_ms is None else self.byte_of(start_ms)
        end = None if end_ms is None else self.byte_of(end_ms)
        span = InputSpan(source, start_ms, end_ms, start, end, reliable=False)
        if start_ms is None or end_ms is None or start is None or end is None:
            span.why_not = "the server stated only one end"
        elif start_ms < 0 or end_ms < start_ms:
            span.why_not = "the stated times are not in order"
        elif not self.received:
            span.why_not = _NO_AUDIO
        elif self.gap_at is not None and end > self.gap_at:
            span.why_not = "frames before its end are missing from the recording, which the server's clock counted"
        elif end > self.received:
            span.why_not = "it ends after the audio received by then"
        else:
            span.reliable = True
        return span

    def span_of_commit(self, end_byte: int) -> InputSpan:
        """The span from the last commit or clear to a byte."""
        start = min(self.committed_to, end_byte)
        span = InputSpan("commit", self.ms_of(start), self.ms_of(end_byte), start, end_byte, reliable=end_byte > start)
        if not span.reliable:
            span.why_not = "no audio came since the last commit" if self.received else _NO_AUDIO
        return span


def distrust_by_transcript(span: InputSpan, transcript: str) -> None:
    """Mark a span as unreliable that is far too short for what was said in it."""
    if not span.reliable or span.start_ms is None or span.end_ms is None:
        return
    length = len(transcript.strip())
    if length >= _MIN_TELLING_CHARACTERS and length * 1000 > MAX_CHARACTERS_PER_SECOND * (span.end_ms - span.start_ms):
        span.reliable = False
        span.why_not = f"{length} characters were understood in it: another clock"
