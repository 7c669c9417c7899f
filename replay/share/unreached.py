"""What an erasure cannot reach: records that stay and repeat words of what goes.

Somebody may read a number back, a client may put what was said into its next request, instructions may quote it. Such
records are listed, not erased: they hold other things, too. Words are compared without regard to case, punctuation and
white space; numbers of four digits or more also where they are grouped in another way. Texts of fewer than four letters
are not looked for, nor are words that were put otherwise, nor sound.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

import msgspec

from ...schemas.frame import Frame, parse_json
from ...schemas.recording import Recording
from ...schemas.refs import Seqs
from ...schemas.state import Item
from ...schemas.values import Json, texts_in, too_deep
from ..playing.ids import ID_KEYS
from .streams import PIECES, Place, pieces_of
from .survey import read_event

__all__ = ["Words", "find_repeated"]

_WORD: Final = re.compile(r"\w+")
_SENTENCE: Final = re.compile(r"[.!?;\n\u3002\uff01\uff1f]+")
_NUMBER: Final = re.compile(r"\d(?:[\s./-]{0,2}\d){3,}")
_SHORTEST: Final = 4
_SHORTEST_SENTENCE: Final = 10
_NO_TEXT: Final = frozenset((*ID_KEYS, "type", "object", "status", "role", "model", "voice", "audio"))
_SAID: Final = frozenset((*PIECES, "arguments", "output", "instructions", "content", "prompt"))


class Words:
    """Words to look for: whole texts, their sentences, and their numbers."""

    def __init__(self) -> None:
        self._texts: set[str] = set()
        self._numbers: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self._texts or self._numbers)

    def add(self, text: str) -> None:
        """Look for a text; of JSON, for the texts in it."""
        inner = _json(text)
        if inner is not None:
            for each in _texts(inner):
                self.add(each)
            return
        whole = _plain(text)
        if len(whole) >= _SHORTEST:
            self._texts.add(whole)
        self._texts.update(plain for each in _SENTENCE.split(text) if len(plain := _plain(each)) >= _SHORTEST_SENTENCE)
        self._numbers.update(_numbers(text))

    def add_item(self, item: Item) -> None:
        """Look for what an item says, calls or returns."""
        parts = (text for part in item.content for text in (part.text, part.transcript))
        for text in (*parts, item.arguments, item.output):
            if text:
                self.add(text)

    def within(self, text: str) -> bool:
        """Whether a text repeats any of them."""
        plain = _plain(text)
        if any(each in plain for each in self._texts):
            return True
        return bool(self._numbers) and any(mine in other for other in _numbers(text) for mine in self._numbers)


async def find_repeated(recording: Recording, gone: Seqs, words: Words, *, of_records: bool) -> list[Frame] | None:
    """Return the records that stay and repeat words of what goes, in order, without what they hold.

    None if it is not on record which words go: there are none, or they were erased before.

    Args:
        recording: the session.
        gone: the records that are erased.
        words: what to look for.
        of_records: whether to look for the texts of the erased records, too.
    """
    erased = frozenset(gone)
    if of_records:
        pieces = _Pieces()
        async for frame, event in _events(recording):
            if frame.seq in erased:
                for text in pieces.rest(frame, event, said=True):
                    words.add(text)
        for _, text in pieces.joined():
            words.add(text)
    if not words:
        return None
    pieces, found = _Pieces(), dict[int, Frame]()
    async for frame, event in _events(recording):
        if frame.seq not in erased and any(words.within(text) for text in pieces.rest(frame, event)):
            found[frame.seq] = _envelope(frame)
    for frames, text in pieces.joined():
        if words.within(text):
            found.update((frame.seq, frame) for frame in frames)
    return [found[seq] for seq in sorted(found)]


async def _events(recording: Recording) -> AsyncIterator[tuple[Frame, Json]]:
    async for batch in recording.batches():
        for frame in batch:
            event = read_event(frame)
            if event is not None:
                yield frame, event


def _envelope(frame: Frame) -> Frame:
    return msgspec.structs.replace(frame, body=None, audio=None, cut=0)


class _Pieces:
    """Joins the deltas of each text."""

    def __init__(self) -> None:
        self._streams: dict[Place, tuple[list[Frame], list[str]]] = {}

    def rest(self, frame: Frame, event: Json, *, said: bool = False) -> list[str]:
        """Take the next event; return its texts that are no pieces, or of them only what was ``said``."""
        if not (frame.type or "").endswith((".delta", ".segment")):
            return list(_said(event) if said else _texts(event))
        for place, _, text in pieces_of(frame.type or "", event):
            frames, texts = self._streams.setdefault(place, ([], []))
            frames.append(_envelope(frame))
            texts.append(text)
        return []

    def joined(self) -> Iterator[tuple[list[Frame], str]]:
        """Yield the records of each text, and the text."""
        for frames, texts in self._streams.values():
            yield frames, "".join(texts)


def _json(text: str) -> Any:
    if text[:1] not in ("{", "["):
        return None
    try:
        value = parse_json(text)
    except ValueError:
        return None
    return None if too_deep(value) else value


def _texts(value: Any) -> Iterator[str]:
    """Yield the texts in a JSON value; not its ids, words of the protocol and sound."""
    for key, text in texts_in(value):
        if key not in _NO_TEXT and not text.startswith("data:"):
            inner = _json(text)
            yield from (text,) if inner is None else _texts(inner)


def _said(event: Json) -> Iterator[str]:
    """Yield the texts in an event that somebody said or wrote; settings are none of them."""
    return (text for key, text in texts_in(event) if key in _SAID)


def _plain(text: str) -> str:
    return " ".join(_WORD.findall(text.casefold()))


def _numbers(text: str) -> Iterator[str]:
    return ("".join(filter(str.isdecimal, found)) for found in _NUMBER.findall(text))
