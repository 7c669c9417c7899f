"""Compare lengths of audio that a server states with the samples on record.

Only where they are on record: captures often have their sound shortened, and side channels have none.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, cast

from ...schemas.audio import AudioFormat, stated_format
from ...schemas.refs import Seqs
from ...schemas.state import Conversation, Item, Part, Truncation
from ...schemas.values import number
from .difference import Compared, Difference

__all__ = ["of_lengths"]

_ROUNDING_S: Final = 1.0
"""Seconds are billed as whole ones, rounded up."""
_ROUNDING_MS: Final = 1.0
_FASTEST: Final = 50.0
"""Characters a second. No voice is faster: where the sound is, it was shortened before it was recorded."""


def of_lengths(conversation: Conversation) -> Iterator[Compared]:
    """Compare cuts with the length of what they cut, and seconds of transcribed audio with the audio."""
    items = {item.id: item for item in (*conversation.out_of_band, *conversation.deleted, *conversation.items)}
    for cut in conversation.truncations:
        item = items.get(cut.item_id)
        if cut.status == "done" and cut.done_seq is not None and item is not None:
            yield from _of_cut(conversation, cut, cut.done_seq, item)
    for item in items.values():
        for part in item.content:
            yield from _of_transcription(conversation, item, part)


def _of_cut(conversation: Conversation, cut: Truncation, seq: int, item: Item) -> Iterator[Compared]:
    part = next((part for part in item.content if part.index == cut.content_index), None)
    if part is None or not part.audio.total:
        return
    form = _format(conversation, item)
    ms = part.audio.total / form.bytes_per_ms
    if len(part.transcript or "") > ms / 1000 * _FASTEST:
        return
    if cut.audio_end_ms <= ms + _ROUNDING_MS:
        yield None
        return
    seqs = Seqs([(part.audio.seqs[0], part.audio.seqs[-1])])
    subject = f"item {item.id}, part {part.index}, audio_end_ms"
    kind = "conversation.item.truncated"
    yield Difference(seq, kind, subject, cut.audio_end_ms, round(ms, 1), seqs, None, "sound")


def _format(conversation: Conversation, item: Item) -> AudioFormat:
    """The format of an item's output: that of its response, else the session's."""
    for response in conversation.responses:
        if response.id == item.response_id and (found := stated_format(response.config, "output")) is not None:
            return found
    return conversation.session.output_format


def _of_transcription(conversation: Conversation, item: Item, part: Part) -> Iterator[Compared]:
    """Compare ``usage.seconds``, and the end of the last segment, with the item's part of the input."""
    transcription, span = part.transcription, item.span
    if transcription is None or span is None or not span.reliable:
        return
    if span.start_byte is None or span.end_byte is None:
        return
    at = [each.format for each in conversation.input_audio.formats if each.at_byte <= span.start_byte]
    form = at[-1] if at else conversation.session.input_format
    seconds = (span.end_byte - span.start_byte) / form.bytes_per_ms / 1000
    usage = number(transcription.usage or {}, "seconds")
    ends = [end for segment in transcription.segments if (end := number(segment, "end")) is not None]
    if usage is not None:
        yield _of_seconds(item, part, "transcription usage seconds", usage, seconds, abs(usage - seconds))
    if ends:
        yield _of_seconds(item, part, "transcription segments end", max(ends), seconds, max(ends) - seconds)


def _of_seconds(item: Item, part: Part, name: str, stated: float, found: float, apart: float) -> Compared:
    if apart <= _ROUNDING_S:
        return None
    span = item.span
    seq = part.seqs.last if part.transcription is None else part.transcription.seqs.last
    kind = "conversation.item.input_audio_transcription.completed"
    subject = f"item {item.id}, part {part.index}, {name}"
    seqs = Seqs() if span is None else span.seqs
    return Difference(cast("Any", seq) or 0, kind, subject, stated, round(found, 3), seqs, None, "sound")
