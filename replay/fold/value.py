"""Make a value of the working state."""

from __future__ import annotations

import copy
from array import array
from collections.abc import Iterable, Sequence
from typing import Final, TypeVar

import numpy as np

from ...schemas.refs import Seqs
from ...schemas.state import (
    Call,
    Conversation,
    InputAudio,
    InputSpan,
    Item,
    Part,
    Pending,
    Response,
    Session,
    Transcription,
)
from ...schemas.values import members, string
from .input_spans import Mark, read_spans
from .interruptions import interruptions
from .merge import merge_item
from .stated_formats import input_format_problems
from .text_stream import TextStream
from .working import ItemWork, PartWork, Request, State, TranscriptionWork

__all__ = ["build", "join"]

T = TypeVar("T")


def build(state: State, dialect: str) -> Conversation:
    """Return the state as a value, which later changes of the working state do not touch.

    Args:
        state: the working state.
        dialect: as read off the events; a dialect that the session's ``open`` record states comes first.

    JSON values are shared with the working state, which never changes one.
    """
    deltas = _Deltas()
    items = tuple(state.every_item())
    words = _words(items)
    spans = read_spans(state.input, state.marks, words)
    frozen = {item: _item(item, deltas, spans.of, client_spoke=state.client_spoke) for item in items}
    conversation = Conversation(
        dialect=state.dialect or dialect,
        conversation_id=state.conversation_id,
        session=_session(state.session),
        items=[frozen[item] for item in state.order if item.deleted_seq is None and _in_band(item)],
        deleted=[frozen[item] for item in state.deleted],
        out_of_band=[
            frozen[item]
            for item in items
            if item.deleted_seq is None and (item not in state.order or not _in_band(item))
        ],
        unacknowledged=[_asked_for(request) for request in state.requests.of_type("conversation.item.create")],
        responses=[_response(state, response, deltas) for response in state.responses.values()],
        calls=[_call(state, item) for item in state.calls],
        mcp=[_copy(tools, seqs=tools.seqs.copy()) for tools in state.mcp.values()],
        input_audio=InputAudio(
            state.input_audio.copy(),
            spans.committed_to,
            [_copy(span) for span in state.speech],
            [_copy(event) for event in state.buffer_events],
            state.input.formats,
            spans.clock,
        ),
        truncations=[_copy(truncation) for truncation in state.truncations],
        playback=[_copy(event) for event in state.playback],
        pending=[
            Pending(request.seq, request.ns, request.type, request.event_id, _item_id(request.event))
            for request in state.requests
        ],
        errors=[_copy(error) for error in state.errors],
        rate_limits=None if state.rate_limits is None else _copy(state.rate_limits),
        gaps=[_copy(gap) for gap in state.gaps],
        problems=[*map(_copy, state.problems), *input_format_problems(state, spans, words)],
        counts=dict(sorted(state.counts.items())),
        unknown=dict(sorted(state.unknown.items())),
        refusal=state.refusal,
        close=None if state.close is None else _copy(state.close),
        last_seq=state.seq,
        last_ns=state.last_ns,
    )
    conversation.interruptions = interruptions(conversation)
    return conversation


def _copy(value: T, **changes: object) -> T:
    """A shallow copy of a dataclass with some fields replaced."""
    other = copy.copy(value)
    for name, change in changes.items():
        setattr(other, name, change)
    return other


def _item_id(event: dict[str, object]) -> str | None:
    return string(event, "item_id") or string(members(event, "item"), "id")


def _in_band(item: ItemWork) -> bool:
    return item.on_record or item.response is None or item.response.in_band


def _session(session: Session) -> Session:
    return _copy(
        session,
        history=[_copy(change) for change in session.history],
        input_format=_copy(session.input_format),
        output_format=_copy(session.output_format),
    )


class _Deltas(dict[PartWork, Seqs]):
    """The records with the deltas of each part: they are behind the part, its item and its response."""

    def __missing__(self, part: PartWork) -> Seqs:
        transcribed = () if part.transcription is None else (part.transcription.stream.seqs,)
        seqs = self[part] = join((), (part.text.seqs, part.transcript.seqs, part.audio.seqs, *transcribed))
        return seqs


def _words(items: Iterable[ItemWork]) -> dict[Mark, str]:
    """What was understood in each span."""
    words: dict[Mark, str] = {}
    for item in items:
        if item.span is not None:
            said = (part.transcription.text for part in item.parts.values() if part.transcription is not None)
            words[item.span] = next((text for text in said if text), "")
    return words


def _item(item: ItemWork, deltas: _Deltas, spans: dict[Mark, InputSpan], *, client_spoke: bool) -> Item:
    # Whether the client is on record at all is known at the end: an item may come before the client's first event.
    by = item.created_by if client_spoke or item.created_by != "server" else None
    parts = [_part(item.parts[index], deltas[item.parts[index]], cut=item.cut) for index in sorted(item.parts)]
    marks = [] if item.span is None else [item.span.seqs]
    singles = [item.arguments.seqs, array("q", [] if item.request_seq is None else [item.request_seq])]
    return Item(
        id=item.id,
        type=item.type,
        role=item.role,
        status=item.status,
        content=parts,
        name=item.name,
        call_id=item.call_id,
        arguments=item.arguments.text_of(cut=item.cut),
        output=item.output,
        fields=dict(item.fields),
        previous_item_id=item.previous_item_id,
        response_id=None if item.response is None else item.response.id,
        created_by=by or "unknown",
        request_seq=item.request_seq,
        id_by_client=item.id_by_client,
        span=None if item.span is None else spans.get(item.span),
        on_record=item.on_record,
        deleted_seq=item.deleted_seq,
        first_seq=item.first_seq,
        first_ns=item.first_ns,
        done_ns=item.done_ns,
        seqs=join([item.seqs, *marks, *(part.seqs for part in parts)], singles),
    )


def _asked_for(request: Request) -> Item:
    """An item as its ``conversation.item.create`` states it."""
    asked = State()
    asked.seq, asked.ns = request.seq, request.ns
    stated = members(request.event, "item")
    item_id = string(stated, "id") or f"no-id-{request.seq}"
    item = ItemWork(item_id, request.seq, request.ns, created_by="client", request_seq=request.seq)
    item.id_by_client = bool(string(stated, "id"))
    merge_item(asked, item, stated, final=True)
    return _item(item, _Deltas(), {}, client_spoke=True)


def _main_stream(part: PartWork) -> TextStream:
    """The text that goes with the part's type; a part has one of the two, bad traffic apart."""
    return part.transcript if part.transcript.marks or part.transcript.stated is not None else part.text


def _part(part: PartWork, deltas: Seqs, *, cut: bool) -> Part:
    stream = _main_stream(part)
    text, transcript = part.text.text_of(cut=cut), part.transcript.text_of(cut=cut)
    final = transcript if stream is part.transcript else text
    transcription = None if part.transcription is None else _transcription(part.transcription)
    if transcription is not None and not transcript and (transcription.text or transcription.status == "completed"):
        transcript = transcription.text
    return Part(
        type=part.type,
        index=part.index,
        text=text,
        transcript=transcript,
        status=part.status,
        audio=part.audio.copy(),
        image_url=part.image_url,
        detail=part.detail,
        transcription=transcription,
        fields=dict(part.fields),
        text_deltas=stream.lengths(),
        words=list(part.words),
        streamed=None if stream.streamed == final else stream.streamed,
        first_audio_ns=part.first_audio_ns,
        audio_done=part.audio_done,
        seqs=join([part.seqs, deltas, *([] if transcription is None else [transcription.seqs])]),
    )


def _transcription(work: TranscriptionWork) -> Transcription:
    return Transcription(
        status=work.status,
        text=work.text,
        segments=list(work.segments),
        error=work.error,
        usage=work.usage,
        logprobs=work.logprobs,
        completions=work.completions,
        seqs=join([work.seqs], [work.stream.seqs]),
        done_ns=work.done_ns,
    )


def _response(state: State, response: Response, deltas: _Deltas) -> Response:
    causes = [seq for seq in (response.request_seq, response.trigger_seq, response.cancel_seq) if seq is not None]
    runs, singles = [response.seqs], [array("q", causes)]
    for item in state.output_items.get(response.id, ()):
        if item.response is response:
            singles.append(item.arguments.seqs)
            runs.extend(deltas[part] for part in item.parts.values())
    return _copy(response, output=list(response.output), seqs=join(runs, singles))


def _call(state: State, item: ItemWork) -> Call:
    call_id = item.call_id or ""
    output = state.outputs.get(call_id)
    done_seq, done_ns = item.arguments_seq, item.arguments_ns
    call = Call(
        call_id=call_id,
        item_id=item.id,
        name=item.name,
        arguments=item.arguments.text_of(cut=item.cut) or "",
        response_id=None if item.response is None else item.response.id,
        done_seq=done_seq,
        done_ns=done_ns,
        seqs=join([item.seqs, *([] if output is None else [output.seqs])], [item.arguments.seqs]),
    )
    if output is not None:
        call.output, call.output_item_id = output.output, output.item_id
        call.output_seq, call.output_ns = output.seq, output.ns
    return call


_WORTH_AN_ARRAY: Final = 200


def join(runs: Iterable[Seqs], singles: Sequence[array[int]] = ()) -> Seqs:
    """Return the union of runs of seqs and of single seqs, each in any order."""
    count = sum(len(values) for values in singles)
    if count >= _WORTH_AN_ARRAY:
        runs = [*runs, *(_runs_of(values) for values in singles)]
        singles = ()
    bounds = [tuple(run) for seqs in runs for run in seqs.runs]
    bounds.extend((seq, seq) for values in singles for seq in values)
    if not bounds:
        return Seqs()
    bounds.sort()
    joined: list[list[int]] = [list(bounds[0])]
    for first, last in bounds[1:]:
        if first > joined[-1][1] + 1:
            joined.append([first, last])
        elif last > joined[-1][1]:
            joined[-1][1] = last
    return Seqs(joined)


def _runs_of(values: array[int]) -> Seqs:
    seqs = np.unique(np.frombuffer(values, dtype=np.int64)) if values else np.empty(0, np.int64)
    breaks = np.flatnonzero(np.diff(seqs) > 1)
    firsts = seqs[np.concatenate(([0], breaks + 1))] if len(seqs) else seqs
    lasts = seqs[np.concatenate((breaks, [len(seqs) - 1]))] if len(seqs) else seqs
    return Seqs(np.column_stack((firsts, lasts)).tolist())
