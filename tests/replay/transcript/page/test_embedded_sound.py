"""The page's sound: which encoding, where the peaks lie, and what is too much."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
from earwitness.replay.audio.timeline import read_timeline
from earwitness.replay.transcript.page import embedded_sound as module
from earwitness.replay.transcript.page.embedded_sound import BARS, Peaks, read_sound
from earwitness.schemas.errors import CannotWrite, RequestError
from hypothesis import given
from hypothesis import strategies as st

from tests.events import MULAW
from tests.sessions import Call


async def sound_of(call: Call, kind: str | None = None) -> module.Sound | None:
    recording = call.recording()
    return await read_sound(recording, await read_timeline(recording), "heard", kind)  # type: ignore[arg-type]


def spoken() -> Call:
    call = Call()
    call.user(1000, 2000, "Hello.")
    call.at(2500).assistant(1000, "Hi.")
    return call


async def test_short_calls_are_lossless_and_long_ones_are_small(monkeypatch: pytest.MonkeyPatch) -> None:
    short = await sound_of(spoken())
    assert short is not None
    assert short.format == "flac"
    monkeypatch.setattr(module, "LOSSLESS_BYTES", 1000)
    long = await sound_of(spoken())
    assert long is not None
    assert long.format == "ogg"
    assert long.uri.startswith("data:audio/ogg;codecs=opus;base64,T2dnU")


@pytest.mark.parametrize("kind", ["wav", "flac", "ogg"])
async def test_the_file_is_as_long_as_it_says(kind: str) -> None:
    sound = await sound_of(spoken(), kind)
    assert sound is not None
    samples, rate = soundfile.read(io.BytesIO(sound.data))
    assert (len(samples), rate) == (sound.samples, sound.rate)
    assert sound.duration_ms == 3500


async def test_the_same_sound_is_the_same_bytes_as_opus_too() -> None:
    first, second = await sound_of(spoken(), "ogg"), await sound_of(spoken(), "ogg")
    assert first == second
    assert first is not None
    assert second is not None
    assert first.data == second.data


async def test_a_rate_that_opus_does_not_have_is_raised_to_one_that_it_has() -> None:
    call = Call(output_format={"type": "audio/pcm", "rate": 22050})
    call.assistant(1000, "Hi.")
    sound = await sound_of(call, "ogg")
    assert sound is not None
    assert sound.rate == 24000
    assert soundfile.info(io.BytesIO(sound.data)).samplerate == 24000


async def test_telephone_sound_keeps_its_rate() -> None:
    call = Call(input_format=MULAW, output_format=MULAW)
    call.append(bytes(range(256)) * 8)
    sound = await sound_of(call)
    assert sound is not None
    assert sound.rate == 8000


async def test_a_recording_without_sound_has_none() -> None:
    call = Call()
    call.at(1000).typed("Hello.")
    assert await sound_of(call) is None


async def test_peaks_show_who_was_loud_when() -> None:
    sound = await sound_of(spoken())
    assert sound is not None
    second = BARS / 3.5
    user, assistant = sound.peaks["user"], sound.peaks["assistant"]
    assert user[int(0.5 * second)] == 4000
    assert max(user[int(2.4 * second) :]) == 0
    assert max(assistant[: int(2.4 * second)]) == 0
    assert assistant[int(3 * second)] == 4000


@given(st.integers(1, 3000), st.lists(st.integers(1, 400), min_size=1), st.integers(0))
def test_peaks_do_not_depend_on_how_the_sound_is_cut_into_blocks(length: int, blocks: list[int], seed: int) -> None:
    samples = np.random.default_rng(seed).integers(-32768, 32768, (length, 2)).astype(np.int16)
    whole, pieces = Peaks(length), Peaks(length)
    whole.take(samples)
    at = number = 0
    while at < length:
        size = blocks[number % len(blocks)]
        pieces.take(samples[at : at + size])
        at += size
        number += 1
    assert whole.channel(0) == pieces.channel(0)
    assert whole.channel(1) == pieces.channel(1)
    assert max(whole.channel(0)) == min(int(np.abs(samples[:, 0].astype(int)).max()), 32767)


async def test_sound_that_no_page_can_hold_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST_BYTES", 10_000)
    with pytest.raises(RequestError, match=r"more than a page can hold.*--sound none"):
        await sound_of(spoken(), "wav")


async def test_no_space_for_temporary_files_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with pytest.raises(CannotWrite, match="cannot be encoded: No such file"):
        await sound_of(spoken())


async def test_nothing_is_left_in_the_temporary_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    await sound_of(spoken())
    assert list(tmp_path.iterdir()) == []
