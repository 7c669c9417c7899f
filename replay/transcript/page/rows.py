"""The transcript's lines as the page shows them: timed words, cuts, tool calls, and the records behind each."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from ....schemas.refs import Seqs
from ....schemas.state import Call, Conversation, Item, Response
from ...audio.pieces import Interval
from ...show.voices import same_words
from ...times import clock, ms_of, seconds
from ..line import NAMES, Line
from ..subtitles import sentences
from ..text import Transcript
from ..timing import Spoken
from .behind import EventGroup, EventLog
from .json_text import pretty

__all__ = ["Behind", "Segment", "Tool", "Turn", "turns", "wait_ms"]

_SHORT_OUTPUT: Final = 400
"""A tool's output of up to so many characters is shown at once."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A sentence, or the part of it before or after a cut.

    Attributes:
        text: the words.
        start: when they are spoken, in ms; None where they are not or nobody knows.
        end: when that is over.
        space: what stands between them and the next words.
        cut: what to say of a cut after them, in a reading that goes on after it.
    """

    text: str
    start: int | None = None
    end: int | None = None
    space: str = ""
    cut: str | None = None


@dataclass(frozen=True, slots=True)
class Tool:
    """A call: what was asked, what came back, how long that took (ready to be read); None where it is not on record."""

    name: str
    arguments: str
    output: str | None = None
    took: str | None = None
    long: bool = False
    unanswered: bool = False
    server: str | None = None


@dataclass(frozen=True, slots=True)
class Behind:
    """The records behind a turn, grouped; ``ids`` are named ids for those who look them up."""

    count: int
    groups: list[EventGroup]
    ids: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Turn:
    """An entry of the transcript.

    Attributes:
        number: from 1.
        speaker: whose entry it is: ``user``, ``assistant``, ``system``, ``tool``.
        name: the same as a word.
        start: where it begins on the sound's clock, in ms; None where that is not known.
        end: where it is over.
        came: for an entry that is not spoken, when it came; ready to be read.
        segments: the words.
        rest: what was produced and not heard.
        cut: where and how it was cut, ready to be read; None where it was not, or where a segment says it.
        cuts_in: whether it cuts the assistant short.
        waited: how long the reply took, ready to be read.
        typed: whether it is text, in a conversation that is otherwise spoken.
        remark: what a reader should know.
        voices: who said what, where several speakers are told apart: label and words. Every word stands here or in
            ``segments``.
        tool: the call, where it is one.
        outcome: how its response ended, if it failed or stayed incomplete.
        behind: the records.
    """

    number: int
    speaker: str
    name: str
    start: int | None
    end: int | None
    came: str | None
    segments: list[Segment]
    behind: Behind
    rest: str = ""
    cut: str | None = None
    cuts_in: bool = False
    waited: str | None = None
    typed: bool = False
    remark: str | None = None
    tool: Tool | None = None
    outcome: str | None = None
    voices: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])


@dataclass(slots=True)
class _Sources:
    items: Mapping[str, Item]
    spoken: Mapping[tuple[str, int], Spoken]
    texts: Mapping[tuple[str, int], str]
    calls: Mapping[str, Call]
    outputs: Mapping[str, Line]
    called: set[str]
    cutting: set[str | None]
    waits: dict[str, str]
    intervals: Mapping[str | None, Interval]
    log: EventLog
    placed: bool
    """Whether times are places on a clock that runs."""


def turns(
    conversation: Conversation,
    transcript: Transcript,
    utterances: Sequence[Spoken],
    log: EventLog,
    *,
    intervals: Sequence[Interval] = (),
    placed: bool = True,
) -> list[Turn]:
    """Return the page's entries.

    Args:
        conversation: the folded session.
        transcript: its transcript.
        utterances: when what was spoken, in the same reading.
        log: what each record is.
        intervals: who was speaking when; places what was spoken and not written down.
        placed: whether times mean anything: there is a clock or sound.
    """
    every = (*conversation.items, *conversation.deleted, *conversation.out_of_band)
    outputs = {line.call_id: line for line in transcript.lines if line.kind == "output" and line.call_id}
    sources = _Sources(
        items={item.id: item for item in every},
        spoken={(each.item_id, each.content_index): each for each in utterances},
        texts=transcript.texts,
        calls={call.item_id: call for call in conversation.calls},
        outputs=outputs,
        called={line.call_id for line in transcript.lines if line.kind == "call" and line.call_id},
        cutting=_cutting(conversation),
        waits={each.id: seconds(ms) for each in conversation.responses if (ms := wait_ms(each)) is not None},
        intervals={each.item_id: each for each in intervals},
        log=log,
        placed=placed,
    )
    entries: list[Turn] = []
    for line in transcript.lines:
        # The output of a call stands with the call.
        if line.kind != "output" or line.call_id not in sources.called:
            entries.append(_turn(len(entries) + 1, line, sources))
    return entries


def wait_ms(response: Response) -> int | None:
    """Return how long a response let the user wait: from what triggered it to its first sound, else its first word."""
    first = response.first_audio_ns if response.first_audio_ns is not None else response.first_text_ns
    if response.trigger_ns is None or first is None or first < response.trigger_ns:
        return None
    return (first - response.trigger_ns) // 1_000_000


def _cutting(conversation: Conversation) -> set[str | None]:
    """The items of the user that cut the assistant short."""
    started = {cut.speech_seq for cut in conversation.interruptions if cut.speech_seq is not None}
    return {span.item_id for span in conversation.input_audio.speech if span.started_seq in started}


def _turn(number: int, line: Line, sources: _Sources) -> Turn:
    if line.kind == "message":
        return _message(number, line, sources)
    tool = _tool(line, sources) if line.kind == "call" else None
    text = "" if tool else line.text
    seqs = line.seqs
    output = sources.outputs.get(line.call_id or "")
    if tool and output is not None:
        seqs = Seqs.union(line.seqs, output.seqs)
    remark = line.remark
    if line.kind not in ("call", "response"):
        kind = _KINDS.get(line.kind, line.kind)
        remark = "; ".join(filter(None, (kind, line.name, remark)))
    speaker = line.speaker if line.kind in ("key", "response", "approval") else "tool"
    return Turn(
        number,
        speaker,
        NAMES[speaker],
        None,
        None,
        _came(line, sources),
        [Segment(text)] if text else [],
        _behind(line, seqs, sources, output),
        remark=remark,
        tool=tool,
        outcome=line.outcome,
    )


_KINDS: Final = {
    "key": "key pressed",
    "listing": "tools listed",
    "output": "output of a call that is not on record",
}


def _message(number: int, line: Line, sources: _Sources) -> Turn:
    item = sources.items[line.item_id or ""]
    keys = [(item.id, part.index) for part in item.content]
    said = [sources.spoken[key] for key in keys if key in sources.spoken]
    segments: list[Segment] = []
    begins = 0
    for key in keys:
        spoken = sources.spoken.get(key)
        text = sources.texts.get(key, "")
        if segments and (spoken is not None or key in sources.texts):
            segments.append(Segment("\n"))
        cut_at = _cut_within(text, begins, line.cut_at)
        segments += _segments(spoken, cut_at, placed=sources.placed) if spoken else _typed(text)
        begins += len(text) + 1 if text else 0
    start, end = _place(line, said, sources)
    wait = None
    if line.speaker == "assistant" and line.response_id:
        wait = sources.waits.pop(line.response_id, None)
    rest = "\n".join(each.rest for each in said if each.rest)
    remark = line.remark
    if not (segments or rest or remark or line.outcome):
        remark = "no words"
    voices = [(voice.speaker or "?", voice.text) for voice in line.voices]
    if voices and same_words(line.text, line.voices):
        segments = []
    return Turn(
        number,
        line.speaker,
        NAMES[line.speaker],
        start,
        end,
        None if start is not None else _came(line, sources),
        segments,
        _behind(line, line.seqs, sources),
        rest=rest,
        cut=_cut(line, said, end),
        cuts_in=line.item_id in sources.cutting,
        waited=wait,
        typed=not line.spoken,
        remark=remark,
        voices=voices,
        outcome=line.outcome,
    )


def _cut_within(text: str, begins: int, cut_at: int | None) -> int | None:
    """Where a line's cut lies in the words of one of its parts, which begins at that character of the line.

    Words are spoken without the spaces around them, which the line has.
    """
    if cut_at is None or not begins <= cut_at <= begins + len(text):
        return None
    return max(cut_at - begins - (len(text) - len(text.lstrip())), 0)


def _place(line: Line, said: Sequence[Spoken], sources: _Sources) -> tuple[int | None, int | None]:
    """When an entry was spoken, from the first of its words to the last, in ms."""
    if not sources.placed:
        return None, None
    interval = sources.intervals.get(line.item_id or "")
    if said:
        start, end = min(each.start_ns for each in said), max(each.end_ns for each in said)
    elif line.spoken and interval is not None:
        start, end = interval.start_ns, interval.end_ns
    else:
        return None, None
    return ms_of(start), ms_of(end)


def _segments(spoken: Spoken, cut_at: int | None, *, placed: bool) -> list[Segment]:
    """The sentences of an utterance; with the space behind each they are its text."""
    text = spoken.text
    bounds = _divided(text, cut_at)
    found: list[Segment] = [Segment("", cut="not heard")] if cut_at == 0 else []
    for index, (start, end) in enumerate(bounds):
        following = bounds[index + 1][0] if index + 1 < len(bounds) else len(text)
        times = (ms_of(spoken.ns_of(start)), ms_of(spoken.ns_of(following))) if placed else (None, None)
        cut = "the user cut in here" if cut_at and start < cut_at <= following else None
        found.append(Segment(text[start:end], *times, space=text[end:following], cut=cut))
    return found


def _divided(text: str, cut_at: int | None) -> list[tuple[int, int]]:
    """The sentences of a text, the one that holds a cut divided there."""
    divided: list[tuple[int, int]] = []
    for start, end in sentences(text):
        if cut_at is not None and start < cut_at < end:
            behind = next(at for at in range(cut_at, end) if not text[at].isspace())
            divided += [(start, cut_at), (behind, end)]
        else:
            divided.append((start, end))
    return divided


def _typed(text: str) -> list[Segment]:
    return [Segment(text)] if text else []


def _cut(line: Line, said: Sequence[Spoken], end: int | None) -> str | None:
    if line.cut_at is not None or not (line.interrupted or any(each.rest for each in said)):
        return None
    estimate = line.estimate
    if estimate is None:
        return "interrupted"
    if estimate.heard_ms is None or estimate.total_ms is None or estimate.basis not in ("truncated", "never begun"):
        return str(estimate)
    if estimate.basis == "never begun" or not estimate.heard_ms:
        return f"never heard: cut off before it began ({seconds(int(estimate.total_ms))} produced)"
    at = "" if end is None else f" at {clock(end)}"
    return f"cut off{at}, {seconds(int(estimate.heard_ms))} of {seconds(int(estimate.total_ms))} heard"


def _came(line: Line, sources: _Sources) -> str | None:
    ms = ms_of(line.start_ns) if sources.placed else None
    return None if ms is None else clock(ms)


def _tool(line: Line, sources: _Sources) -> Tool:
    call = sources.calls.get(line.item_id or "")
    item = sources.items.get(line.item_id or "")
    output = sources.outputs.get(line.call_id or "")
    text = output.text if output is not None else None
    arguments = line.text
    if item is not None and item.type == "mcp_call":
        # What the server called and what came back is one item.
        arguments, text = item.arguments or "", item.output
        if text is None and item.fields.get("error") is not None:
            text = json.dumps({"error": item.fields["error"]}, ensure_ascii=False)
    took = None
    if call is not None and call.done_ns is not None and call.output_ns is not None and call.output_ns >= call.done_ns:
        took = seconds((call.output_ns - call.done_ns) // 1_000_000)
    shown = None if text is None else pretty(text)
    return Tool(
        line.name or "a function without a name",
        pretty(arguments),
        shown,
        took,
        long=shown is not None and len(shown) > _SHORT_OUTPUT,
        unanswered=text is None,
        server=line.server,
    )


def _behind(line: Line, seqs: Seqs, sources: _Sources, output: Line | None = None) -> Behind:
    ids = [("item", line.item_id), ("output item", output.item_id if output else None),
           ("response", line.response_id), ("call", line.call_id)]  # fmt: skip
    return Behind(len(seqs), sources.log.groups(seqs), [(name, value) for name, value in ids if value])
