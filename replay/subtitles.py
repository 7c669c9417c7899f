"""Subtitles as SubRip (SRT) and WebVTT: pure functions of cues.

Times are those of the audio file that ``earwitness audio`` writes for the same reading. WebVTT follows the W3C's
specification; SubRip has none, and what is written is what every player reads.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from .audio.timeline import Side
from .cues import Cue, make_cues
from .spoken import Spoken

__all__ = ["as_srt", "as_vtt"]

_NAMES: Final[dict[Side, str]] = {"user": "User", "assistant": "Assistant"}
_JOINER: Final = "\u2060"
"""U+2060 WORD JOINER: no width, no break."""
_MARKUP: Final = re.compile(r"<(?=[A-Za-z/])|\{(?=[\\A-Za-z])|--(?=>)")
_VTT_ESCAPES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def as_srt(utterances: Sequence[Spoken]) -> str:
    r"""Write SubRip. The first cue of what somebody says begins with who it is.

    SubRip has no escapes: an invisible joiner keeps what looks like markup (``<b>``, ``{\an8}``, ``-->``) from being
    taken for it.
    """
    cues = make_cues(utterances, labels={side: f"{name}: " for side, name in _NAMES.items()})
    blocks = [
        f"{number}\n{_time(cue.start_ns, ',')} --> {_time(cue.end_ns, ',')}\n{_plain(cue)}\n"
        for number, cue in enumerate(cues, 1)
    ]
    return "\n".join(blocks)


def as_vtt(utterances: Sequence[Spoken]) -> str:
    """Write WebVTT. Each cue has a voice (``<v User>``), and an id that names item, content part and place in it."""
    blocks = [
        f"{_id(cue)}\n{_time(cue.start_ns, '.')} --> {_time(cue.end_ns, '.')}\n<v {_NAMES[cue.side]}>{_escaped(cue)}\n"
        for cue in make_cues(utterances)
    ]
    return "\n".join(["WEBVTT\n", *blocks])


def _time(ns: int, point: str) -> str:
    ms = ns // 1_000_000
    return f"{ms // 3_600_000:02d}:{ms // 60_000 % 60:02d}:{ms // 1000 % 60:02d}{point}{ms % 1000:03d}"


def _plain(cue: Cue) -> str:
    return "\n".join(_MARKUP.sub(lambda match: match.group() + _JOINER, line) for line in cue.lines)


def _escaped(cue: Cue) -> str:
    return "\n".join(line.translate(_VTT_ESCAPES) for line in cue.lines)


def _id(cue: Cue) -> str:
    """A cue's id: one line, without the arrow (WebVTT, section 4.1)."""
    name = "".join(letter if letter.isprintable() else "?" for letter in cue.item_id).replace("-->", "--?")
    return f"{name}/{cue.content_index}/{cue.number}"
