"""The serial number of an Ogg stream is all that changes, and its pages stay valid."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile
from earwitness.replay.audio.ogg import page_checksum, set_serial
from hypothesis import given
from hypothesis import strategies as st


def with_serial(data: bytes, serial: int) -> bytes:
    file = io.BytesIO(data)
    set_serial(file, serial)
    return file.getvalue()


def encoded() -> bytes:
    out = io.BytesIO()
    noise = np.random.default_rng(0).normal(0, 0.1, (48_000, 1))
    soundfile.write(out, noise, 24_000, format="OGG", subtype="OPUS")
    return out.getvalue()


def reference_checksum(page: bytes) -> int:
    """Bit by bit, as RFC 3533 section 6 describes it."""
    register = 0
    for byte in page:
        register ^= byte << 24
        for _ in range(8):
            register = (register << 1 ^ (0x04C11DB7 if register & 0x80000000 else 0)) & 0xFFFFFFFF
    return register


@given(st.binary(max_size=200))
def test_the_checksum_is_that_of_the_rfc(page: bytes) -> None:
    assert page_checksum(page) == reference_checksum(page)


def test_a_file_with_its_own_serial_number_is_the_file() -> None:
    data = encoded()
    assert with_serial(data, int.from_bytes(data[14:18], "little")) == data


def test_only_serial_numbers_and_checksums_change_and_the_sound_stays() -> None:
    data = encoded()
    changed = with_serial(data, 0x01020304)
    assert changed[14:18] == b"\x04\x03\x02\x01"
    assert len(changed) == len(data)
    assert np.array_equal(soundfile.read(io.BytesIO(changed))[0], soundfile.read(io.BytesIO(data))[0])
    assert with_serial(changed, int.from_bytes(data[14:18], "little")) == data


@pytest.mark.parametrize(
    "broken",
    [b"RIFF" + bytes(40), b"OggS", encoded()[:-1], encoded() + b"x"],
    ids=["not Ogg", "cut in the header", "cut at the end", "more behind the end"],
)
def test_what_is_no_whole_ogg_file_is_refused(broken: bytes) -> None:
    with pytest.raises(ValueError, match="at byte"):
        with_serial(broken, 1)
