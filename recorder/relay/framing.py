"""Finds the messages in what a peer sends, and leaves everything else unread.

Nearly all traffic is whole messages in one frame each (RFC 6455 section 5.2). Those are taken out here: a header of a
few bytes, a payload. Everything else (control frames, fragments, whatever is wrong) goes to the protocol of
``websockets`` as it came, which knows all the rules. So a message costs a fraction of what the general parser needs for
it, and a peer's mistakes are still judged in one place.
"""

from __future__ import annotations

import os
from struct import Struct
from typing import Final

from websockets.frames import Opcode

from ...schemas.frame import Kind

try:
    from websockets.speedups import apply_mask
except ImportError:  # websockets was built without its extension
    from websockets.utils import apply_mask

__all__ = ["Framer", "Message", "Wrapper"]

_FIN: Final = 0x80
_RESERVED: Final = 0x70
_OPCODE: Final = 0x0F
_CONTROL: Final = 0x08
_MASK: Final = 0x80
_LENGTH: Final = 0x7F
_TWO_BYTES: Final = 126
_EIGHT_BYTES: Final = 127
_KINDS: Final[dict[int, Kind]] = {_FIN | Opcode.TEXT: "text", _FIN | Opcode.BINARY: "binary"}
_FIRST_BYTES: Final[dict[Kind, int]] = {kind: first for first, kind in _KINDS.items()}
_medium: Final = Struct("!BBH").pack
_large: Final = Struct("!BBQ").pack
_KEYS: Final = 4096
"""Bytes of random masking keys that are fetched at once."""


class Message:
    """A whole message that came in one frame."""

    __slots__ = ("kind", "payload")

    def __init__(self, kind: Kind, payload: bytes) -> None:
        self.kind: Kind = kind
        self.payload = payload


class Framer:
    """Splits one direction of a connection, after the handshake. Pure: bytes in, parts out.

    Args:
        masked: whether the peer is a client, whose frames are masked.
        max_message: the largest payload, in bytes.
    """

    def __init__(self, *, masked: bool, max_message: int) -> None:
        self._masked = masked
        self._mask_bit = _MASK if masked else 0
        self._max = max_message
        self._begun = bytearray()
        """A frame whose end has not come yet."""
        self._needed = 0
        """How many bytes it takes before it is worth looking again."""
        self._owed = 0
        """Bytes of the frame under way that belong to the protocol."""
        self._fragmented = False
        self._over = False
        """Whether all that follows belongs to the protocol: behind a close frame, or a mistake."""

    def feed(self, data: bytes) -> list[Message | bytes]:
        """Take bytes as they came.

        Returns:
            Messages, and between them the bytes of other frames, for ``Protocol.receive_data``. Nothing is held back
            but the beginning of a message.
        """
        if self._begun:
            self._begun += data
            if len(self._begun) < self._needed:
                return []
            data, self._begun = bytes(self._begun), bytearray()
        parts: list[Message | bytes] = []
        at, size = 0, len(data)
        if self._over or self._owed:
            at = size if self._over else min(self._owed, size)
            self._owed = max(self._owed - at, 0)
            parts.append(data[:at])
        while at < size:
            if size - at < 2:
                self._wait(data, at, 2)
                break
            first, second = data[at], data[at + 1]
            length, start = second & _LENGTH, at + 2
            if length >= _TWO_BYTES:
                start += 2 if length == _TWO_BYTES else 8
                if start > size:
                    self._wait(data, at, start - at)
                    break
                length = int.from_bytes(data[at + 2 : start], "big")
            if self._masked:
                start += 4
            end = start + length
            kind = _KINDS.get(first)
            wrong = second & _MASK != self._mask_bit or length > self._max
            if kind is None or wrong or self._fragmented:
                stop = self._leave(first, end, size, wrong=wrong)
                parts.append(data[at:stop])
                at = stop
                continue
            if end > size:
                self._wait(data, at, end - at)
                break
            payload = data[start:end]
            parts.append(Message(kind, apply_mask(payload, data[start - 4 : start]) if self._masked else payload))
            at = end
        return parts

    def _wait(self, data: bytes, at: int, needed: int) -> None:
        self._begun += data[at:]
        self._needed = needed

    def _leave(self, first: int, end: int, size: int, *, wrong: bool) -> int:
        """Leave a frame to the protocol; return the position where its part of these bytes ends."""
        if wrong or first & _RESERVED or first & _OPCODE == Opcode.CLOSE:
            self._over = True
            return size
        if not first & _CONTROL:
            self._fragmented = not first & _FIN
        stop = min(end, size)
        self._owed = end - stop
        return stop


class Wrapper:
    """Makes frames of whole messages, for one direction of a connection.

    Args:
        masking: whether they are a client's. Each gets a masking key of its own (RFC 6455 section 5.3).
    """

    def __init__(self, *, masking: bool) -> None:
        self._masking = masking
        self._bit = _MASK if masking else 0
        self._keys = b""
        self._next_key = 0

    def wrap(self, message: Message) -> bytes:
        """Return a message's frame."""
        payload = message.payload
        length = len(payload)
        if length < _TWO_BYTES:
            head = bytes((_FIRST_BYTES[message.kind], self._bit | length))
        elif length < 1 << 16:
            head = _medium(_FIRST_BYTES[message.kind], self._bit | _TWO_BYTES, length)
        else:
            head = _large(_FIRST_BYTES[message.kind], self._bit | _EIGHT_BYTES, length)
        if not self._masking:
            return head + payload
        at = self._next_key
        if at >= len(self._keys):
            self._keys = os.urandom(_KEYS)
            at = 0
        self._next_key = at + 4
        key = self._keys[at : at + 4]
        return b"".join((head, key, apply_mask(payload, key)))
