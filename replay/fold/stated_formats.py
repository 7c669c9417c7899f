"""Formats that the sound contradicts: what was stated is kept, and the contradiction is a problem of the state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from ...schemas.audio import AudioFormat, decode_base64, stated_format
from ...schemas.state import Problem
from ...schemas.values import Json, string
from .input_spans import InputSpans, Mark, read_spans
from .output_audio import output_format
from .sample_clock import SampleClock
from .working import ItemWork, State

__all__ = ["check_first_sound", "input_format_problems", "reads_as_pcm16"]

_ENOUGH: Final = 400
"""Bytes from which on the shape of sound shows: 25 ms of G.711."""
_AT_MOST: Final = 8000
_APART: Final = 4
"""High bytes of 16-bit samples change this many times less than neighbouring bytes do."""
_LEAST_CHANGE: Final = 8
"""Less than this from byte to byte is near silence, which is alike in all formats."""


def reads_as_pcm16(data: bytes) -> bool:
    """Tell whether high and low bytes alternate: then the sound is 16-bit PCM, not G.711.

    Neighbouring bytes of G.711 are neighbouring samples, and differ less than those that are two apart. In 16-bit PCM
    (little-endian) every second byte is a high byte, which hardly changes from sample to sample; the bytes between are
    like noise.
    """
    if len(data) < _ENOUGH:
        return False
    octets = np.frombuffer(data[: min(len(data), _AT_MOST) // 2 * 2], np.uint8).astype(np.int16)
    near, high = _change(octets[1:] - octets[:-1]), _change(octets[3::2] - octets[1:-2:2])
    return near > _LEAST_CHANGE and high * _APART < near


def _change(steps: np.ndarray[tuple[int], np.dtype[np.int16]]) -> float:
    """The mean step from byte to byte, the shorter way round: 255 and 0 are neighbours."""
    size = np.abs(steps)
    return float(np.minimum(size, 256 - size).mean())


def check_first_sound(state: State, event: Json, item: ItemWork) -> None:
    """Note if the first sound of a part is not in the stated format."""
    stated = output_format(state.session, item.response, state.seq)
    if stated.sample_size != 1:
        return
    data = decode_base64(string(event, "delta") or "")
    if data is not None and reads_as_pcm16(data):
        state.problem(
            "audio-format",
            f"the sound of item {item.id} is stated as {_name(stated)}, but its bytes read as 16-bit PCM: high and low "
            "bytes alternate",
        )


def input_format_problems(state: State, spans: InputSpans, words: dict[Mark, str]) -> list[Problem]:
    """Say so where the input fits the format that the client asked for, and not the one that the server stated."""
    if spans.clock.counts_from != "unknown" or not state.input.received:
        return []
    stated = state.session.input_format
    for change in reversed(state.session.history):
        asked = stated_format(change.config, "input") if change.by == "client" else None
        if asked is None or (asked.type, asked.rate) == (stated.type, stated.rate):
            continue
        if _fits(state, asked, words):
            seq = max((each.seq for each in state.session.history if each.by == "server"), default=change.seq)
            detail = (
                f"{state.input.received} bytes of input and the stated spans ({_spans(state.marks)}) fit "
                f"{_name(asked)}, which the client asked for; as {_name(stated)}, which the server stated, they are "
                f"{state.input.ms_of(state.input.received):.0f} ms"
            )
            return [Problem(seq, "audio-format", detail)]
    return []


def _fits(state: State, asked: AudioFormat, words: dict[Mark, str]) -> bool:
    clock = SampleClock()
    clock.set_format(asked, 0)
    clock.received, clock.gap_at = state.input.received, state.input.gap_at
    return read_spans(clock, state.marks, words).clock.counts_from != "unknown"


def _spans(marks: Sequence[Mark]) -> str:
    stated = [f"{mark.start_ms:g}–{mark.end_ms:g} ms" for mark in marks if None not in (mark.start_ms, mark.end_ms)]
    return ", ".join(stated[:3]) + (", …" if len(stated) > 3 else "")


def _name(stated: AudioFormat) -> str:
    return f"{stated.type} at {stated.rate} Hz"
