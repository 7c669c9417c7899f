"""Mixing in blocks gives what adding everything at once would, and clicks land where they belong."""

from __future__ import annotations

import asyncio
import random
import tempfile
from fractions import Fraction
from itertools import accumulate

import numpy as np
import pytest
from earwitness.replay.audio.formats import decode, ns_to_samples
from earwitness.replay.audio.mix import Mixer, Track, render
from earwitness.replay.audio.pieces import Piece
from earwitness.replay.audio.timeline import Timeline
from earwitness.schemas.audio import AudioFormat
from earwitness.schemas.frame import Frame
from earwitness.schemas.recording import Recording
from hypothesis import given
from hypothesis import strategies as st

from tests.events import ALAW, MULAW, clicks, pcm, ramp
from tests.sessions import Call
from tests.sizes import pick

PCM8 = AudioFormat("audio/pcm", 8000)
RATE = 8000


def frame(seq: int, data: bytes) -> Frame:
    return Frame(seq, 0, "text", "client", "input_audio_buffer.append", b'{"audio":""}', data, 10)


def tracks_of(timeline: Timeline, *, mono: bool = False) -> list[Track]:
    channel = {"user": (0,), "assistant": (0,) if mono else (1,)}
    return [Track(placed.start_ns, channel[placed.side], placed.piece) for placed in timeline.placed()]


def mixed(recording: Recording, mixer: Mixer) -> np.ndarray:
    blocks: list[np.ndarray] = []
    asyncio.run(render([recording], mixer, blocks.append))
    return np.concatenate(blocks) if blocks else np.zeros((0, 1), np.int16)


@st.composite
def plans(draw: st.DrawFn) -> tuple[list[bytes], list[Track], int, int | None]:
    """Records with audio, and tracks that take any runs of them, from any byte, in any order."""
    records = draw(st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=8))
    lengths = np.array([len(record) for record in records])
    tracks: list[Track] = []
    for _ in range(draw(st.integers(1, 4))):
        first = draw(st.integers(0, len(records) - 1))
        last = draw(st.integers(first, len(records) - 1)) + 1
        start = draw(st.integers(0, int(lengths[first:last].sum())))
        piece = Piece.of(np.arange(first, last), lengths[first:last], PCM8, start=start)
        at = Fraction(draw(st.integers(0, 40)) * 10**9, RATE)
        tracks.append(Track(at, draw(st.sampled_from([(0,), (1,), (0, 1)])), piece))
    start = draw(st.integers(0, 60))
    return records, tracks, start, draw(st.none() | st.integers(start, 120))


@given(plans(), st.integers(1, 5))
def test_blocks_are_the_sum_of_all_tracks(plan: tuple[list[bytes], list[Track], int, int | None], batch: int) -> None:
    records, tracks, start, end = plan
    mixer = Mixer(tracks, RATE, 2, start=start, end=end)
    frames = [frame(seq, data) for seq, data in enumerate(records)]
    blocks: list[np.ndarray] = []
    first, stop = mixer.range_of(0)
    for at in range(first, stop, batch):
        mixer.feed(0, frames[at : min(at + batch, stop)])
        blocks += mixer.blocks()
    mixer.finish()
    blocks += mixer.blocks()
    result = np.concatenate(blocks) if blocks else np.zeros((0, 2), np.int16)

    sums = np.zeros((1000, 2), np.int64)
    last = 0
    for track in tracks:
        held = b"".join(records[seq] for seq in track.piece.seqs.tolist())
        samples = decode(held[track.piece.skip : track.piece.skip + track.piece.size], PCM8)
        at = ns_to_samples(track.start_ns, RATE)
        last = max(last, at + len(samples)) if len(samples) else last
        for channel in track.channels:
            sums[at : at + len(samples), channel] += samples
    expected = np.clip(sums, -32768, 32767)[start : max(last if end is None else end, start)]
    assert mixer.samples == len(result) == len(expected)
    assert np.array_equal(result, expected)
    clipped = int(np.count_nonzero(expected != sums[start : max(last if end is None else end, start)]))
    assert [problem.what for problem in mixer.problems] == ["clipped"] * (clipped > 0)
    assert mixer.clipped == clipped
    assert mixer.done == 1.0


def test_overlapping_audio_is_added_and_clipped() -> None:
    loud = pcm(np.full(10, 30_000))
    piece = Piece.of(np.array([0]), np.array([20]), PCM8)
    mixer = Mixer([Track(Fraction(0), (0,), piece), Track(Fraction(5 * 10**9, RATE), (0,), piece)], RATE, 1)
    mixer.feed(0, [frame(0, loud)])
    (block,) = mixer.blocks()
    assert block[:, 0].tolist() == [30_000] * 5 + [32_767] * 5 + [30_000] * 5


def test_what_is_missing_is_silence_of_its_length_and_is_named() -> None:
    piece = Piece.of(np.array([0, 1, 2, 3]), np.array([4, 4, 4, 4]), PCM8)
    mixer = Mixer([Track(Fraction(0), (0,), piece)], RATE, 1)
    erased = Frame(1, 0, "text", "client", "input_audio_buffer.append", None)
    mixer.feed(0, [frame(0, pcm([1, 2])), erased, frame(2, pcm([5, 6, 7]))])
    mixer.finish()
    (block,) = mixer.blocks()
    assert block[:, 0].tolist() == [1, 2, 0, 0, 5, 6, 0, 0]
    assert [(each.seq, each.what) for each in mixer.problems] == [(1, "no-audio"), (2, "length"), (3, "missing")]


def test_nothing_comes_out_before_it_is_complete() -> None:
    late = Piece.of(np.array([5]), np.array([16_000]), PCM8)
    early = Piece.of(np.array([0]), np.array([160_000]), PCM8)
    mixer = Mixer([Track(Fraction(0), (0,), early), Track(Fraction(10**9), (1,), late)], RATE, 2)
    mixer.feed(0, [frame(0, bytes(160_000))])
    assert not list(mixer.blocks())
    mixer.feed(0, [frame(5, bytes(16_000))])
    assert sum(len(block) for block in mixer.blocks()) == 80_000


@pytest.mark.parametrize(
    ("own", "rate"), [(8000, 24000), (16000, 24000), (24000, 16000), (22050, 24000), (44100, 48000)]
)
def test_resampled_clicks_stay_at_their_place(own: int, rate: int) -> None:
    source = clicks(3.0, own, every=0.5, first=0.25)
    data = pcm(source)
    step = 2 * 997
    chunks = [data[at : at + step] for at in range(0, len(data), step)]
    piece = Piece.of(np.arange(len(chunks)), np.array([len(chunk) for chunk in chunks]), AudioFormat("audio/pcm", own))
    mixer = Mixer([Track(Fraction(10**9), (0,), piece)], rate, 1)
    blocks: list[np.ndarray] = []
    for seq, chunk in enumerate(chunks):
        mixer.feed(0, [frame(seq, chunk)])
        blocks += mixer.blocks()
    mixer.finish()
    blocks += mixer.blocks()
    result = np.concatenate(blocks)[:, 0].astype(np.int32)
    assert len(result) == mixer.samples == 4 * rate
    for at in np.flatnonzero(source) / own + 1:
        around = round(at * rate)
        assert abs(int(np.argmax(np.abs(result[around - 50 : around + 50]))) - 50) <= 1


def test_resampled_audio_at_full_scale_is_clipped() -> None:
    square = np.repeat(np.tile(np.array([32_767, -32_768], np.int16), 50), 20)
    piece = Piece.of(np.array([0]), np.array([2 * len(square)]), PCM8)
    mixer = Mixer([Track(Fraction(0), (0,), piece)], 24_000, 1)
    mixer.feed(0, [frame(0, pcm(square))])
    (block,) = mixer.blocks()
    middle = block[300:-300, 0].astype(np.int32)
    assert (middle.max(), middle.min()) == (32_767, -32_768)
    assert np.mean(np.sign(middle) == np.sign(np.repeat(square, 3)[300:-300])) > 0.95


def test_a_part_of_resampled_audio_is_the_part_of_the_whole() -> None:
    samples = np.random.default_rng(1).normal(0, 3000, 16_000).astype(np.int16)
    call = Call(input_format=MULAW)
    call.stream(bytes(np.random.default_rng(1).integers(0, 256, 16_000, np.uint8)), chunk=160, every_ms=20)
    call.at(500).say(pcm(samples))
    timeline, recording = call.timeline(), call.recording()
    whole = mixed(recording, Mixer(tracks_of(timeline), 24_000, 2))
    part = mixed(recording, Mixer(tracks_of(timeline), 24_000, 2, start=13_331, end=30_007))
    assert np.array_equal(part, whole[13_331:30_007])


def test_an_hour_has_no_drift() -> None:
    """A click a minute on each side, jitter everywhere: at the end as at the beginning."""
    minutes = 60
    noise = random.Random(4)
    call = Call(input_format=MULAW, output_format=ALAW, split=True)
    user = np.full(minutes * 60 * 8000, 0xFF, np.uint8)
    user[np.arange(minutes) * 480_000 + 4000] = 0x80
    chunk = pick(8000, 800, 160)
    arrivals = [at / 8 + 250 + noise.uniform(0, 90) for at in range(0, len(user), chunk)]
    arrivals = list(accumulate([250.0, *arrivals[1:]], max))  # TCP overtakes nothing
    for at, first in zip(arrivals, range(0, len(user), chunk), strict=True):
        call.at(at).append(user[first : first + chunk].tobytes())
    answer = np.full(8000, 0xD5, np.uint8)
    answer[800] = 0xAA
    starts = [minute * 60_000 + 5000 + noise.uniform(0, 1000) for minute in range(minutes)]
    for start in starts:
        call.at(start).say(answer.tobytes(), chunk=1600, every_ms=30)
    timeline = call.timeline()
    found: tuple[list[int], list[int]] = ([], [])
    at = 0

    def collect(block: np.ndarray) -> None:
        nonlocal at
        for channel, places in enumerate(found):
            places += (np.flatnonzero(np.abs(block[:, channel].astype(np.int32)) > 1000) + at).tolist()
        at += len(block)

    asyncio.run(render([call.recording()], Mixer(tracks_of(timeline), 8000, 2), collect))
    assert found[0] == [2000 + 4000 + minute * 480_000 for minute in range(minutes)]
    exact = np.array([round(start * 1e6) for start in starts]) * 8000 / 1e9 + 800
    assert len(found[1]) == minutes
    assert np.abs(np.array(found[1]) - exact).max() <= 0.5


@pytest.mark.parametrize("chunk", [1, 4799, pick(1 << 20, 15 << 20, 15 << 20)])
def test_any_chunk_size_gives_the_same_sound(chunk: int) -> None:
    count = 3000 if chunk == 1 else chunk * 3 // 2
    samples = ramp(count)
    call = Call(split=True)
    call.stream(pcm(samples), chunk=chunk, every_ms=0.01)
    call.at(50).say(pcm(samples), chunk=chunk, every_ms=0.01)
    result = mixed(call.recording(), Mixer(tracks_of(call.timeline()), 24_000, 2))
    assert np.array_equal(result[:count, 0], samples)
    assert np.array_equal(result[1200 : 1200 + count, 1], samples)


def test_a_long_burst_waits_on_disk_not_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[int] = []
    real = tempfile.TemporaryFile
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **kw: held.append(1) or real(**kw))
    samples = ramp(24_000 * 20)
    call = Call(split=True)
    call.stream(pcm(samples), chunk=48_000, every_ms=1)
    call.at(19_000).say(pcm(ramp(2400)))
    result = mixed(call.recording(), Mixer(tracks_of(call.timeline()), 24_000, 2, memory=1 << 16))
    assert np.array_equal(result[:, 0], samples)
    assert held


def test_progress_is_told_to_the_end_and_in_order() -> None:
    call = Call(split=True)
    call.stream(pcm(ramp(24_000 * 7)), chunk=48_000, every_ms=1)
    told: list[float] = []
    mixer = Mixer(tracks_of(call.timeline()), 24_000, 2)
    asyncio.run(render([call.recording()], mixer, lambda block: None, told.append))
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert len(told) > 2
