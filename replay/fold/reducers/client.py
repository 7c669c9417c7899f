"""What the client's events do to the state.

Most of them are requests: they wait under ``pending`` until the server answers. What the client alone decides takes
effect at once: appended audio, and the output of a function as far as it was sent.
"""

from __future__ import annotations

from ....schemas.state import BufferEvent, ConfigChange, PlaybackEvent, Truncation
from ....schemas.values import Json, integer, members, number, string
from ..identity import of_assistant
from ..merge import audio_length
from ..working import Output, State

__all__ = [
    "append",
    "ask",
    "buffer_request",
    "cancel",
    "clear_playback",
    "create_item",
    "truncate",
    "update_session",
]


def append(state: State, event: Json) -> None:
    """``input_audio_buffer.append``: the input stream grows."""
    take_audio(state, audio_length(state, event.get("audio")))


def take_audio(state: State, length: int) -> None:
    """Add the audio of the record at hand to the input stream."""
    state.input_audio.add(state.seq, length)
    state.input.received += length


def ask(state: State, event: Json) -> None:
    """A request without an effect of its own: it is pending until the server answers."""


def update_session(state: State, event: Json) -> None:
    """``session.update``: asked for, in force only when the server says so."""
    config = members(event, "session")
    state.session.history.append(ConfigChange(state.seq, state.ns, "client", "session.update", config))
    state.session.requested = {**state.session.requested, **config}


def create_item(state: State, event: Json) -> None:
    """``conversation.item.create``: a function's output counts as sent; the item itself waits for the server."""
    item = members(event, "item")
    call_id = string(item, "call_id")
    if string(item, "type") == "function_call_output" and call_id is not None:
        output = Output(string(item, "output"), state.seq, state.ns, before=state.outputs.get(call_id))
        output.seqs.add(state.seq)
        state.outputs[call_id] = output


def buffer_request(state: State, event: Json) -> None:
    """``input_audio_buffer.commit`` and ``.clear``: noted with the audio received by then."""
    kind = string(event, "type") or ""
    state.buffer_events.append(BufferEvent(kind, state.seq, state.ns, state.input.received))


def truncate(state: State, event: Json) -> None:
    """``conversation.item.truncate``: a cut is asked for."""
    item_id, end = string(event, "item_id"), number(event, "audio_end_ms")
    if item_id is None or end is None:
        state.problem("bad-field", "item_id" if item_id is None else "audio_end_ms")
        return
    index = integer(event, "content_index") or 0
    item = of_assistant(state, item_id)
    cut = Truncation(item_id if item is None else item.id, index, end, "requested", "client", state.seq, state.ns)
    state.truncations.append(cut)
    state.truncation_asked[state.seq] = cut


def cancel(state: State, event: Json) -> None:
    """``response.cancel``: of the response that it names, else of the one in progress."""
    named = string(event, "response_id")
    for response in reversed(state.responses.values()):
        if response.done_seq is None and (response.in_band if named is None else response.id == named):
            if response.cancel_seq is None:
                response.cancel_seq, response.cancel_ns = state.seq, state.ns
                response.seqs.add(state.seq)
            return


def clear_playback(state: State, event: Json) -> None:
    """``output_audio_buffer.clear``: noted; what the buffer did is in the server's answer."""
    state.playback.append(PlaybackEvent("output_audio_buffer.clear", None, state.seq, state.ns))
