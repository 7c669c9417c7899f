"""Reducers of the input audio buffer and of its transcription."""

from __future__ import annotations

from ....schemas.state import BufferEvent, SpeechSpan
from ....schemas.values import Json, integer, members, number, string
from ..answers import answer
from ..identity import id_in, spoken_item, transcribed_item
from ..input_spans import PADDING_MS, Mark
from ..merge import part_of, place_item, place_spoken
from ..working import ItemWork, PartWork, Request, State, TranscriptionWork, TurnTrigger

__all__ = [
    "cleared",
    "committed",
    "dtmf_received",
    "speech_started",
    "speech_stopped",
    "timeout_triggered",
    "transcription_completed",
    "transcription_delta",
    "transcription_failed",
    "transcription_segment",
    "transcription_updated",
]

_USER_AUDIO = "input_audio"


def speech_started(state: State, event: Json) -> None:
    """``input_audio_buffer.speech_started``: an utterance begins, for the item that it will become."""
    span = SpeechSpan(id_in(event), started_seq=state.seq, started_ns=state.ns)
    span.start_ms = number(event, "audio_start_ms")
    _begin_speech(state, span)
    state.speech_received[span.item_id] = state.input.received


def speech_stopped(state: State, event: Json) -> None:
    """``input_audio_buffer.speech_stopped``: the utterance of that item ends."""
    item_id = id_in(event)
    span = state.speech_of.get(item_id)
    if span is None or span.stopped_seq is not None:
        span = _begin_speech(state, SpeechSpan(item_id))
        state.speech_received.pop(item_id, None)
    span.end_ms = number(event, "audio_end_ms")
    span.stopped_seq, span.stopped_ns = state.seq, state.ns


def _begin_speech(state: State, span: SpeechSpan) -> SpeechSpan:
    state.speech.append(span)
    state.speech_of[span.item_id] = span
    return span


def timeout_triggered(state: State, event: Json) -> None:
    """``input_audio_buffer.timeout_triggered``: silence becomes a turn of the user."""
    item_id = id_in(event)
    noted = BufferEvent(
        "input_audio_buffer.timeout_triggered", state.seq, state.ns, state.input.received, item_id,
        {key: event[key] for key in ("audio_start_ms", "audio_end_ms") if key in event},
    )  # fmt: skip
    state.buffer_events.append(noted)
    _trigger(state, "timeout", state.seq, state.ns)
    if item_id is not None:
        item = spoken_item(state, item_id)
        item.seqs.add(state.seq)
        item.role, item.created_by = "user", "speech"
        mark = Mark("timeout", state.seq, state.input.received, item_id=item_id)
        mark.start_ms, mark.end_ms = number(event, "audio_start_ms"), number(event, "audio_end_ms")
        mark.behind_gap = state.input.gap_at is not None
        state.marks.append(mark)
        _set_span(state, item, mark)


def committed(state: State, event: Json) -> None:
    """``input_audio_buffer.committed``: the buffer becomes an item of the conversation."""
    item_id = id_in(event)
    state.buffer_events.append(
        BufferEvent("input_audio_buffer.committed", state.seq, state.ns, state.input.received, item_id)
    )
    speech = _speech_of(state, item_id)
    request = answer(state, event)
    item = None if item_id is None else spoken_item(state, item_id)
    if item is not None and item.span is not None:  # by timeout
        mark = item.span
    else:
        mark = _mark(state, item_id, speech, request)
    if item is None:
        state.problem("bad-field", "item_id")
        return
    if speech is not None:
        for seq in (speech.started_seq, speech.stopped_seq):
            if seq is not None:
                mark.seqs.add(seq)
    _set_span(state, item, mark)
    item.seqs.add(state.seq)
    item.on_record = True
    item.role = item.role or "user"
    item.created_by = "speech"
    part = part_of(state, item, 0, _USER_AUDIO)
    if part.transcription is None and members(members(state.session.config, "audio"), "input").get("transcription"):
        part.transcription = TranscriptionWork()
    place_item(state, item, event)


def _speech_of(state: State, item_id: str | None) -> SpeechSpan | None:
    """The utterance that became an item: the one that names it, else the last one, if that names no item."""
    speech = None if item_id is None else state.speech_of.get(item_id)
    if speech is None:
        speech = state.speech_of.pop(None, None)
        if speech is not None and item_id is not None:  # detected without an id (older LocalAI)
            speech.item_id = item_id
            state.speech_of[item_id] = speech
    return speech


def _mark(state: State, item_id: str | None, speech: SpeechSpan | None, request: Request | None) -> Mark:
    """Note what a commit took, and by which words of the server."""
    end = state.input.received if request is None else request.at_byte
    mark = Mark("commit", state.seq, end, asked=request is not None, item_id=item_id)
    mark.behind_gap = state.input.gap_at is not None
    if speech is not None and speech.stopped_seq is not None:
        mark.kind, mark.asked, mark.end = "vad", False, state.input.received
        mark.start_ms, mark.end_ms = speech.start_ms, speech.end_ms
        mark.started_seq, mark.started = speech.started_seq, state.speech_received.get(speech.item_id)
        padding = number(_turn_detection(state), "prefix_padding_ms")
        mark.padding_ms = PADDING_MS if padding is None else padding
        _trigger_by_speech(state, speech)
    state.marks.append(mark)
    return mark


def _set_span(state: State, item: ItemWork, mark: Mark) -> None:
    mark.seqs.add(state.seq)
    item.span = mark


def _turn_detection(state: State) -> Json:
    return members(members(members(state.session.config, "audio"), "input"), "turn_detection")


def _trigger_by_speech(state: State, speech: SpeechSpan) -> None:
    detection = _turn_detection(state)
    if detection.get("create_response") is not False and speech.stopped_seq is not None:
        _trigger(state, "vad", speech.stopped_seq, speech.stopped_ns)


def _trigger(state: State, by: str, seq: int, ns: int | None) -> None:
    """A turn of the user that a response will follow; several turns may come before it."""
    first = seq if state.turn is None else state.turn.first_seq
    state.turn = TurnTrigger("timeout" if by == "timeout" else "vad", first, seq, ns)


def cleared(state: State, event: Json) -> None:
    """``input_audio_buffer.cleared``: what was appended before the client's request is gone from the buffer."""
    request = answer(state, event)
    at_byte = state.input.received if request is None else request.at_byte
    state.marks.append(Mark("clear", state.seq, at_byte, asked=request is not None))
    state.buffer_events.append(BufferEvent("input_audio_buffer.cleared", state.seq, state.ns, at_byte))


def dtmf_received(state: State, event: Json) -> None:
    """``input_audio_buffer.dtmf_event_received``: a key of the caller's telephone."""
    kept = {key: event[key] for key in ("event", "received_at") if key in event}
    state.buffer_events.append(
        BufferEvent("input_audio_buffer.dtmf_event_received", state.seq, state.ns, state.input.received, None, kept)
    )


def _transcription(state: State, event: Json, *, telling: bool) -> tuple[ItemWork, PartWork, TranscriptionWork] | None:
    """The transcription that an event is about. It may come before its item, or long after, or without any.

    Args:
        state: the working state.
        event: the event.
        telling: whether it holds words, which must not be lost.
    """
    item = transcribed_item(state, event, telling=telling)
    if item is None:
        return None
    item.role = item.role or "user"
    item.seqs.add(state.seq)
    part = _spoken_part(state, item, integer(event, "content_index") or 0)
    if part.transcription is None:
        part.transcription = TranscriptionWork()
    part.transcription.seqs.add(state.seq)
    place_spoken(state, item)
    return item, part, part.transcription


def _spoken_part(state: State, item: ItemWork, index: int) -> PartWork:
    """The part with the sound. A spoken item has one, whatever the index of its hypotheses (they count up in some)."""
    spoken = [part for part in item.parts.values() if part.type == _USER_AUDIO]
    announced = [part for part in spoken if part.announced]
    if len(announced) > 1 or (item.created_by == "client" and index in item.parts):
        return part_of(state, item, index, _USER_AUDIO)
    return (announced or spoken or [part_of(state, item, 0, _USER_AUDIO)])[0]


def transcription_delta(state: State, event: Json) -> None:
    """``conversation.item.input_audio_transcription.delta``: more of a transcript that is not final."""
    delta = string(event, "delta")
    found = _transcription(state, event, telling=bool(delta))
    if found is None or delta is None:
        return
    item, _, transcription = found
    if transcription.status == "completed":  # some vendors stream it once more; the statement counts
        return
    index = integer(event, "content_index") or 0
    stream = transcription.stream
    if stream.index != index:
        state.text_sinks["transcription"].pop((item.wire_id, stream.index), None)
    stream.turn_to(index)
    stream.add(state.seq, delta)
    transcription.status = "partial"
    state.open_text("transcription", item, index, stream.add)


def transcription_updated(state: State, event: Json) -> None:
    """``….updated`` (xAI): the transcript so far, each replacing the one before."""
    text = string(event, "transcript")
    found = _transcription(state, event, telling=bool(text))
    if found is not None and text is not None and found[2].status in ("pending", "partial"):
        found[2].status = "partial"
        found[2].stream.settle(None, text)


def transcription_completed(state: State, event: Json) -> None:
    """``….completed``: the transcript. Several may come, each replacing the one before (xAI: ``status`` says so)."""
    text = string(event, "transcript")
    found = _transcription(state, event, telling=bool(text))
    if found is None:
        return
    item, _, transcription = found
    transcription.completions += 1
    transcription.status = "partial" if event.get("status") == "in_progress" else "completed"
    if text is not None:
        transcription.stream.settle(integer(event, "content_index") or 0, text)
    transcription.error = None
    transcription.usage = members(event, "usage") or transcription.usage
    logprobs = event.get("logprobs")
    transcription.logprobs = logprobs if isinstance(logprobs, list) else transcription.logprobs
    transcription.done_ns = state.ns
    state.text_sinks["transcription"].pop((item.wire_id, transcription.stream.index), None)


def transcription_failed(state: State, event: Json) -> None:
    """``….failed``: no transcript; the turn itself goes on."""
    found = _transcription(state, event, telling=False)
    if found is None:
        return
    item, _, transcription = found
    transcription.status = "failed"
    transcription.error = members(event, "error")
    transcription.done_ns = state.ns
    state.text_sinks["transcription"].pop((item.wire_id, transcription.stream.index), None)


def transcription_segment(state: State, event: Json) -> None:
    """``….segment``: a stretch of the transcript with its speaker and times in seconds."""
    found = _transcription(state, event, telling=bool(string(event, "text")))
    if found is not None:
        transcription = found[2]
        transcription.segments.append(
            {key: value for key, value in event.items() if key not in ("type", "event_id", "item_id", "content_index")}
        )
        if transcription.status == "pending":
            transcription.status = "partial"
