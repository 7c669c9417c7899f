"""Divide what was spoken into subtitle cues.

A cue ends where a sentence ends. A sentence that does not fit into :data:`MOST_LINES` lines of :data:`WIDTH`
characters goes on in the next cue, divided at a comma or another pause where one is near; sentences that would be
gone in less than :data:`SHORTEST_NS` stand together where they fit. Cues of one speaker never overlap; those of two
speakers do where both spoke.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, takewhile
from typing import Final

from ..audio.pieces import SIDES, Side
from ..times import timestamp
from .boundaries import in_front
from .line import NAMES
from .timing import Spoken

__all__ = ["MOST_LINES", "SHORTEST_NS", "WIDTH", "Cue", "as_srt", "as_vtt", "make_cues", "sentences", "width", "wrap"]

WIDTH: Final = 42
"""Characters in a line; East Asian wide ones count twice."""
MOST_LINES: Final = 2
SHORTEST_NS: Final = 1_000_000_000
"""A cue that would be shorter stays until then, unless the same speaker's next one comes first."""
CUT_MARK: Final = "\u2014"
"""Ends the last cue of what was cut short: a dash, as subtitlers write it."""

_MS: Final = 1_000_000
_END: Final = re.compile(
    r"[.!?\u2026]+[\"')\]\u00bb\u201d\u2019]*(?=\s)|[\u3002\uff01\uff1f]+[\u300d\u300f\uff09]*|\n+"
)
_SPACE: Final = re.compile(r"\s+")
_SHORT_FORMS: Final = frozenset({"dr", "jr", "mr", "mrs", "ms", "prof", "sr", "st", "vs"})
_PAUSES: Final = (",", ";", ":", "\u2013", "\u2014", "\u3001", "\uff0c")


@dataclass(frozen=True, slots=True)
class Cue:
    """One subtitle.

    Attributes:
        start_ns: nanoseconds on the audio file's clock, whole milliseconds.
        end_ns: likewise; after ``start_ns``.
        side: who speaks.
        lines: the text, one to :data:`MOST_LINES` lines.
        item_id: the item.
        content_index: its part.
        number: its place among the part's cues, from 1.
    """

    start_ns: int
    end_ns: int
    side: Side
    lines: tuple[str, ...]
    item_id: str
    content_index: int
    number: int


def sentences(text: str) -> list[tuple[int, int]]:
    """Return where each sentence of a text begins and ends, without the spaces around it.

    A full stop does not end a sentence after an initial or a common short form, nor before a small letter.
    """
    bounds: list[tuple[int, int]] = []
    start = 0
    for match in _END.finditer(text):
        if not _is_inside(text, start, match):
            bounds.append((start, match.end()))
            start = match.end()
    bounds.append((start, len(text)))
    return [trimmed for bound in bounds if (trimmed := _trim(text, *bound))[0] < trimmed[1]]


def _is_inside(text: str, start: int, match: re.Match[str]) -> bool:
    if match.group() != ".":
        return False
    begins = match.start()
    while begins > start and (text[begins - 1].isalnum() or text[begins - 1] == "_"):
        begins -= 1
    before = text[begins : match.start()]
    space = _SPACE.match(text, match.end())
    following = text[space.end() : space.end() + 1] if space else ""
    return (
        following.islower()
        or before.lower() in _SHORT_FORMS
        or (len(before) == 1 and before.isupper() and before != "I")
    )


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def width(text: str) -> int:
    """Return how many columns a text takes: 0 for what combines or is invisible, 2 for East Asian wide characters."""
    return sum(_columns(letter) for letter in text)


def _columns(letter: str) -> int:
    if unicodedata.category(letter) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in ("W", "F") else 1


def wrap(text: str, indent: int = 0) -> list[str] | None:
    """Break a text into at most :data:`MOST_LINES` lines of about equal length; None if it does not fit.

    Args:
        text: words with single spaces between them.
        indent: columns to keep free in the first line.
    """
    columns = width(text) + indent
    if columns <= WIDTH:
        return [text]
    if columns > MOST_LINES * WIDTH + 1:  # the space at which it is broken takes none
        return None
    best: tuple[int, list[str]] | None = None
    for match in re.finditer(" ", text):
        lines = [text[: match.start()], text[match.end() :]]
        first, second = width(lines[0]) + indent, width(lines[1])
        if first <= WIDTH and second <= WIDTH and (best is None or abs(first - second) < best[0]):
            best = abs(first - second), lines
    if best is None and " " not in text and width(text) + indent <= MOST_LINES * WIDTH:
        at = _fitting(text, WIDTH - indent)
        return [text[:at], text[at:]] if width(text[at:]) <= WIDTH else None
    return best[1] if best else None


def _fitting(text: str, columns: int) -> int:
    """How many characters fit into so many columns; at least one, and no sign is divided."""
    taken = at = 0
    for at, letter in enumerate(text):
        taken += _columns(letter)
        if taken > columns and at:
            return _whole_sign(text, at)
    return at + 1


def _whole_sign(text: str, at: int) -> int:
    """The last place up to ``at`` that is not within a sign of several characters; else ``at`` itself."""
    return in_front(text, at) or at


def make_cues(utterances: Iterable[Spoken], *, labels: dict[Side, str] | None = None) -> list[Cue]:
    """Divide utterances into cues, in order of start.

    Args:
        utterances: what was spoken.
        labels: by side, what to put before the first words of an utterance; it counts towards the line.
    """
    cues = [cue for each in utterances for cue in _of_one(each, (labels or {}).get(each.side, ""))]
    cues.sort(key=lambda cue: (cue.start_ns, cue.end_ns, cue.side, cue.number))
    return _lengthened(cues)


def _of_one(spoken: Spoken, label: str) -> list[Cue]:
    indent = width(label)
    if not spoken.text:
        return []
    pieces = _pieces(spoken, indent)
    cues: list[Cue] = []
    for number, (start, end) in enumerate(pieces, 1):
        last = number == len(pieces)
        text = _words(spoken.text[start:end]) + (CUT_MARK if last and spoken.cut else "")
        # One column is kept free for the mark when pieces are made, so the text fits.
        lines = wrap(text, indent if number == 1 else 0) or [text]
        if number == 1:
            lines[0] = label + lines[0]
        begins = _whole_ms(spoken.ns_of(start))
        # A pause between two sentences belongs to the first: its words stay until the next ones come.
        ends = _whole_ms(spoken.end_ns if last else spoken.ns_of(pieces[number][0]))
        cues.append(
            Cue(
                begins, max(ends, begins + _MS), spoken.side, tuple(lines), spoken.item_id, spoken.content_index, number
            )
        )
    return cues


def _pieces(spoken: Spoken, indent: int) -> list[tuple[int, int]]:
    """Where the text of each cue begins and ends."""
    text = spoken.text
    pieces: list[tuple[int, int]] = []
    joinable = False
    for sentence in sentences(text):
        parts = _divide(text, *sentence, 0 if pieces else indent)
        if joinable and len(parts) == 1 and _fits(text, pieces[-1][0], parts[0][1], indent if len(pieces) == 1 else 0):
            pieces[-1] = (pieces[-1][0], parts[0][1])
        else:
            pieces += parts
        start, end = pieces[-1]
        joinable = len(parts) == 1 and spoken.ns_of(end) - spoken.ns_of(start) < SHORTEST_NS
    return pieces


def _fits(text: str, start: int, end: int, indent: int) -> bool:
    # Of a long text only so much is looked at as is too much already.
    seen = (letter for letter in text[start:end] if not letter.isspace() and unicodedata.category(letter) != "Cc")
    columns = accumulate(_columns(letter) for letter in seen)
    if any(taken > MOST_LINES * WIDTH for taken in columns):
        return False
    # One column for the mark of a cut.
    return wrap(_words(text[start:end]) + CUT_MARK, indent) is not None


def _divide(text: str, start: int, end: int, indent: int) -> list[tuple[int, int]]:
    """Divide a sentence that is too long for a cue: at a pause, else between words, so that no rest is tiny."""
    pieces: list[tuple[int, int]] = []
    while not _fits(text, start, end, indent):
        at = _cut(text, start, end, indent)
        pieces.append(_trim(text, start, at))
        start, end = _trim(text, at, end)
        indent = 0
    return [*pieces, (start, end)]


def _cut(text: str, start: int, end: int, indent: int) -> int:
    spaces = (match.start() for match in _SPACE.finditer(text, start, end))
    # What does not fit does not fit with more words either.
    fitting = list(takewhile(lambda at: _fits(text, start, at, indent), spaces))
    if not fitting:
        return start + _hard_cut(text[start:end], indent)
    longest = fitting[-1]
    # The rest of a sentence that needs one more cue gets a fair share of it.
    wanted = min(longest, start + (end - start) * 2 // 3) if _fits(text, longest, end, 0) else longest
    pauses = [at for at in fitting if text[at - 1] in _PAUSES and at - start >= (longest - start) // 3]
    return max(pauses, default=None) or max((at for at in fitting if at <= wanted), default=longest)


def _hard_cut(text: str, indent: int) -> int:
    """Where to cut words that are longer than two lines can hold."""
    at = _fitting(text, MOST_LINES * WIDTH - indent - 1)
    while at > 1 and not _fits(text, 0, at, indent):
        at = _whole_sign(text, at - 1)
    return at


def _words(text: str) -> str:
    """The text with single spaces and without control characters, which a subtitle cannot hold."""
    kept = "".join(" " if unicodedata.category(letter) == "Cc" else letter for letter in text)
    return " ".join(kept.split())


def _whole_ms(ns: int) -> int:
    return (ns + _MS // 2) // _MS * _MS


def _lengthened(cues: Sequence[Cue]) -> list[Cue]:
    """Let short cues stay; each ends at the latest where its speaker's next one begins."""
    following: dict[Side, int] = {}
    result: list[Cue] = []
    for cue in reversed(cues):
        limit = following.get(cue.side)
        end = max(cue.end_ns, cue.start_ns + SHORTEST_NS)
        if limit is not None:
            end = min(end, max(limit, cue.start_ns + _MS))
        following[cue.side] = cue.start_ns
        result.append(Cue(cue.start_ns, end, cue.side, cue.lines, cue.item_id, cue.content_index, cue.number))
    return result[::-1]


_WORD_JOINER: Final = "\u2060"
"""U+2060 WORD JOINER: no width, no break."""
_MARKUP: Final = re.compile(r"<(?=[A-Za-z/])|\{(?=[\\A-Za-z])|--(?=>)")
_VTT_ESCAPES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def as_srt(utterances: Sequence[Spoken]) -> str:
    r"""Write SubRip. The first cue of what somebody says begins with who it is.

    SubRip has no escapes: an invisible joiner keeps what looks like markup (``<b>``, ``{\an8}``, ``-->``) from being
    taken for it.
    """
    cues = make_cues(utterances, labels={side: f"{NAMES[side]}: " for side in SIDES})
    blocks = [f"{number}\n{_times(cue, ',')}\n{_plain(cue)}\n" for number, cue in enumerate(cues, 1)]
    return "\n".join(blocks)


def as_vtt(utterances: Sequence[Spoken]) -> str:
    """Write WebVTT. Each cue has a voice (``<v User>``), and an id that names item, content part and place in it."""
    blocks = [
        f"{_id(cue)}\n{_times(cue, '.')}\n<v {NAMES[cue.side]}>{_escaped(cue)}\n" for cue in make_cues(utterances)
    ]
    return "\n".join(["WEBVTT\n", *blocks])


def _times(cue: Cue, separator: str) -> str:
    return f"{timestamp(cue.start_ns, separator)} --> {timestamp(cue.end_ns, separator)}"


def _plain(cue: Cue) -> str:
    return "\n".join(_MARKUP.sub(lambda match: match.group() + _WORD_JOINER, line) for line in cue.lines)


def _escaped(cue: Cue) -> str:
    return "\n".join(line.translate(_VTT_ESCAPES) for line in cue.lines)


def _id(cue: Cue) -> str:
    """A cue's id: one line, without the arrow (WebVTT, section 4.1)."""
    name = "".join(letter if letter.isprintable() else "?" for letter in cue.item_id).replace("-->", "--?")
    return f"{name}/{cue.content_index}/{cue.number}"
