"""When the words of a transcript were spoken, on the clock of the audio file.

A transcript's own times are those of records: when words arrived. Sound has another clock
(:mod:`~earwitness.replay.audio.timeline`): the user's runs by samples, the assistant's plays after what was queued
before it. This module ties words to the sound.

Inside an utterance the words are spread over its sound. Of the user's there is nothing better than that. The
assistant's lie on it as :mod:`.heard` says.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Final, Literal

from ...schemas.errors import RequestError
from ...schemas.refs import Seqs
from ...schemas.state import Item, Part
from ..audio.pieces import Interval, Side
from ..audio.playback import Playback
from ..audio.timeline import Timeline
from .heard import sound_marks
from .line import readable
from .lines import part_words
from .text import Transcript

__all__ = ["Spoken", "check_times", "spoken"]

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
        rest: what follows them and was not heard; empty in other readings and if nothing was cut.
        start_ns: when the first word began, nanoseconds on the audio file's clock.
        end_ns: when the last one was over, or cut.
        timing: what the times are based on: ``audio``, the sound; ``events``, voice activity or playback events;
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
        """Return when the text up to a character was over: the start for ``0``, the end for ``len(text)``."""
        if character <= 0:
            return self.start_ns
        if character >= len(self.text):
            return self.end_ns
        at = bisect_left(self.marks, (character, -1))
        before = self.marks[at - 1] if at else (0, self.start_ns)
        after = self.marks[at] if at < len(self.marks) else (len(self.text), self.end_ns)
        share = (after[1] - before[1]) * (character - before[0]) // max(after[0] - before[0], 1)
        return min(max(before[1] + share, self.start_ns), self.end_ns)


def spoken(timeline: Timeline, transcript: Transcript) -> list[Spoken]:
    """Return what was spoken, in order of time: messages that are speech. What was typed is not.

    Args:
        timeline: the sound of the session.
        transcript: the transcript of its conversation, made with its plan.
    """
    found = _Finder(timeline, transcript).find()
    return sorted(found, key=lambda each: (each.start_ns, each.end_ns, each.side))


def check_times(utterances: list[Spoken]) -> None:
    """Refuse to subtitle what has no words or no times.

    Raises:
        RequestError: nothing was spoken, or nothing in the recording says when.
    """
    if not any(each.text for each in utterances):
        raise RequestError(
            "There is nothing to subtitle: nothing was spoken, or its words are not on record.",
            hint="--format text shows what there is.",
        )
    if all(each.timing == "records" and each.start_ns == 0 for each in utterances):
        raise RequestError(
            "The recording has neither a clock nor sound: when something was said is not known.",
            hint="--format text needs no times.",
        )


class _Finder:
    def __init__(self, timeline: Timeline, transcript: Transcript) -> None:
        self._timeline = timeline
        self._transcript = transcript
        self._intervals: dict[str | None, Interval] = {}
        for interval in timeline.intervals():
            self._intervals.setdefault(interval.item_id, interval)

    def find(self) -> list[Spoken]:
        conversation = self._timeline.conversation
        items = {item.id: item for item in (*conversation.items, *conversation.deleted, *conversation.out_of_band)}
        found = (
            self._part(item, part)
            for line in self._transcript.lines
            if line.kind == "message" and line.item_id is not None
            for item in (items[line.item_id],)
            for part in item.content
            if part.type in ("input_audio", "output_audio")
        )
        return [each for each in found if each is not None]

    def _part(self, item: Item, part: Part) -> Spoken | None:
        text = self._transcript.texts.get((item.id, part.index), "").strip()
        rest = self._rest(part, text) if item.role != "user" else ""
        if not text and not rest:
            return None
        playback = self._timeline.plan.of_part(item.id, part.index)
        if playback is not None:
            return self._played(part, playback, text, rest)
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

    def _rest(self, part: Part, text: str) -> str:
        """What follows the words that were heard."""
        whole = readable(part_words(part) or "").strip() if self._transcript.reading == "heard" else ""
        return whole[len(text) :].strip() if whole.startswith(text) else ""

    def _played(self, part: Part, playback: Playback, text: str, rest: str) -> Spoken:
        whole = readable(part_words(part) or "").strip()
        limit = playback.heard if self._transcript.reading == "heard" else playback.size
        start = int(playback.start_ns)
        end = int(playback.ns_of(limit)) if limit else start
        marks = tuple((count, int(playback.ns_of(byte))) for count, byte in sound_marks(part, playback, whole))
        cut = limit < playback.size
        return Spoken(
            "assistant", playback.item_id, part.index, text, start, end, "audio", rest, cut, part.seqs, marks
        )  # fmt: skip
