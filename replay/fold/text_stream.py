"""A text that comes in pieces and is stated whole: which of its words count.

A statement made at the end counts, also where it is shorter than the pieces. Two things are no such statement: the
beginning of a text that an announcement already holds, which the pieces may repeat or go on with; and what a server
states of an item that was cut, which may be less than it sent. An empty statement takes nothing back.
"""

from __future__ import annotations

from array import array
from difflib import SequenceMatcher
from itertools import pairwise
from typing import Final

__all__ = ["SpokenStream", "TextStream", "joined", "revises"]


class TextStream:
    """A text that comes in deltas and is stated at the end."""

    __slots__ = ("_chunks", "_final", "_stated_at", "_whole", "length", "marks", "stated")

    def __init__(self) -> None:
        self._chunks: list[str] = []
        self.length = 0
        self.marks = array("q")
        """For each delta its seq and the length of the text so far, in the units of the deltas."""
        self.stated: str | None = None
        """What the server last stated as the whole text."""
        self._final = False
        self._stated_at = 0
        self._whole = False

    def add(self, seq: int, delta: str) -> None:
        """Append a delta."""
        self._chunks.append(delta)
        self.length += len(delta)
        self.marks.append(seq)
        self.marks.append(self.length)

    def state(self, text: str, *, final: bool) -> None:
        """Take a statement of the text.

        Args:
            text: the text; an empty one takes nothing back.
            final: whether it states the text as it ended, rather than as it began.
        """
        if self._final and not final:
            return
        if text or (self.stated is None and not self._chunks):
            self.stated, self._final, self._stated_at, self._whole = text, final, self.length, False

    def conclude(self, text: str) -> bool:
        """Take the statement of an event that ends the text (``….done``); several may come, a sentence in each.

        Returns:
            Whether it goes on from the last such statement, and so does not replace it.
        """
        before = self.stated if self._whole else None
        goes_on = bool(before and text) and not _replaces(before or "", text, self.streamed)
        self.state(joined(before or "", text) if goes_on else text, final=True)
        self._whole = True
        return goes_on

    @property
    def streamed(self) -> str | None:
        """The text of all deltas; None if there were no deltas."""
        if len(self._chunks) > 1:
            self._chunks = ["".join(self._chunks)]
        return _paired(self._chunks[0]) if self._chunks else None

    @property
    def text(self) -> str | None:
        """The text as far as it is known; None where nobody said anything."""
        return self.text_of(cut=False)

    def text_of(self, *, cut: bool) -> str | None:
        """The text as far as it is known; None where nobody said anything.

        Args:
            cut: whether what it belongs to was cut, so that a shorter statement does not take back what was sent.
        """
        streamed, stated = self.streamed, self.stated
        if streamed is None or not stated:
            return stated if streamed is None else streamed
        if cut and streamed.startswith(stated):
            return streamed
        late = _paired("".join(self._chunks)[self._stated_at :])
        if self._final:
            return stated if not late or _holds(stated, late) else joined(stated, late)
        if streamed.startswith(stated):
            return streamed
        return stated if stated.startswith(streamed) else stated + late

    def lengths(self) -> list[tuple[int, int]]:
        """For each delta its seq and the length of the text so far, in characters of the text."""
        raw = "".join(self._chunks)
        flat = iter(self.marks)
        marks = list(zip(flat, flat, strict=True))
        before = self._begun_before()
        if not before and not _is_split(raw):
            return marks  # as nearly always
        return [(seq, before + len(_paired(raw[:length]))) for seq, length in marks]

    def _begun_before(self) -> int:
        """How many characters of an announcement the deltas go on from."""
        streamed, stated = self.streamed, self.stated
        if self._final or not stated or streamed is None or self._stated_at:
            return 0
        return 0 if streamed.startswith(stated) or stated.startswith(streamed) else len(stated)

    @property
    def seqs(self) -> array[int]:
        """The seqs of the deltas."""
        return self.marks[::2]


class SpokenStream(TextStream):
    """What was understood of speech: deltas, or hypotheses that each repeat and revise the one before.

    Hypotheses are told by their words, and by nothing else: servers send them as deltas, under one content index or
    under one that counts up. A statement of the whole takes the place of every piece before it.
    """

    __slots__ = ("_finals", "_runs")

    def __init__(self) -> None:
        super().__init__()
        self._runs: list[tuple[int, int]] = []
        self._finals: dict[int, str] = {}

    @property
    def index(self) -> int:
        """The content index of the last deltas; 0 before any."""
        return self._runs[-1][0] if self._runs else 0

    def turn_to(self, index: int) -> None:
        """Say under which content index the next deltas come."""
        if not self._runs or self._runs[-1][0] != index:
            self._runs.append((index, self.length))

    def settle(self, index: int | None, text: str) -> None:
        """Take a statement of the whole (index None), or under a content index; an empty one takes nothing back."""
        if text and index is None:
            self._finals.clear()
        elif text and index is not None:
            earlier = {
                at: said
                for at, said in self._finals.items()
                if at != index and not revises(said, text) and not revises(text, said)
            }
            self._finals = {**earlier, index: text}
            whole = joined(*self._finals.values())
            # What else was streamed is a hypothesis of it, however wrong, or a stretch of its own.
            others = [piece for at, piece in self._pieces(self._stated_at) if at not in self._finals]
            text = joined(whole, *(piece for piece in others if not _tells(whole, piece)))
        self.state(text, final=True)

    @property
    def streamed(self) -> str | None:
        """The text of the deltas; of hypotheses the last. None if there were no deltas."""
        return _latest(self._pieces(0)) if self._chunks else None

    @property
    def revised(self) -> bool:
        """Whether some deltas are hypotheses that a later one took the place of, rather than pieces of one text."""
        return bool(self._chunks) and _letters("".join(self._chunks)) != _letters(self.streamed or "")

    def text_of(self, *, cut: bool) -> str | None:
        """The last statement, with what came after it and is not in it; without one, what was streamed."""
        if not self.stated:
            return self.stated if self.streamed is None else self.streamed
        late = _latest(self._pieces(self._stated_at)) if self.length > self._stated_at else ""
        if not late:
            return self.stated
        if revises(self.stated, late):
            return late
        return self.stated if _tells(self.stated, late) else joined(self.stated, late)

    def _pieces(self, since: int) -> list[tuple[int, str]]:
        """The deltas from a length on, with their index: each run's text, of hypotheses in a run the last."""
        raw = "".join(self._chunks)
        pieces: list[tuple[int, str]] = []
        runs = self._runs or [(0, 0)]
        for (index, start), end in zip(runs, [*(at for _, at in runs[1:]), self.length], strict=True):
            first = max(start, since)
            ends = [at for at in self.marks[1::2] if first < at <= end]
            deltas = [raw[one:other] for one, other in pairwise([first, *ends])]
            if deltas:
                pieces.append((index, _paired(deltas[-1] if _count_up(deltas) else "".join(deltas))))
        return pieces


_SHORTEST_REPEATED: Final = 3
"""A delta that begins with fewer characters, the one before, may say a syllable for the second time."""


def _count_up(deltas: list[str]) -> bool:
    """Whether deltas are one text as it grew: each begins with the one before it."""
    told = [delta for delta in deltas if delta]
    if len(told) < 2 or len(told[-1]) <= len(told[0]):
        return False
    syllable = len(told[0].strip()) < _SHORTEST_REPEATED and not told[1][len(told[0]) :][:1].isspace()
    if len(told) == 2 and syllable:
        return False
    return all(other.startswith(one) for one, other in pairwise(told))


def _latest(pieces: list[tuple[int, str]]) -> str:
    """The text of pieces of which some may revise the one before."""
    text = ""
    for _, piece in pieces:
        text = piece if revises(text, piece) else joined(text, piece)
    return text


def revises(old: str, new: str) -> bool:
    """Whether a text is a later hypothesis of another: as long, and the same words up to the last one or so."""
    one, other = _letters(old), _letters(new)
    if not one or len(other) < len(one):
        return not one
    if other.startswith(one):
        return True
    words = old.split()
    return len(words) > 2 and other.startswith(_letters(" ".join(words[:-1])))


def joined(*texts: str) -> str:
    """Return texts one after the other, with a space where neither has one."""
    whole = ""
    for text in texts:
        gap = " " if whole and text and not whole[-1].isspace() and not text[0].isspace() else ""
        whole = f"{whole}{gap}{text}"
    return whole


def _replaces(before: str, text: str, streamed: str | None) -> bool:
    """Whether a second statement of a text replaces the first: it says the same, more, less, or almost the same."""
    one, other = _letters(before), _letters(text)
    if streamed is not None and other == _letters(streamed):
        return True
    if one.startswith(other) or other.startswith(one):
        return True
    shared = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), 0)
    return shared * 2 >= min(len(one), len(other))


def _holds(whole: str, piece: str) -> bool:
    return _letters(piece) in _letters(whole)


_ALIKE: Final = 0.6


def _tells(whole: str, piece: str) -> bool:
    """Whether a text says what a piece says, or the piece is a hypothesis of how the text begins."""
    one, other = _letters(whole), _letters(piece)
    return other in one or SequenceMatcher(None, one[: len(other)], other, autojunk=False).ratio() >= _ALIKE


def _letters(text: str) -> str:
    """A text without what hypotheses differ in: case, punctuation, spaces."""
    return "".join(letter for letter in text.casefold() if letter.isalnum()) or "".join(text.split())


def _is_split(text: str) -> bool:
    """Whether a text has surrogates: halves of characters that JSON escapes apart."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _paired(text: str) -> str:
    """Join surrogate pairs that came in two deltas to the character that they are; lone ones stay."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass") if _is_split(text) else text
