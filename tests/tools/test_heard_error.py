"""Heard words and sound against the truth, for sentences of which it is known when each word sounds."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from tests.tools.heard_error import CUTS, LAYOUTS, call_of, errors, languages, speech, table

SAMPLE = Fraction(10**9, 24_000)


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("layout", ["with its sound", "word timestamps"])
def test_heard_words_are_within_one_of_the_truth_where_the_recording_ties_them_to_the_sound(
    language: str, layout: str
) -> None:
    found = errors(language, layout)
    assert len(found) == CUTS
    assert max(abs(each.words) for each in found) <= (0 if layout == "word timestamps" else 1)


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("layout", LAYOUTS)
def test_heard_words_begin_the_text_in_every_order_of_arrival(language: str, layout: str) -> None:
    assert all(speech(language).text.startswith(each.heard) for each in errors(language, layout))


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("late_ms", [20, 1990])
def test_a_truncation_places_the_sound_within_20_ms_of_the_player(language: str, late_ms: int) -> None:
    said = speech(language)
    shown = [
        each for each in errors(language, "with its sound", late_ms) if said.total_ms - each.cut_ms > late_ms - 500
    ]
    assert len(shown) > CUTS // 2
    assert max(abs(each.start_ms) for each in shown) <= 20


@pytest.mark.parametrize("language", languages())
def test_without_a_truncation_the_sound_lies_within_one_sample_of_the_model(language: str) -> None:
    said = speech(language)
    call = call_of(said, "with its sound", said.total_ms, 0)
    call.frames.pop()  # conversation.item.truncated
    call.frames.pop()  # the client's request for it
    (placed,) = call.timeline().placed()
    assert abs(placed.start_ns - 1_000_000_000) <= SAMPLE
    assert abs(placed.end_ns - placed.start_ns - said.total_ms * 1_000_000) <= SAMPLE


def test_the_stated_errors_are_those_that_are_measured() -> None:
    docs = Path(__file__).resolve().parents[2] / "docs" / "audio.md"
    assert table() in docs.read_text(encoding="utf-8")
