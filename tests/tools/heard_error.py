"""How far heard words are from the truth: the error for each language and each order of arrival.

Run ``python -m tests.tools.heard_error``. The sessions are made of ``tests/data/speech_per_word.json``: a player that
begins some time after the first sound came, and a truncation at each of :data:`CUTS` places, with what the player
really played. The error is in words: those that were heard whole, less those that were over.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from earwitness.replay.audio.timeline import Timeline
from earwitness.replay.transcript.lines import transcribe

from tests.events import RATE, base64
from tests.sessions import Call
from tests.tools.speech_per_word import DATA

CUTS: Final = 40
LAYOUTS: Final = ("with its sound", "1.5 s ahead", "whole at the end", "word timestamps")
_CHUNK_MS: Final = 100
_AHEAD_MS: Final = 1500
_FIRST_MS: Final = 1000
_PACE: Final = 4
"""How much faster than speech the sound arrives."""


@dataclass(frozen=True)
class Speech:
    """A sentence: its text, how long it is, and where each word lies in it."""

    text: str
    total_ms: int
    words: tuple[tuple[int, int, int], ...]
    """For each word, the characters up to its end, when it begins and when it is over."""
    pieces: tuple[str, ...]
    """The text, divided before each word."""


@dataclass(frozen=True)
class Error:
    """A cut, and how far what is shown is from the truth."""

    cut_ms: int
    words: int
    start_ms: float
    heard: str


@cache
def speech(language: str) -> Speech:
    stated = json.loads(DATA.read_text(encoding="utf-8"))[language]
    between, words, pieces = stated["between"], [], []
    text = ""
    for word, start, end in stated["words"]:
        pieces.append((between if text else "") + word)
        text += pieces[-1]
        words.append((len(text), start, end))
    return Speech(text, stated["total_ms"], tuple(words), tuple(pieces))


def languages() -> list[str]:
    return list(json.loads(DATA.read_text(encoding="utf-8")))


def call_of(said: Speech, layout: str, cut_ms: int, late_ms: int) -> Call:
    """A call in which one sentence arrives in a layout, is played, and is cut."""
    call = Call()
    response, item = call.at(_FIRST_MS - 10).begin()
    words = iter(zip(said.pieces, said.words, strict=True))
    word = next(words, None)
    ahead = {"with its sound": 0, "1.5 s ahead": _AHEAD_MS}.get(layout)
    events: list[tuple[float, Any]] = []
    for at in range(0, said.total_ms, _CHUNK_MS):
        now = _FIRST_MS + at / _PACE
        while ahead is not None and word is not None and word[1][1] < at + _CHUNK_MS + ahead:
            # A word comes before the chunk in which it begins.
            events.append((now, word[0]))
            word = next(words, None)
        events.append((now, min(_CHUNK_MS, said.total_ms - at)))
    for now, what in events:
        call.at(now)
        if isinstance(what, str):
            call.part("output_audio_transcript.delta", response, item, delta=what)
        else:
            call.part("output_audio.delta", response, item, delta=base64(b"\1\1" * (RATE * what // 1000)))
    end = _FIRST_MS + said.total_ms / _PACE
    if layout == "word timestamps":
        for piece, (_, start, over) in zip(said.pieces, said.words, strict=True):
            call.at(end).part("audio_timestamp.delta", response, item, audio_offset_ms=start,
                              audio_duration_ms=over - start, text=piece.strip(), timestamp_type="word")  # fmt: skip
    call.at(end + 1).part("output_audio_transcript.done", response, item, transcript=said.text)
    call.at(_FIRST_MS + late_ms + cut_ms)
    return call.truncate(item, cut_ms, ack_ms=call.ms + 30)


@cache
def errors(language: str, layout: str, late_ms: int = 300) -> tuple[Error, ...]:
    """Cut a sentence at each place, and compare what is shown with what was played."""
    said = speech(language)
    cuts = (said.total_ms * number // (CUTS + 1) for number in range(1, CUTS + 1))
    return tuple(_error(said, call_of(said, layout, cut_ms, late_ms).timeline(), cut_ms, late_ms) for cut_ms in cuts)


def _error(said: Speech, timeline: Timeline, cut_ms: int, late_ms: int) -> Error:
    (line,) = transcribe(timeline.conversation, "heard", timeline.plan).lines
    (playback,) = timeline.plan.playbacks
    assert playback.heard_ms == cut_ms
    over = sum(end <= cut_ms for _, _, end in said.words)
    heard = sum(characters <= len(line.text) for characters, _, _ in said.words)
    start = float(playback.start_ns) / 1e6 - (_FIRST_MS + late_ms)
    return Error(cut_ms, heard - over, start, line.text)


def table() -> str:
    """The errors as a table in Markdown: the mean of their amounts, and the largest."""
    rows = ["| text comes | " + " | ".join(languages()) + " |", "|---|" + "---|" * len(languages())]
    for layout in LAYOUTS:
        cells: list[str] = []
        for language in languages():
            sizes = [abs(each.words) for each in errors(language, layout)]
            cells.append(f"{sum(sizes) / len(sizes):.1f}, at most {max(sizes)}")
        rows.append(f"| {layout} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


if __name__ == "__main__":
    print(table())
