"""The short way for events that come by the thousand: appended audio, and deltas of what is already open.

Each handler reads only the fields that it needs, straight from the bytes, and appends to flat lists. Whatever is not
plain (the first delta of a part, a missing field, a value of another type, text that is not JSON) it leaves to the
reducers, which do the same thing in full. So this is never more than a faster way to the same state.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from ...schemas.audio import decode_base64
from ...schemas.dialects.vocabulary import CANONICAL
from ...schemas.frame import Frame
from .working import State, TextKind

__all__ = ["Handler", "handlers"]

Handler = Callable[[Frame], bool]
"""Takes a text frame of its type; False where the reducers must do it."""


class _Append(msgspec.Struct, gc=False):
    audio: str
    event_id: str | None = None


class _Delta(msgspec.Struct, gc=False):
    item_id: str
    delta: str
    content_index: int = 0


class _Arguments(msgspec.Struct, gc=False):
    item_id: str
    delta: str


_UNREADABLE: Final = (ValueError, RecursionError, TypeError)
"""Not the JSON of that shape; msgspec's errors are ValueErrors. An erased body is None."""

_DELTAS: Final[Mapping[str, TextKind]] = {
    "conversation.item.input_audio_transcription.delta": "transcription",
    "response.output_audio_transcript.delta": "transcript",
    "response.output_text.delta": "text",
}
_ARGUMENTS: Final = ("response.function_call_arguments.delta", "response.mcp_call_arguments.delta")
_AUDIO: Final = "response.output_audio.delta"
_APPEND: Final = "input_audio_buffer.append"


def handlers(state: State) -> dict[str, Handler]:
    """Return the handlers for a state, by the event's type on the wire (preview names too)."""
    canonical: dict[str, Handler] = {
        _APPEND: _append(state),
        _AUDIO: _audio(state),
        **{name: _text(state, kind) for name, kind in _DELTAS.items()},
        **dict.fromkeys(_ARGUMENTS, _arguments(state)),
    }
    return canonical | {name: canonical[to] for name, to in CANONICAL.items() if to in canonical}


def _append(state: State) -> Handler:
    decode = msgspec.json.Decoder(_Append).decode
    clock, add, ids = state.input, state.input_audio.add, state.append_ids
    plain: bytes | None = None
    """A body without an id. Without their audio, most clients' appends are all the same bytes."""

    def append(frame: Frame) -> bool:
        nonlocal plain
        body, audio = frame.body, frame.audio
        if audio is not None and body == plain and frame.sender == "client":
            length = len(audio)
            add(frame.seq, length)
            clock.received += length
            return True
        try:
            event = decode(body)  # type: ignore[arg-type]  # an erased one raises TypeError
        except _UNREADABLE:
            return False
        sound = decode_base64(event.audio) if audio is None else audio
        if sound is None or frame.sender != "client":
            return False
        state.client_spoke = True
        add(frame.seq, len(sound))
        clock.received += len(sound)
        if event.event_id is not None:
            ids.append((event.event_id, frame.seq))
        elif audio is not None:
            plain = body
        return True

    return append


def _audio(state: State) -> Handler:
    decode = msgspec.json.Decoder(_Delta).decode
    sink_of = state.audio_sinks.get

    def audio_delta(frame: Frame) -> bool:
        try:
            event = decode(frame.body)  # type: ignore[arg-type]  # an erased one raises TypeError
        except _UNREADABLE:
            return False
        sink = sink_of((event.item_id, event.content_index))
        if sink is None or frame.sender != "server":
            return False
        audio = decode_base64(event.delta) if frame.audio is None else frame.audio
        if audio is None:
            return False
        sink(frame.seq, len(audio))
        return True

    return audio_delta


def _text(state: State, kind: TextKind) -> Handler:
    decode = msgspec.json.Decoder(_Delta).decode
    sink_of = state.text_sinks[kind].get

    def text_delta(frame: Frame) -> bool:
        try:
            event = decode(frame.body)  # type: ignore[arg-type]  # an erased one raises TypeError
        except _UNREADABLE:
            return False
        sink = sink_of((event.item_id, event.content_index))
        if sink is None or frame.sender != "server" or frame.audio is not None:
            return False
        sink(frame.seq, event.delta)
        return True

    return text_delta


def _arguments(state: State) -> Handler:
    decode = msgspec.json.Decoder(_Arguments).decode
    sink_of = state.text_sinks["arguments"].get

    def arguments_delta(frame: Frame) -> bool:
        try:
            event = decode(frame.body)  # type: ignore[arg-type]  # an erased one raises TypeError
        except _UNREADABLE:
            return False
        sink = sink_of((event.item_id, 0))
        if sink is None or frame.sender != "server" or frame.audio is not None:
            return False
        sink(frame.seq, event.delta)
        return True

    return arguments_delta
