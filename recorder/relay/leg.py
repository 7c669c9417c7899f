"""One connection of a relayed session: bytes in, WebSocket frames out, and the other way round.

Built on the Sans-I/O protocols of ``websockets``, two on each connection: one only reads, one only writes. The reader
answers pings and closes by itself; a relay must not (RFC 6455 frames cross end to end, so that each peer meets the
other one's silence and the other one's close), hence what it wants to send is thrown away once the handshake is done.
The writer never reads, so a close frame that came in does not keep it from passing on the data of the other side.
Whole messages, which is nearly everything, pass both by: see :mod:`~earwitness.recorder.relay.relay.framing`.
"""

from __future__ import annotations

import asyncio
import logging
import select
import socket
from collections.abc import Sequence
from typing import Final, Literal, Protocol

from websockets.client import ClientProtocol
from websockets.frames import Close, Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import Protocol as WebSocket
from websockets.protocol import Side, State
from websockets.server import ServerProtocol

from .framing import Framer, Message, Wrapper

__all__ = ["HOLD_COMMIT", "HOLD_HANDSHAKE", "HOLD_PEER", "HOLD_STORE", "Event", "Leg", "Listener", "Peer", "quiet"]

Peer = Literal["client", "server"]
Event = Request | Response | Frame | Message

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


class Listener(Protocol):
    """Who hears what happens on a connection; every method is called on the event loop and returns at once."""

    def received(self, leg: Leg, events: Sequence[Event]) -> None:
        """The peer sent these, in this order."""

    def violated(self, leg: Leg, error: Exception) -> None:
        """The peer sent what the protocol or the size limit forbids; nothing after it is read."""

    def ended(self, leg: Leg) -> None:
        """The peer sends nothing more (TCP FIN); it may still read."""

    def lost(self, leg: Leg, error: Exception | None) -> None:
        """The connection is gone."""

    def writable(self, leg: Leg, flag: bool) -> None:
        """The peer takes what it is sent (again), or its buffer is full."""


class Leg(asyncio.Protocol):
    """A connection to the client or to the server.

    Args:
        peer: who is at the other end.
        reader: the ``websockets`` protocol that did or will do the handshake.
        listener: hears what happens.
        max_message: the largest message that the peer may send, in bytes.
    """

    transport: asyncio.Transport

    def __init__(
        self, peer: Peer, reader: ServerProtocol | ClientProtocol, listener: Listener, max_message: int
    ) -> None:
        self.peer: Peer = peer
        self.reader = reader
        self.writer = WebSocket(Side.SERVER if peer == "client" else Side.CLIENT, max_size=None, logger=quiet)
        self.listener = listener
        self.close_received: Close | None = None
        self.close_delivered = False
        self.eof = False
        self.gone = False
        self.broken = False
        self._framer = Framer(masked=peer == "client", max_message=max_message)
        self._wrapper = Wrapper(masking=peer == "server")
        self._output: list[bytes] = []
        self._head = _Head()
        self._early = b""
        """What came behind the handshake, before the session was open."""
        self._started = False
        self._introduced = False
        self._holds = 0

    @property
    def accepting(self) -> bool:
        """Whether frames may still be sent: neither a close frame was, nor is the connection gone."""
        return self.writer.state is State.OPEN and not self.gone

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
        """Parse what came and tell the listener of each frame."""
        if not self._started:
            self._handshake_data(data)
            return
        reader = self.reader
        events: list[Event] = []
        for part in self._framer.feed(data):
            if isinstance(part, Message):
                events.append(part)
            else:
                reader.receive_data(part)
                reader.data_to_send()
                events += reader.events_received()
        if events:
            self.listener.received(self, events)
        if reader.parser_exc is not None and not self.broken:
            self._break(reader.parser_exc)

    def _handshake_data(self, data: bytes) -> None:
        reader = self.reader
        head, rest = self._head.split(data)
        if head:
            reader.receive_data(head)
        if rest and self.peer == "server" and reader.state is State.CONNECTING:
            # The body of a refusal.
            reader.receive_data(rest)
            rest = b""
        events = reader.events_received()
        self._early += rest
        # What follows the handshake waits, here and in the socket, until the session is open. A client that has only
        # asked is read on: it may hang up before there is an answer.
        if self._early or (events and self.peer == "server"):
            self.hold(HOLD_HANDSHAKE)
        if events and not self._introduced:
            self._introduced = True
            self.listener.received(self, events)
        elif reader.handshake_exc is not None and not self.broken:
            self._break(reader.handshake_exc)

    def flush_handshake(self) -> None:
        """Send what the handshake has to send: a request, a response, the end after a refusal."""
        for chunk in self.reader.data_to_send():
            if self.gone or self.transport.is_closing():
                return
            if chunk:
                self.transport.write(chunk)
            elif self.peer == "client":
                self.half_close()

    def start(self, listener: Listener) -> None:
        """Open the session: hand over what came behind the handshake, and read on."""
        self.listener = listener
        self._started = True
        early, self._early = self._early, b""
        if early:
            self.data_received(early)
        if self.gone:
            listener.lost(self, None)
        elif self.eof:
            listener.ended(self)
        self.release(HOLD_HANDSHAKE)

    def _break(self, error: Exception) -> None:
        self.broken = True
        self.listener.violated(self, error)

    def eof_received(self) -> bool:
        """Tell the listener that nothing more comes; the sending half stays open (TLS cannot, and closes)."""
        self.eof = True
        reader = self.reader
        if reader.state is State.CONNECTING:
            # The body of a refusal without Content-Length ends here (RFC 9112 section 6.3).
            reader.receive_eof()
            events = reader.events_received()
            if events:
                self.listener.received(self, events)
                return True
        self.listener.ended(self)
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the listener that the connection is gone."""
        self.gone = True
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
        """Whether the connection was reset, found out without reading: while nothing is read, asyncio does not tell."""
        sock: socket.socket | None = None if self.gone else self.transport.get_extra_info("socket")
        if sock is None:
            return self.gone
        poller = select.poll()
        poller.register(sock.fileno(), 0)
        return bool(poller.poll(0))

    def forward(self, event: Frame | Message) -> None:
        """Take what the other side sent for this peer, as it is; :meth:`take_output` gives its bytes."""
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

    def forward_close(self, code: int | None, reason: str) -> None:
        """Take a close frame for this peer; None for one without a code."""
        self.writer.send_close(code, reason)
        self._output += self.writer.data_to_send()

    def take_output(self) -> bytes:
        """Give the bytes of what was taken for this peer and not sent yet."""
        chunks, self._output = self._output, []
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def send(self, data: bytes) -> None:
        """Hand bytes to the transport, unless the connection is gone."""
        if data and not self.gone:
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


class _Head:
    """Tells where the head of a request or response ends (RFC 9112 section 2.1)."""

    __slots__ = ("_last", "_over")

    def __init__(self) -> None:
        self._last = b""
        self._over = False

    def split(self, data: bytes) -> tuple[bytes, bytes]:
        """Give what belongs to the head, and what comes behind it."""
        if self._over:
            return b"", data
        seen = self._last + data
        end = seen.find(b"\r\n\r\n")
        if end < 0:
            self._last = seen[-3:]
            return data, b""
        self._over = True
        cut = end + 4 - len(self._last)
        return data[:cut], data[cut:]
