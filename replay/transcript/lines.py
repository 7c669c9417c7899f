"""Transcripts: what was said, in three readings.

**generated**: what the model produced, whether or not it arrived. **delivered**: what crossed to the client; if
the recorder says which record it handed on last, nothing after that. **heard**: what can have been played
when the user cut in; an estimate from the audio position, which says so. What the user said is the same in all three,
as the server's transcription has it.

A transcript is data (:class:`.Line`), made by a pure function of the conversation; writing it in a format is another.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, NamedTuple, cast

from ...schemas.failures import failure_of_transcription
from ...schemas.state import Conversation, Item, Part, Response
from ..audio.cuts import Choice, is_out_of_band
from ..audio.playback import READINGS, PlaybackPlan, Reading, plan_playback
from ..show.keys import Revealed
from ..show.tools import ServerCall, approvals, server_call, unfinished
from ..show.voices import voices_of
from ..unread import unread
from .beside import with_keys, with_outcomes
from .heard import Estimate, estimate
from .line import Kind, Line, Speaker, readable
from .text import Transcript

__all__ = ["READINGS", "Line", "Reading", "Transcript", "part_words", "transcribe"]


def transcribe(
    conversation: Conversation,
    reading: Reading = "heard",
    plan: PlaybackPlan | None = None,
    *,
    reveal: Collection[Revealed] = (),
) -> Transcript:
    """Make a transcript of a conversation.

    Args:
        conversation: the folded session.
        reading: what to write.
        plan: how the assistant's audio played, as a timeline has it from every record's time; worked out from the times
            that the conversation holds if None.
        reveal: what is shown though it is hidden by default: ``dtmf``, the keys that the caller pressed.

    What was deleted from the conversation later was said all the same: its lines stand where it appeared. Responses
    outside the conversation are part of what was generated and delivered, and nobody heard them.

    Raises:
        ValueError: there is no such reading.
    """
    if reading not in READINGS:
        raise ValueError(f"{reading!r} is not a reading; choose one of {', '.join(READINGS)}")
    plan = plan_playback(conversation) if plan is None else plan
    writer = _Writer(conversation, reading, plan)
    lines = [writer.line(item) for item in _all_items(conversation, reading, plan.choice)]
    said = with_keys([line for line in lines if line is not None], conversation, reveal)
    ended = [each for each in conversation.responses if each.in_band or reading != "heard"]
    lines_said = tuple(with_outcomes(said, ended))
    missing = unread(conversation).lines("transcript")
    return Transcript(reading, lines_said, conversation.session.model, writer.texts, missing)


def part_words(part: Part) -> str | None:
    """Return all words of a content part: its text, else its transcript; None if it has neither."""
    return part.transcript if not part.text and part.transcript is not None else part.text


def _all_items(conversation: Conversation, reading: Reading, choice: Choice) -> list[Item]:
    """The items in order; one without a place in it stands before the first item that came later."""
    items = list(conversation.items)
    for item in conversation.unacknowledged:
        asked = ((i, each.first_seq if each.request_seq is None else each.request_seq) for i, each in enumerate(items))
        items.insert(next((i for i, seq in asked if seq > item.first_seq), len(items)), item)
    responses: dict[str | None, Response] = {response.id: response for response in conversation.responses}
    with_sound = reading != "heard" or choice.out_of_band
    apart = [*conversation.deleted]
    apart += (item for item in conversation.out_of_band if with_sound or not is_out_of_band(item, responses))
    for item in apart:
        at = next((i for i, other in enumerate(items) if other.first_seq > item.first_seq), len(items))
        items.insert(at, item)
    return items


_KINDS: Final[dict[str, Kind]] = {
    "message": "message",
    "function_call": "call",
    "mcp_call": "call",
    "function_call_output": "output",
    "mcp_list_tools": "listing",
    "mcp_approval_request": "approval",
    "mcp_approval_response": "approval",
}
_SPEAKERS: Final[dict[str | None, Speaker]] = {
    "user": "user",
    "assistant": "assistant",
    "system": "system",
    "developer": "system",
    "tool": "tool",
}


class _Words(NamedTuple):
    """A part's words in the reading, what they rest on, and where in them a cut lies; as for :class:`Line`."""

    text: str
    estimate: Estimate | None = None
    cut_at: int | None = None


class _Writer:
    def __init__(self, conversation: Conversation, reading: Reading, plan: PlaybackPlan) -> None:
        self._reading: Reading = reading
        self._plan = plan
        self._responses = {response.id: response for response in conversation.responses}
        self._cut_items = {cut.item_id for cut in conversation.interruptions}
        self._speech = {span.item_id: span for span in conversation.input_audio.speech}
        self._unacknowledged = {item.id for item in conversation.unacknowledged}
        self._out_of_band = {item.id for item in conversation.out_of_band}
        self._approved = approvals((*conversation.items, *conversation.deleted, *conversation.out_of_band))
        self._has_arguments = {call.item_id for call in conversation.calls if call.done_seq is not None}
        close = conversation.close
        self._last_delivered = close.handed.get("client") if close is not None and reading != "generated" else None
        self.texts: dict[tuple[str, int], str] = {}

    def line(self, item: Item) -> Line | None:
        late = self._last_delivered is not None and item.first_seq > self._last_delivered
        if late and item.created_by != "client" and item.role != "user":
            return None
        kind = _KINDS.get(item.type, "other")
        if kind == "message":
            return None if _only_named(item) else self._message(item)
        text, speaker = _text_of_tool(item)
        call = server_call(item, self._approved) if item.type in ("mcp_call", "mcp_approval_request") else None
        response = self._responses.get(item.response_id or "")
        return Line(
            speaker=speaker,
            kind=kind,
            text=text,
            item_id=item.id,
            seqs=item.seqs,
            response_id=item.response_id,
            name=item.name or _label(item),
            call_id=item.call_id,
            start_ns=item.first_ns,
            end_ns=item.done_ns,
            interrupted=response is not None and response.status == "cancelled" and item.status != "completed",
            remark=self._remark(item, _of_call(call, unfinished(item, has_arguments=item.id in self._has_arguments))),
            server=_label(item),
            output=None if call is None or call.output is None else readable(call.output),
            approved=None if call is None else call.approved,
        )

    def _message(self, item: Item) -> Line:
        texts: list[str] = []
        missing: list[str] = []
        estimates: list[Estimate] = []
        cut_at: int | None = None
        for part in item.content:
            words = self._words(item, part)
            failure = failure_of_transcription(part.transcription)
            if failure is not None:
                missing.append(failure)
            elif words is None:
                missing.append(_what_is_missing(part))
            if words is None:
                continue
            if words.estimate is not None:
                estimates.append(words.estimate)
            if words.text:
                if cut_at is None and words.cut_at is not None:
                    cut_at = sum(len(each) + 1 for each in texts) + words.cut_at
                texts.append(words.text)
                self.texts[item.id, part.index] = words.text
        start, end = self._times(item)
        return Line(
            speaker=_speaker(item),
            kind="message",
            text="\n".join(texts),
            item_id=item.id,
            seqs=item.seqs,
            response_id=item.response_id,
            start_ns=start,
            end_ns=end,
            interrupted=item.id in self._cut_items,
            spoken=any(part.type in ("input_audio", "output_audio") for part in item.content),
            estimate=next((each for each in estimates if each.cut_seq is not None), next(iter(estimates), None)),
            cut_at=cut_at,
            remark=self._remark(item, missing),
            voices=tuple(voice for part in item.content for voice in voices_of(part)),
        )

    def _words(self, item: Item, part: Part) -> _Words | None:
        whole = part_words(part)
        if whole is None or item.role == "user":
            return None if whole is None else _Words(readable(whole))
        text = whole if self._last_delivered is None else _delivered(part, whole, self._last_delivered)
        played = self._plan.of_part(item.id, part.index)
        cut = self._plan.stated_cut(item.id, part.index)
        if self._reading == "heard":
            heard = estimate(part, text, played, cut)
            return _Words(readable(heard.text), heard.estimate)
        text, heard = readable(text), estimate(part, whole, played, cut)
        known = heard.estimate
        if known is None or known.method in ("not known", "whole"):
            return _Words(text, known)
        return _Words(text, known, min(len(heard.text), len(text)))

    def _times(self, item: Item) -> tuple[int | None, int | None]:
        span = self._speech.get(item.id)
        if span is not None:
            return span.started_ns, span.stopped_ns
        first = next((part.first_audio_ns for part in item.content if part.first_audio_ns is not None), None)
        return first if first is not None else item.first_ns, item.done_ns

    def _remark(self, item: Item, missing: list[str]) -> str | None:
        remarks = list(missing)
        if item.deleted_seq is not None:
            remarks.append("deleted from the conversation later")
        if item.type == "message" and item.role not in _SPEAKERS:
            remarks.append("the speaker is not stated" if item.role is None else f"the role is {item.role}")
        if item.request_seq is not None and item.id in self._unacknowledged and not item.on_record:
            remarks.append("not acknowledged by the server")
        if item.id in self._out_of_band:
            remarks.append("outside the conversation" if item.response_id else "never an item of the conversation")
        return "; ".join(remarks) or None


def _only_named(item: Item) -> bool:
    """Whether an item is no more than an id that some event named: it has no speaker and no content."""
    return item.role is None and not item.on_record and not item.content


def _speaker(item: Item) -> Speaker:
    """Who speaks; where no known role is stated, by the kind of the parts. A remark says so."""
    known = _SPEAKERS.get(item.role)
    if known is not None:
        return known
    heard = any(part.type.startswith("input_") for part in item.content)
    return "user" if heard and item.created_by != "model" else "assistant" if item.created_by == "model" else "system"


def _delivered(part: Part, text: str, last_seq: int) -> str:
    """The text of a part as far as its deltas reached the client."""
    if part.seqs.last is None or part.seqs.last <= last_seq:
        return text
    if not part.text_deltas:
        return text if part.seqs.first is not None and part.seqs.first <= last_seq else ""
    reached = 0
    for seq, so_far in part.text_deltas:
        if seq > last_seq:
            break
        reached = so_far
    return (part.streamed or text)[:reached]


def _what_is_missing(part: Part) -> str:
    if part.type == "input_audio":
        status = None if part.transcription is None else part.transcription.status
        return "no transcription yet" if status == "pending" else "no transcription"
    if part.type == "input_image":
        return "an image"
    return "no transcript" if part.type == "output_audio" else "no text"


def _text_of_tool(item: Item) -> tuple[str, Speaker]:
    if item.type == "function_call_output":
        return readable(item.output or ""), "tool"
    if item.type == "mcp_approval_response":
        return "approved" if item.fields.get("approve") else "refused", "user"
    if item.type == "mcp_list_tools":
        tools = item.fields.get("tools")
        count = len(cast("list[object]", tools)) if isinstance(tools, list) else None
        return "" if count is None else f"{count} tool{'' if count == 1 else 's'}", "tool"
    return readable(item.arguments or ""), "assistant"


def _of_call(call: ServerCall | None, state: str | None) -> list[str]:
    """What a reader should know of a call: that it is not whole, that it failed, that nobody has approved it."""
    remarks = [] if state is None else [state]
    if call is None:
        return remarks
    if call.asked:
        remarks.append("not answered" if call.approved is None else "approved" if call.approved else "refused")
    if call.error is not None:
        remarks.append("failed" if call.error == "failed" else f"failed: {readable(call.error)}")
    return remarks


def _label(item: Item) -> str | None:
    label = item.fields.get("server_label")
    return label if isinstance(label, str) else None
