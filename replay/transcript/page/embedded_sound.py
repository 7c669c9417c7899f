"""The sound of a call for a page: encoded, small, the same bytes each time, with its peaks for the waveform."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np
import pybase64

from ....schemas.errors import CannotWrite, RequestError
from ....schemas.recording import Recording
from ...audio.encode import FileFormat, file_rate, refuse_too_long, sound_file
from ...audio.formats import Samples
from ...audio.long_silence import long_silence, refuse_long_silence
from ...audio.mix import Mixer, Track, render
from ...audio.pieces import SIDES, AudioProblem, Side
from ...audio.playback import Reading
from ...audio.timeline import Timeline
from ...audio.tracks import timeline_tracks

__all__ = ["BARS", "LARGEST_BYTES", "LOSSLESS_BYTES", "Peaks", "Sound", "read_sound"]

BARS: Final = 360
"""Bars in the waveform."""
LOSSLESS_BYTES: Final = 16 << 20
"""Sound of up to so many bytes as 16-bit PCM is embedded as FLAC, which every browser of the last years plays; more (a
call of about three minutes) as Ogg Opus, a tenth of the size."""
LARGEST_BYTES: Final = 192 << 20
"""No page is made with more encoded sound: browsers refuse or choke."""

_MIME: Final[dict[FileFormat, str]] = {"wav": "audio/wav", "flac": "audio/flac", "ogg": "audio/ogg;codecs=opus"}


@dataclass(frozen=True, slots=True)
class Sound:
    """A call's sound.

    Attributes:
        format: how it is encoded.
        data: the file.
        rate: samples per second.
        samples: how many, per channel.
        peaks: for each side the loudest sample of each bar, 0 to 32767.
        problems: audio that could not be used as it stands.
    """

    format: FileFormat
    data: bytes = field(repr=False)
    rate: int
    samples: int
    peaks: dict[Side, list[int]] = field(repr=False)
    problems: tuple[AudioProblem, ...] = ()

    @property
    def duration_ms(self) -> int:
        """How long it plays, in whole milliseconds."""
        return -(-self.samples * 1000 // self.rate)

    @property
    def uri(self) -> str:
        """The file as a ``data:`` URI."""
        return f"data:{_MIME[self.format]};base64,{pybase64.b64encode_as_string(self.data)}"


class Peaks:
    """Measures the loudest sample of each of :data:`BARS` equal stretches, block by block."""

    def __init__(self, samples: int, channels: int = 2) -> None:
        self._samples = max(samples, 1)
        self._at = 0
        self._peaks = np.zeros((BARS, channels), np.int64)

    def take(self, block: Samples) -> None:
        """Take the next samples, as an array ``(samples, channels)``."""
        bars = (np.arange(self._at, self._at + len(block)) * BARS) // self._samples
        first = np.flatnonzero(np.diff(bars, prepend=-1))
        loudest = np.maximum.reduceat(np.minimum(np.abs(block.astype(np.int64)), 32767), first, axis=0)
        np.maximum.at(self._peaks, bars[first], loudest)
        self._at += len(block)

    def channel(self, number: int) -> list[int]:
        """Return the peaks of a channel."""
        return [int(peak) for peak in self._peaks[:, number]]


async def read_sound(
    recording: Recording,
    timeline: Timeline,
    as_: Reading,
    kind: FileFormat | None = None,
    progress: Callable[[float], None] | None = None,
) -> Sound | None:
    """Encode the sound of a recording in stereo, the user left and the assistant right.

    Args:
        recording: the session.
        timeline: its timeline.
        as_: which reading.
        kind: how to encode it; None decides by its length.
        progress: is called with how much is done, from 0 to 1.

    Returns:
        The sound; None if the recording holds none, or if hours of it would be silence: the timeline's problems say so.

    Raises:
        RequestError: it is too long for a page.
        CannotWrite: there is no space for temporary files.
    """
    tracks = timeline_tracks([recording], [timeline], "both", as_)
    if not tracks or _is_silent_for_hours(tracks, timeline, kind):
        return None
    rate = max(track.piece.format.rate for track in tracks)
    mixer = Mixer(tracks, rate, 2)
    if kind is None:
        kind = "flac" if mixer.samples * 4 <= LOSSLESS_BYTES else "ogg"
    if file_rate(rate, kind) != rate:
        mixer.close()
        rate = file_rate(rate, kind)
        mixer = Mixer(tracks, rate, 2)
    peaks = Peaks(mixer.samples)
    try:
        with tempfile.TemporaryDirectory(prefix="earwitness-") as folder:
            path = Path(folder) / f"sound.{kind}"
            refuse_too_long(path, kind, mixer.samples, 2)
            with sound_file(path, kind, rate, 2, mixer.samples) as write:

                def both(block: Samples) -> None:
                    peaks.take(block)
                    write(block)

                await render([recording], mixer, both, progress)
            _refuse_too_large(recording, path)
            data = path.read_bytes()
    except OSError as error:
        raise CannotWrite(
            f"The sound cannot be encoded: {error.strerror or error}.",
            hint="Check that the folder for temporary files has space ($TMPDIR).",
        ) from error
    finally:
        mixer.close()
    by_side: dict[Side, list[int]] = {side: peaks.channel(number) for number, side in enumerate(SIDES)}
    return Sound(kind, data, rate, mixer.samples, by_side, tuple(mixer.problems))


def _is_silent_for_hours(tracks: Sequence[Track], timeline: Timeline, kind: FileFormat | None) -> bool:
    """Whether hours of the sound would be silence; if sound was not asked for, a problem says so."""
    silence = long_silence(tracks)
    if silence is None:
        return False
    if kind is not None:
        refuse_long_silence(tracks, None, None)
    timeline.problems.append(replace(silence, detail=f"{silence.detail}. The page is without sound"))
    return True


def _refuse_too_large(recording: Recording, path: Path) -> None:
    size = path.stat().st_size
    if size > LARGEST_BYTES:
        raise RequestError(
            f"The sound of {recording.info.id} takes {size >> 20} MiB, more than a page can hold "
            f"({LARGEST_BYTES >> 20}).",
            hint="Take Ogg Opus (--sound ogg), or leave the sound out (--sound none) and write it with "
            "`earwitness audio`.",
            bytes=size,
        )
