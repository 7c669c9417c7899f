"""Cases about sound: which samples an item's are, and in which format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pybase64
import pytest
from earwitness.replay.audio.export import read_audio, write_audio
from earwitness.replay.share.erase import Selection, plan_erasure
from earwitness.schemas.errors import RequestError

from tests.cases import case_recording, case_state


async def sound_of(name: str, folder: Path, item: str | None = None, **choice) -> np.ndarray:
    return (await read_audio(case_recording(name, folder), item=item, **choice)).samples


async def test_audio_that_is_streamed_and_stated_whole_counts_once(tmp_path: Path) -> None:
    samples = await sound_of("05a_localai_added_full.jsonl", tmp_path, "item_a1")
    assert (len(samples), set(samples)) == (14_400, {2000})


async def test_a_clock_that_starts_again_with_each_buffer_gives_each_item_its_own_sound(tmp_path: Path) -> None:
    name = "08_speaches_buffer_clock.jsonl"
    clock = case_state(name, tmp_path).input_audio.clock
    assert clock.counts_from == "buffer"
    for item, value in (("item_u1", 1000), ("item_u2", 7000)):
        samples = await sound_of(name, tmp_path, item)
        assert (len(samples), set(samples)) == (24_000, {value})


async def test_erasing_an_item_of_such_a_session_erases_its_own_sound(tmp_path: Path) -> None:
    recording = case_recording("08_speaches_buffer_clock.jsonl", tmp_path)
    seqs = set((await plan_erasure(recording, Selection(items=("item_u2",)))).seqs)
    appends = {
        frame.seq: frame.json()["audio"][:8] for frame in recording.frames if frame.type and "append" in frame.type
    }
    assert {audio for seq, audio in appends.items() if seq in seqs} == {"WBtYG1gb"}
    assert {audio for seq, audio in appends.items() if seq not in seqs} == {"6APoA+gD"}


async def test_input_at_16_khz_without_milliseconds_is_two_seconds_and_has_no_span(tmp_path: Path) -> None:
    name = "09_16k_no_ms.jsonl"
    recording = case_recording(name, tmp_path)
    report = await write_audio(recording, tmp_path / "user.wav", track="user", start=100_000_000)
    assert (report.rate, report.samples) == (16_000, 32_000)
    conversation = case_state(name, tmp_path)
    assert conversation.input_audio.clock.counts_from is None
    (item,) = (*conversation.items, *conversation.out_of_band)
    assert item.span is None or (not item.span.reliable and item.span.why_not)
    with pytest.raises(RequestError, match="cannot be cut out of the input"):
        await sound_of(name, tmp_path, "item_1")


async def test_seeded_audio_is_its_items_and_in_no_track(tmp_path: Path) -> None:
    name = "23_seed_audio_history.jsonl"
    samples = await sound_of(name, tmp_path, "item_h1")
    assert (len(samples), set(samples)) == (7200, {4000})
    with pytest.raises(RequestError, match="no audio of the user"):
        await sound_of(name, tmp_path, track="user")


async def test_deltas_that_end_inside_a_sample_are_joined(tmp_path: Path) -> None:
    name = "41_odd_deltas.jsonl"
    recording = case_recording(name, tmp_path)
    joined = b"".join(
        pybase64.b64decode(frame.json()["delta"])
        for frame in recording.frames
        if frame.type and "audio.delta" in frame.type
    )
    samples = await sound_of(name, tmp_path, "item_a1")
    assert (len(joined), len(samples)) == (48_000, 24_000)
    assert samples.astype("<i2").tobytes() == joined
    assert case_state(name, tmp_path).problems == []


async def test_pcm_under_a_stated_ulaw_is_a_problem_in_the_state_and_in_the_report(tmp_path: Path) -> None:
    name = "44_says_ulaw_sends_pcm.jsonl"
    (problem,) = case_state(name, tmp_path).problems
    assert (problem.what, problem.seq) == ("audio-format", 10)
    assert problem.detail == (
        "the sound of item item_a1 is stated as audio/pcmu at 8000 Hz, but its bytes read as 16-bit PCM: high and low "
        "bytes alternate"
    )
    report = await write_audio(case_recording(name, tmp_path), tmp_path / "call.wav")
    assert problem.detail in [each.detail for each in report.problems]


async def test_a_format_that_was_echoed_wrong_is_told_by_the_span(tmp_path: Path) -> None:
    name = "45_echo_wrong_then_right.jsonl"
    conversation = case_state(name, tmp_path)
    span = conversation.items[0].span
    assert span is not None
    assert (span.reliable, span.why_not) == (False, "it ends after the audio received by then")
    (problem,) = conversation.problems
    assert problem.what == "audio-format"
    assert problem.detail == (
        "8000 bytes of input and the stated spans (0–1000 ms) fit audio/pcmu at 8000 Hz, which the client asked for; "
        "as audio/pcm at 24000 Hz, which the server stated, they are 167 ms"
    )
    report = await write_audio(case_recording(name, tmp_path), tmp_path / "call.wav")
    assert problem.detail in [each.detail for each in report.problems]


async def test_what_was_cleared_is_no_part_of_the_next_item(tmp_path: Path) -> None:
    name = "65_clear_then_failed_transcription.jsonl"
    samples = await sound_of(name, tmp_path, "item_u1")
    assert (len(samples), set(samples)) == (24_000, {7000})
    assert case_state(name, tmp_path).input_audio.clock.counts_from == "session"


def test_a_span_of_speech_that_names_no_item_is_judged_too(tmp_path: Path) -> None:
    span = case_state("06_localai_no_item_id.jsonl", tmp_path).items[0].span
    assert span is not None
    assert (span.start_ms, span.end_ms, span.reliable) == (400, 900, False)


async def test_two_loud_sides_in_one_channel_do_not_clip_without_a_word(tmp_path: Path) -> None:
    recording = case_recording("loud.ndjson", tmp_path)
    mono = await write_audio(recording, tmp_path / "mono.wav", track="mono")
    (problem,) = [each for each in mono.problems if each.what == "clipped"]
    sides = (await read_audio(recording)).samples.astype(int).sum(axis=1)
    first = int(np.flatnonzero(sides > 32_767)[0])
    assert problem.detail == (
        f"{np.count_nonzero(sides > 32_767)} samples, from {first / 24_000:.3f} s on, are louder than a file can hold "
        "where several voices are added; a stereo file keeps the two sides apart"
    )
    assert not [
        each for each in (await write_audio(recording, tmp_path / "both.wav")).problems if each.what == "clipped"
    ]
