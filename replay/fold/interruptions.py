"""Where the user cut in: derived from cuts, cleared playback and cancelled responses, never from speech alone.

Speech that stops nothing (``interrupt_response: false``) is not an interruption. What one moment does by several events
(a cancelled response, a truncation, a cleared playback buffer) is one interruption.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import islice
from typing import Any, Literal, cast

from ...schemas.frame import NS_PER_MS
from ...schemas.state import Conversation, Interruption, Item, PlaybackEvent, Response, Truncation
from .output_audio import output_format

__all__ = ["interruptions"]

_CANCELLED_BY: dict[str, Literal["client", "server"]] = {"turn_detected": "server", "client_cancelled": "client"}


def _audio_ms(conversation: Conversation, item: Item, response: Response | None) -> float | None:
    """Milliseconds of audio that an item has in all; None if the recording has none of it."""
    total = sum(part.audio.total for part in item.content)
    if not total:
        return None
    first = min(seq for part in item.content for seq, _ in islice(part.audio, 1))
    return total / output_format(conversation.session, response, first).bytes_per_ms


class _Cuts:
    """Interruptions while they are put together, one for each response (or item without one)."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self._responses = {response.id: response for response in conversation.responses}
        kept = (*conversation.items, *conversation.deleted, *conversation.out_of_band)
        self.items = {item.id: item for item in kept}
        self._found: dict[tuple[str, str | None], Interruption] = {}

    def cut(
        self, item: Item | None, item_id: str | None, response_id: str | None, seq: int | None, ns: int | None,
        by: Literal["client", "server"],
    ) -> Interruption:  # fmt: skip
        key = ("response", response_id) if response_id is not None else ("item", item_id)
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = Interruption(item_id, response_id)
        found.item_id = item_id or found.item_id
        if seq is not None and (found.cut_seq is None or seq < found.cut_seq):
            found.cut_seq, found.cut_ns, found.by = seq, ns, by
        return found

    def total_ms(self, item: Item | None) -> float | None:
        if item is None:
            return None
        return _audio_ms(self._conversation, item, self._responses.get(item.response_id or ""))

    def behind_ms(self, item: Item | None, cut: Truncation) -> float | None:
        """Milliseconds of an item's audio behind a truncation: the rest of its part, and the parts behind it."""
        if item is None or self.total_ms(item) is None:
            return None
        behind = [part for part in item.content if part.index >= cut.content_index and part.audio.total]
        if not behind:
            return 0.0
        first = min(seq for part in behind for seq, _ in islice(part.audio, 1))
        response = self._responses.get(item.response_id or "")
        per_ms = output_format(self._conversation.session, response, first).bytes_per_ms
        ends = (cut.audio_end_ms if part.index == cut.content_index else 0 for part in behind)
        return sum(max(0.0, part.audio.total / per_ms - end) for part, end in zip(behind, ends, strict=True))

    def spoken_item(self, response_id: str | None) -> Item | None:
        """The last item of a response that has sound, else its last item."""
        response = self._responses.get(response_id or "")
        items = [self.items[i] for i in response.output if i in self.items] if response is not None else []
        return next((item for item in reversed(items) if any(part.audio for part in item.content)), None) or (
            items[-1] if items else None
        )

    def with_speech(self) -> list[Interruption]:
        """All of them in order, each with the utterance that began before the cut and during the response."""
        result = sorted(self._found.values(), key=lambda cut: -1 if cut.cut_seq is None else cut.cut_seq)
        spans = [span for span in self._conversation.input_audio.speech if span.started_seq is not None]
        began = [span.started_seq or 0 for span in spans]
        for cut in result:
            before = 0 if cut.cut_seq is None else bisect_right(began, cut.cut_seq)
            if not before:
                continue
            response = self._responses.get(cut.response_id or "")
            since = None if response is None else response.created_seq
            if since is None or began[before - 1] > since:
                cut.speech_seq, cut.speech_ns = spans[before - 1].started_seq, spans[before - 1].started_ns
        return result


def interruptions(conversation: Conversation) -> list[Interruption]:
    """Find the interruptions of a conversation.

    ``unheard_ms`` is the audio that the cut left unplayed: what follows ``audio_end_ms``, or the time that the playback
    buffer had played when it was cleared. None if the recording cannot tell.
    """
    cuts = _Cuts(conversation)
    for truncation in conversation.truncations:
        if truncation.status == "refused":
            continue
        item = cuts.items.get(truncation.item_id)
        asked = truncation.request_seq is not None
        seq, ns = (
            (truncation.request_seq, truncation.request_ns) if asked else (truncation.done_seq, truncation.done_ns)
        )
        response_id = None if item is None else item.response_id
        cut = cuts.cut(item, truncation.item_id, response_id, seq, ns, truncation.by)
        cut.unheard_ms = cuts.behind_ms(item, truncation)
    _cleared(conversation, cuts)
    for response in conversation.responses:
        by = _cancelled_by(response)
        if by is not None:
            item = cuts.spoken_item(response.id)
            seq, ns = response.cancel_seq, response.cancel_ns
            if seq is None:
                seq, ns = response.done_seq, response.done_ns
            cuts.cut(item, None if item is None else item.id, response.id, seq, ns, by)
    return cuts.with_speech()


def _cleared(conversation: Conversation, cuts: _Cuts) -> None:
    """Take the playback buffer's clearing, by the client where it asked for it since the last one."""
    asked = False
    started: dict[str | None, PlaybackEvent] = {}
    for event in conversation.playback:
        match event.type:
            case "output_audio_buffer.clear":
                asked = True
            case "output_audio_buffer.started":
                started[event.response_id] = event
            case "output_audio_buffer.cleared":
                item = cuts.spoken_item(event.response_id)
                cut = cuts.cut(
                    item,
                    None if item is None else item.id,
                    event.response_id,
                    event.seq,
                    event.offset_ns,
                    "client" if asked else "server",
                )
                asked = False
                if cut.unheard_ms is None:
                    cut.unheard_ms = _unplayed(cuts.total_ms(item), started.get(event.response_id), event)
            case _:
                pass


def _unplayed(total_ms: float | None, started: PlaybackEvent | None, cleared: PlaybackEvent) -> float | None:
    begin = None if started is None else started.offset_ns
    if total_ms is None or begin is None or cleared.offset_ns is None:
        return None
    return max(0.0, total_ms - (cleared.offset_ns - begin) / NS_PER_MS)


def _cancelled_by(response: Response) -> Literal["client", "server"] | None:
    if response.status != "cancelled":
        return None
    details = response.status_details
    reason = cast("dict[str, Any]", details).get("reason") if isinstance(details, dict) else None
    if isinstance(reason, str) and reason in _CANCELLED_BY:
        return _CANCELLED_BY[reason]
    return "client" if response.cancel_seq is not None else "server"
