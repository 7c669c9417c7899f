"""Transcripts: what was said, in three readings.

**generated**: what the model produced, whether or not it arrived. **delivered**: what crossed to the client; where the
recorder says which record was the last that it handed on, nothing behind that. **heard**: what can have been played
when the user cut in; an estimate from the audio position, which says so. What the user said is the same in all three,
as the server's transcription has it.

A transcript is data (:class:`Line`), made by a pure function of the conversation; writing it in a format is another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

from ...schemas.refs import Seqs
from ...schemas.state import Conversation, Item, Part
from ..audio.playback import Playback
from .heard import Estimate, estimate, playbacks_of

__all__ = ["READINGS", "Line", "Reading", "Transcript", "part_texts", "render", "transcribe"]

Reading = Literal["generated", "delivered", "heard"]
READINGS: Final[tuple[Reading, ...]] = get_args(Reading)

Kind = Literal["message", "call", "output", "listing", "approval", "other"]
Speaker = Literal["user", "assistant", "system", "tool"]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a transcript: an item of the conversation, as far as the reading goes.

    Attributes:
        speaker: who speaks; a function's output is the tool's.
        kind: what the item is.
        text: the words; of a call its arguments, of an output the output.
        item_id: the item.
        response_id: the response that made it.
        name: the function or tool that is called.
        call_id: ties a call and its output together.
        start_ns: when it began: the user's speech, the assistant's first audio or text, else the item itself;
            nanoseconds since the session opened, None without a clock.
        end_ns: when it was over, likewise.
        seqs: the records behind it.
        interrupted: whether the user cut it short.
        spoken: whether it is speech (else text).
        estimate: what the heard text rests on; only where it was cut, and only in the reading ``heard``.
        cut_at: in a reading that goes on behind the cut, how many characters of ``text`` can have been heard; an
            estimate likewise. None where nothing was cut, and in the reading ``heard``, which ends there.
        remark: what a reader should know: no transcription, deleted later, outside the conversation, ….
    """

    speaker: Speaker
    kind: Kind
    text: str
    item_id: str
    seqs: Seqs
    response_id: str | None = None
    name: str | None = None
    call_id: str | None = None
    start_ns: int | None = None
    end_ns: int | None = None
    interrupted: bool = False
    spoken: bool = False
    estimate: Estimate | None = None
    cut_at: int | None = None
    remark: str | None = None


@dataclass(frozen=True, slots=True)
class Transcript:
    """The lines of a conversation in its order, in one reading."""

    reading: Reading
    lines: tuple[Line, ...]
    model: str | None = None

    def text(self, form: str = "text") -> str:
        """Write it as ``text``, ``markdown``, ``json``, ``jsonl`` or ``csv``; see :func:`render`."""
        return render(self, form)


Playbacks = Mapping[tuple[str, int], Playback]


def transcribe(
    conversation: Conversation, reading: Reading = "heard", *, playbacks: Playbacks | None = None
) -> Transcript:
    """Make a transcript of a conversation.

    Args:
        conversation: the folded session.
        reading: what to write.
        playbacks: how the assistant's audio played, by item id and content index, where a timeline has it from every
            record's time; else it is worked out from the times that the conversation holds.

    What was deleted from the conversation later was said all the same: its lines stand where it appeared. Responses
    outside the conversation are part of what was generated and delivered, and nobody heard them.
    """
    if reading not in READINGS:
        raise ValueError(f"{reading!r} is no reading; they are {', '.join(READINGS)}")
    writer = _Writer(conversation, reading, playbacks)
    lines = [writer.line(item) for item in _all_items(conversation, reading)]
    return Transcript(reading, tuple(line for line in lines if line is not None), conversation.session.model)


def part_texts(
    conversation: Conversation, reading: Reading = "heard", *, playbacks: Playbacks | None = None
) -> dict[tuple[str, int], str]:
    """Give the words of each content part in a reading, by item id and content index; parts without words left out.

    A message's line in :func:`transcribe` has the words of its parts.
    """
    writer = _Writer(conversation, reading, playbacks)
    texts = ((item.id, part.index, writer.text(item, part, [])) for item in _all_items(conversation, reading)
             for part in item.content)  # fmt: skip
    return {(item_id, index): text for item_id, index, text in texts if text}


def _all_items(conversation: Conversation, reading: Reading) -> list[Item]:
    """The items in order; those that have no place in it before the first item that came later."""
    items = list(conversation.items)
    apart = [*conversation.deleted]
    if reading != "heard":
        apart += conversation.out_of_band
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
_SPEAKERS: Final[dict[str | None, Speaker]] = {"user": "user", "assistant": "assistant", "system": "system"}


class _Writer:
    def __init__(self, conversation: Conversation, reading: Reading, playbacks: Playbacks | None) -> None:
        self._reading: Reading = reading
        self._responses = {response.id: response for response in conversation.responses}
        self._cut_items = {cut.item_id for cut in conversation.interruptions}
        self._speech = {span.item_id: span for span in conversation.input_audio.speech}
        self._out_of_band = {item.id for item in conversation.out_of_band}
        self._playbacks: Playbacks = playbacks_of(conversation) if playbacks is None else playbacks
        close = conversation.close
        self._last_delivered = close.handed.get("client") if close is not None and reading != "generated" else None

    def line(self, item: Item) -> Line | None:
        if self._last_delivered is not None and item.first_seq > self._last_delivered and item.created_by != "client":
            return None
        kind = _KINDS.get(item.type, "other")
        if kind == "message":
            return self._message(item)
        text, speaker = _text_of_tool(item)
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
            remark=self._remark(item, []),
        )

    def _message(self, item: Item) -> Line:
        texts: list[str] = []
        missing: list[str] = []
        estimates: list[Estimate] = []
        cut_at: int | None = None
        for part in item.content:
            text = self.text(item, part, estimates)
            if text is None:
                missing.append(_what_is_missing(part))
            elif text:
                heard = self._heard_of(item, part)
                if cut_at is None and heard is not None:
                    cut_at = sum(len(each) + 1 for each in texts) + min(heard, len(text))
                texts.append(text)
        start, end = self._times(item)
        return Line(
            speaker=_SPEAKERS.get(item.role, "assistant" if item.created_by == "model" else "user"),
            kind="message",
            text="\n".join(texts),
            item_id=item.id,
            seqs=item.seqs,
            response_id=item.response_id,
            start_ns=start,
            end_ns=end,
            interrupted=item.id in self._cut_items,
            spoken=any(part.type in ("input_audio", "output_audio") for part in item.content),
            estimate=estimates[0] if estimates else None,
            cut_at=cut_at,
            remark=self._remark(item, missing),
        )

    def _heard_of(self, item: Item, part: Part) -> int | None:
        """In a reading that goes on behind a cut: how many characters of a part can have been heard."""
        text = part.transcript if part.text is None else part.text
        if self._reading == "heard" or item.role == "user" or text is None:
            return None
        heard = estimate(item, part, text, self._playbacks)
        return None if heard.estimate is None else len(heard.text)

    def text(self, item: Item, part: Part, estimates: list[Estimate]) -> str | None:
        """A part's words in the reading, None where there are none; what they rest on goes to ``estimates``."""
        text = part.transcript if part.text is None else part.text
        if text is None or item.role == "user":
            return None if text is None else readable(text)
        if self._last_delivered is not None:
            text = _delivered(part, text, self._last_delivered)
        if self._reading == "heard":
            heard = estimate(item, part, text, self._playbacks)
            if heard.estimate is not None:
                estimates.append(heard.estimate)
            text = heard.text
        return readable(text)

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
        if item.id in self._out_of_band:
            remarks.append("outside the conversation" if item.response_id else "never an item of the conversation")
        return "; ".join(remarks) or None


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
        return {"failed": "transcription failed", "pending": "no transcription yet"}.get(
            status or "", "no transcription"
        )
    if part.type == "input_image":
        return "an image"
    return "no transcript" if part.type == "output_audio" else "no text"


def _text_of_tool(item: Item) -> tuple[str, Speaker]:
    if item.type == "function_call_output":
        return readable(item.output or ""), "tool"
    if item.type == "mcp_call":
        output = f" → {item.output}" if item.output is not None else ""
        return readable(f"{item.arguments or ''}{output}"), "assistant"
    if item.type == "mcp_approval_response":
        return "approved" if item.fields.get("approve") else "refused", "user"
    if item.type == "mcp_list_tools":
        tools = item.fields.get("tools")
        return f"{len(tools)} tools" if isinstance(tools, list) else "", "tool"  # type: ignore[arg-type]  # any list
    return readable(item.arguments or ""), "assistant"


def _label(item: Item) -> str | None:
    label = item.fields.get("server_label")
    return label if isinstance(label, str) else None


def readable(text: str) -> str:
    """A text that can be written as UTF-8: lone surrogates, which JSON may hold, become U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def render(transcript: Transcript, form: str) -> str:
    """Write a transcript as ``text``, ``markdown``, ``json``, ``jsonl`` or ``csv``.

    Raises:
        ValueError: there is no such format.
    """
    from .text import FORMATS

    write = FORMATS.get(form)
    if write is None:
        raise ValueError(f"{form!r} is no format of a transcript; they are {', '.join(FORMATS)}")
    return write(transcript)
