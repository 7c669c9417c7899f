"""Where audio stands in an event, what its bytes are, and how they are written.

============================================  ================================================================
Event                                         Base64 audio
============================================  ================================================================
``….append`` of the client                    ``audio``
``…audio.delta`` of the server                ``delta``
events with an ``item``                       ``audio`` of each part of ``item.content``
``response.create``, ``.created``, ``.done``  the same of each item of ``response.input``, ``response.output``
``response.content_part.*``                   ``part.audio``
============================================  ================================================================

The first two are told by the shape of the type, so that the names of all dialects fall under them. Elsewhere audio is
the ``audio`` of a content part. It is base64 (RFC 4648, section 4, with padding) of mono samples: little-endian 16-bit
PCM, or G.711.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple, TypeGuard, cast

import msgspec
import pybase64

from .frame import Frame

__all__ = [
    "APPEND_TYPES",
    "FORMATS",
    "FORMAT_NAMES",
    "AudioFormat",
    "audio_format",
    "audio_key",
    "audio_of",
    "decode_base64",
    "decode_canonical",
    "default_format",
    "is_rate",
    "named_format",
    "read_append",
    "read_key",
    "silence",
    "stated_format",
]

Json = dict[str, Any]
AudioKey = Literal["audio", "delta"]

APPEND_TYPES: Final = frozenset(
    ("input_audio_buffer.append", "session.input_audio_buffer.append", "session.input_audio.append")
)
"""Client events that carry the input stream, in every dialect."""


def audio_key(event_type: str | None) -> AudioKey | None:
    """Return the top-level key under which an event of this type carries audio; None if it carries none there."""
    if event_type is None:
        return None
    if event_type.endswith(".append"):
        return "audio"
    if event_type.endswith("audio.delta"):
        return "delta"
    return None


# Formats


class _Encoding(NamedTuple):
    """``rate`` in Hz unless another is stated, ``sample_size`` in bytes, one byte of silence."""

    rate: int
    sample_size: int
    silent: bytes


_PCM: Final = "audio/pcm"
_ENCODINGS: Final[Mapping[str, _Encoding]] = {
    _PCM: _Encoding(24000, 2, b"\0"),
    "audio/pcmu": _Encoding(8000, 1, b"\xff"),
    # A-law has no zero; its smallest value stands for it.
    "audio/pcma": _Encoding(8000, 1, b"\xd5"),
}
_UNKNOWN: Final = _ENCODINGS[_PCM]
"""How a type that the API does not have is read."""

FORMATS: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "pcm16": MappingProxyType({"type": _PCM, "rate": _ENCODINGS[_PCM].rate}),
        "g711_ulaw": MappingProxyType({"type": "audio/pcmu"}),
        "g711_alaw": MappingProxyType({"type": "audio/pcma"}),
    }
)
"""Preview audio formats in GA shape. G.711 is always 8 kHz and GA states no rate for it."""

FORMAT_NAMES: Final[Mapping[str, str]] = MappingProxyType({str(shape["type"]): name for name, shape in FORMATS.items()})
"""Preview names by GA format types (``audio/pcm`` only at 24 kHz)."""


@dataclass(slots=True)
class AudioFormat:
    """Format of one direction's audio. ``type``: ``audio/pcm``, ``audio/pcmu`` or ``audio/pcma``; ``rate`` in Hz."""

    type: str
    rate: int
    stated: bool = True
    """False if no event stated it and the API's default was assumed."""

    @property
    def sample_size(self) -> int:
        """Bytes of one sample; an unknown type counts as 16-bit PCM."""
        return _ENCODINGS.get(self.type, _UNKNOWN).sample_size

    @property
    def bytes_per_ms(self) -> float:
        """Bytes of one millisecond."""
        return self.rate * self.sample_size / 1000


def default_format() -> AudioFormat:
    """Return the API's default in both directions, marked as not stated."""
    return AudioFormat(_PCM, _ENCODINGS[_PCM].rate, stated=False)


def silence(size: int, stated: AudioFormat) -> bytes:
    """Return this many bytes of silence; none for a negative number."""
    return _ENCODINGS.get(stated.type, _UNKNOWN).silent * size


def named_format(value: Any) -> Any:
    """Convert ``pcm16`` and the like to an object; return anything else unchanged."""
    if isinstance(value, str) and value in FORMATS:
        return dict(FORMATS[value])
    return cast("object", value)


def audio_format(value: Any) -> AudioFormat | None:
    """Read an audio format in preview or GA shape; None if it is not a known format.

    ``pcm16`` and ``audio/pcm`` are 24 kHz unless a rate is stated; G.711 is 8 kHz.
    """
    value = named_format(value)
    if not isinstance(value, dict):
        return None
    fields = cast("Json", value)
    name, rate = fields.get("type"), fields.get("rate")
    encoding = _ENCODINGS.get(name) if isinstance(name, str) else None
    if encoding is None:
        return None
    return AudioFormat(cast("str", name), rate if is_rate(rate) else encoding.rate)


def is_rate(value: Any) -> TypeGuard[int]:
    """Tell whether a JSON value can be a sampling rate."""
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def stated_format(config: Any, side: Literal["input", "output"]) -> AudioFormat | None:
    """Read the format that a session or response object in GA shape states; None if it states none that is known."""
    for key in ("audio", side, "format"):
        config = cast("Json", config).get(key) if isinstance(config, dict) else None
    return audio_format(config)


# Base64


def decode_base64(text: str) -> bytes | None:
    """Decode audio; None if the text is not base64."""
    try:
        return pybase64.b64decode(text, None, True)  # by position: keywords cost as much as the decoding
    except ValueError:
        return None


def decode_canonical(text: bytes) -> bytes | None:
    """Decode base64; None for anything that would not encode to the same text again."""
    if len(text) % 4:
        return None
    try:
        audio = pybase64.b64decode(text, None, True)
    except ValueError:
        return None
    groups = len(text) // 4 * 3
    if len(audio) == groups:
        return audio
    padding = groups - len(audio)
    # Only a last group with padding can hold bits that decoding drops (RFC 4648, section 3.5).
    if not text.endswith(b"=" * padding) or pybase64.b64encode(audio[padding - 3 :]) != text[-4:]:
        return None
    return audio


def _comparable(text: str) -> bytes:
    """Decode audio; text that is not base64 stands for itself, so that it can still be compared."""
    audio = decode_base64(text)
    return text.encode("utf-8", "surrogatepass") if audio is None else audio


# Events


class _Append(msgspec.Struct, gc=False):
    type: Any = None
    audio: Any = None


class _Delta(msgspec.Struct, gc=False):
    type: Any = None
    delta: Any = None


_append = msgspec.json.Decoder(_Append).decode
_delta = msgspec.json.Decoder(_Delta).decode
_UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def read_key(payload: bytes, key: AudioKey) -> tuple[Any, Any]:
    """Read an event's ``type`` and the value of its audio key, leaving the rest unparsed; None for what is absent."""
    try:
        if key == "audio":
            event = _append(payload)
            return event.type, event.audio
        event = _delta(payload)
    except _UNREADABLE:
        return None, None
    return event.type, event.delta


def read_append(payload: bytes | str) -> tuple[str | None, bytes | None]:
    """Read an event's type and, if it appends to the input stream, its audio.

    Audio that is not base64 is the text itself: two streams can be compared all the same.
    """
    try:
        event = _append(payload)
    except _UNREADABLE:
        return None, None
    name = event.type if isinstance(event.type, str) else None
    return name, _comparable(event.audio) if name in APPEND_TYPES and isinstance(event.audio, str) else None


def audio_of(frame: Frame, part: int | None = None) -> bytes:
    """Return the decoded audio that a record holds.

    Where the journal keeps audio apart from its JSON, nothing is parsed or decoded.

    Args:
        frame: an append, an audio delta, or an event with an item.
        part: index of the content part in the event's item; None for an append or a delta.

    Raises:
        ValueError: it holds none, or none that is base64, or its payload was erased; the text says which.
    """
    if part is None and frame.audio is not None:
        return frame.audio
    event = frame.json()
    value = _value(cast("Json", event), part) if isinstance(event, dict) else None
    if not isinstance(value, str):
        raise ValueError("no audio in it")
    audio = decode_base64(value)
    if audio is None:
        raise ValueError("the audio is not base64")
    return audio


def _value(event: Json, part: int | None) -> Any:
    if part is None:
        name = event.get("type")
        key = audio_key(name) if isinstance(name, str) else None
        return None if key is None else event.get(key)
    try:
        return event["item"]["content"][part]["audio"]
    except (KeyError, IndexError, TypeError):
        return None
