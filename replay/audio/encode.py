"""Write samples to a sound file: WAV by the standard library, FLAC and Ogg Opus by libsndfile.

The same samples give the same bytes, by the same libsndfile; of Ogg Opus the random serial number is replaced.
"""

from __future__ import annotations

import errno
import wave
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal, cast, get_args

from ...schemas.errors import CannotWrite, RequestError
from .formats import Samples
from .ogg import set_serial

__all__ = ["FILE_FORMATS", "FileFormat", "file_format", "file_rate", "refuse_too_long", "sound_file"]

FileFormat = Literal["wav", "flac", "ogg"]
FILE_FORMATS: Final = cast("tuple[FileFormat, ...]", get_args(FileFormat))

_SUFFIXES: Final[dict[str, FileFormat]] = {
    ".wav": "wav",
    ".wave": "wav",
    ".flac": "flac",
    ".ogg": "ogg",
    ".opus": "ogg",
    ".oga": "ogg",
}
_SERIAL: Final = 0x45415257
"""Of an Ogg file's only stream; any number is right."""
_OPUS_RATES: Final = (8000, 12000, 16000, 24000, 48000)
_HIGHEST_RATE: Final = 192_000
"""Of WAV and FLAC: what players play. No API sends more, but a session may state any number."""
_WAV_HEADER: Final = 44
_WAV_LIMIT: Final = (1 << 32) - 1
"""RIFF counts bytes in 32 bits, from behind its first 8."""


def file_format(target: Path, stated: str | None = None) -> FileFormat:
    """Return the format that was asked for, else the one that the file name ends with.

    Raises:
        RequestError: neither names one.
    """
    if stated is not None:
        if stated not in FILE_FORMATS:
            raise RequestError(
                f"{stated!r} is not a sound format.",
                hint=f"Choose one of {', '.join(FILE_FORMATS)}.",
            )
        return stated
    found = _SUFFIXES.get(target.suffix.lower())
    if found is None:
        raise RequestError(
            f"The name {target.name} does not say which sound format to write.",
            hint=f"End it with {', '.join(_SUFFIXES)}, or state the format.",
            file=str(target),
        )
    return found


def file_rate(rate: int, kind: FileFormat) -> int:
    """Return the sample rate to write: the given one, or the next one that the format has."""
    if kind != "ogg":
        return min(rate, _HIGHEST_RATE)
    return next((each for each in _OPUS_RATES if each >= rate), _OPUS_RATES[-1])


def refuse_too_long(target: Path, kind: FileFormat, samples: int, channels: int) -> None:
    """Refuse what a WAV file cannot hold before anything is written.

    Raises:
        CannotWrite: it would pass 4 GiB.
    """
    size = samples * channels * 2
    if kind == "wav" and size + _WAV_HEADER - 8 > _WAV_LIMIT:
        raise CannotWrite(
            f"{target} would have {size / (1 << 30):.1f} GiB of sound; a WAV file holds at most 4.",
            hint="Write FLAC (end the name with .flac), or a part of the session with --from and --to.",
            file=str(target),
            bytes=size,
        )


@contextmanager
def sound_file(
    path: Path, kind: FileFormat, rate: int, channels: int, samples: int
) -> Generator[Callable[[Samples], None]]:
    """Open a sound file for writing, and return the function that takes blocks ``(samples, channels)``.

    Args:
        path: an existing or new file; it is overwritten.
        kind: the format.
        rate: in Hz.
        channels: 1 or 2.
        samples: how many (per channel) will be written.

    Raises:
        OSError: the file cannot be written.
    """
    if kind == "wav":
        with path.open("wb") as raw, wave.open(raw, "wb") as file:
            file.setnchannels(channels)
            file.setsampwidth(2)
            file.setframerate(rate)
            file.setnframes(samples)
            yield lambda block: file.writeframesraw(block.astype("<i2", copy=False).tobytes())
        return
    import soundfile  # pyright: ignore[reportMissingTypeStubs] - it has none

    container, encoding = ("FLAC", "PCM_16") if kind == "flac" else ("OGG", "OPUS")
    try:
        with soundfile.SoundFile(path, "w", rate, channels, encoding, format=container) as file:
            yield file.write
    except (soundfile.LibsndfileError, AssertionError) as error:
        # soundfile asserts that libsndfile took all samples: a full disk shows as a failed assertion.
        why = f"libsndfile says {str(error).rstrip('.')!r}" if str(error) else "libsndfile could not write all samples"
        raise OSError(errno.EIO, why) from error
    if kind == "ogg":
        with path.open("r+b") as written:
            set_serial(written, _SERIAL)
