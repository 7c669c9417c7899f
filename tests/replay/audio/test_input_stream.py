"""The user's audio runs by its samples, and an item is exactly its part of it."""

from __future__ import annotations

import asyncio
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import soundfile
from earwitness.replay.audio import write_audio
from earwitness.schemas.errors import RequestError
from hypothesis import given
from hypothesis import strategies as st

from tests.events import ALAW, MULAW, PCM, pcm, ramp
from tests.sessions import Call

MS = 48
"""Bytes of a millisecond of 24 kHz PCM."""


def starts(call: Call) -> list[tuple[float, int]]:
    """Where each run begins, in ms, and how many samples it has."""
    return [(float(run.start_ns) / 1e6, run.piece.samples) for run in call.timeline().runs]


def cut(call: Call, item: str, tmp_path: Any) -> np.ndarray:
    """An item's audio, through the file that a user gets."""
    target = tmp_path / f"{item}.wav"
    asyncio.run(write_audio(call.recording(), target, item=item, force=True))
    return soundfile.read(target, dtype="int16")[0]


# ---- the clock


def test_audio_begins_where_the_first_append_arrives() -> None:
    call = Call()
    call.at(750.25).stream(pcm(ramp(2400)), chunk=960, every_ms=20)
    assert starts(call) == [(750.25, 2400)]


def test_jitter_does_not_stretch_speech() -> None:
    call = Call()
    for index, late in enumerate([0, 40, 3, 120, 90, 0, 350, 4]):
        call.at(1000 + index * 100 + late).append(pcm(ramp(2400)))
    assert starts(call) == [(1000.0, 8 * 2400)]


def test_a_clip_sent_in_one_burst_takes_its_own_length() -> None:
    call = Call()
    call.at(500).stream(pcm(ramp(240_000)), chunk=9600, every_ms=0.1)
    call.at(4000).append(pcm(ramp(240)))
    assert starts(call) == [(500.0, 240_240)]


def test_after_a_pause_the_stream_is_anchored_at_the_arrival() -> None:
    call = Call()
    after = call.at(100).stream(pcm(ramp(24_000)), chunk=960, every_ms=20).ms
    call.at(after + 700).stream(pcm(ramp(24_000)), chunk=960, every_ms=20)
    assert starts(call) == [(100.0, 24_000), (1800.0, 24_000)]


def test_a_clip_after_a_pause_is_anchored_too_though_it_comes_in_a_burst() -> None:
    call = Call()
    call.stream(pcm(ramp(48_000)), chunk=4800, every_ms=0.1)
    call.at(10_000).stream(pcm(ramp(72_000)), chunk=4800, every_ms=0.1)
    assert starts(call) == [(0.0, 48_000), (10_000.0, 72_000)]


@pytest.mark.parametrize(("late_ms", "runs"), [(500, 1), (501, 2)])
def test_more_than_half_a_second_is_a_pause(late_ms: float, runs: int) -> None:
    call = Call()
    call.append(pcm(ramp(2400)))
    call.at(100 + late_ms).append(pcm(ramp(2400)))
    assert len(starts(call)) == runs


def test_a_second_clip_as_long_as_the_pause_before_it_is_no_stall() -> None:
    call = Call()
    call.stream(pcm(ramp(48_000)), chunk=9600, every_ms=0.1)
    call.at(10_000).stream(pcm(ramp(8 * 24_000)), chunk=9600, every_ms=0.1)
    assert starts(call) == [(0.0, 48_000), (10_000.0, 8 * 24_000)]


@pytest.mark.parametrize(("made_up_ms", "runs"), [(780, 1), (740, 2), (1000, 1), (1490, 1), (1520, 2)])
def test_what_is_made_up_for_decides_between_stall_and_pause(made_up_ms: int, runs: int) -> None:
    """A second is missing: a stall if it comes but for a quarter of a second, and not half a second too much."""
    call = Call()
    at = call.at(0).stream(pcm(ramp(48_000)), chunk=960, every_ms=20).ms
    call.at(at + 1000).stream(pcm(ramp(made_up_ms * 24)), chunk=480, every_ms=0.001)
    assert len(starts(call)) == runs


def test_a_stall_of_the_network_is_no_pause() -> None:
    call = Call()
    data = pcm(ramp(24_000 * 6))
    at = call.at(0).stream(data[: 2000 * MS], chunk=20 * MS, every_ms=20).ms
    call.at(at + 1500).stream(data[2000 * MS : 3500 * MS], chunk=20 * MS, every_ms=0.2)
    call.at(3515).stream(data[3500 * MS :], chunk=20 * MS, every_ms=20)
    assert starts(call) == [(0.0, 144_000)]


def test_stalls_do_not_add_up() -> None:
    call = Call()
    chunk = pcm(ramp(480))
    for index in range(3000):
        due = index * 20
        call.at(due if due % 6000 < 4000 else due // 6000 * 6000 + 6000).append(chunk)
    assert starts(call) == [(0.0, 3000 * 480)]


def test_the_length_of_a_pause_is_counted_from_the_end_of_the_audio() -> None:
    call = Call()
    call.append(pcm(ramp(24_000)))
    call.at(1499).append(pcm(ramp(240)))
    call.at(1499 + 10 + 502).append(pcm(ramp(240)))
    assert starts(call) == [(0.0, 24_240), (2011.0, 240)]


@pytest.mark.parametrize("chunk", [1, 3, 959, 960, 50_000])
def test_chunks_may_end_within_a_sample(chunk: int, tmp_path: Any) -> None:
    call = Call()
    samples = ramp(1200)
    call.at(10).stream(pcm(samples), chunk=chunk, every_ms=0.01)
    call.at(300).client("input_audio_buffer.commit")
    item = call.at(301).user_item()
    assert starts(call) == [(10.0, 1200)]
    assert np.array_equal(cut(call, item, tmp_path), samples)


def test_a_pause_within_a_sample_leaves_both_sides_whole() -> None:
    call = Call()
    data = pcm(ramp(100))
    call.at(0).append(data[:101])
    call.at(5000).append(data[101:])
    runs = call.timeline().runs
    assert [(float(run.start_ns) / 1e6, run.first_byte, run.piece.size) for run in runs] == [
        (0, 0, 102),
        (5000, 102, 98),
    ]


def test_a_broken_sample_at_the_end_is_named_and_left_out() -> None:
    call = Call()
    seq = call.at(0).append(pcm(ramp(10)) + b"\x01").seq
    timeline = call.timeline()
    assert [run.piece.samples for run in timeline.runs] == [10]
    assert [(problem.seq, problem.what) for problem in timeline.problems] == [(seq, "odd-bytes")]


def test_without_any_clock_the_stream_begins_at_zero() -> None:
    call = Call(timed=False)
    call.stream(pcm(ramp(24_000)), chunk=960, every_ms=20)
    assert starts(call) == [(0.0, 24_000)]


def test_without_input_there_are_no_runs() -> None:
    assert starts(Call()) == []
    assert Call().timeline().ns_of_input(100) is None


# ---- formats


@pytest.mark.parametrize(("stated", "step", "rate"), [(MULAW, 1, 8000), (ALAW, 1, 8000), (PCM, 2, 24000)])
def test_the_format_that_the_session_states_counts(stated: dict[str, Any], step: int, rate: int) -> None:
    call = Call(input_format=stated)
    call.append(b"\x55" * 16_000)
    (run,) = call.timeline().runs
    assert run.end_ns == Fraction(16_000 // step * 10**9, rate)


def test_a_new_format_counts_from_the_update_that_asked_for_it() -> None:
    call = Call()
    call.append(pcm(ramp(2400)))
    call.input_format = MULAW
    call.at(100).client("session.update", session={"type": "realtime", "audio": {"input": {"format": MULAW}}})
    call.at(100).append(b"\x80" * 800)
    call.at(120).server("session.updated", session=call.settings())
    call.at(200).append(b"\x80" * 800)
    runs = call.timeline().runs
    assert [(float(run.start_ns) / 1e6, run.piece.format.type, run.piece.samples) for run in runs] == [
        (0, "audio/pcm", 2400),
        (100, "audio/pcmu", 1600),
    ]


def test_updates_under_way_at_the_same_time_are_told_apart() -> None:
    call = Call()
    call.append(pcm(ramp(2400)))
    call.at(100).client("session.update", session={"type": "realtime", "instructions": "Hi"})
    call.at(101).client("session.update", session={"type": "realtime", "audio": {"input": {"format": ALAW}}})
    call.at(102).append(b"\x55" * 800)
    call.at(120).server("session.updated", session=call.settings())
    call.input_format = ALAW
    call.at(121).server("session.updated", session=call.settings())
    assert [(run.piece.format.type, run.piece.samples) for run in call.timeline().runs] == [
        ("audio/pcm", 2400),
        ("audio/pcma", 800),
    ]


def test_one_g711_law_may_follow_the_other() -> None:
    call = Call(input_format=MULAW)
    call.append(b"\x80" * 800)
    call.input_format = ALAW
    call.at(50).server("session.updated", session=call.settings())
    call.at(100).append(b"\xaa" * 800)
    assert [(float(run.start_ns) / 1e6, run.piece.format.type) for run in call.timeline().runs] == [
        (0, "audio/pcmu"),
        (100, "audio/pcma"),
    ]


def test_the_clock_of_the_stream_goes_on_across_a_change_of_format() -> None:
    call = Call(input_format=MULAW)
    call.append(b"\x80" * 4000)
    call.input_format = PCM
    call.at(400).server("session.updated", session=call.settings())
    call.at(500).append(pcm(ramp(12_000)))
    call.at(1020).append(pcm(ramp(12_000)))
    timeline = call.timeline()
    assert [(float(run.start_ns) / 1e6, run.piece.samples) for run in timeline.runs] == [(0, 4000), (500, 24_000)]
    inside = (2000, 4000 + 250 * 48, 4000 + 750 * 48)
    assert [timeline.ns_of_input(byte) for byte in inside] == [250 * 10**6, 750 * 10**6, 1250 * 10**6]


def test_an_update_of_other_things_changes_no_format() -> None:
    call = Call(input_format=MULAW)
    call.client("session.update", session={"type": "realtime", "instructions": "Hi"})
    call.at(0).append(b"\x80" * 800)
    call.at(20).server("session.updated", session=call.settings())
    call.at(100).append(b"\x80" * 800)
    assert starts(call) == [(0.0, 1600)]


# ---- items


def test_a_manual_commit_takes_what_came_since_the_last_commit(tmp_path: Any) -> None:
    call = Call()
    samples = ramp(3333)
    call.at(0).stream(pcm(samples[:1111]), chunk=700, every_ms=5)
    call.at(50).client("input_audio_buffer.commit")
    first = call.at(51).user_item()
    call.at(60).stream(pcm(samples[1111:]), chunk=700, every_ms=5)
    call.at(200).client("input_audio_buffer.commit")
    second = call.at(201).user_item()
    assert np.array_equal(cut(call, first, tmp_path), samples[:1111])
    assert np.array_equal(cut(call, second, tmp_path), samples[1111:])


def test_audio_sent_between_the_commit_and_its_answer_belongs_to_the_next_item(tmp_path: Any) -> None:
    call = Call()
    call.append(pcm(ramp(500)))
    call.at(10).client("input_audio_buffer.commit")
    call.at(12).append(pcm(ramp(300, first=9000)))
    item = call.at(30).user_item()
    assert np.array_equal(cut(call, item, tmp_path), ramp(500))


def test_cleared_audio_belongs_to_no_item(tmp_path: Any) -> None:
    call = Call()
    call.append(pcm(ramp(500)))
    call.at(10).client("input_audio_buffer.clear")
    call.at(20).server("input_audio_buffer.cleared")
    call.at(30).append(pcm(ramp(300, first=9000)))
    call.at(40).client("input_audio_buffer.commit")
    item = call.at(50).user_item()
    assert np.array_equal(cut(call, item, tmp_path), ramp(300, first=9000))


def vad(call: Call, spans: list[tuple[int, int]]) -> list[str]:
    items = []
    for start, end in spans:
        item = f"item_vad_{start}"
        call.at(end + 30).server("input_audio_buffer.speech_started", audio_start_ms=start, item_id=item)
        call.at(end + 31).server("input_audio_buffer.speech_stopped", audio_end_ms=end, item_id=item)
        items.append(call.at(end + 32).user_item(item=item))
    return items


@given(st.integers(0, 900), st.integers(1, 1000), st.sampled_from([PCM, MULAW, {"type": "audio/pcm", "rate": 16000}]))
def test_voice_activity_is_cut_to_the_sample(start: int, length: int, stated: dict[str, Any]) -> None:
    call = Call(input_format=stated)
    rate = stated.get("rate", 8000)
    step = 2 if stated["type"] == "audio/pcm" else 1
    end = min(start + length, 1000)
    if start == end:
        return
    call.at(0).stream(bytes(rate * step), chunk=rate // 50 * step, every_ms=20)
    (item,) = vad(call, [(start, end)])
    timeline = call.timeline()
    found = next(each for each in timeline.conversation.items if each.id == item)
    (piece,) = timeline.stream.item(found)
    assert piece.samples == (end - start) * rate // 1000
    before = int(piece.seqs[0]) - int(timeline.runs[0].piece.seqs[0])
    assert before * (rate // 50 * step) + piece.skip == start * rate // 1000 * step


def test_utterances_before_one_reply_and_overlapping_spans_stay_apart(tmp_path: Any) -> None:
    call = Call()
    samples = ramp(24_000 * 3)
    call.at(0).stream(pcm(samples), chunk=960, every_ms=20)
    items = vad(call, [(100, 800), (700, 1500), (1500, 2900)])
    for item, (start, end) in zip(items, [(100, 800), (700, 1500), (1500, 2900)], strict=True):
        assert np.array_equal(cut(call, item, tmp_path), samples[start * 24 : end * 24])


def test_a_commit_at_idle_timeout_has_its_stated_span(tmp_path: Any) -> None:
    call = Call()
    samples = ramp(24_000 * 2)
    call.at(0).stream(pcm(samples), chunk=960, every_ms=20)
    call.at(2000).server(
        "input_audio_buffer.timeout_triggered", audio_start_ms=320, audio_end_ms=1760, item_id="item_idle"
    )
    item = call.at(2001).user_item(item="item_idle")
    assert np.array_equal(cut(call, item, tmp_path), samples[320 * 24 : 1760 * 24])


def test_an_item_made_by_the_client_has_the_audio_inside_it(tmp_path: Any) -> None:
    call = Call()
    parts = [ramp(400), ramp(200, first=7000)]
    import pybase64

    content = [{"type": "input_audio", "audio": pybase64.b64encode(pcm(part)).decode()} for part in parts]
    stated = {"id": "item_mine", "type": "message", "role": "user", "content": content}
    call.at(10).client("conversation.item.create", item=stated)
    call.at(30).added(stated | {"content": [{"type": "input_audio", "transcript": None}] * 2})
    assert np.array_equal(cut(call, "item_mine", tmp_path), np.concatenate(parts))


def test_a_span_that_the_audio_cannot_hold_is_refused_with_the_reason(tmp_path: Any) -> None:
    call = Call()
    call.append(pcm(ramp(2400)))
    (item,) = vad(call, [(0, 5000)])
    with pytest.raises(RequestError, match="ends after the audio") as caught:
        cut(call, item, tmp_path)
    assert caught.value.data["item"] == item
    assert not list(tmp_path.iterdir())


def test_an_item_across_a_change_of_format_is_cut_from_both() -> None:
    call = Call()
    call.append(pcm(ramp(2400)))
    call.input_format = MULAW
    call.at(100).client("session.update", session={"type": "realtime", "audio": {"input": {"format": MULAW}}})
    call.at(100).append(b"\x80" * 800)
    call.at(120).server("session.updated", session=call.settings())
    call.at(200).client("input_audio_buffer.commit")
    item = call.at(201).user_item()
    timeline = call.timeline()
    pieces = timeline.stream.item(next(each for each in timeline.conversation.items if each.id == item))
    assert [(piece.format.type, piece.samples) for piece in pieces] == [("audio/pcm", 2400), ("audio/pcmu", 800)]


# ---- from the stream's clock to the session's


def test_a_time_of_the_stream_lies_where_its_samples_do() -> None:
    call = Call()
    call.at(1000).append(pcm(ramp(24_000)))
    call.at(5000).append(pcm(ramp(24_000)))
    timeline = call.timeline()
    assert [timeline.ns_of_input(ms * 48) for ms in (0, 250, 999, 1000, 1500, 9999)] == [
        1000 * 10**6, 1250 * 10**6, 1999 * 10**6, 5000 * 10**6, 5500 * 10**6, 6000 * 10**6
    ]  # fmt: skip
