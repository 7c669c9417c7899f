"""What ended the assistant's playback, and when: truncations, cleared playback, stops that are assumed, the close.

A cut is stated where the recording has it (a truncation, ``output_audio_buffer.cleared``, the close), and assumed where
a response was cancelled and nothing says what its client's player did: nearly every client stops playing when the user
begins to speak, or when it cancels. What is assumed is called so in :data:`Basis`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, cast, get_args

from ...schemas.state import Conversation, Item, Response
from .clock import Clock

__all__ = ["AS_RECORDED", "WHEN_CANCELLED", "Basis", "Choice", "Cut", "WhenCancelled", "cuts_of", "is_out_of_band"]

Basis = Literal[
    "truncated", "cleared", "assumed: speech", "assumed: cancel", "closed", "never begun", "out of band"
]  # fmt: skip
"""What cut a part: a truncation; cleared playback; the user's speech or a cancel, at which the client is taken to have
stopped playing; the session's close; a cut in what played before it, so that it never began; or that it belongs to a
response outside the conversation, which is not played unless that is asked for."""

WhenCancelled = Literal["stop", "continue"]
"""What a player is taken to do when its response is cancelled and no truncation says."""
WHEN_CANCELLED: Final[tuple[WhenCancelled, ...]] = get_args(WhenCancelled)


@dataclass(frozen=True, slots=True)
class Choice:
    """What to take for granted where a recording does not say how it was played.

    Attributes:
        when_cancelled: whether playback stops when a response is cancelled without a truncation, or goes on.
        out_of_band: whether the sound of responses outside the conversation is played, too.
    """

    when_cancelled: WhenCancelled = "stop"
    out_of_band: bool = False


AS_RECORDED: Final = Choice()


@dataclass(frozen=True, slots=True)
class Cut:
    """An end of playback.

    Attributes:
        why: what it is.
        seq: the record that made it.
        at_ns: when, on the session's clock; None if the recording has no clock.
        item_id: of a truncation: the item.
        content_index: of a truncation: the part.
        end_ms: of a truncation: how much of the part's audio was played.
        response_id: the response that it ended, if it names one.
        by_player: whether whoever plays the sound made it: a client's own truncation, at the moment of the cut.
    """

    why: Basis
    seq: int
    at_ns: int | None
    item_id: str | None = None
    content_index: int = 0
    end_ms: float | None = None
    response_id: str | None = None
    by_player: bool = False


def cuts_of(conversation: Conversation, clock: Clock, choice: Choice) -> list[Cut]:
    """Return what ended playback, in the order of the records."""
    truncated = list(_truncated(conversation, clock))
    cleared = [
        Cut("cleared", event.seq, _at(clock, event.seq), response_id=event.response_id)
        for event in conversation.playback
        if event.type.endswith("cleared")
    ]
    cuts = [*truncated, *cleared]
    if choice.when_cancelled == "stop":
        cuts += _assumed(conversation, clock, choice, sorted(cut.seq for cut in cuts))
    close = conversation.close
    if close is not None and close.offset_ns is not None and clock.known:
        cuts.append(Cut("closed", close.seq, clock.at(close.seq)))
    return sorted(cuts, key=lambda cut: cut.seq)


def is_out_of_band(item: Item, responses: dict[str | None, Response]) -> bool:
    """Return whether an item belongs to a response outside the conversation."""
    response = responses.get(item.response_id)
    return response is not None and not response.in_band


def _at(clock: Clock, seq: int) -> int | None:
    return clock.at(seq) if clock.known else None


def _truncated(conversation: Conversation, clock: Clock) -> Iterator[Cut]:
    for each in conversation.truncations:
        seq = each.request_seq if each.request_seq is not None else each.done_seq
        if each.status != "refused" and seq is not None:
            asked = each.request_seq is not None
            yield Cut("truncated", seq, _at(clock, seq), each.item_id, each.content_index, max(each.audio_end_ms, 0),
                      by_player=asked)  # fmt: skip


def _assumed(conversation: Conversation, clock: Clock, choice: Choice, stated: list[int]) -> Iterator[Cut]:
    """Yield a stop for each cancelled response, unless a cut is stated between it and the next response."""
    spoke = [span.started_seq for span in conversation.input_audio.speech if span.started_seq is not None]
    began = sorted((response.created_seq, response) for response in conversation.responses
                   if response.created_seq is not None and (response.in_band or choice.out_of_band))  # fmt: skip
    for number, (since, response) in enumerate(began):
        until = began[number + 1][0] if number + 1 < len(began) else None
        after = bisect_right(stated, since)
        if after < len(stated) and (until is None or stated[after] < until):
            continue
        found = _stop(response, since, spoke)
        if found is not None:
            why, seq = found
            yield Cut(why, seq, _at(clock, seq), response_id=response.id)


def _stop(response: Response, since: int, spoke: list[int]) -> tuple[Basis, int] | None:
    """What stopped a cancelled response, and the record of it; None if it was not cancelled."""
    if response.status == "in_progress" and response.cancel_seq is not None:
        return "assumed: cancel", response.cancel_seq
    if response.status != "cancelled":
        return None
    details = response.status_details
    reason = cast("dict[str, Any]", details).get("reason") if isinstance(details, dict) else None
    if reason != "client_cancelled" and response.cancel_seq is None:
        until = response.done_seq
        during = [seq for seq in spoke if seq > since and (until is None or seq < until)]
        if during:
            return "assumed: speech", during[-1]
    seq = response.cancel_seq if response.cancel_seq is not None else response.done_seq
    return None if seq is None else ("assumed: cancel", seq)
