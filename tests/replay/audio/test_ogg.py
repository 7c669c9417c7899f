"""Ogg pages: serial number and checksum, against files that libsndfile wrote."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from earwitness.replay.audio.ogg import page_checksum, with_serial


@pytest.fixture
def opus(tmp_path: Path) -> bytes:
    path = tmp_path / "sound.ogg"
    samples = (np.sin(np.arange(48000 * 3) / 20) * 8000).astype(np.int16)
    soundfile.write(path, samples, 48000, format="OGG", subtype="OPUS")
    return path.read_bytes()


def serial_of(data: bytes) -> int:
    return int.from_bytes(data[14:18], "little")


def test_the_encoders_own_checksum_comes_out(opus: bytes) -> None:
    segments = opus[26]
    page = bytearray(opus[: 27 + segments + sum(opus[27 : 27 + segments])])
    stated = int.from_bytes(page[22:26], "little")
    page[22:26] = bytes(4)
    assert page_checksum(bytes(page)) == stated


def test_putting_the_same_serial_number_in_changes_nothing(opus: bytes) -> None:
    assert opus.count(b"OggS") > 2
    assert with_serial(opus, serial_of(opus)) == opus


def test_every_page_gets_the_new_serial_number_and_the_sound_stays(opus: bytes, tmp_path: Path) -> None:
    changed = with_serial(opus, 7)
    assert len(changed) == len(opus)
    assert serial_of(changed) == 7
    for name, data in (("before.ogg", opus), ("after.ogg", changed)):
        (tmp_path / name).write_bytes(data)
    before, _ = soundfile.read(tmp_path / "before.ogg")
    after, _ = soundfile.read(tmp_path / "after.ogg")
    assert np.array_equal(before, after)


def test_two_encodings_of_the_same_sound_become_the_same_file(tmp_path: Path) -> None:
    samples = (np.sin(np.arange(48000) / 20) * 8000).astype(np.int16)
    files: list[bytes] = []
    for name in ("one.ogg", "two.ogg"):
        soundfile.write(tmp_path / name, samples, 48000, format="OGG", subtype="OPUS")
        files.append((tmp_path / name).read_bytes())
    assert with_serial(files[0], 1) == with_serial(files[1], 1)


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-1], lambda data: b"RIFF" + data[4:], lambda data: data + b"Ogg"]
)
def test_what_is_no_whole_ogg_file_is_refused(opus: bytes, damage: object) -> None:
    with pytest.raises(ValueError, match="Ogg page"):
        with_serial(damage(opus), 1)  # type: ignore[operator]


def test_an_empty_file_stays_empty() -> None:
    assert with_serial(b"", 1) == b""
