"""Lengths that a server states against the samples on record."""

from __future__ import annotations

import pytest
from earwitness.replay.compare.check import check

from tests.sessions import Session

KIND = "conversation.item.input_audio_transcription.completed"


@pytest.mark.parametrize(("end_ms", "beyond"), [(600, False), (601, False), (900, True)])
def test_a_cut_behind_the_end_of_the_sound_is_reported(end_ms: int, beyond: bool) -> None:
    script = Session().created().output("reply_1").speak("reply_1", "One", 600).truncated("reply_1", end_ms)
    found = [(each.stated, each.reconstructed, each.basis) for each in check(script.frames).unexplained]
    assert found == ([(end_ms, 600.0, "sound")] if beyond else [])


def test_a_cut_of_sound_that_was_shortened_before_is_compared_with_nothing() -> None:
    words = "A sentence of a second and a half that has a tenth of it on record."
    script = Session().created().output("reply_1").speak("reply_1", words, 100).truncated("reply_1", 1500)
    assert check(script.frames).unexplained == []


@pytest.mark.parametrize(("seconds", "differs"), [(1.5, False), (2, False), (9, True), (0.2, True)])
def test_seconds_of_transcribed_audio_are_compared_with_the_samples(seconds: float, differs: bool) -> None:
    script = Session().session().append(100, 20).speech("user_1", 0, 1500)
    usage = {"type": "duration", "seconds": seconds}
    script.server(KIND, item_id="user_1", content_index=0, transcript="Yes.", usage=usage)
    found = [(each.subject, each.reconstructed) for each in check(script.frames).unexplained]
    assert found == ([("item user_1, part 0, transcription usage seconds", 1.5)] if differs else [])
