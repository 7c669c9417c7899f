"""Mix placed audio into blocks of samples, reading each recording once, in order, in bounded memory.

:class:`Mixer` is pure: the audio of records goes in, in order of seq; blocks come out. :func:`render` feeds it from
recordings. A block comes out as soon as everything that lies in it has been read.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt
import soxr  # pyright: ignore[reportMissingTypeStubs] - it has none

from ...schemas.audio import audio_of, silence
from ...schemas.frame import Frame
from ...schemas.recording import Recording
from .formats import NS, Samples, bytes_to_ns, decode, ns_to_samples
from .pieces import AudioProblem, Piece
from .spool import MEMORY_BYTES, Budget, Spool

__all__ = ["Mixer", "Track", "render"]

BLOCK_SECONDS: Final = 2
QUALITY: Final = "VHQ"
"""soxr's double-precision engine: what processors round differently vanishes before 16 bits."""


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """A piece of audio for the mix: where it begins, on which channels, out of which recording."""

    start_ns: Fraction
    channels: tuple[int, ...]
    piece: Piece
    source: int = 0

    @property
    def end_ns(self) -> Fraction:
        """Where its last sample ends."""
        return self.start_ns + bytes_to_ns(self.piece.size, self.piece.format)


class _Sound:
    """One piece on its way from bytes to samples at the mix's rate."""

    def __init__(self, track: Track, rate: int, budget: Budget) -> None:
        piece = track.piece
        self.track = track
        self.start = ns_to_samples(track.start_ns, rate)
        self.length = ns_to_samples(Fraction(piece.samples * NS, piece.format.rate), rate)
        self.given = self.ready = 0
        """Samples returned so far, and samples that can be returned now."""
        self._bytes = Spool(budget)
        self._skip = piece.skip
        self._missing = piece.size
        self._step = piece.format.sample_size
        self._ratio = rate / piece.format.rate
        self._resampler = (
            soxr.ResampleStream(piece.format.rate, rate, 1, dtype="float64", quality=QUALITY)
            if piece.format.rate != rate
            else None
        )
        self._queue: list[Samples] = []
        self._drained = False

    @property
    def position(self) -> int:
        """The sample of the mix that it returns next."""
        return self.start + self.given

    @property
    def end(self) -> int:
        return self.start + self.length

    @property
    def first_seq(self) -> int:
        return int(self.track.piece.seqs[0])

    @property
    def last_seq(self) -> int:
        return int(self.track.piece.seqs[-1])

    def push(self, data: bytes) -> None:
        """Take the audio of the next record that belongs to it."""
        if self._skip:
            data, self._skip = data[self._skip :], 0
        data = data[: self._missing]
        self._missing -= len(data)
        self._bytes.push(data)

    def finish(self) -> int:
        """Expect no more; return the number of bytes that never came. They become silence."""
        missing, self._missing = self._missing, 0
        return missing

    def pump(self, until: int) -> None:
        """Decode what has come, as far as sample ``until`` of the mix."""
        until = min(until, self.end)
        while (wanted := until - self.position - self.ready) > 0:
            if self._drained:
                self._queue_up(np.zeros(wanted, np.int16))
                return
            count = min(max(round(wanted / self._ratio), 1), self._bytes.size // self._step)
            samples = decode(self._bytes.take(count * self._step), self.track.piece.format)
            last = self._missing == 0 and self._bytes.size < self._step
            if not count and not last:
                return
            self._queue_up(self._resampled(samples, last=last))
            self._drained = last

    def _resampled(self, samples: Samples, *, last: bool) -> Samples:
        if self._resampler is None:
            return samples
        out: npt.NDArray[np.float64] = self._resampler.resample_chunk(samples.astype(np.float64), last=last)
        return np.clip(np.rint(out), -32768, 32767).astype(np.int16)

    def _queue_up(self, samples: Samples) -> None:
        if len(samples):
            self._queue.append(samples)
            self.ready += len(samples)

    def take(self, count: int) -> Samples:
        """Return the next ``count`` samples; as many must be ready."""
        taken: list[Samples] = []
        self.given += count
        self.ready -= count
        while count:
            samples = self._queue.pop(0)
            if len(samples) > count:
                self._queue.insert(0, samples[count:])
                samples = samples[:count]
            count -= len(samples)
            taken.append(samples)
        return taken[0] if len(taken) == 1 else np.concatenate(taken) if taken else np.empty(0, np.int16)

    def close(self) -> None:
        self._bytes.close()
        self._queue.clear()


class Mixer:
    """Mixes pieces into one stream of blocks.

    Args:
        tracks: the pieces, of one or several recordings (``source``).
        rate: of the mix, in Hz.
        channels: of the mix. Where pieces overlap on a channel they are added; what is clipped is a problem.
        start: the first sample of the mix to return.
        end: the sample before which it ends; None for the end of the last piece.
        memory: bytes of waiting audio to hold in memory; the rest waits on disk.
    """

    def __init__(
        self,
        tracks: Sequence[Track],
        rate: int,
        channels: int,
        *,
        start: int = 0,
        end: int | None = None,
        memory: int = MEMORY_BYTES,
    ) -> None:
        budget = Budget(memory)
        self._channels = channels
        self._rate = rate
        self.clipped = 0
        """Samples that were cut to the loudest that a file can hold, because pieces were added."""
        self._clipped_at: int | None = None
        self._block = BLOCK_SECONDS * rate
        tracks = [trimmed for track in tracks if (trimmed := _trim(track, rate, start, end)) is not None]
        self._sounds = sorted((_Sound(track, rate, budget) for track in tracks), key=lambda sound: sound.start)
        self._start = self._at = start
        self._end = max((sound.end for sound in self._sounds), default=start) if end is None else end
        self._end = max(self._end, start)
        self._admitted = 0
        self._active: list[_Sound] = []
        by_record = sorted(self._sounds, key=lambda sound: sound.first_seq)
        self._unread: dict[int, deque[_Sound]] = {}
        for sound in by_record:
            self._unread.setdefault(sound.track.source, deque()).append(sound)
        self._ranges = {
            source: (sounds[0].first_seq, max(sound.last_seq for sound in sounds) + 1)
            for source, sounds in self._unread.items()
        }
        self._reading: list[_Sound] = []
        self.problems: list[AudioProblem] = []

    @property
    def samples(self) -> int:
        """Samples (per channel) of the whole mix."""
        return self._end - self._start

    @property
    def done(self) -> float:
        """How much of the mix is done, from 0 to 1."""
        return (self._at - self._start) / self.samples if self.samples else 1.0

    def range_of(self, source: int) -> tuple[int, int]:
        """Return which seqs of a recording to read, ``start <= seq < stop``; an empty range for none."""
        return self._ranges.get(source, (0, 0))

    def feed(self, source: int, frames: Sequence[Frame]) -> None:
        """Take the next frames of a recording, in order and without a hole."""
        if not frames:
            return
        first, last = frames[0].seq, frames[-1].seq
        unread = self._unread.get(source)
        while unread and unread[0].first_seq <= last:
            self._reading.append(unread.popleft())
        for sound in self._reading:
            piece = sound.track.piece
            start, stop = np.searchsorted(piece.seqs, np.array((first, last + 1)))
            seqs: list[int] = piece.seqs[start:stop].tolist()
            lengths: list[int] = piece.lengths[start:stop].tolist()
            for seq, length in zip(seqs, lengths, strict=True):
                sound.push(self._audio(frames[seq - first], length, piece))
        self._reading = [sound for sound in self._reading if sound.last_seq > last]

    def _audio(self, frame: Frame, length: int, piece: Piece) -> bytes:
        try:
            data = audio_of(frame, piece.part)
        except ValueError as error:
            self.problems.append(AudioProblem(frame.seq, "no-audio", f"{error}; silence of its length instead"))
            return silence(length, piece.format)
        if len(data) != length:
            detail = f"{len(data)} bytes where {length} were expected"
            self.problems.append(AudioProblem(frame.seq, "length", detail))
            data = data[:length] + silence(length - len(data), piece.format)
        return data

    def finish(self) -> None:
        """Note that there are no more frames."""
        for sound in self._sounds:
            missing = sound.finish()
            if missing:
                seq = int(sound.track.piece.seqs[-1])
                detail = f"{missing} bytes of audio up to this record are missing; silence instead"
                self.problems.append(AudioProblem(seq, "missing", detail))

    def blocks(self) -> Iterator[Samples]:
        """Yield what is complete, as arrays ``(samples, channels)``; call it again after the next :meth:`feed`."""
        while self._at < self._end:
            until = min(self._at + self._block, self._end)
            while self._admitted < len(self._sounds) and self._sounds[self._admitted].start < until:
                self._active.append(self._sounds[self._admitted])
                self._admitted += 1
            for sound in self._active:
                if sound.position < self._at:
                    self._drop(sound)
                sound.pump(until)
                if sound.position + sound.ready < min(until, sound.end):
                    return
            block = self._mix(until)
            self._at = until
            self._active = [sound for sound in self._active if sound.position < sound.end]
            yield block
        clipping = self._clipping()
        if clipping is not None:
            self.problems.append(clipping)
            self._clipped_at = None

    def _drop(self, sound: _Sound) -> None:
        """Skip what is before the beginning."""
        before = min(self._at, sound.end)
        while sound.position < before:
            sound.pump(min(before, sound.position + self._block))
            count = min(sound.ready, before - sound.position)
            if not count:
                return
            sound.take(count)

    def _mix(self, until: int) -> Samples:
        mixed = np.zeros((until - self._at, self._channels), np.int16)
        layers: list[list[tuple[int, Samples]]] = [[] for _ in range(self._channels)]
        for sound in self._active:
            offset = sound.position - self._at
            samples = sound.take(min(until, sound.end) - sound.position)
            for channel in sound.track.channels:
                layers[channel].append((offset, samples))
        for channel, placed in enumerate(layers):
            if all(offset + len(samples) <= following for (offset, samples), (following, _) in pairwise(placed)):
                for offset, samples in placed:
                    mixed[offset : offset + len(samples), channel] = samples
            else:
                sums = np.zeros(len(mixed), np.int32)
                for offset, samples in placed:
                    sums[offset : offset + len(samples)] += samples
                mixed[:, channel] = np.clip(sums, -32768, 32767)
                self._count_clipped(mixed[:, channel] != sums)
        return mixed

    def _count_clipped(self, clipped: npt.NDArray[np.bool_]) -> None:
        count = int(np.count_nonzero(clipped))
        if count and self._clipped_at is None:
            self._clipped_at = self._at + int(np.argmax(clipped))
        self.clipped += count

    def _clipping(self) -> AudioProblem | None:
        """Say that pieces which sound at once were too loud together."""
        if self._clipped_at is None:
            return None
        detail = (
            f"{self.clipped} samples, from {self._clipped_at / self._rate:.3f} s on, are louder than a file can hold "
            "where several voices are added; a stereo file keeps the two sides apart"
        )
        return AudioProblem(None, "clipped", detail)

    def close(self) -> None:
        """Release what is held."""
        for sound in self._sounds:
            sound.close()


def _trim(track: Track, rate: int, start: int, end: int | None) -> Track | None:
    """Leave out of a track what lies outside the mix; None if nothing is left.

    Only audio at the mix's own rate is cut, where a sample is a sample; other audio is read from its beginning.
    """
    piece = track.piece
    first, last = ns_to_samples(track.start_ns, rate), ns_to_samples(track.end_ns, rate)
    if not piece.samples or last <= start or (end is not None and (first >= end or end <= start)):
        return None
    if piece.format.rate != rate or (first >= start and (end is None or last <= end)):
        return track
    skip = max(start - first, 0)
    keep = (piece.samples if end is None else min(end - first, piece.samples)) - skip
    step = piece.format.sample_size
    cut = Piece.of(
        piece.seqs,
        piece.lengths,
        piece.format,
        start=piece.skip + skip * step,
        end=piece.skip + (skip + keep) * step,
    )
    return replace(track, start_ns=Fraction((first + skip) * NS, rate), piece=replace(cut, part=piece.part))


async def render(
    recordings: Sequence[Recording],
    mixer: Mixer,
    write: Callable[[Samples], None],
    progress: Callable[[float], None] | None = None,
) -> None:
    """Read recordings in turn and write the mix block by block.

    Args:
        recordings: ``recordings[n]`` is the mixer's source ``n``.
        mixer: a fresh mixer.
        write: is given each block, ``(samples, channels)``.
        progress: is told after each block how much is done, from 0 to 1.
    """
    try:
        for source, recording in enumerate(recordings):
            start, stop = mixer.range_of(source)
            if start == stop:
                continue
            async for batch in recording.batches(start, stop):
                mixer.feed(source, batch)
                for block in mixer.blocks():
                    write(block)
                    if progress is not None:
                        progress(mixer.done)
        mixer.finish()
        for block in mixer.blocks():
            write(block)
            if progress is not None:
                progress(mixer.done)
    finally:
        mixer.close()
