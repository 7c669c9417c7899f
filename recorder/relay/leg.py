"""One connection of a relayed session: bytes in, WebSocket frames out, and the other way round.

Built on the Sans-I/O protocols of ``websockets``, two on each connection: one only reads, one only writes. The reader
answers pings and closes by itself; a relay must not (RFC 6455 frames cross end to end, so that each peer meets the
other one's silence and the other one's close), hence what it wants to send is thrown away once the handshake is done.
The writer never reads, so a close frame that came in does not keep it from passing on the data of the other side.
Whole messages, which is nearly everything, pass both by: see :mod:`~earwitness.recorder.relay.framing`.
"""

from __future__ import annotations

import asyncio
import logging
import select
import socket
from collections.abc import Sequence
from enum import Enum
from typing import Final

from websockets.client import ClientProtocol
from websockets.frames import Close, Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import Protocol as WebSocket
from websockets.protocol import Side as Role
from websockets.protocol import State
from websockets.server import ServerProtocol

from .closing import NO_STATUS, Side
from .framing import Framer, Message, Wrapper

__all__ = ["HOLD_COMMIT", "HOLD_HANDSHAKE", "HOLD_PEER", "HOLD_STORE", "Leg", "Listener", "Received", "quiet"]

Received = Request | Response | Frame | Message

HOLD_HANDSHAKE: Final = 1
"""The session is not open yet."""
HOLD_PEER: Final = 2
"""The other side does not take what it is sent."""
HOLD_STORE: Final = 4
"""The journal is behind."""
HOLD_COMMIT: Final = 8
"""Much waits for its commit (strict durability)."""

_WRITE_BUFFER: Final = 256 * 1024

quiet: Final = logging.getLogger("earwitness.websockets")
"""Given to ``websockets``, which logs headers and content at DEBUG; never enabled."""
quiet.disabled = True
quiet.propagate = False
quiet.setLevel(logging.CRITICAL + 1)


class _Phase(Enum):
    """What is done with the bytes that come."""

    HEAD = "read the head of a request or response"
    BODY = "read the body of a refusal"
    WAIT = "keep them until the session is open"
    FRAMES = "read frames"
    OVER = "ignore them: they come behind a close frame or a mistake"


class _Stream(Enum):
    """How far the peer's stream is."""

    OPEN = 0
    FIN = 1
    GONE = 2


_FRAMES: Final = _Phase.FRAMES
_GONE: Final = _Stream.GONE


class Listener:
    """Hears what happens on a connection. Every method is called on the event loop and returns at once."""

    def received(self, leg: Leg, events: Sequence[Received]) -> None:
        """Take what the peer sent, in this order."""

    def closed(self, leg: Leg, close: Close) -> None:
        """Take the peer's close frame; nothing behind it is read."""

    def violated(self, leg: Leg, error: Exception) -> None:
        """Hear that the peer sent what the protocol or the size limit forbids; nothing behind it is read."""

    def fin(self, leg: Leg) -> None:
        """Hear that the peer sends nothing more (TCP FIN); it may still read."""

    def lost(self, leg: Leg, error: Exception | None) -> None:
        """Hear that the connection is gone."""

    def writable(self, leg: Leg, flag: bool) -> None:
        """Hear that the peer takes what it is sent (again), or that its buffer is full."""


class Leg(asyncio.Protocol):
    """A connection to the client or to the server.

    Args:
        side: who is at the other end.
        reader: the ``websockets`` protocol that did or will do the handshake.
        listener: hears what happens.
        max_message: the largest message that the peer may send, in bytes.
    """

    transport: asyncio.Transport

    def __init__(
        self, side: Side, reader: ServerProtocol | ClientProtocol, listener: Listener, max_message: int
    ) -> None:
        self.side: Side = side
        self.reader = reader
        self.writer = WebSocket(Role.SERVER if side == "client" else Role.CLIENT, max_size=None, logger=quiet)
        self.listener = listener
        self._framer = Framer(masked=side == "client", max_message=max_message)
        self._wrapper = Wrapper(masking=side == "server")
        self._output: list[bytes] = []
        self._phase = _Phase.HEAD
        self._stream = _Stream.OPEN
        self._head_tail = b""
        """The last bytes of a head whose end has not come yet."""
        self._early = b""
        """What came behind the handshake, before the session was open."""
        self._holds = 0

    @property
    def gone(self) -> bool:
        """Whether the connection is gone."""
        return self._stream is _GONE

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection that asyncio made."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.set_write_buffer_limits(high=_WRITE_BUFFER)
        sock: socket.socket | None = transport.get_extra_info("socket")
        if sock is not None:
            # A peer whose host died sends neither data nor FIN; the kernel finds out and ends the session.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def data_received(self, data: bytes) -> None:
        """Parse what came and tell the listener."""
        if self._phase is not _FRAMES:
            self._handshake_data(data)
            return
        reader = self.reader
        events: list[Received] = []
        end: Close | Exception | None = None
        for part in self._framer.feed(data):
            if isinstance(part, Message):
                events.append(part)
            else:
                reader.receive_data(part)
                reader.data_to_send()
                events += reader.events_received()
                end = reader.close_rcvd or reader.parser_exc
                if end is not None:
                    self._phase = _Phase.OVER
                    break
        if events:
            self.listener.received(self, events)
        if isinstance(end, Close):
            # Also in the middle of a fragmented message: there is nothing that the other side could not be told.
            self.listener.closed(self, end)
        elif end is not None:
            self.listener.violated(self, end)

    def _handshake_data(self, data: bytes) -> None:
        reader = self.reader
        if self._phase is _Phase.HEAD:
            data = self._head_data(data)
        elif self._phase is _Phase.BODY:
            reader.receive_data(data)
            data = b""
        elif self._phase is _Phase.OVER:
            return
        self._early += data
        events = reader.events_received()
        # What follows the handshake waits, here and in the socket, until the session is open. A client that has only
        # asked is read on: it may hang up before there is an answer.
        if self._early or (events and self.side == "server"):
            self.hold(HOLD_HANDSHAKE)
        if events:
            self._phase = _Phase.WAIT
            self.listener.received(self, events)
        elif reader.handshake_exc is not None and self._phase is not _Phase.WAIT:
            self._phase = _Phase.OVER
            self.listener.violated(self, reader.handshake_exc)

    def _head_data(self, data: bytes) -> bytes:
        """Read what belongs to the head (RFC 9112 section 2.1), or to a refusal's body; return what comes behind."""
        seen = self._head_tail + data
        end = seen.find(b"\r\n\r\n")
        if end < 0:
            self._head_tail = seen[-3:]
            self.reader.receive_data(data)
            return b""
        cut = end + 4 - len(self._head_tail)
        self.reader.receive_data(data[:cut])
        if self.side == "client" or self.reader.state is not State.CONNECTING:
            return data[cut:]
        self._phase = _Phase.BODY
        if data[cut:]:
            self.reader.receive_data(data[cut:])
        return b""

    def flush_handshake(self) -> None:
        """Send what the handshake has to send: a request, a response, the end after a refusal."""
        for chunk in self.reader.data_to_send():
            if self.gone or self.transport.is_closing():
                return
            if chunk:
                self.transport.write(chunk)
            elif self.side == "client":
                self.half_close()

    def start(self, listener: Listener) -> None:
        """Open the session: hand over what came behind the handshake, and read on."""
        self.listener = listener
        self._phase = _Phase.FRAMES
        early, self._early = self._early, b""
        if early:
            self.data_received(early)
        if self._stream is _GONE:
            listener.lost(self, None)
        elif self._stream is _Stream.FIN:
            listener.fin(self)
        self.release(HOLD_HANDSHAKE)

    def eof_received(self) -> bool:
        """Tell the listener that nothing more comes; the sending half stays open (TLS cannot, and closes)."""
        self._stream = _Stream.FIN
        reader = self.reader
        if reader.state is State.CONNECTING:
            # The body of a refusal without Content-Length ends here (RFC 9112 section 6.3).
            reader.receive_eof()
            events = reader.events_received()
            if events:
                self._phase = _Phase.WAIT
                self.listener.received(self, events)
                return True
        self.listener.fin(self)
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the listener that the connection is gone."""
        self._stream = _Stream.GONE
        self.listener.lost(self, exc)

    def pause_writing(self) -> None:
        """Tell the listener that the peer does not take what it is sent."""
        self.listener.writable(self, False)

    def resume_writing(self) -> None:
        """Tell the listener that the peer takes data again."""
        self.listener.writable(self, True)

    @property
    def held(self) -> bool:
        """Whether there is a reason not to read."""
        return self._holds != 0

    def hold(self, reason: int) -> None:
        """Stop reading for a reason; the peer is slowed down by TCP."""
        if not self._holds and not self.gone:
            self.transport.pause_reading()
        self._holds |= reason

    def release(self, reason: int) -> None:
        """Take a reason back; the last one lets reading go on."""
        if self._holds and not self._holds & ~reason and not self.gone:
            self.transport.resume_reading()
        self._holds &= ~reason

    def hung_up(self) -> bool:
        """Return whether the peer has reset the connection; while nothing is read, asyncio does not notice."""
        sock: socket.socket | None = None if self.gone else self.transport.get_extra_info("socket")
        if sock is None:
            return False
        poller = select.poll()
        poller.register(sock.fileno(), 0)
        return bool(poller.poll(0))

    def forward(self, event: Frame | Message) -> None:
        """Take what the other side sent for this peer, as it is; :meth:`take_output` returns its bytes."""
        if isinstance(event, Message):
            self._output.append(self._wrapper.wrap(event))
            return
        assert isinstance(event, Frame)
        opcode, writer = event.opcode, self.writer
        if opcode is Opcode.TEXT:
            writer.send_text(event.data, event.fin)
        elif opcode is Opcode.BINARY:
            writer.send_binary(event.data, event.fin)
        elif opcode is Opcode.CONT:
            writer.send_continuation(event.data, event.fin)
        elif opcode is Opcode.PING:
            writer.send_ping(event.data)
        elif opcode is Opcode.PONG:
            writer.send_pong(event.data)
        self._output += writer.data_to_send()

    def close_frame(self, code: int, reason: str) -> bytes:
        """Return the bytes of a close frame for this peer; nothing can be forwarded to it any more."""
        self.writer.send_close(None if code == NO_STATUS else code, reason)
        return b"".join(self.writer.data_to_send())

    def take_output(self) -> bytes:
        """Return the bytes of what was taken for this peer and not sent yet."""
        chunks, self._output = self._output, []
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def send(self, data: bytes) -> None:
        """Hand bytes to the transport, unless the connection is gone."""
        if data and self._stream is not _GONE:
            self.transport.write(data)

    def half_close(self) -> None:
        """Send FIN behind everything sent; over TLS, where TCP cannot be half closed, nothing."""
        if not self.gone and self.transport.can_write_eof() and not self.transport.is_closing():
            self.transport.write_eof()

    def close(self) -> None:
        """Close the connection behind everything sent."""
        if not self.gone:
            self.transport.close()

    def abort(self) -> None:
        """Drop the connection at once."""
        if not self.gone:
            self.transport.abort()
