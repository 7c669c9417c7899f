"""Samples out of bytes: every G.711 code, PCM, exact times."""

from __future__ import annotations

import io
from fractions import Fraction

import numpy as np
import pytest
import soundfile
from earwitness.replay.audio.formats import bytes_to_ns, decode, ns_to_samples
from earwitness.schemas.audio import AudioFormat
from hypothesis import given
from hypothesis import strategies as st

MULAW, ALAW, PCM = AudioFormat("audio/pcmu", 8000), AudioFormat("audio/pcma", 8000), AudioFormat("audio/pcm", 24000)


@pytest.mark.parametrize(("audio_format", "subtype"), [(MULAW, "ULAW"), (ALAW, "ALAW")])
def test_g711_decodes_all_256_codes_as_libsndfile_does(audio_format: AudioFormat, subtype: str) -> None:
    codes = bytes(range(256))
    reference, _ = soundfile.read(
        io.BytesIO(codes), dtype="int16", samplerate=8000, channels=1, format="RAW", subtype=subtype
    )
    assert decode(codes, audio_format).tolist() == reference.tolist()
    assert int(np.abs(reference.astype(int)).max()) == (32124 if subtype == "ULAW" else 32256)


def test_pcm_is_little_endian_whatever_the_machine() -> None:
    assert decode(b"\x01\x00\xff\xff\x00\x80", PCM).tolist() == [1, -1, -32768]
    assert decode(b"", PCM).dtype == np.int16


@given(st.integers(0, 10**15), st.sampled_from([8000, 11025, 16000, 22050, 24000, 44100, 48000]))
def test_a_time_goes_to_the_nearest_sample(ns: int, rate: int) -> None:
    assert abs(Fraction(ns_to_samples(ns, rate), rate) - Fraction(ns, 10**9)) <= Fraction(1, 2 * rate)


@given(st.integers(0, 10**9), st.sampled_from([PCM, MULAW, AudioFormat("audio/pcm", 22050)]))
def test_whole_samples_last_a_whole_number_of_samples(count: int, audio_format: AudioFormat) -> None:
    ns = bytes_to_ns(count * audio_format.sample_size, audio_format)
    assert ns * audio_format.rate == count * 10**9
    assert ns_to_samples(ns, audio_format.rate) == count
