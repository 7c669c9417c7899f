"""The texts of a recording that came in pieces: deltas, segments, words with their times, prefixes of what came later.

A stream is what events of one type state, one after the other, under one key about one thing. A word may be split over
its events; a text that was cut short may end within a word.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Final, cast

from ...schemas.audio import audio_key
from ...schemas.values import Json, texts_in
from ..playing.ids import ID_KEYS
from .chunks import replace_across, replace_in_chunks
from .rules import Replacement

__all__ = ["PIECES", "Place", "Streams", "list_pieces", "pieces_of"]

PIECES: Final = ("delta", "text", "transcript", "word", "token", "stash")
"""Keys of a piece of text, in the order in which an event states them."""
_PLACE: Final = ("response_id", "item_id", "output_index", "content_index")
_SHORTEST_PREFIX: Final = 3
"""A shorter text is not taken for the beginning of another."""

Key = tuple[int, str]
Place = tuple[str, ...]
"""What tells a stream from others: its event's type, its key, and what it is about."""


def pieces_of(name: str, event: Json) -> Iterator[tuple[Place, str, str]]:
    """Yield the pieces of text that an event states: the stream, the key and the piece. Sound is left out.

    Args:
        name: the event's type.
        event: the event.
    """
    sound = audio_key(name)
    about = tuple(str(event.get(each)) for each in _PLACE)
    for key in PIECES:
        value = event.get(key)
        if isinstance(value, str) and key != sound:
            # What is only a draft continues what is stated beside it.
            yield (name, "text" if key == "stash" else key, *about), key, value


class Streams:
    """Gathers the pieces; then tells how each is to be written.

    Args:
        replacements: the rules.
    """

    def __init__(self, replacements: Sequence[Replacement]) -> None:
        self._replacements = replacements
        self._streams: dict[Place, tuple[list[Key], list[str]]] = {}
        self._whole: set[str] = set()
        self._sorted: list[str] = []

    def learn(self, seq: int, name: str, event: Json) -> None:
        """Take the pieces of the next event; ``name`` is its canonical type."""
        for place, key, text in pieces_of(name, event):
            keys, texts = self._streams.setdefault(place, ([], []))
            keys.append((seq, key))
            texts.append(text)
        sound = audio_key(name)
        for key, text in texts_in({key: value for key, value in event.items() if key != sound}):
            if key not in ID_KEYS and key != "audio" and len(text) > _SHORTEST_PREFIX:
                self._note_whole(text)

    def _note_whole(self, text: str) -> None:
        """Note a text in which something is replaced: others may be its beginnings."""
        if any(each.regex.search(text) for each in self._replacements):
            self._whole.add(text)

    def finish(self) -> Iterator[tuple[int, dict[Key, str], str]]:
        """Yield for each stream the seq of its first piece, its new pieces, and the whole of them."""
        for _, texts in self._streams.values():
            self._note_whole("".join(texts))
        self._sorted = sorted(self._whole)
        for (name, *_), (keys, texts) in self._streams.items():
            made = self._replaced(name, texts)
            yield keys[0][0], dict(zip(keys, made, strict=True)), "".join(made)
        self._streams.clear()

    def _replaced(self, name: str, texts: list[str]) -> list[str]:
        if len(texts) > 1 and _cumulative(texts):
            return [self.text(text) for text in texts]
        if name.endswith(".delta"):
            made = replace_in_chunks(texts, self._replacements)
        else:
            made = [self.text(text) for text in texts]
        return replace_across(made, self._replacements) if len(made) > 1 else made

    def text(self, value: str) -> str:
        """Replace in one text. What it may be the beginning of is known once all was learnt."""
        made = replace_in_chunks([value], self._replacements)[0]
        if len(value) >= _SHORTEST_PREFIX:
            at = bisect_left(self._sorted, value)
            while at < len(self._sorted) and self._sorted[at].startswith(value):
                rest = self._sorted[at][len(value) :]
                if rest and (cut := replace_in_chunks([value, rest], self._replacements)[0]) != made:
                    return cut
                at += 1
        return made


def _cumulative(texts: list[str]) -> bool:
    """Whether each text repeats what was before it: a recogniser's guesses at one utterance."""
    return all(later.startswith(earlier) for earlier, later in pairwise(texts)) and texts[-1] != texts[0] != ""


def list_pieces(values: list[Any]) -> list[tuple[int, str]]:
    """Return where the elements of a list hold pieces of one text: words with their times, parts of a content."""
    found: list[tuple[int, str]] = []
    for index, value in enumerate(values):
        fields = cast("Json", value) if isinstance(value, dict) else {}
        key = next((each for each in PIECES if isinstance(fields.get(each), str)), None)
        if key is not None:
            found.append((index, key))
    return found
