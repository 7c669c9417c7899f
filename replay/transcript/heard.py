"""How the words of a part lie on its sound: which of them can have been heard, and when each was over.

How much of the sound was played is the plan of :mod:`~earwitness.replay.audio.playback`. The words up to there are an
estimate from two things, the smaller of which counts:

* the share of the audio that was played, as a share of the text;
* the text that had come by the time the audio at the cut had come: servers send the words before their sound, so
  nothing later can have been heard. Where a vendor sends its sound first, this says nothing and is left out.

The estimate ends with a whole word. :func:`sound_marks` is the same rule read the other way round, so that a cut ends
words and sound at one place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from ...schemas.state import Part
from ..audio.playback import Basis, Playback

__all__ = ["Estimate", "Heard", "estimate", "sound_marks"]

Method = Literal["share of audio", "text received by then", "nothing played"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """What of a part can have been heard, and what that rests on.

    Attributes:
        basis: what cut it: a truncation; cleared playback; or a cut in what played before it, so that it never began.
        cut_seq: the record that cut it.
        heard_ms: milliseconds of its audio before the cut.
        total_ms: milliseconds of its audio in all.
        characters: length of the text that is taken as heard.
        total_characters: length of its text in all.
        method: which of the two measures decided: ``share of audio``, ``text received by then``, or ``nothing
            played``.
    """

    basis: Basis
    cut_seq: int | None
    heard_ms: float
    total_ms: float
    characters: int
    total_characters: int
    method: Method


@dataclass(frozen=True, slots=True)
class Heard:
    """A part's text as far as it can have been heard; ``estimate`` is None if nothing cut it."""

    text: str
    estimate: Estimate | None = None


def estimate(part: Part, text: str, played: Playback | None) -> Heard:
    """Estimate the words of a part that can have been heard.

    Args:
        part: the content part.
        text: its whole text.
        played: how its sound played; None if none is on record.
    """
    if played is None or played.cut is None:
        return Heard(text)
    # In whole numbers, so that it is the same everywhere.
    length = len(text) * played.heard // played.size if played.size else 0
    received = _received_before(part, played.heard, len(text))
    method: Method = "share of audio"
    if not played.heard:
        method = "nothing played"
    elif received is not None and received < length:
        method, length = "text received by then", received
    kept = whole_words(text, length)
    known = Estimate(
        played.cut, played.cut_seq, played.heard_ms, played.total_ms, len(kept), len(text), method
    )  # fmt: skip
    return Heard(kept, known)


def _received_before(part: Part, heard: int, length: int) -> int | None:
    """How much text had come when the audio at a byte had come; None if that tells nothing."""
    at = 0
    last_seq: int | None = None
    for seq, size in part.audio:
        last_seq = seq
        at += size
        if at >= heard:
            break
    if last_seq is None:
        return None
    received = 0
    for seq, so_far in part.text_deltas:
        if seq > last_seq:
            break
        received = so_far
    return min(received, length) if received else None


def sound_marks(part: Part, played: Playback, length: int) -> list[tuple[int, int]]:
    """Return how many bytes of a part's sound play before so many characters of its words are over.

    The larger of two: the characters' share of the sound, and the sound that had come before them. The second counts
    only where the words come first; a vendor that sends sound first says nothing by it.

    Returns:
        ``(characters, bytes)``, ascending; the last is ``length`` and all of the sound.
    """
    size = played.size
    if not part.text_deltas or part.text_deltas[0][0] > int(played.seqs[0]):
        return [(length, size)]
    arrived = np.concatenate(([0], np.cumsum(played.lengths)))
    marks: list[tuple[int, int]] = []
    before = byte = 0
    for seq, count in part.text_deltas:
        came = int(arrived[int(np.searchsorted(played.seqs, seq))])
        byte = min(max(byte, came), size)
        if 0 < before < length and byte > size * before // length:
            marks.append((before, byte))
        before = max(before, count)
    return [*marks, (length, size)]


_SPACES: Final = frozenset(" \t\r\n\u00a0")


def whole_words(text: str, length: int) -> str:
    """Return the beginning of a text, at most so long, without a torn word at its end.

    A text without spaces (Chinese, Japanese) is cut where it is.
    """
    if length >= len(text):
        return text
    kept = text[:length]
    if text[length] not in _SPACES:
        spaces = [index for index, letter in enumerate(kept) if letter in _SPACES]
        if spaces:
            kept = kept[: spaces[-1]]
        elif any(letter in _SPACES for letter in text):
            kept = ""
    return kept.rstrip()
