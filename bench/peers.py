"""The two ends of benchmarked connections: they send prepared frames and take times, as cheaply as possible."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import struct
from collections.abc import Callable
from time import monotonic_ns

import pybase64

__all__ = ["End", "frame", "open_client", "open_server", "stamped", "voice"]

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_STAMP = slice(13, 33)
"""Where the send time stands in a payload made by :func:`stamped`."""


def voice(size: int, seed: int) -> bytes:
    """Return 16-bit samples that compress about as well as speech: a few voices and some noise."""
    import numpy as np

    time = np.arange(size // 2) + seed * 1000
    noise = np.random.default_rng(seed).normal(0, 300, size // 2)
    tone = sum(np.sin(time * (0.02 * number) + seed) * 4000 / number for number in range(1, 6))
    return np.clip(tone + noise, -32768, 32767).astype("<i2").tobytes()


def stamped(type_: str, size: int, seed: int = 0) -> tuple[bytes, bytes]:
    """Return the parts of an event's payload before and after the time of sending, about ``size`` bytes in all."""
    head = b'{"event_id":"'
    tail = f'","type":"{type_}","'.encode()
    room = size - len(head) - 20 - len(tail) - 12
    if type_.endswith(("append", "audio.delta")):
        key = "audio" if type_.endswith("append") else "delta"
        audio = pybase64.b64encode(voice(max(room * 3 // 4 // 2 * 2, 2), seed)).decode()
        return head, tail + f'{key}":"{audio}"}}'.encode()
    return head, tail + b'delta":"' + b"word " * max(room // 5, 1) + b'"}'


def frame(payload: bytes, *, client: bool, opcode: int = 1) -> bytes:
    """Return one whole frame; a client's is masked with zeros, which is allowed and costs nothing."""
    length = len(payload)
    bit = 0x80 if client else 0
    if length < 126:
        head = bytes((0x80 | opcode, bit | length))
    elif length < 65536:
        head = struct.pack("!BBH", 0x80 | opcode, bit | 126, length)
    else:
        head = struct.pack("!BBQ", 0x80 | opcode, bit | 127, length)
    return head + (b"\0\0\0\0" if client else b"") + payload


class End(asyncio.Protocol):
    """One end: counts messages and, if ``timed``, keeps each one's time in transit, in nanoseconds."""

    transport: asyncio.Transport

    def __init__(self, *, client: bool, timed: bool = True) -> None:
        self.client = client
        self.timed = timed
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.count = 0
        self.binary = 0
        self.bytes = 0
        self.delays: list[int] = []
        self.closing = False
        self._buffer = bytearray()
        self._free = asyncio.Event()
        self._free.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        if self.client:
            transport.write(
                b"GET /v1/realtime?model=bench HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
                b"Authorization: Bearer sk-bench-0123456789\r\n\r\n"
            )

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self.opened.done() and not self._handshake():
            return
        self._frames(monotonic_ns())

    def _handshake(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        head = bytes(self._buffer[:end])
        del self._buffer[: end + 4]
        if not self.client:
            line = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key:"))
            accept = base64.b64encode(hashlib.sha1(line.split(b":")[1].strip() + _GUID).digest())
            self.transport.write(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
            )
        elif not head.startswith(b"HTTP/1.1 101"):
            self.opened.set_exception(ConnectionError(head.decode("latin-1")))
            return False
        self.opened.set_result(None)
        return True

    def _frames(self, now: int) -> None:
        buffer = self._buffer
        position, available = 0, len(self._buffer)
        while available - position >= 2:
            second = buffer[position + 1]
            length, at = second & 0x7F, position + 2
            if length == 126:
                length, at = int.from_bytes(buffer[at : at + 2], "big"), at + 2
            elif length == 127:
                length, at = int.from_bytes(buffer[at : at + 8], "big"), at + 8
            mask = b""
            if second & 0x80:
                mask, at = bytes(buffer[at : at + 4]), at + 4
            if available < at + length or at > available:
                break
            opcode = buffer[position] & 0x0F
            if opcode in (1, 2):
                self.count += 1
                self.binary += opcode == 2
                self.bytes += length
            if opcode in (1, 2) and self.timed:
                digits = bytes(buffer[at + _STAMP.start : at + _STAMP.stop])
                if mask:
                    turned = (mask[1:] + mask[:1]) * 5
                    digits = (int.from_bytes(digits, "big") ^ int.from_bytes(turned, "big")).to_bytes(20, "big")
                self.delays.append(now - int(digits))
            elif opcode == 9:
                said = bytes(buffer[at : at + length])
                if mask:
                    said = bytes(byte ^ mask[number % 4] for number, byte in enumerate(said))
                self.transport.write(frame(said, client=self.client, opcode=10))
            elif opcode == 8:
                if not self.closing:
                    self.close()
                if not self.client:
                    self.transport.close()
            position = at + length
        if position:
            del buffer[:position]

    def send(self, parts: tuple[bytes, bytes]) -> None:
        """Send an event that contains the current time."""
        self.transport.write(frame(parts[0] + b"%020d" % monotonic_ns() + parts[1], client=self.client))

    def send_plain(self, payload: bytes) -> None:
        """Send an event as it is."""
        self.transport.write(frame(payload, client=self.client))

    async def drain(self) -> None:
        """Wait until the transport accepts more."""
        await self._free.wait()

    def pause_writing(self) -> None:
        self._free.clear()

    def resume_writing(self) -> None:
        self._free.set()

    def ping(self) -> None:
        self.transport.write(frame(b"", client=self.client, opcode=9))

    def close(self) -> None:
        self.closing = True
        self.transport.write(frame(b"\x03\xe8", client=self.client, opcode=8))

    def connection_lost(self, exc: Exception | None) -> None:
        self._free.set()
        if self.client and not self.opened.done():
            self.opened.set_exception(ConnectionError("closed within the handshake"))
        if not self.lost.done():
            self.lost.set_result(None)


async def open_server(accepted: Callable[[End], None], *, timed: bool = True) -> asyncio.Server:
    """Listen on a free port; ``accepted`` is called with each end after its handshake."""

    def make() -> End:
        end = End(client=False, timed=timed)
        end.opened.add_done_callback(lambda _: accepted(end))
        return end

    return await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0)


async def open_client(port: int, *, timed: bool = True) -> End:
    """Connect and shake hands.

    Raises:
        ConnectionError: refused.
    """
    loop = asyncio.get_running_loop()
    _, end = await loop.create_connection(lambda: End(client=True, timed=timed), "127.0.0.1", port)
    await end.opened
    return end
