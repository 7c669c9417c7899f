"""How the words of a part lie on its sound: which of them can have been heard, and when each was over.

How much of the sound was played is the plan of :mod:`~earwitness.replay.audio.playback`. The words up to there are what
the server states (:attr:`~earwitness.schemas.state.Part.words`), or an estimate:

* the share of the audio that was played, as a share of the text;
* at most the text that had come by the time the audio at the cut had come, where words come before their sound;
* at least the text whose sound was over when the next text came, where text comes in step with its sound
  (:func:`_in_step`).

The estimate ends with a whole word. :func:`sound_marks` is the same rule read the other way round, so that a cut ends
words and sound at one place. Where the sound is not on record, and the server states no words, nothing is estimated: a
cut says that how much was heard is not known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from ...schemas.state import Part
from ..audio.playback import Basis, Cut, Playback
from .boundaries import whole_words

__all__ = ["FASTEST_SPEECH", "Estimate", "Heard", "estimate", "sound_marks"]

Method = Literal[
    "word timestamps", "share of audio", "text received by then", "text in step", "nothing played", "not known", "whole"
]

FASTEST_SPEECH: Final = 100
"""Characters per second. Of a part with more, not all of the sound is on record: nobody speaks so fast."""

_MOST_LEAD_MS: Final = 500
"""How much earlier than its sound a text may come to be in step with it."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What of a part can have been heard, and what that rests on.

    Attributes:
        basis: what cut it, as in :data:`~earwitness.replay.audio.cuts.Basis`; ``no sound on record`` where nothing did,
            and that is not known from its sound.
        cut_seq: the record that cut it; None if nothing did.
        heard_ms: milliseconds of its audio before the cut; None if not known.
        total_ms: milliseconds of its audio in all; None if it is not on record.
        characters: length of the text that is taken as heard; None if not known.
        total_characters: length of its text in all.
        method: what the words rest on: ``word timestamps`` of the server; ``share of audio``; ``text received by
            then``; ``text in step`` with its sound; ``nothing played``; ``not known``; ``whole``: nothing cut it.
        rests_on: the same in words.
    """

    basis: Basis | Literal["no sound on record"]
    cut_seq: int | None
    heard_ms: float | None
    total_ms: float | None
    characters: int | None
    total_characters: int
    method: Method
    rests_on: str

    def __str__(self) -> str:
        """Say in a few words how much was heard, and what that rests on."""
        if self.method == "whole":
            return self.rests_on
        if self.method == "not known":
            return f"{self.rests_on}; how much was heard is not known"
        if self.heard_ms is None or (self.total_ms is None and not self.heard_ms):
            return f"nothing was heard; {self.rests_on}"
        of = "" if self.total_ms is None else f" of {self.total_ms / 1000:.1f}"
        torn = "no word was heard whole, part of one sounded; " if self._torn else ""
        return f"{self.heard_ms / 1000:.1f}{of} s heard; {torn}{self.rests_on}"

    @property
    def _torn(self) -> bool:
        return not self.characters and bool(self.heard_ms) and self.total_characters > 0


_CUTS: Final[dict[str, str]] = {
    "truncated": "cut",
    "cleared": "playback was cleared",
    "assumed: speech": "assumed: playback stopped when the user began to speak",
    "assumed: cancel": "assumed: playback stopped when the response was cancelled",
    "closed": "the session ended",
}
_WORDS: Final[dict[Method, str]] = {
    "word timestamps": "words by the server's timestamps",
    "share of audio": "words by the share of the sound",
    "text received by then": "words by what had come by then",
    "text in step": "words by the sound that came with them",
}


@dataclass(frozen=True, slots=True)
class Heard:
    """A part's text as far as it can have been heard; ``estimate`` is None if its sound played to the end."""

    text: str
    estimate: Estimate | None = None


def estimate(part: Part, text: str, played: Playback | None, cut: Cut | None = None) -> Heard:
    """Estimate the words of a part that can have been heard.

    Args:
        part: the content part.
        text: its whole text.
        played: how its sound played; None if none is on record.
        cut: what cut it, as far as the recording states that; counts where its sound is not on record.
    """
    if played is None or len(text) * 1000 > FASTEST_SPEECH * played.total_ms:
        return _without_sound(part, text, cut, "no sound on record" if played is None else "not all sound on record")
    if played.cut is None or played.cut == "out of band":
        return Heard(text)
    why = _why(played.cut, played.behind, played.heard_ms if played.cut == "truncated" else None)
    if not played.known:
        return _unknown(text, played.cut, played.cut_seq, why, played.total_ms)
    kept, method = _words(part, text, played)
    rests = f"{why}; {_WORDS[method]}" if method in _WORDS else why
    return Heard(kept, Estimate(
        played.cut, played.cut_seq, played.heard_ms, played.total_ms, len(kept), len(text), method, rests
    ))  # fmt: skip


def _why(basis: Basis, behind: Basis | None, at_ms: float | None) -> str:
    if basis == "never begun":
        return f"never begun: {_CUTS.get(behind or '', 'cut')}" if behind not in (None, "truncated") else "never begun"
    return f"cut at {at_ms:.0f} ms" if basis == "truncated" and at_ms is not None else _CUTS[basis]


def _unknown(text: str, basis: Basis, seq: int | None, why: str, total_ms: float | None = None) -> Heard:
    return Heard("", Estimate(basis, seq, None, total_ms, None, len(text), "not known", why))


def _without_sound(part: Part, text: str, cut: Cut | None, missing: str) -> Heard:
    """What can be said of a part without its sound: what the server states of its words, or whether it was cut."""
    if cut is None:
        if part.type != "output_audio":
            return Heard(text)
        return Heard(text, Estimate("no sound on record", None, None, None, len(text), len(text), "whole", missing))
    why = _why(cut.why, None, cut.end_ms)
    if cut.end_ms is None:
        return _unknown(text, cut.why, cut.seq, why)
    kept = _by_words(part, text, cut.end_ms, None) if cut.end_ms > 0 else 0
    if kept is None:
        return _unknown(text, cut.why, cut.seq, why)
    method: Method = "word timestamps" if cut.end_ms > 0 else "nothing played"
    rests = f"{why}; {_WORDS[method]}" if method in _WORDS else why
    known = Estimate(cut.why, cut.seq, cut.end_ms, None, kept, len(text), method, f"{rests}; {missing}")
    return Heard(text[:kept], known)


def _words(part: Part, text: str, played: Playback) -> tuple[str, Method]:
    """The words before the byte at which a part was cut."""
    if not played.heard:
        return "", "nothing played"
    stated = _by_words(part, text, played.heard_ms, played.total_ms)
    if stated is not None:
        return text[:stated], "word timestamps"
    # In whole numbers, so that it is the same everywhere.
    length = len(text) * played.heard // played.size
    method: Method = "share of audio"
    marks = _arrivals(part, text, played)
    if marks is not None:
        begun = next((count for count, byte in reversed(_behind(marks, len(text))) if byte < played.heard), 0)
        over = max((before for before, byte in marks if byte <= played.heard), default=0)
        if begun < length:
            method, length = "text received by then", begun
        if over > length and _in_step(marks, len(text), played):
            method, length = "text in step", over
    return whole_words(text, length), method


def _arrivals(part: Part, text: str, played: Playback) -> list[tuple[int, int]] | None:
    """For each piece of text: the characters before it, and the bytes of sound that came before it.

    None where that tells nothing: the sound came before its words, or words came after all of the sound.
    """
    deltas = part.text_deltas
    if not deltas or deltas[0][0] > int(played.seqs[0]):
        return None
    arrived = np.concatenate(([0], np.cumsum(played.lengths)))
    marks: list[tuple[int, int]] = []
    before = 0
    for seq, count in deltas:
        came = min(int(arrived[int(np.searchsorted(played.seqs, seq))]), played.size)
        if came >= played.size and any(letter.isalnum() for letter in text[before:]):
            return None
        marks.append((min(before, len(text)), came))
        before = max(before, count)
    return marks


def _behind(marks: list[tuple[int, int]], length: int) -> list[tuple[int, int]]:
    """The same marks, each with the characters up to the end of its piece."""
    ends = [before for before, _ in marks[1:]] + [length]
    return [(end, byte) for end, (_, byte) in zip(ends, marks, strict=True)]


def _in_step(marks: list[tuple[int, int]], length: int, played: Playback) -> bool:
    """Whether text came with its sound: not ahead of it, neither when the sound began nor at the end."""
    most = _MOST_LEAD_MS * played.format.bytes_per_ms
    first = max(before for before, byte in marks if byte == marks[0][1])
    return all(
        played.size * before / max(length, 1) - byte <= most for before, byte in ((first, marks[0][1]), marks[-1])
    )


def _stated_words(part: Part, text: str) -> list[tuple[int, float]] | None:
    """Where each word ends, in characters and milliseconds, as the server states it; None if it does not."""
    found: list[tuple[int, float]] = []
    at = 0
    for word in part.words:
        wanted = word.text.strip()
        start = text.find(wanted, at)
        if start < 0 or any(letter.isalnum() for letter in text[at:start]):
            return None
        at = start + len(wanted)
        while at < len(text) and not text[at].isalnum() and not text[at].isspace():
            at += 1  # punctuation behind a word sounds with it
        found.append((at, word.end_ms))
    return found or None


def _by_words(part: Part, text: str, end_ms: float, total_ms: float | None) -> int | None:
    """How much of a text was over by a time, by the words that the server states; None if it states none."""
    words = _stated_words(part, text)
    if words is None:
        return None
    kept = 0
    for at, ms in words:
        if ms > end_ms:
            return kept
        kept = at
    last = words[-1][1]
    if total_ms is None or total_ms <= last or kept >= len(text):
        return kept
    rest = text[kept:]
    return kept + len(whole_words(rest, int(len(rest) * (end_ms - last) / (total_ms - last))))


def sound_marks(part: Part, played: Playback, text: str) -> list[tuple[int, int]]:
    """Return how many bytes of a part's sound play before so many characters of its words are over.

    Where the server states it of words, that. Else the larger of two: the characters' share of the sound, and the sound
    that had come before them. The second counts only where the words come first; a vendor that sends sound first says
    nothing by it. Where text comes in step with its sound, the second alone counts.

    Returns:
        ``(characters, bytes)``, ascending; the last is the whole text and all of the sound.
    """
    size, length = played.size, len(text)
    words = _stated_words(part, text)
    if words is not None:
        found = [(at, min(played.bytes_of_ms(ms), size)) for at, ms in words if at < length]
        return [*found, (length, size)]
    arrivals = _arrivals(part, text, played)
    if arrivals is None:
        return [(length, size)]
    step = _in_step(arrivals, length, played)
    marks: list[tuple[int, int]] = []
    byte = 0
    for before, came in arrivals:
        byte = max(byte, came)
        if 0 < before < length and (step or byte > size * before // length):
            marks.append((before, byte))
    return [*marks, (length, size)]
