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

from tests.replay.audio.calls import ALAW, MULAW, PCM, Call, pcm, ramp

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
    call.stream(750.25, pcm(ramp(2400)), chunk=960, every_ms=20)
    assert starts(call) == [(750.25, 2400)]


def test_jitter_does_not_stretch_speech() -> None:
    call = Call()
    for index, late in enumerate([0, 40, 3, 120, 90, 0, 350, 4]):
        call.append(1000 + index * 100 + late, pcm(ramp(2400)))
    assert starts(call) == [(1000.0, 8 * 2400)]


def test_a_clip_sent_in_one_burst_takes_its_own_length() -> None:
    call = Call()
    call.stream(500, pcm(ramp(240_000)), chunk=9600, every_ms=0.1)
    call.append(4000, pcm(ramp(240)))
    assert starts(call) == [(500.0, 240_240)]


def test_after_a_pause_the_stream_is_anchored_at_the_arrival() -> None:
    call = Call()
    after = call.stream(100, pcm(ramp(24_000)), chunk=960, every_ms=20)
    call.stream(after + 700, pcm(ramp(24_000)), chunk=960, every_ms=20)
    assert starts(call) == [(100.0, 24_000), (1800.0, 24_000)]


def test_a_clip_after_a_pause_is_anchored_too_though_it_comes_in_a_burst() -> None:
    call = Call()
    call.stream(0, pcm(ramp(48_000)), chunk=4800, every_ms=0.1)
    call.stream(10_000, pcm(ramp(72_000)), chunk=4800, every_ms=0.1)
    assert starts(call) == [(0.0, 48_000), (10_000.0, 72_000)]


@pytest.mark.parametrize(("late_ms", "runs"), [(500, 1), (501, 2)])
def test_more_than_half_a_second_is_a_pause(late_ms: float, runs: int) -> None:
    call = Call()
    call.append(0, pcm(ramp(2400)))
    call.append(100 + late_ms, pcm(ramp(2400)))
    assert len(starts(call)) == runs


def test_a_second_clip_as_long_as_the_pause_before_it_is_no_stall() -> None:
    call = Call()
    call.stream(0, pcm(ramp(48_000)), chunk=9600, every_ms=0.1)
    call.stream(10_000, pcm(ramp(8 * 24_000)), chunk=9600, every_ms=0.1)
    assert starts(call) == [(0.0, 48_000), (10_000.0, 8 * 24_000)]


@pytest.mark.parametrize(("made_up_ms", "runs"), [(780, 1), (740, 2), (1000, 1), (1490, 1), (1520, 2)])
def test_what_is_made_up_for_decides_between_stall_and_pause(made_up_ms: int, runs: int) -> None:
    """A second is missing: a stall if it comes but for a quarter of a second, and not half a second too much."""
    call = Call()
    at = call.stream(0, pcm(ramp(48_000)), chunk=960, every_ms=20)
    call.stream(at + 1000, pcm(ramp(made_up_ms * 24)), chunk=480, every_ms=0.001)
    assert len(starts(call)) == runs


def test_a_stall_of_the_network_is_no_pause() -> None:
    call = Call()
    data = pcm(ramp(24_000 * 6))
    at = call.stream(0, data[: 2000 * MS], chunk=20 * MS, every_ms=20)
    call.stream(at + 1500, data[2000 * MS : 3500 * MS], chunk=20 * MS, every_ms=0.2)
    call.stream(3515, data[3500 * MS :], chunk=20 * MS, every_ms=20)
    assert starts(call) == [(0.0, 144_000)]


def test_stalls_do_not_add_up() -> None:
    call = Call()
    chunk = pcm(ramp(480))
    for index in range(3000):
        due = index * 20
        call.append(due if due % 6000 < 4000 else due // 6000 * 6000 + 6000, chunk)
    assert starts(call) == [(0.0, 3000 * 480)]


def test_the_length_of_a_pause_is_counted_from_the_end_of_the_audio() -> None:
    call = Call()
    call.append(0, pcm(ramp(24_000)))
    call.append(1499, pcm(ramp(240)))
    call.append(1499 + 10 + 502, pcm(ramp(240)))
    assert starts(call) == [(0.0, 24_240), (2011.0, 240)]


@pytest.mark.parametrize("chunk", [1, 3, 959, 960, 50_000])
def test_chunks_may_end_within_a_sample(chunk: int, tmp_path: Any) -> None:
    call = Call()
    samples = ramp(1200)
    call.stream(10, pcm(samples), chunk=chunk, every_ms=0.01)
    call.client(300, "input_audio_buffer.commit")
    item = call.user_item(301)
    assert starts(call) == [(10.0, 1200)]
    assert np.array_equal(cut(call, item, tmp_path), samples)


def test_a_pause_within_a_sample_leaves_both_sides_whole() -> None:
    call = Call()
    data = pcm(ramp(100))
    call.append(0, data[:101])
    call.append(5000, data[101:])
    runs = call.timeline().runs
    assert [(float(run.start_ns) / 1e6, run.first_byte, run.piece.size) for run in runs] == [
        (0, 0, 102),
        (5000, 102, 98),
    ]


def test_a_broken_sample_at_the_end_is_named_and_left_out() -> None:
    call = Call()
    seq = call.append(0, pcm(ramp(10)) + b"\x01")
    timeline = call.timeline()
    assert [run.piece.samples for run in timeline.runs] == [10]
    assert [(problem.seq, problem.what) for problem in timeline.problems] == [(seq, "odd-bytes")]


def test_without_any_clock_the_stream_begins_at_zero() -> None:
    call = Call(timed=False)
    call.stream(0, pcm(ramp(24_000)), chunk=960, every_ms=20)
    assert starts(call) == [(0.0, 24_000)]


def test_without_input_there_are_no_runs() -> None:
    assert starts(Call()) == []
    assert Call().timeline().ns_of_input_ms(100) is None


# ---- formats


@pytest.mark.parametrize(("stated", "step", "rate"), [(MULAW, 1, 8000), (ALAW, 1, 8000), (PCM, 2, 24000)])
def test_the_format_that_the_session_states_counts(stated: dict[str, Any], step: int, rate: int) -> None:
    call = Call(input=stated)
    call.append(0, b"\x55" * 16_000)
    (run,) = call.timeline().runs
    assert run.end_ns == Fraction(16_000 // step * 10**9, rate)


def test_a_new_format_counts_from_the_update_that_asked_for_it() -> None:
    call = Call()
    call.append(0, pcm(ramp(2400)))
    call.input = MULAW
    call.client(100, "session.update", session={"type": "realtime", "audio": {"input": {"format": MULAW}}})
    call.append(100, b"\x80" * 800)
    call.server(120, "session.updated", session=call.session())
    call.append(200, b"\x80" * 800)
    runs = call.timeline().runs
    assert [(float(run.start_ns) / 1e6, run.piece.format.type, run.piece.samples) for run in runs] == [
        (0, "audio/pcm", 2400),
        (100, "audio/pcmu", 1600),
    ]


def test_updates_under_way_at_the_same_time_are_told_apart() -> None:
    call = Call()
    call.append(0, pcm(ramp(2400)))
    call.client(100, "session.update", session={"type": "realtime", "instructions": "Hi"})
    call.client(101, "session.update", session={"type": "realtime", "audio": {"input": {"format": ALAW}}})
    call.append(102, b"\x55" * 800)
    call.server(120, "session.updated", session=call.session())
    call.input = ALAW
    call.server(121, "session.updated", session=call.session())
    assert [(run.piece.format.type, run.piece.samples) for run in call.timeline().runs] == [
        ("audio/pcm", 2400),
        ("audio/pcma", 800),
    ]


def test_one_g711_law_may_follow_the_other() -> None:
    call = Call(input=MULAW)
    call.append(0, b"\x80" * 800)
    call.input = ALAW
    call.server(50, "session.updated", session=call.session())
    call.append(100, b"\xaa" * 800)
    assert [(float(run.start_ns) / 1e6, run.piece.format.type) for run in call.timeline().runs] == [
        (0, "audio/pcmu"),
        (100, "audio/pcma"),
    ]


def test_the_clock_of_the_stream_goes_on_across_a_change_of_format() -> None:
    call = Call(input=MULAW)
    call.append(0, b"\x80" * 4000)
    call.input = PCM
    call.server(400, "session.updated", session=call.session())
    call.append(500, pcm(ramp(12_000)))
    call.append(1020, pcm(ramp(12_000)))
    timeline = call.timeline()
    assert [(float(run.start_ns) / 1e6, run.piece.samples) for run in timeline.runs] == [(0, 4000), (500, 24_000)]
    assert [timeline.ns_of_input_ms(ms) for ms in (250, 750, 1250)] == [250 * 10**6, 750 * 10**6, 1250 * 10**6]
    assert timeline.stream.byte_of_ms(750) == 4000 + 250 * MS


def test_an_update_of_other_things_changes_no_format() -> None:
    call = Call(input=MULAW)
    call.client(0, "session.update", session={"type": "realtime", "instructions": "Hi"})
    call.append(0, b"\x80" * 800)
    call.server(20, "session.updated", session=call.session())
    call.append(100, b"\x80" * 800)
    assert starts(call) == [(0.0, 1600)]


# ---- items


def test_a_manual_commit_takes_what_came_since_the_last_commit(tmp_path: Any) -> None:
    call = Call()
    samples = ramp(3333)
    call.stream(0, pcm(samples[:1111]), chunk=700, every_ms=5)
    call.client(50, "input_audio_buffer.commit")
    first = call.user_item(51)
    call.stream(60, pcm(samples[1111:]), chunk=700, every_ms=5)
    call.client(200, "input_audio_buffer.commit")
    second = call.user_item(201)
    assert np.array_equal(cut(call, first, tmp_path), samples[:1111])
    assert np.array_equal(cut(call, second, tmp_path), samples[1111:])


def test_audio_sent_between_the_commit_and_its_answer_belongs_to_the_next_item(tmp_path: Any) -> None:
    call = Call()
    call.append(0, pcm(ramp(500)))
    call.client(10, "input_audio_buffer.commit")
    call.append(12, pcm(ramp(300, first=9000)))
    item = call.user_item(30)
    assert np.array_equal(cut(call, item, tmp_path), ramp(500))


def test_cleared_audio_belongs_to_no_item(tmp_path: Any) -> None:
    call = Call()
    call.append(0, pcm(ramp(500)))
    call.client(10, "input_audio_buffer.clear")
    call.server(20, "input_audio_buffer.cleared")
    call.append(30, pcm(ramp(300, first=9000)))
    call.client(40, "input_audio_buffer.commit")
    item = call.user_item(50)
    assert np.array_equal(cut(call, item, tmp_path), ramp(300, first=9000))


def vad(call: Call, spans: list[tuple[int, int]]) -> list[str]:
    items = []
    for start, end in spans:
        item = f"item_vad_{start}"
        call.server(end + 30, "input_audio_buffer.speech_started", audio_start_ms=start, item_id=item)
        call.server(end + 31, "input_audio_buffer.speech_stopped", audio_end_ms=end, item_id=item)
        items.append(call.user_item(end + 32, item=item))
    return items


@given(st.integers(0, 900), st.integers(1, 1000), st.sampled_from([PCM, MULAW, {"type": "audio/pcm", "rate": 16000}]))
def test_voice_activity_is_cut_to_the_sample(start: int, length: int, stated: dict[str, Any]) -> None:
    call = Call(input=stated)
    rate = stated.get("rate", 8000)
    step = 2 if stated["type"] == "audio/pcm" else 1
    end = min(start + length, 1000)
    if start == end:
        return
    call.stream(0, bytes(rate * step), chunk=rate // 50 * step, every_ms=20)
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
    call.stream(0, pcm(samples), chunk=960, every_ms=20)
    items = vad(call, [(100, 800), (700, 1500), (1500, 2900)])
    for item, (start, end) in zip(items, [(100, 800), (700, 1500), (1500, 2900)], strict=True):
        assert np.array_equal(cut(call, item, tmp_path), samples[start * 24 : end * 24])


def test_a_commit_at_idle_timeout_has_its_stated_span(tmp_path: Any) -> None:
    call = Call()
    samples = ramp(24_000 * 2)
    call.stream(0, pcm(samples), chunk=960, every_ms=20)
    call.server(
        2000, "input_audio_buffer.timeout_triggered", audio_start_ms=320, audio_end_ms=1760, item_id="item_idle"
    )
    item = call.user_item(2001, item="item_idle")
    assert np.array_equal(cut(call, item, tmp_path), samples[320 * 24 : 1760 * 24])


def test_an_item_made_by_the_client_has_the_audio_inside_it(tmp_path: Any) -> None:
    call = Call()
    parts = [ramp(400), ramp(200, first=7000)]
    import pybase64

    content = [{"type": "input_audio", "audio": pybase64.b64encode(pcm(part)).decode()} for part in parts]
    stated = {"id": "item_mine", "type": "message", "role": "user", "content": content}
    call.client(10, "conversation.item.create", item=stated)
    call.add_item(30, stated | {"content": [{"type": "input_audio", "transcript": None}] * 2})
    assert np.array_equal(cut(call, "item_mine", tmp_path), np.concatenate(parts))


def test_a_span_that_the_audio_cannot_hold_is_refused_with_the_reason(tmp_path: Any) -> None:
    call = Call()
    call.append(0, pcm(ramp(2400)))
    (item,) = vad(call, [(0, 5000)])
    with pytest.raises(RequestError, match="ends after the audio") as caught:
        cut(call, item, tmp_path)
    assert caught.value.data["item"] == item
    assert not list(tmp_path.iterdir())


def test_an_item_across_a_change_of_format_is_cut_from_both() -> None:
    call = Call()
    call.append(0, pcm(ramp(2400)))
    call.input = MULAW
    call.client(100, "session.update", session={"type": "realtime", "audio": {"input": {"format": MULAW}}})
    call.append(100, b"\x80" * 800)
    call.server(120, "session.updated", session=call.session())
    call.client(200, "input_audio_buffer.commit")
    item = call.user_item(201)
    timeline = call.timeline()
    pieces = timeline.stream.item(next(each for each in timeline.conversation.items if each.id == item))
    assert [(piece.format.type, piece.samples) for piece in pieces] == [("audio/pcm", 2400), ("audio/pcmu", 800)]


# ---- from the stream's clock to the session's


def test_a_time_of_the_stream_lies_where_its_samples_do() -> None:
    call = Call()
    call.append(1000, pcm(ramp(24_000)))
    call.append(5000, pcm(ramp(24_000)))
    timeline = call.timeline()
    assert [timeline.ns_of_input_ms(ms) for ms in (0, 250, 999, 1000, 1500, 9999)] == [
        1000 * 10**6, 1250 * 10**6, 1999 * 10**6, 5000 * 10**6, 5500 * 10**6, 6000 * 10**6
    ]  # fmt: skip
