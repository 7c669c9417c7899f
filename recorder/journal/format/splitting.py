"""Finds the base64 audio in an event's bytes, and proves that taking it out loses nothing.

An event such as ``{"type":"input_audio_buffer.append","audio":"…"}`` is mostly one base64 string. It is held as the
decoded audio beside the JSON around it, where that is exactly reversible; everything else is left alone. Nothing is
ever re-encoded as JSON: the frame's own bytes are cut at two places.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from ....schemas.audio import AudioKey, audio_key, decode_canonical, read_key

__all__ = ["Split", "Splitter"]

_SHORTEST: Final = 16
"""Base64 characters below which a split saves nothing."""

_CANDIDATES: Final = 4
"""How many places with the quoted key to look at."""

_MARK: Final = b"\x7fearwitness:cut\x7f"
_MARK_TEXT: Final = _MARK.decode()
_SPACE: Final = b" \t\r\n"


_EVENT_ID: Final = b'"event_id":"'
_PLAIN: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
_MOST_SHAPES: Final = 64
_LARGEST_SHAPE: Final = 512


class Split(NamedTuple):
    """An event's bytes in two: ``body`` with nothing between the quotes at ``cut``, and the decoded ``audio``."""

    body: bytes
    audio: bytes
    cut: int


class _Shape(NamedTuple):
    """The JSON around the audio of an event that was read; others of its kind differ from it in ``event_id`` alone."""

    head: bytes
    """All before the audio; with an event id, all before that."""
    rest: bytes | None
    """What stands between the event id and the audio; None if no event id stands before the audio."""
    tail: bytes
    body: bytes


class Splitter:
    """Splits events, and remembers the JSON around the audio: those that follow mostly have the very same."""

    def __init__(self) -> None:
        self._shapes: dict[str, _Shape] = {}

    def split(self, payload: bytes, event_type: str | None) -> Split | None:
        """Split an event's bytes into JSON and decoded audio; None if that is not exactly reversible.

        Args:
            payload: the frame's bytes.
            event_type: the event's own ``type``; without one nothing is split.

        Returns:
            The parts, such that ``body[:cut] + base64(audio) + body[cut:] == payload``, and the JSON in ``body`` has an
            empty string as the value that a JSON reader takes for the audio key (of duplicate keys, the last).
        """
        key = audio_key(event_type)
        if key is None or event_type is None:
            return None
        shape = self._shapes.get(event_type)
        if shape is not None and (found := _split_like(payload, shape)) is not None:
            return found
        found = _find(payload, key, event_type)
        if found is None:
            return None
        head, audio, tail = found
        body = head + tail
        if len(body) <= _LARGEST_SHAPE:
            if len(self._shapes) >= _MOST_SHAPES:
                self._shapes.clear()
            self._shapes[event_type] = _shape(head, tail, body)
        return Split(body, audio, len(head))


def _shape(head: bytes, tail: bytes, body: bytes) -> _Shape:
    """Cut a plain event id out of what stands before the audio."""
    at = head.find(_EVENT_ID) + len(_EVENT_ID)
    end = head.find(b'"', at)
    if at < len(_EVENT_ID) or end < 0 or head[at:end].translate(None, _PLAIN):
        return _Shape(head, None, tail, body)
    return _Shape(head[:at], head[end:], tail, body)


def _split_like(payload: bytes, shape: _Shape) -> Split | None:
    """Split an event whose JSON is known; None for any other.

    What differs from the JSON that was parsed is a run of characters that end no string and need no escape, in the
    place of such a run: the structure is the same.
    """
    head, rest, tail, body = shape
    if not (payload.startswith(head) and payload.endswith(tail)):
        return None
    start = len(head)
    if rest is not None:
        end = payload.find(b'"', start)
        if not payload.startswith(rest, end) or payload[start:end].translate(None, _PLAIN):
            return None
        start = end + len(rest)
        body = payload[:start] + tail
    text = payload[start : len(payload) - len(tail)]
    # Base64 has no quotes: what stands between them is the whole value.
    audio = decode_canonical(text) if len(text) >= _SHORTEST else None
    return None if audio is None else Split(body, audio, start)


def _find(payload: bytes, key: AudioKey, event_type: str) -> tuple[bytes, bytes, bytes] | None:
    """Return what precedes the audio, the decoded audio, and what follows it; None if there is no such audio."""
    quoted = b'"%s"' % key.encode()
    at = payload.find(quoted)
    for _ in range(_CANDIDATES):
        if at < 0:
            return None
        at += len(quoted)
        start = at + 2 if payload.startswith(b':"', at) else _string_start(payload, at)
        if start is not None:
            end = payload.find(b'"', start)
            if end - start >= _SHORTEST:
                audio = decode_canonical(payload[start:end])
                if audio is not None:
                    head, tail = payload[:start], payload[end:]
                    if _is_value(head, tail, key, event_type):
                        return head, audio, tail
        at = payload.find(quoted, at)
    return None


def _string_start(payload: bytes, at: int) -> int | None:
    """Skip the colon and white space; return the position after the opening quote, None if none follows."""
    size = len(payload)
    while at < size and payload[at] in _SPACE:
        at += 1
    if at >= size or payload[at] != 0x3A:
        return None
    at += 1
    while at < size and payload[at] in _SPACE:
        at += 1
    return at + 1 if at < size and payload[at] == 0x22 else None


def _is_value(head: bytes, tail: bytes, key: AudioKey, event_type: str) -> bool:
    """Whether a string between ``head`` and ``tail`` is what a JSON reader takes for the top-level key.

    A mark that the rest does not hold is put there, and the whole is parsed: strings, nesting and duplicate keys are
    the parser's business.
    """
    if _MARK in head or _MARK in tail:
        return False
    return read_key(head + _MARK + tail, key) == (event_type, _MARK_TEXT)
