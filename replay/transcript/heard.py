"""How much of what the assistant said can have been heard, and an estimate of the words.

The recording says where its audio was cut (``audio_end_ms`` of a truncation, or the moment at which the playback
buffer was cleared); which part of the player's queue was reached is the model of :mod:`.playback`. The words up
to there are an estimate from two things, the smaller of which counts:

* the share of the audio that was played, as a share of the text;
* the text that had come by the time the audio at the cut had come: servers send the words before their sound, so
  nothing later can have been heard. Where a vendor sends its sound first, this says nothing and is left out.

The estimate ends with a whole word.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from ...schemas.state import Conversation, Item, Part
from ..audio.clock import Clock
from ..audio.playback import Playback, plan_playback

__all__ = ["Estimate", "Heard", "estimate", "playbacks_of"]

Basis = Literal["truncated", "cleared", "never begun"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """What of a part can have been heard, and what that rests on.

    Attributes:
        basis: what cut it: a truncation; cleared playback; or a cut in what played before it, so that it never began.
        cut_seq: the record that cut it.
        heard_ms: milliseconds of its audio before the cut.
        total_ms: milliseconds of its audio in all.
        characters: length of the text that is taken as heard.
        total_characters: length of its text in all.
        method: which of the two measures decided: ``share of audio``, ``text received by then``, or ``nothing
            played`` where no audio was.
    """

    basis: Basis
    cut_seq: int | None
    heard_ms: float
    total_ms: float
    characters: int
    total_characters: int
    method: Literal["share of audio", "text received by then", "nothing played"]


@dataclass(frozen=True, slots=True)
class Heard:
    """A part's text as far as it can have been heard; ``estimate`` is None where nothing cut it."""

    text: str
    estimate: Estimate | None = None


class _KnownTimes(Clock):
    """The times that a conversation itself holds: first audio of each part, cuts, playback events."""

    def __init__(self, conversation: Conversation) -> None:
        super().__init__()
        self._times: dict[int, int] = {}
        for item in (*conversation.items, *conversation.deleted, *conversation.out_of_band):
            for part in item.content:
                first = next(iter(part.audio), None)
                if first is not None:
                    self._note(first[0], part.first_audio_ns)
        for cut in conversation.truncations:
            self._note(cut.request_seq, cut.request_ns)
            self._note(cut.done_seq, cut.done_ns)
        for event in conversation.playback:
            self._note(event.seq, event.offset_ns)

    def _note(self, seq: int | None, ns: int | None) -> None:
        if seq is not None and ns is not None:
            self._times[seq] = ns

    def at(self, seq: int) -> int:
        """The time of a record in nanoseconds; 0 where it is not known."""
        return self._times.get(seq, 0)


def playbacks_of(conversation: Conversation) -> dict[tuple[str, int], Playback]:
    """Play the assistant's audio by the model; by item id and content index.

    Without a clock the moment of a cleared buffer means nothing, and only truncations cut.
    """
    timed = conversation.last_ns is not None
    played = plan_playback(conversation, _KnownTimes(conversation))
    return {(each.item_id, each.content_index): each for each in played if timed or each.cut != "cleared"}


def estimate(item: Item, part: Part, text: str, playbacks: Mapping[tuple[str, int], Playback]) -> Heard:
    """Estimate the words of a part that can have been heard.

    Args:
        item: the item.
        part: one of its parts.
        text: the part's whole text.
        playbacks: how the conversation's audio played.
    """
    played = playbacks.get((item.id, part.index))
    if played is None or played.cut is None:
        return Heard(text)
    per_ms = played.format.bytes_per_ms
    share = _share(text, played)
    received = _received_before(part, played.heard, len(text))
    method: Literal["share of audio", "text received by then", "nothing played"] = "share of audio"
    length = share
    if not played.heard:
        method = "nothing played"
    elif received is not None and received < share:
        method, length = "text received by then", received
    kept = whole_words(text, length)
    return Heard(
        kept,
        Estimate(
            played.cut, played.cut_seq, played.heard / per_ms, played.size / per_ms, len(kept), len(text), method
        ),
    )  # fmt: skip


def _share(text: str, played: Playback) -> int:
    """The share of the audio as a number of characters, in whole numbers so that it is the same everywhere."""
    return len(text) * played.heard // played.size if played.size else 0


def _received_before(part: Part, heard: int, length: int) -> int | None:
    """How much text had come when the audio at a byte had come; None where that tells nothing."""
    at = 0
    last_seq: int | None = None
    for seq, size in part.audio:
        last_seq = seq
        at += size
        if at >= heard:
            break
    if last_seq is None:
        return None
    received = 0
    for seq, so_far in part.text_deltas:
        if seq > last_seq:
            break
        received = so_far
    return min(received, length) if received else None


_SPACES: Final = frozenset(" \t\r\n\u00a0")


def whole_words(text: str, length: int) -> str:
    """The beginning of a text, at most so long, without a torn word at its end.

    A text without spaces (Chinese, Japanese) is cut where it is.
    """
    if length >= len(text):
        return text
    kept = text[:length]
    if text[length] not in _SPACES:
        spaces = [index for index, letter in enumerate(kept) if letter in _SPACES]
        if spaces:
            kept = kept[: spaces[-1]]
        elif any(letter in _SPACES for letter in text):
            kept = ""
    return kept.rstrip()
