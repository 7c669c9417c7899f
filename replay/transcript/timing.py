"""When the words of a transcript were spoken, on the clock of the audio file.

A transcript's own times are those of records: when words arrived. Sound has another clock (:mod:`.timeline`):
the user's runs by samples, the assistant's plays after what was queued before it. This module ties words to the sound.

Inside an utterance the words are spread over its sound. Of the user's there is nothing better than that. Of the
assistant's, servers send the words before their sound: no word is spoken before the audio that had arrived when the
word arrived. The rule is that of :mod:`.heard`, read the other way round, so that a cut ends both at one place.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np

from ...schemas.errors import RequestError
from ...schemas.refs import Seqs
from ...schemas.state import Item, Part
from ..audio.playback import Playback
from ..audio.timeline import Interval, Side, Timeline
from .lines import Playbacks, Reading, part_texts

__all__ = ["Spoken", "check_times", "playbacks_by_part", "spoken"]

_NS: Final = 1_000_000_000
_CHARACTERS_PER_SECOND: Final = 15
"""Pace of ordinary speech, for words of which a recording says only when they came."""

Timing = Literal["audio", "events", "records"]


@dataclass(frozen=True, slots=True)
class Spoken:
    """The words of one content part, and when they were spoken.

    Attributes:
        side: who spoke.
        item_id: the item.
        content_index: the part.
        text: its words in the reading asked for.
        rest: what follows them and was not heard; empty in other readings and where nothing was cut.
        start_ns: when the first word began, nanoseconds on the audio file's clock.
        end_ns: when the last one was over, or cut.
        timing: what the times rest on: ``audio``, the sound; ``events``, voice activity or playback events;
            ``records``, only the time at which the item came (then ``end_ns`` is a guess from the text's length).
        cut: whether it was cut short.
        seqs: the records behind it.
    """

    side: Side
    item_id: str
    content_index: int
    text: str
    start_ns: int
    end_ns: int
    timing: Timing
    rest: str = ""
    cut: bool = False
    seqs: Seqs = field(default_factory=Seqs)
    marks: tuple[tuple[int, int], ...] = field(default=(), repr=False)
    """``(characters, ns)`` in ascending order: the characters up to there are not over before that time."""

    def ns_of(self, character: int) -> int:
        """When the text up to a character was over; ``0`` gives the start, ``len(text)`` the end."""
        if character <= 0:
            return self.start_ns
        if character >= len(self.text):
            return self.end_ns
        at = bisect_left(self.marks, (character, -1))
        before = self.marks[at - 1] if at else (0, self.start_ns)
        after = self.marks[at] if at < len(self.marks) else (len(self.text), self.end_ns)
        share = (after[1] - before[1]) * (character - before[0]) // max(after[0] - before[0], 1)
        return min(max(before[1] + share, self.start_ns), self.end_ns)


def playbacks_by_part(timeline: Timeline) -> Playbacks:
    """How the assistant's audio played, as a transcript wants it.

    Without a clock the moment of a cleared buffer means nothing, and only truncations cut.
    """
    return {
        (each.item_id, each.content_index): each
        for each in timeline.playbacks
        if timeline.clock.known or each.cut != "cleared"
    }


def spoken(timeline: Timeline, reading: Reading = "heard") -> list[Spoken]:
    """Give what was spoken, in order of time: messages that are speech. What was typed is not."""
    found = _Finder(timeline, reading).find()
    return sorted(found, key=lambda each: (each.start_ns, each.end_ns, each.side))


def check_times(utterances: list[Spoken]) -> None:
    """Refuse what cannot be subtitled.

    Raises:
        RequestError: nothing was spoken, or nothing in the recording says when.
    """
    if not any(each.text for each in utterances):
        raise RequestError(
            "There is nothing to subtitle: nothing was spoken, or no words of it are on record.",
            hint="--format text shows what there is.",
        )
    if all(each.timing == "records" and each.start_ns == 0 for each in utterances):
        raise RequestError(
            "The recording has neither a clock nor sound: when something was said is not known.",
            hint="--format text needs no times.",
        )


class _Finder:
    def __init__(self, timeline: Timeline, reading: Reading) -> None:
        self._timeline = timeline
        self._reading: Reading = reading
        conversation = timeline.conversation
        self._playbacks = playbacks_by_part(timeline)
        self._texts = part_texts(conversation, reading, playbacks=self._playbacks)
        self._whole = part_texts(conversation, "generated") if reading == "heard" else {}
        self._intervals: dict[str | None, Interval] = {}
        for interval in timeline.intervals():
            self._intervals.setdefault(interval.item_id, interval)
        self._out_of_band = conversation.out_of_band if reading != "heard" else []
        close = conversation.close
        self._delivered = close.handed.get("client") if close is not None and reading != "generated" else None

    def find(self) -> list[Spoken]:
        conversation = self._timeline.conversation
        items = (*conversation.items, *conversation.deleted, *self._out_of_band)
        found = (
            self._part(item, part)
            for item in items
            if item.type == "message"
            for part in item.content
            if part.type in ("input_audio", "output_audio")
        )
        return [each for each in found if each is not None]

    def _part(self, item: Item, part: Part) -> Spoken | None:
        key = (item.id, part.index)
        text = self._texts.get(key, "").strip()
        if self._delivered is not None and item.first_seq > self._delivered and item.created_by != "client":
            return None
        whole = self._whole.get(key, "").strip()
        rest = whole[len(text) :].strip() if item.role != "user" and whole.startswith(text) else ""
        if not text and not rest:
            return None
        playback = self._playbacks.get(key)
        if playback is not None:
            return self._played(item, part, playback, text, rest)
        if not text:
            return None
        side: Side = "user" if item.role == "user" else "assistant"
        interval = self._intervals.get(item.id)
        if interval is not None and interval.side == side:
            return Spoken(side, item.id, part.index, text, interval.start_ns, interval.end_ns, interval.source,
                          cut=interval.cut, seqs=part.seqs)  # fmt: skip
        start = self._timeline.clock.at(item.first_seq)
        end = start + len(text) * _NS // _CHARACTERS_PER_SECOND
        return Spoken(side, item.id, part.index, text, start, end, "records", seqs=part.seqs)

    def _played(self, item: Item, part: Part, playback: Playback, text: str, rest: str) -> Spoken:
        limit = playback.heard if self._reading == "heard" else playback.size
        start = int(playback.start_ns)
        end = int(playback.ns_of(limit)) if limit else start
        length = len(text) + len(rest)
        marks = tuple((count, int(playback.ns_of(byte))) for count, byte in _marks(part, playback, length))
        cut = limit < playback.size
        return Spoken("assistant", item.id, part.index, text, start, end, "audio", rest, cut, part.seqs, marks)


def _marks(part: Part, playback: Playback, length: int) -> list[tuple[int, int]]:
    """How many bytes of its sound play before so many characters are over; the end is the whole of both.

    The larger of two: the characters' share of the sound, and the sound that had come before them. The second counts
    only where the words come first; a vendor that sends sound first says nothing by it.
    """
    size = playback.size
    if not part.text_deltas or part.text_deltas[0][0] > int(playback.seqs[0]):
        return [(length, size)]
    arrived = np.concatenate(([0], np.cumsum(playback.lengths)))
    marks: list[tuple[int, int]] = []
    before = byte = 0
    for seq, count in part.text_deltas:
        came = int(arrived[int(np.searchsorted(playback.seqs, seq))])
        byte = min(max(byte, came), size)
        if 0 < before < length and byte > size * before // length:
            marks.append((before, byte))
        before = max(before, count)
    return [*marks, (length, size)]
