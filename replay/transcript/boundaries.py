r"""Where a text may be cut, by its script: between words where there are spaces, else between signs.

A sign is what a reader takes for one: an extended grapheme cluster (Unicode UAX #29, ``\X`` of :mod:`regex`). So a cut
never comes before a combining mark, nor inside an emoji that is made of several characters.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

__all__ = ["in_front", "signs", "whole_words"]


@cache
def _patterns() -> tuple[Any, Any, Any]:
    # A long import, for the few texts that are cut.
    import regex

    return (
        regex.compile(r"\X"),
        # Scripts that put no spaces between words. SA: Thai, Lao, Khmer, Burmese and their like (UAX #14).
        regex.compile(
            r"[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Bopomofo}\p{Line_Break=SA}"
            r"\p{Line_Break=ID}\p{Line_Break=CJ}\p{Extended_Pictographic}\p{Regional_Indicator}]"
        ),
        # Thai and Lao write these vowels before the consonant after which they are spoken.
        regex.compile(r".*\p{Logical_Order_Exception}$", regex.DOTALL),
    )


def signs(text: str) -> Iterator[tuple[int, int]]:
    """Yield where each sign of a text begins and ends."""
    # ASCII has one sign of two characters, which no cut is to come into.
    if text.isascii() and "\r\n" not in text:
        yield from ((at, at + 1) for at in range(len(text)))
        return
    yield from (match.span() for match in _patterns()[0].finditer(text))


def in_front(text: str, at: int) -> int:
    """Return the last place up to ``at`` that is not inside a sign."""
    last = 0
    for start, end in signs(text):
        if end > at:
            return min(at, start)
        last = end
    return last


def whole_words(text: str, length: int) -> str:
    """Return the beginning of a text, at most so long, without a torn word at its end.

    Scripts without spaces between words (Chinese, Japanese, Thai and others) are cut between signs.
    """
    if length >= len(text):
        return text
    kept = 0
    before = ""
    for start, end in signs(text):
        if start > length:
            break
        if _divides(before, text[start:end]):
            kept = start
        before = text[start:end]
    return text[:kept].rstrip()


def _divides(before: str, after: str) -> bool:
    """Whether a word can end between two signs."""
    if not before or before.isspace() or after.isspace():
        return True
    if before.isascii() and after.isascii():
        return False
    _, unspaced, spoken_later = _patterns()
    if spoken_later.match(before):
        return False
    return unspaced.match(before) is not None or unspaced.match(after) is not None
