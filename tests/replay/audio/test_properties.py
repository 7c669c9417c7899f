"""What holds of every call, however irregular."""

from __future__ import annotations

import asyncio
from fractions import Fraction
from itertools import pairwise

import numpy as np
from earwitness.replay.audio.formats import bytes_to_ns
from earwitness.replay.audio.input_stream import PAUSE_NS
from earwitness.replay.audio.mix import Mixer, render
from earwitness.replay.audio.playback import STALL_NS
from earwitness.replay.audio.tracks import timeline_tracks
from hypothesis import given
from hypothesis import strategies as st

from tests.events import MULAW, PCM, ramp
from tests.sessions import Call

steps = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(1, 9000)),
        st.tuples(st.just("begin"), st.just(0)),
        st.tuples(st.just("delta"), st.integers(1, 40_000)),
        st.tuples(st.just("truncate"), st.integers(0, 900)),
        st.tuples(st.just("wait"), st.integers(1, 900)),
        st.tuples(st.just("pause"), st.integers(900, 4000)),
    ),
    max_size=40,
)


def call_of(actions: list[tuple[str, int]], *, mulaw: bool, timed: bool) -> Call:
    call = Call(input_format=MULAW if mulaw else PCM, timed=timed, split=True)
    at, spoken = 10.0, 0
    open_items: list[tuple[str, str]] = []
    for kind, value in actions:
        match kind:
            case "append":
                call.at(at).append(ramp(value, first=spoken).astype("<i2").tobytes()[:value])
                spoken += value
            case "begin":
                open_items.append(call.at(at).begin())
            case "delta" if open_items:
                call.at(at).delta(*open_items[value % len(open_items)], ramp(value).astype("<i2").tobytes()[:value])
            case "truncate" if open_items:
                call.at(at).truncate(open_items[value % len(open_items)][1], value, ack_ms=at + 1)
            case _:
                at += value
        at += 5
    return call


calls = st.builds(call_of, steps, mulaw=st.booleans(), timed=st.booleans())


@given(calls)
def test_every_sample_of_the_user_is_on_the_clock_once_and_never_long_before_it_came(call: Call) -> None:
    timeline = call.timeline()
    total = timeline.conversation.input_audio.audio.total
    step = 1 if call.input_format is MULAW else 2
    assert sum(run.piece.size for run in timeline.runs) == total // step * step
    at = 0
    for run in timeline.runs:
        assert run.first_byte == at
        at += run.piece.size
        if call.timed:
            assert run.start_ns >= timeline.clock.at(int(run.piece.seqs[0])) - PAUSE_NS
    for before, after in pairwise(timeline.runs):
        assert after.start_ns >= before.end_ns


@given(calls)
def test_what_was_heard_had_arrived_and_one_answer_plays_at_a_time(call: Call) -> None:
    timeline = call.timeline()
    heard_until = Fraction(0)
    for playback in timeline.plan.playbacks:
        assert 0 <= playback.heard <= playback.size
        assert (playback.cut is None) == (playback.heard == playback.size)
        assert (playback.cut_seq is None) == (playback.cut is None)
        if playback.heard:
            assert playback.start_ns >= heard_until
            heard_until = playback.heard_end_ns
        for before, after in pairwise(playback.stretches):
            assert before.end == after.start
            assert after.start_ns > before.start_ns + bytes_to_ns(before.end - before.start, playback.format)
        if call.timed:
            ends = np.cumsum(playback.lengths, dtype=np.int64)
            for seq, end, length in zip(playback.seqs.tolist(), ends.tolist(), playback.lengths.tolist(), strict=True):
                begins = end - length
                if begins % 2 == 0 and begins < playback.size:
                    due = next(s for s in playback.stretches if s.start <= begins < s.end)
                    placed = due.start_ns + bytes_to_ns(begins - due.start, playback.format)
                    assert placed >= timeline.clock.at(seq) - STALL_NS


@given(calls)
def test_the_mix_is_as_long_as_its_last_piece_and_holds_every_sample(call: Call) -> None:
    timeline, recording = call.timeline(), call.recording()
    tracks = timeline_tracks([recording], [timeline], "both", "heard")
    mixer = Mixer(tracks, 24_000, 2)
    blocks: list[np.ndarray] = []
    asyncio.run(render([recording], mixer, blocks.append))
    assert sum(len(block) for block in blocks) == mixer.samples
    assert not mixer.problems
    heard = sum(playback.heard // 2 for playback in timeline.plan.playbacks)
    sounding = sum(int(np.count_nonzero(block[:, 1])) for block in blocks)
    assert sounding <= heard
