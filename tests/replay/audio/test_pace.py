"""The lead, lag and drift of the input stream, and the silences that were put in."""

from __future__ import annotations

import pytest
from earwitness.replay.audio.pace import InputPace

from tests.events import pcm, ramp
from tests.sessions import Call


def pace(call: Call) -> InputPace:
    found = call.timeline().stream.pace
    assert found is not None
    return found


def test_a_sound_card_that_runs_fast_or_slow_is_measured() -> None:
    for ppm in (-200, 0, 150):
        call = Call().at(500).stream(pcm(ramp(24_000 * 30)), chunk=960, every_ms=20 / (1 + ppm / 1e6))
        assert pace(call).drift_ppm == pytest.approx(ppm, abs=0.2)
        assert pace(call).drift_ms == pytest.approx(ppm * 30e-3, abs=0.1)


def test_a_short_stream_has_no_drift_to_speak_of() -> None:
    assert pace(Call().at(0).stream(pcm(ramp(24_000)), chunk=960, every_ms=20)).drift_ppm is None


def test_the_lead_of_a_burst_and_the_lag_of_a_stall_are_stated() -> None:
    burst = pace(Call().at(500).stream(pcm(ramp(48_000)), chunk=9600, every_ms=0))
    assert (burst.lead_ms, burst.lag_ms, burst.silences) == (1800, 0, [])
    call = Call().at(0).append(pcm(ramp(2400))).at(400).append(pcm(ramp(2400)))
    assert (pace(call).lead_ms, pace(call).lag_ms) == (0, 300)


def test_the_silence_of_a_pause_is_listed_with_its_place() -> None:
    call = Call().at(1000).append(pcm(ramp(2400))).at(4000).append(pcm(ramp(2400))).at(9000).append(pcm(ramp(2400)))
    listed = [(each.start_ns / 1e6, each.end_ns / 1e6) for each in pace(call).silences]
    assert listed == [(1100, 4000), (4100, 9000)]
    assert [each.seq for each in pace(call).silences] == [call.seq - 1, call.seq]
