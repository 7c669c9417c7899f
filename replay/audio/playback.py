"""What was played and heard of the assistant's audio: from when to when, how much of each part, and what tells so.

What is recorded is what arrived, not what a loudspeaker did. The model in between is a player with one queue:

* A part plays when its first delta arrives or when what plays before it is over, whichever is later, at the speed of
  speech. It stalls where a delta comes later than it is due by more than :data:`~.play_queue.STALL_NS`.
* A truncation (asked for by the client and not refused, or made by the server) ends it at ``audio_end_ms`` of its
  audio, and tells when it really began: so long before the truncation came (where that is plausible, see
  :mod:`.play_queue`). ``output_audio_buffer.cleared`` ends it at that moment, if the recording has a clock; so do
  the close, and the stops that :mod:`.cuts` assumes.
* What had not begun to play by the moment of a cut is never heard, and deltas of the cut part that come later do not
  start it again. A truncation that comes when its item was over long ago cuts that item, and nothing else.
* ``output_audio_buffer.started`` says when a response's audio really began, ``.stopped`` when it was over: where a
  session has these events, they count. Where it has no sound, they alone say when the assistant was speaking.
* The sound of a response outside the conversation is not played, unless that is asked for.

The plan is made once, from a conversation and the times of its records; transcripts, sound files and pages ask it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final, Literal, get_args

from ...schemas.state import Conversation, Item, Part, Response
from .clock import Clock, StateClock
from .cuts import AS_RECORDED, Basis, Choice, Cut, cuts_of, is_out_of_band
from .pieces import Interval
from .play_queue import STALL_NS, PlayQueue
from .played import Playback, Played

__all__ = ["READINGS", "STALL_NS", "Basis", "Choice", "Cut", "Playback", "PlaybackPlan", "Played", "Reading",
           "plan_playback"]  # fmt: skip

Reading = Literal["generated", "delivered", "heard"]
"""What of a conversation is shown: what the model produced, what crossed to the client, what can have been heard."""
READINGS: Final[tuple[Reading, ...]] = get_args(Reading)


class PlaybackPlan:
    """How the assistant's audio of a session played. Made by :func:`plan_playback`.

    Attributes:
        playbacks: the parts, in the order in which they were queued.
        by_events: when responses without recorded sound played, as ``output_audio_buffer`` events say.
        choice: what was taken for granted.
    """

    def __init__(
        self,
        playbacks: list[Playback],
        by_events: list[Interval],
        cuts: Mapping[tuple[str, int], Cut] = MappingProxyType({}),
        choice: Choice = AS_RECORDED,
    ) -> None:
        self.playbacks = playbacks
        self.by_events = by_events
        self.choice = choice
        self._cuts = cuts
        self._by_part = {(each.item_id, each.content_index): each for each in playbacks}

    def of_part(self, item_id: str, content_index: int) -> Playback | None:
        """Return how a content part played; None if no sound of it is on record."""
        return self._by_part.get((item_id, content_index))

    def stated_cut(self, item_id: str, content_index: int) -> Cut | None:
        """Return what is stated or assumed to have cut a content part, whatever its sound says; None if nothing did.

        ``end_ms`` is how much of it was played: 0 if it follows what was truncated, None if that is not known.
        """
        return self._cuts.get((item_id, content_index))

    def of_item(self, item_id: str) -> list[Playback]:
        """Return how the parts of an item played."""
        return [each for each in self.playbacks if each.item_id == item_id]

    @property
    def unheard_ms(self) -> float:
        """Milliseconds of audio that were produced and cannot have been heard."""
        return sum(each.total_ms - each.heard_ms for each in self.playbacks)

    def intervals(self) -> list[Interval]:
        """Return when the assistant can be heard speaking, part by part."""
        by_audio = (
            Interval(
                "assistant", each.item_id, int(each.start_ns), int(each.heard_end_ns), "audio", each.cut is not None
            )
            for each in self.playbacks
            if each.heard
        )
        return [*by_audio, *self.by_events]


def plan_playback(conversation: Conversation, clock: Clock | None = None, choice: Choice = AS_RECORDED) -> PlaybackPlan:
    """Play the assistant's audio by the model.

    Args:
        conversation: the folded session.
        clock: when each of its records came; by the times that the conversation itself holds if None.
        choice: what to take for granted where the recording does not say.
    """
    clock = StateClock(conversation) if clock is None else clock
    responses: dict[str | None, Response] = {response.id: response for response in conversation.responses}
    cuts = cuts_of(conversation, clock, choice)
    queue = PlayQueue(conversation, clock)
    waiting = iter(cuts)
    cut = next(waiting, None)
    for first_seq, item, part in _spoken_parts(conversation):
        while cut is not None and cut.seq < first_seq:
            queue.cut(cut)
            cut = next(waiting, None)
        queue.add(item, part, played=choice.out_of_band or not is_out_of_band(item, responses))
    while cut is not None:
        queue.cut(cut)
        cut = next(waiting, None)
    playbacks = queue.playbacks
    by_events = _told_by_events(conversation, clock, {playback.response_id for playback in playbacks})
    return PlaybackPlan(playbacks, list(by_events), dict(_stated(conversation, cuts)), choice)


def _from_server(conversation: Conversation) -> Iterator[tuple[Item, Part]]:
    for item in (*conversation.items, *conversation.deleted, *conversation.out_of_band):
        if item.created_by != "client" and item.role != "user":
            for part in item.content:
                yield item, part


def _spoken_parts(conversation: Conversation) -> list[tuple[int, Item, Part]]:
    """The content parts that came from the server as audio, in the order in which their audio began to arrive."""
    found = [(next(iter(part.audio))[0], item, part) for item, part in _from_server(conversation) if part.audio.total]
    return sorted(found, key=lambda entry: entry[0])


def _stated(conversation: Conversation, cuts: list[Cut]) -> Iterator[tuple[tuple[str, int], Cut]]:
    """What is said to have cut each part."""
    by_item: dict[str | None, list[Cut]] = {}
    by_response: dict[str | None, Cut] = {}
    for cut in cuts:
        if cut.item_id is not None:
            by_item.setdefault(cut.item_id, []).append(cut)
        elif cut.response_id is not None:
            by_response.setdefault(cut.response_id, cut)
    for item, part in _from_server(conversation):
        truncations = [cut for cut in by_item.get(item.id, ()) if cut.content_index <= part.index]
        ends = [0.0 if cut.content_index < part.index else cut.end_ms or 0.0 for cut in truncations]
        if ends:
            first = ends.index(min(ends))
            behind = truncations[first].content_index < part.index
            yield (
                (item.id, part.index),
                replace(truncations[first], why="never begun" if behind else "truncated", end_ms=ends[first]),
            )
        elif part.type == "output_audio" and item.response_id in by_response:
            yield (item.id, part.index), by_response[item.response_id]


def _told_by_events(conversation: Conversation, clock: Clock, with_audio: set[str | None]) -> Iterator[Interval]:
    responses = {response.id: response for response in conversation.responses}
    started: tuple[str, int] | None = None
    for event in conversation.playback:
        name = event.type.rpartition(".")[2]
        if name == "started" and event.response_id is not None:
            started = (event.response_id, clock.at(event.seq))
        elif name in ("stopped", "cleared") and started is not None:
            response_id, start = started
            started = None
            if response_id not in with_audio:
                output = responses[response_id].output if response_id in responses else []
                end = max(start, clock.at(event.seq))
                yield Interval("assistant", output[0] if output else None, start, end, "events", name == "cleared")
