"""Sound files: formats, limits, failures, equal bytes."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile
from earwitness.replay.audio.encode import FILE_FORMATS, FileFormat, file_format, file_rate, refuse_too_long, sound_file
from earwitness.schemas.errors import CannotWrite, RequestError

from tests.events import ramp

STEREO = np.stack([ramp(30_000), ramp(30_000, first=9)], axis=1)


def write(path: Path, kind: str, samples: np.ndarray = STEREO, rate: int = 24_000) -> None:
    with sound_file(path, kind, rate, samples.shape[1], len(samples)) as give:  # type: ignore[arg-type]
        for first in range(0, len(samples), 7001):
            give(samples[first : first + 7001])


@pytest.mark.parametrize(("name", "stated", "kind"), [
    ("a.wav", None, "wav"), ("a.WAV", None, "wav"), ("a.flac", None, "flac"), ("a.ogg", None, "ogg"),
    ("a.opus", None, "ogg"), ("a", "flac", "flac"), ("a.wav", "ogg", "ogg"),
])  # fmt: skip
def test_the_stated_format_counts_before_the_name(name: str, stated: str | None, kind: str) -> None:
    assert file_format(Path(name), stated) == kind


@pytest.mark.parametrize(("name", "stated"), [("call.mp3", None), ("call", None), ("call.wav", "mp3")])
def test_an_unknown_format_is_refused_with_the_choice(name: str, stated: str | None) -> None:
    with pytest.raises(RequestError) as caught:
        file_format(Path(name), stated)
    assert all(kind in caught.value.hint for kind in FILE_FORMATS)


def test_opus_takes_the_next_rate_that_it_has() -> None:
    assert [file_rate(rate, "ogg") for rate in (8000, 11025, 22050, 24000, 44100, 96000)] == [
        8000, 12000, 24000, 24000, 48000, 48000
    ]  # fmt: skip
    assert file_rate(44_100, "flac") == file_rate(44_100, "wav") == 44_100


@pytest.mark.parametrize("kind", FILE_FORMATS)
def test_a_rate_that_no_file_can_have_becomes_one_that_it_can(kind: FileFormat, tmp_path: Path) -> None:
    rate = file_rate(1 << 40, kind)
    write(tmp_path / "a", kind, STEREO[:1000], rate)
    assert soundfile.info(tmp_path / "a").samplerate == rate >= 48_000


@pytest.mark.parametrize("kind", ["wav", "flac"])
def test_the_samples_come_back_as_they_were(kind: str, tmp_path: Path) -> None:
    write(tmp_path / "a", kind)
    samples, rate = soundfile.read(tmp_path / "a", dtype="int16")
    assert rate == 24_000
    assert np.array_equal(samples, STEREO)


def test_the_standard_library_reads_the_wav_and_its_header_tells_the_truth(tmp_path: Path) -> None:
    write(tmp_path / "a.wav", "wav")
    with wave.open(str(tmp_path / "a.wav")) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, 24_000)
        assert file.readframes(file.getnframes()) == STEREO.tobytes()
    assert (tmp_path / "a.wav").stat().st_size == 44 + STEREO.nbytes


def test_opus_keeps_the_length_and_the_sides(tmp_path: Path) -> None:
    time = np.arange(48_000) / 24_000
    tone = (np.sin(2 * np.pi * 440 * time) * 12_000).astype(np.int16)
    write(tmp_path / "a.ogg", "ogg", np.stack([tone, np.zeros_like(tone)], axis=1))
    samples, rate = soundfile.read(tmp_path / "a.ogg")
    assert (rate, samples.shape) == (24_000, (48_000, 2))
    left, right = np.sqrt((samples**2).mean(axis=0))
    assert left > 0.2
    assert right < 0.01


@pytest.mark.parametrize("kind", FILE_FORMATS)
def test_the_same_samples_give_the_same_bytes(kind: str, tmp_path: Path) -> None:
    write(tmp_path / "a", kind)
    write(tmp_path / "b", kind)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize(("samples", "channels"), [((1 << 31) - 19, 1), ((1 << 30) - 10, 2)])
def test_a_wav_of_four_gigabytes_is_refused_and_flac_is_named(samples: int, channels: int) -> None:
    refuse_too_long(Path("a.wav"), "wav", samples, channels)
    refuse_too_long(Path("a.flac"), "flac", samples * 4, channels)
    with pytest.raises(CannotWrite, match=r"4\.0 GiB.*FLAC"):
        refuse_too_long(Path("a.wav"), "wav", samples + 1, channels)


@pytest.mark.parametrize("kind", FILE_FORMATS)
def test_a_full_disk_is_an_os_error_in_every_format(kind: str, tmp_path: Path, small_disk: None) -> None:
    noise = np.random.default_rng(0).integers(-20_000, 20_000, (200_000, 2)).astype(np.int16)
    with pytest.raises(OSError, match="."):
        write(tmp_path / "a", kind, noise)
