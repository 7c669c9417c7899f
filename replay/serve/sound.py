"""Whether live input audio is the recorded one, compared as it arrives, however it was cut into frames.

Memory does not grow with what arrives: of the recording a hash per frame is kept, and of the live audio only what has
come of the recorded frame at hand.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["AudioDifference", "AudioMatcher", "AudioTrack"]


@dataclass(slots=True)
class AudioTrack:
    """The recorded input audio: per frame its seq, where it ends, and a hash. 24 bytes each.

    The hash is Python's own (64-bit SipHash, keyed afresh in each process): it never leaves the process, and it is
    several times as fast as any in ``hashlib`` on frames of this size.

    Positions are in decoded bytes since the session began. Stretches run from commit to commit.
    """

    seqs: array[int] = field(default_factory=lambda: array("q"))
    ends: array[int] = field(default_factory=lambda: array("q"))
    hashes: array[int] = field(default_factory=lambda: array("q"))
    stretch_ends: list[int] = field(default_factory=list[int])
    """Where each stretch ends that the client ended itself."""
    unreliable: set[int] = field(default_factory=set[int])
    """Stretches in which frames are missing (gaps, erasure): their audio is not compared."""
    total: int = 0
    """All bytes so far."""

    def append(self, seq: int, audio: bytes) -> None:
        """Add the audio of one frame."""
        if not audio:
            return
        self.total += len(audio)
        self.seqs.append(seq)
        self.ends.append(self.total)
        self.hashes.append(hash(audio))

    def end_stretch(self) -> None:
        """Note a commit or clear by the client."""
        self.stretch_ends.append(self.total)

    @property
    def stretch(self) -> int:
        """Number of the stretch that is being recorded, from 0."""
        return len(self.stretch_ends)

    @property
    def stretch_start(self) -> int:
        """Where that stretch begins."""
        return self.stretch_ends[-1] if self.stretch_ends else 0

    def bounds(self, stretch: int) -> tuple[int, int]:
        """Return first and last byte position of a stretch."""
        start = self.stretch_ends[stretch - 1] if 0 < stretch <= len(self.stretch_ends) else 0
        if stretch > len(self.stretch_ends):
            start = self.total
        return start, self.stretch_ends[stretch] if stretch < len(self.stretch_ends) else self.total


@dataclass(frozen=True, slots=True)
class AudioDifference:
    """Where live audio departs from the recorded one.

    Attributes:
        what: ``bytes``, ``longer`` (than the recorded stretch) or ``shorter``.
        stretch: from commit to commit, counted from 0.
        seq: the recorded frame in which it lies; None past the end.
        from_byte: in the stretch; the difference lies at or after it.
        to_byte: in the stretch; it lies before this.
    """

    what: Literal["bytes", "longer", "shorter"]
    stretch: int
    seq: int | None
    from_byte: int
    to_byte: int


class AudioMatcher:
    """Compares live input audio with the recorded one as it arrives."""

    __slots__ = ("_begun", "_compared", "_end", "_index", "_mode", "_start", "_track", "position", "stretch", "total")

    def __init__(self, track: AudioTrack, mode: Literal["exact", "length", "ignore"]) -> None:
        self._track = track
        self._mode = mode
        self._index = 0
        self._begun = bytearray()  # of the recorded frame that is being compared, what has come of it
        self.stretch = -1
        """Number of the stretch that is being received."""
        self.position = 0
        """Bytes received in it."""
        self.total = 0
        """Bytes received in all."""
        self._begin_stretch()

    def _begin_stretch(self) -> None:
        self.stretch += 1
        self.position = 0
        self._start, self._end = self._track.bounds(self.stretch)
        # One difference is told for each stretch: what follows one differs as a rule.
        self._compared = self._mode != "ignore" and self.stretch not in self._track.unreliable

    def feed(self, audio: bytes) -> AudioDifference | None:
        """Take audio; tell the first difference in this stretch."""
        before = self.position
        self.position = before + len(audio)
        self.total += len(audio)
        if not self._compared:
            return None
        if self._mode == "exact":
            found = self._compare(audio, self._start + before)
            if found is not None:
                self._compared = False
                return found
        # Past the last commit of the recording there is nothing to compare with, and nothing that depends on it.
        if self._start + self.position > self._end and self.stretch < len(self._track.stretch_ends):
            self._compared = False
            return AudioDifference("longer", self.stretch, None, self._end - self._start, self.position)
        return None

    def _compare(self, audio: bytes, at: int) -> AudioDifference | None:
        """Compare audio that begins at a position of the session."""
        track, taken = self._track, 0
        while taken < len(audio) and at < self._end:
            index = self._index
            end = track.ends[index]
            part = audio if not taken and len(audio) <= end - at else audio[taken : taken + end - at]
            taken += len(part)
            at += len(part)
            if self._begun or at < end:
                self._begun += part
                if at < end:
                    return None
                part = bytes(self._begun)
                self._begun.clear()
            self._index = index + 1
            if hash(part) != track.hashes[index]:
                first = track.ends[index - 1] if index else 0
                from_byte = max(first, self._start) - self._start
                return AudioDifference("bytes", self.stretch, track.seqs[index], from_byte, end - self._start)
        return None

    def end_stretch(self) -> AudioDifference | None:
        """Take a commit or clear; tell whether the stretch was too short."""
        found = self.missing()
        self._begun.clear()
        self._index = bisect_right(self._track.ends, self._end)
        self._begin_stretch()
        return found

    def missing(self) -> AudioDifference | None:
        """Tell what the recorded stretch holds beyond what has arrived."""
        at = self._start + self.position
        if not self._compared or at >= self._end:
            return None
        seq = self._track.seqs[bisect_right(self._track.ends, at)]
        return AudioDifference("shorter", self.stretch, seq, self.position, self._end - self._start)

    @property
    def complete(self) -> bool:
        """Whether all recorded audio has arrived."""
        return self.stretch >= len(self._track.stretch_ends) and self.missing() is None

    def reached(self, stretch: int, offset: int) -> bool:
        """Whether so many bytes of that stretch have arrived, or the client has ended it."""
        return self.stretch > stretch or (self.stretch == stretch and self.position >= offset)
