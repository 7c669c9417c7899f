"""Replace words in a text that came in pieces, also where JSON escapes hide them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Final

from .rules import Replacement

__all__ = ["replace_across", "replace_in_chunks", "unescaped"]

_ESCAPES: Final = re.compile(r'(?:\\u[0-9a-fA-F]{4})+|\\["\\/bfnrt]')
_DEEPEST: Final = 3
"""JSON in a string of JSON in a string of JSON: each level doubles the backslashes."""

Edit = tuple[int, int, str]


def replace_in_chunks(chunks: list[str], replacements: Iterable[Replacement]) -> list[str]:
    """Replace words in a text that came in pieces. Joined, the new pieces are the text with everything replaced.

    The replacement goes into the piece in which a match begins; the other pieces lose their part of the match.
    """
    for replacement in replacements:
        text = "".join(chunks)
        matches = list(replacement.regex.finditer(text))
        if matches:
            chunks = _cut_at(chunks, text, [(m.start(), m.end(), m.expand(replacement.by)) for m in matches])
        if "\\" in text:
            chunks = _behind_escapes(chunks, replacement)
    return chunks


def replace_across(chunks: list[str], replacements: Iterable[Replacement]) -> list[str]:
    """Replace what only pieces of a text spell together, one right after the other or with a space between them."""
    for replacement in replacements:
        for space in ("", " "):
            gaps = [part for chunk in chunks for part in (chunk, space)][:-1]
            text = "".join(gaps)
            bounds: list[int] = []
            end = 0
            for chunk in chunks[:-1]:
                bounds.append(end + len(chunk))
                end = bounds[-1] + len(space)
            edits = [
                (match.start(), match.end(), match.expand(replacement.by))
                for match in replacement.regex.finditer(text)
                if any(match.start() < bound < match.end() for bound in bounds)
            ]
            if edits:
                chunks = _cut_at(gaps, text, edits)[::2]
    return chunks


def unescaped(text: str) -> str:
    """Return a text without the escapes of JSON, behind which a word may hide, however often it was escaped."""
    return _unescape(text)[0] if "\\" in text else text


def _behind_escapes(chunks: list[str], replacement: Replacement) -> list[str]:
    text = "".join(chunks)
    plain, places = _unescape(text)
    edits = [
        (places[match.start()], places[match.end()], match.expand(replacement.by))
        for match in replacement.regex.finditer(plain)
        if match.end() > match.start()
        # What is spelled plainly was replaced as it stood.
        and text[places[match.start()] : places[match.end()]] != match[0]
    ]
    return _cut_at(chunks, text, edits) if edits else chunks


def _unescape(text: str) -> tuple[str, list[int]]:
    """Return a text without escapes, and where in it each of its letters, and its end, stood."""
    places = list(range(len(text) + 1))
    for _ in range(_DEEPEST):
        letters: list[str] = []
        stood: list[int] = []
        at = 0
        for found in _ESCAPES.finditer(text):
            letters.append(text[at : found.start()])
            stood += places[at : found.start()]
            made: str = json.loads(f'"{found[0]}"')
            letters.append(made)
            stood += [places[found.start()]] * len(made) if len(made) == 1 else _spread(found, made, places)
            at = found.end()
        if not at:
            break
        letters.append(text[at:])
        stood += places[at:]
        text, places = "".join(letters), stood
    return text, places


def _spread(found: re.Match[str], made: str, places: list[int]) -> list[int]:
    r"""Where each letter of a row of ``\uXXXX`` stood; one beyond 16 bits takes two of them."""
    stood: list[int] = []
    at = found.start()
    for letter in made:
        stood.append(places[at])
        at += 12 if letter > "\uffff" else 6
    return stood


def _cut_at(chunks: list[str], text: str, edits: list[Edit]) -> list[str]:
    out: list[str] = []
    end = 0
    for number, chunk in enumerate(chunks):
        start, end = end, end + len(chunk)
        last = number == len(chunks) - 1
        pieces: list[str] = []
        at = start
        for first, after, by in edits:
            if after < start or first > end:
                continue
            pieces.append(text[at : max(first, at)] if first > at else "")
            # An empty match at the very end belongs to the last piece, any other to the piece that begins there.
            if start <= first < end or (last and first == end):
                pieces.append(by)
            at = max(at, min(after, end))
        pieces.append(text[at:end])
        out.append("".join(pieces))
    return out
