"""Replace words in a text that came in pieces."""

from __future__ import annotations

from collections.abc import Iterable

from .rules import Replacement

__all__ = ["replace_in_chunks"]


def replace_in_chunks(chunks: list[str], replacements: Iterable[Replacement]) -> list[str]:
    """Replace words in a text that came in pieces. Joined, the new pieces are the text with everything replaced.

    The replacement goes into the piece in which a match begins; the other pieces lose their part of the match.
    """
    for replacement in replacements:
        text = "".join(chunks)
        matches = list(replacement.regex.finditer(text))
        if matches:
            chunks = _cut_at(chunks, text, [(m.start(), m.end(), m.expand(replacement.by)) for m in matches])
    return chunks


def _cut_at(chunks: list[str], text: str, edits: list[tuple[int, int, str]]) -> list[str]:
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
