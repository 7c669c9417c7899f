"""A conversation as a list of turns that can be compared with another's: no ids, no clocks, no chunks.

A turn is an item of the conversation in the transcript's order, or a response that left no item at all (it failed, or
was cancelled before it said anything). What a turn says is taken as generated: what the model produced, whether or not
it was heard.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final, cast

from ...schemas.dialects.normalise import normalise_response
from ...schemas.frame import NS_PER_MS, parse_json
from ...schemas.state import Conversation, Response, Truncation
from ...schemas.values import too_deep
from ..playing.ids import ID_KEYS
from ..transcript.line import Kind, Line, Speaker
from ..transcript.lines import transcribe

__all__ = ["Cut", "Turn", "TurnKind", "json_or_text", "mask_ids", "turns_of"]

TurnKind = Kind

_WORD: Final = re.compile(r"[A-Za-z0-9_\-]+")
_MIN_ID_LENGTH: Final = 6
"""Shorter ids may be ordinary words."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A truncation of a turn's audio.

    Attributes:
        content_index: which part of the item.
        audio_end_ms: where it was cut, in milliseconds of that part's audio.
        status: ``done``, ``refused`` (an error answered it) or ``requested`` (nothing did).
        by: who cut.
    """

    content_index: int
    audio_end_ms: float
    status: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One turn.

    Attributes:
        speaker: who speaks; a function's output is the tool's.
        kind: what it is; ``response`` for a response without any item.
        text: the words, runs of white space as one space; empty if it has none, and for calls and outputs.
        name: the function or tool that is called.
        value: a call's arguments or an output, as JSON if it is JSON, else its text.
        spoken: whether it is speech.
        interrupted: whether the user cut it short.
        status: of its response, with the reason if one is stated: ``completed``, ``cancelled: turn_detected``, …;
            None if it belongs to no response.
        cuts: truncations of its audio.
        remark: what a reader should know: no transcription, deleted later, outside the conversation.
        request: what the client asked for with the response, in canonical form, without its marks (``metadata``) and
            ids of items; only on the first turn of a response that the client asked for.
        latency_ms: from what asked for the response to the first of its output; only on the first turn of a response.
        seqs: the first and the last record that it comes from; None if there are none.
    """

    speaker: Speaker
    kind: TurnKind
    text: str = ""
    name: str | None = None
    value: Any = None
    spoken: bool = False
    interrupted: bool = False
    status: str | None = None
    cuts: tuple[Cut, ...] = ()
    remark: str | None = None
    request: dict[str, Any] | None = None
    latency_ms: float | None = None
    seqs: tuple[int, int] | None = None


def turns_of(conversation: Conversation) -> list[Turn]:
    """List the turns of a conversation."""
    responses = {response.id: response for response in conversation.responses}
    answered: set[str] = set()
    turns: list[tuple[int, Turn]] = []
    for line in _in_order_of_calls(transcribe(conversation, "generated").lines):
        if line.kind == "response":  # :func:`_insert` has these, whatever their status
            continue
        response = responses.get(line.response_id or "")
        first = response is not None and response.id not in answered
        if response is not None:
            answered.add(response.id)
        cuts = [cut for cut in conversation.truncations if cut.item_id == line.item_id]
        turns.append((line.seqs.first or 0, _turn(line, response, cuts, first=first)))
    for response in conversation.responses:
        if response.id not in answered:
            _insert(turns, response)
    return [turn for _, turn in turns]


def _in_order_of_calls(lines: Sequence[Line]) -> list[Line]:
    """Put outputs that follow one another in the order of their calls: parallel tools finish in any order."""
    called = dict.fromkeys(line.call_id for line in lines if line.kind == "call")
    calls = {call_id: number for number, call_id in enumerate(called)}
    ordered: list[Line] = []
    for outputs, run in groupby(lines, key=lambda line: line.kind == "output"):
        together = list(run)
        if outputs:
            together.sort(key=lambda line: calls.get(line.call_id, len(calls)))
        ordered += together
    return ordered


def _insert(turns: list[tuple[int, Turn]], response: Response) -> None:
    """Put a response without items before the first turn that begins after it."""
    seq = response.seqs.first or 0
    at = next((n for n, (first, _) in enumerate(turns) if first > seq), len(turns))
    turn = Turn(
        speaker="assistant",
        kind="response",
        status=_status(response),
        request=_request(response),
        seqs=_bounds(response),
    )
    turns.insert(at, (seq, turn))


def _turn(line: Line, response: Response | None, cuts: list[Truncation], *, first: bool) -> Turn:
    tool = line.kind in ("call", "output")
    return Turn(
        speaker=line.speaker,
        kind=line.kind,
        text="" if tool else " ".join(line.text.split()),
        name=line.name,
        value=_value(line) if tool else None,
        spoken=line.spoken,
        interrupted=line.interrupted,
        status=_status(response) if response is not None else None,
        cuts=tuple(Cut(cut.content_index, cut.audio_end_ms, cut.status, cut.by) for cut in cuts),
        remark=line.remark,
        request=_request(response) if response is not None and first else None,
        latency_ms=_latency(response) if response is not None and first else None,
        seqs=_bounds(line),
    )


def _value(line: Line) -> Any:
    """Arguments or output; of a call that the server makes itself, both."""
    stated = json_or_text(line.text)
    return stated if line.output is None else {"arguments": stated, "output": json_or_text(line.output)}


def _bounds(value: Line | Response) -> tuple[int, int] | None:
    first, last = value.seqs.first, value.seqs.last
    return None if first is None or last is None else (first, last)


def _status(response: Response) -> str:
    details = response.status_details
    if isinstance(details, dict):
        stated = cast("dict[str, Any]", details)
        error = stated.get("error")
        code = cast("dict[str, Any]", error).get("code") if isinstance(error, dict) else None
        details = stated.get("reason") or code
    return f"{response.status}: {details}" if isinstance(details, str) and details else response.status


def _request(response: Response) -> dict[str, Any] | None:
    if response.trigger != "client":
        return None
    asked = cast("dict[str, Any]", normalise_response(response.request or {}))
    stated = {key: value for key, value in asked.items() if key != "metadata"}
    return {key: _without_ids(value) if key == "input" else value for key, value in stated.items()}


def _without_ids(value: Any) -> Any:
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value).items()
        return {key: _without_ids(member) for key, member in members if key not in ID_KEYS}
    return [_without_ids(each) for each in cast("list[Any]", value)] if isinstance(value, list) else value


def _latency(response: Response) -> float | None:
    if response.trigger_ns is None or response.first_output_ns is None:
        return None
    return (response.first_output_ns - response.trigger_ns) / NS_PER_MS


def json_or_text(text: str) -> Any:
    """Return the JSON value that a text spells, else the text; JSON nested deeper than the fold reads is text."""
    try:
        value = parse_json(text)
    except ValueError:
        return text
    return text if too_deep(value) else value


def mask_ids(text: str, conversation: Conversation) -> str:
    """Put ``…`` in place of the conversation's ids in a text: error messages name items and events."""
    ids = set(_ids(conversation))
    return _WORD.sub(lambda word: "…" if len(word[0]) >= _MIN_ID_LENGTH and word[0] in ids else word[0], text)


def _ids(conversation: Conversation) -> Iterator[str]:
    for value in (conversation.session.id, conversation.conversation_id):
        if value is not None:
            yield value
    for response in conversation.responses:
        yield response.id
    for item in (*conversation.items, *conversation.deleted, *conversation.out_of_band):
        yield item.id
        if item.call_id is not None:
            yield item.call_id
    for error in conversation.errors:
        if error.event_id is not None:
            yield error.event_id
