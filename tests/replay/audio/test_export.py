"""From recordings to files: tracks, items, parts, linked sessions; what cannot be written is said."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pybase64
import pytest
from earwitness.recorder.importing import read_file
from earwitness.replay.audio import AudioReport, write_audio, write_items
from earwitness.replay.open import bundled_recording
from earwitness.schemas.errors import CannotWrite, RequestError
from earwitness.schemas.frame import Frame
from earwitness.schemas.recording import MemoryRecording

from tests.corpus import CORPUS, needs_corpus
from tests.events import ALAW, MULAW, clicks, pcm, ramp
from tests.replay.audio.files import loud, sound, tracks
from tests.sessions import OPENED, Call

MS = 24


# ---- the whole call


async def test_the_user_is_left_the_assistant_right_on_the_session_s_clock(tmp_path: Path) -> None:
    call = Call()
    call.at(200).stream(pcm(clicks(4, 24_000)), chunk=960, every_ms=20)
    call.at(1500.5).say(pcm(clicks(1, 24_000)))
    stereo = await tracks(call.recording(), tmp_path)
    assert loud(stereo[:, 0]) == [4800 + round((0.1 + 0.25 * index) * 24_000) for index in range(16)]
    assert loud(stereo[:, 1]) == [36_012 + round((0.1 + 0.25 * index) * 24_000) for index in range(4)]


async def test_mono_is_the_sum_and_single_tracks_keep_the_clock(tmp_path: Path) -> None:
    call = Call()
    call.stream(pcm(ramp(24_000)), chunk=960, every_ms=20)
    call.at(500).say(pcm(np.full(24_000, 32_000)))
    stereo = (await tracks(call.recording(), tmp_path)).astype(np.int32)
    mono = await tracks(call.recording(), tmp_path, track="mono")
    assert np.array_equal(mono, np.clip(stereo.sum(axis=1), -32_768, 32_767))
    user = await tracks(call.recording(), tmp_path, track="user")
    assert np.array_equal(user, ramp(24_000))
    assistant = await tracks(call.recording(), tmp_path, track="assistant")
    assert np.array_equal(assistant, stereo[:, 1])


@pytest.mark.parametrize("end_ms", [0, 333, 1000])
async def test_a_barge_in_is_heard_where_it_happened(end_ms: int, tmp_path: Path) -> None:
    call = Call()
    item = call.at(100).say(pcm(ramp(1000 * MS)))
    call.at(100 + end_ms).truncate(item, end_ms, ack_ms=1200)
    call.at(1500).say(pcm(ramp(100 * MS)))
    heard = await tracks(call.recording(), tmp_path, track="assistant")
    assert np.array_equal(heard[2400 : 2400 + end_ms * MS], ramp(1000 * MS)[: end_ms * MS])
    assert not heard[2400 + end_ms * MS : 36_000].any()
    generated = await tracks(call.recording(), tmp_path, track="assistant", as_="generated")
    assert np.array_equal(generated[2400:26_400], ramp(1000 * MS))


@pytest.mark.parametrize(("stated", "sounding"), [(MULAW, 0x80), (ALAW, 0xAA)])
async def test_g711_both_ways(stated: dict[str, str], sounding: int, tmp_path: Path) -> None:
    quiet = 0xFF if stated is MULAW else 0xD5
    line = np.full(8000, quiet, np.uint8)
    line[[100, 5000]] = sounding
    call = Call(input_format=stated, output_format=stated)
    call.stream(line.tobytes(), chunk=160, every_ms=20)
    call.at(250).say(line.tobytes(), chunk=800)
    report = await write_audio(call.recording(), tmp_path / "a.wav")
    assert (report.rate, report.samples) == (8000, 10_000)
    stereo = sound(tmp_path / "a.wav")
    assert loud(stereo[:, 0]) == [100, 5000]
    assert loud(stereo[:, 1]) == [2100, 7000]


async def test_16_khz_in_and_24_khz_out_share_a_clock(tmp_path: Path) -> None:
    call = Call(input_format={"type": "audio/pcm", "rate": 16_000})
    source = clicks(5, 16_000)
    call.at(100).stream(pcm(source), chunk=640, every_ms=20)
    call.at(700).say(pcm(clicks(1, 24_000)))
    stereo = await tracks(call.recording(), tmp_path)
    for at in np.flatnonzero(source) / 16_000 + 0.1:
        around = round(at * 24_000)
        assert abs(int(np.argmax(np.abs(stereo[around - 40 : around + 40, 0].astype(int)))) - 40) <= 1
    assert loud(stereo[:, 1]) == [16_800 + round((0.1 + 0.25 * index) * 24_000) for index in range(4)]


async def test_a_part_of_the_call_is_that_part(tmp_path: Path) -> None:
    recording = bundled_recording()
    whole = await tracks(recording, tmp_path)
    part = await tracks(recording, tmp_path, start=10_000_000_000, end=17_500_000_000)
    assert np.array_equal(part, whole[240_000:420_000])
    tail = await tracks(recording, tmp_path, start=20_000_000_000, end=900_000_000_000)
    assert np.array_equal(tail, whole[480_000:])


async def test_the_report_tells_what_was_left_out(tmp_path: Path) -> None:
    call = Call()
    call.append(pcm(ramp(100)))
    bad = call.at(10).client("input_audio_buffer.append", audio="???").seq
    call.at(20).append(pcm(ramp(100)) + b"\1")
    report = await write_audio(call.recording(), tmp_path / "a.wav", track="user")
    assert [(problem.seq, problem.what) for problem in report.problems] == [(bad + 1, "odd-bytes"), (bad, "bad-base64")]
    assert report == AudioReport(tmp_path / "a.wav", "wav", 24_000, 1, 200, 0, report.problems, report.input)
    assert report.seconds == 200 / 24_000


# ---- items


async def test_every_item_becomes_a_file_with_a_manifest(tmp_path: Path) -> None:
    recording = bundled_recording()
    entries = await write_items(recording, tmp_path / "items", as_="generated")
    manifest = orjson.loads((tmp_path / "items" / "manifest.json").read_bytes())
    assert [entry["item"] for entry in manifest] == [entry.item for entry in entries]
    assert [entry["role"] for entry in manifest] == ["user", "assistant", "assistant", "user", "assistant"]
    assert [entry["cut"] for entry in manifest] == [None, None, "truncated", None, None]
    for entry in manifest:
        data = (tmp_path / "items" / entry["file"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == entry["sha256"]
        assert len(sound(tmp_path / "items" / entry["file"])) == entry["samples"]
    assert manifest[2]["samples"] / manifest[2]["rate"] * 1000 > manifest[2]["end_ms"] - manifest[2]["start_ms"] + 1000


async def test_whatever_an_item_is_called_its_file_has_a_name_that_can_be_written(tmp_path: Path) -> None:
    call = Call()
    stated = {"id": "../" + "x" * 300, "type": "message", "role": "../" * 200, "content": []}
    response, _ = call.at(0).begin()
    call.at(1).server("response.output_item.added", response_id=response, output_index=1, item=stated)
    call.at(2).delta(response, stated["id"], pcm(ramp(240)))
    (entry,) = await write_items(call.recording(), tmp_path / "items")
    assert entry.item == stated["id"]
    assert entry.file is not None
    assert [path.parent for path in tmp_path.rglob("*.wav")] == [tmp_path / "items"]
    assert (tmp_path / "items" / entry.file).is_file()


async def test_an_item_without_usable_sound_is_in_the_manifest_with_the_reason(tmp_path: Path) -> None:
    call = Call()
    call.append(pcm(ramp(240)))
    call.at(10).server("input_audio_buffer.speech_started", audio_start_ms=0, item_id="far")
    call.at(11).server("input_audio_buffer.speech_stopped", audio_end_ms=9000, item_id="far")
    call.at(12).user_item(item="far")
    call.at(100).say(pcm(ramp(240)))
    entries = await write_items(call.recording(), tmp_path)
    assert [(entry.file is None, entry.why_not) for entry in entries] == [
        (True, "it ends after the audio received by then"),
        (False, None),
    ]


# ---- what cannot be had


@pytest.mark.parametrize(("options", "why"), [
    ({"track": "left"}, "not a track"),
    ({"as_": "imagined"}, "not a reading"),
    ({"format": "mp3"}, "not a sound format"),
    ({"start": 5, "end": 5}, "empty"),
    ({"start": -1}, "empty"),
    ({"start": 10**13}, "no sound from"),
])  # fmt: skip
async def test_impossible_choices_are_refused(options: dict[str, Any], why: str, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=why):
        await write_audio(bundled_recording(), tmp_path / "a.wav", **options)
    assert not list(tmp_path.iterdir())


async def test_a_failure_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    class Breaking(MemoryRecording):
        reads = 0

        async def batches(self, start: int = 0, stop: int | None = None) -> AsyncIterator[list[Frame]]:
            type(self).reads += 1
            async for batch in super().batches(start, stop):
                yield batch
                if type(self).reads > 1:
                    raise OSError(5, "Input/output error")

    whole = bundled_recording()
    with pytest.raises(CannotWrite, match="Input/output error"):
        await write_audio(Breaking(whole.info, whole.frames), tmp_path / "a.wav")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg"])
async def test_a_full_disk_is_said_and_nothing_stays(name: str, tmp_path: Path, small_disk: None) -> None:
    (tmp_path / name).write_bytes(b"mine")
    with pytest.raises(CannotWrite, match="cannot be written") as told:
        await write_audio(bundled_recording(), tmp_path / name, force=True)
    assert "has space" in told.value.hint
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [(name, b"mine")]


async def test_a_wav_beyond_four_gigabytes_is_refused_before_it_is_begun(tmp_path: Path) -> None:
    call, days = Call(id="one"), 2
    later = Call(id="two", opened=OPENED + timedelta(days=days))
    for each in (call, later):
        each.append(pcm(ramp(100)))
    with pytest.raises(CannotWrite, match="FLAC"):
        await write_audio([call.recording(), later.recording()], tmp_path / "a.wav")
    assert not list(tmp_path.iterdir())


# ---- equal bytes


WRITE = """
import asyncio, sys
from earwitness.replay.audio import write_audio
from earwitness.replay.open import bundled_recording
for name in ("a.wav", "a.flac", "a.ogg"):
    asyncio.run(write_audio(bundled_recording(), sys.argv[1] + "/" + name, start=9 * 10**9, end=12 * 10**9))
"""


def run_elsewhere(folder: Path, **environment: str) -> dict[str, bytes]:
    folder.mkdir()
    subprocess.run([sys.executable, "-c", WRITE, str(folder)], check=True, env=os.environ | environment)
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_place_time_zone_and_hash_seed_change_no_byte(tmp_path: Path) -> None:
    here = run_elsewhere(tmp_path / "here", PYTHONHASHSEED="1", TZ="UTC", LC_ALL="C")
    there = run_elsewhere(tmp_path / "there", PYTHONHASHSEED="2", TZ="Asia/Kolkata", LC_ALL="C.UTF-8")
    assert here == there
    assert list(here) == ["a.flac", "a.ogg", "a.wav"]


async def test_flac_holds_the_samples_of_the_wav(tmp_path: Path) -> None:
    recording = bundled_recording()
    await write_audio(recording, tmp_path / "a.wav")
    await write_audio(recording, tmp_path / "a.flac")
    assert np.array_equal(sound(tmp_path / "a.wav"), sound(tmp_path / "a.flac"))


# ---- real captures


def capture(name: str) -> MemoryRecording:
    (session,) = read_file(CORPUS / "captures" / name)
    return session.recording("capture")


@needs_corpus
async def test_the_assistant_of_a_complete_capture_is_all_of_its_audio(tmp_path: Path) -> None:
    recording = capture("preview-full-server-audio.jsonl")
    deltas = [frame.json()["delta"] for frame in recording.frames if frame.type == "response.audio.delta"]
    audio = b"".join(pybase64.b64decode(delta) for delta in deltas)
    assert len(audio) == 76_800
    assert (await tracks(recording, tmp_path, track="assistant")).tobytes() == audio
    item = next(f.json()["item_id"] for f in recording.frames if f.type == "response.audio.delta")
    assert (await tracks(recording, tmp_path, item=item)).tobytes() == audio


def correlate(samples: np.ndarray, clip: np.ndarray) -> int:
    """The lag at which a clip fits best."""
    size = 1 << (len(samples) + len(clip)).bit_length()
    product = np.fft.rfft(samples.astype(float), size) * np.conj(np.fft.rfft(clip.astype(float), size))
    lag = int(np.argmax(np.fft.irfft(product, size)))
    return lag - size if lag > size // 2 else lag


@needs_corpus
async def test_spoken_turns_of_a_capture_are_cut_to_the_sample(tmp_path: Path) -> None:
    recording = capture("ga-three-spoken-turns.rehydrated.jsonl")
    appended = [frame.json()["audio"] for frame in recording.frames if frame.type == "input_audio_buffer.append"]
    stream = np.frombuffer(b"".join(pybase64.b64decode(each) for each in appended), "<i2")
    clip = np.frombuffer((CORPUS / "audio" / "question-human-24k-s16le.pcm").read_bytes(), "<i2")
    speech = [(1720, 3940), (9200, 11_420), (16_700, 18_920)]
    starts = [f.json() for f in recording.frames if f.type == "input_audio_buffer.speech_started"]
    ends = [f.json() for f in recording.frames if f.type == "input_audio_buffer.speech_stopped"]
    turns = range(0, len(stream), len(stream) // 3)
    for turn, started, stopped, (first, last) in zip(turns, starts, ends, speech, strict=True):
        samples = await tracks(recording, tmp_path, item=started["item_id"])
        begin, end = started["audio_start_ms"], stopped["audio_end_ms"]
        assert np.array_equal(samples, stream[begin * MS : end * MS])
        assert begin <= first < last <= end
        assert correlate(samples, clip[begin * MS - turn : end * MS - turn]) == 0


@needs_corpus
@pytest.mark.parametrize("name", ["ga-spoken-turn.jsonl", "xai-spoken-turn-cumulative-transcription.jsonl"])
async def test_captures_whose_spans_cannot_be_trusted_are_not_cut(name: str, tmp_path: Path) -> None:
    recording = capture(name)
    item = next(f.json()["item_id"] for f in recording.frames if f.type == "input_audio_buffer.speech_started")
    with pytest.raises(RequestError, match="cannot be cut"):
        await write_audio(recording, tmp_path / "a.wav", item=item)


@needs_corpus
async def test_every_capture_gives_sound_or_says_that_it_has_none(tmp_path: Path) -> None:
    silent: list[tuple[str, bool]] = []
    for path in sorted((CORPUS / "captures").glob("*.jsonl")):
        for number, session in enumerate(read_file(path)):
            try:
                await write_audio(session.recording("capture"), tmp_path / f"{path.stem}-{number}.wav")
            except RequestError as error:
                silent.append((path.name.partition(".")[0], "no audio" in str(error)))
    assert silent == [("ga-history-seeding-error", True), ("ga-tool-call", True), ("preview-webrtc-cancelled", True)]
