"""The relay between the two connections of an open session.

Each frame is forwarded where it is parsed, in asyncio's own callback: no task is woken, no queue is crossed. So it
costs less than a relay that records nothing and awaits ``recv()`` and ``send()``.

``websockets`` can be used in two ways for that. Its asyncio connections hand over each frame in ``process_event``; its
Sans-I/O protocols do so in a protocol of our own, which can take whole messages out of the bytes itself
(:mod:`.framing`). Measured side by side (``python -m bench.proxy``, kinds ``callback`` and ``batch``), the second adds
three quarters of the first one's latency at five sixths of its CPU, and in a burst holds half its memory. The first
also answers pings and close frames by itself and closes by its own timing, all of which a client would notice. The
Sans-I/O protocols leave that to us, by documented names only.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic_ns
from typing import Final, Literal

from websockets.frames import Close, Frame, Opcode

from ...schemas.errors import StoreWriteFailed
from ...schemas.frame import Kind
from ..proxy.decisions import Closing, closing_for_idle, closing_for_store, closing_for_violation
from .framing import Message
from .leg import HOLD_COMMIT, HOLD_HANDSHAKE, HOLD_PEER, HOLD_STORE, Event, Leg
from .tap import Tap

__all__ = ["Ending", "Relay"]

ABNORMAL: Final = 1006
NO_STATUS: Final = 1005
_COMMIT_BACKLOG: Final = 1 << 20
_ALL_HOLDS: Final = HOLD_HANDSHAKE | HOLD_PEER | HOLD_STORE | HOLD_COMMIT

Origin = Literal["client", "server", "recorder"]

_TEXT: Final = Opcode.TEXT
_BINARY: Final = Opcode.BINARY
_CONT: Final = Opcode.CONT
_CLOSE: Final = Opcode.CLOSE


@dataclass(frozen=True, slots=True)
class Ending:
    """How a session ended.

    Attributes:
        code: close code; 1005 for a close frame without one, 1006 for an end without close frame.
        reason: text of the close frame.
        by: whose close came first.
        handed: the last seq handed to the transport towards each side.
        offset_ns: when.
    """

    code: int
    reason: str
    by: Origin
    handed: dict[str, int]
    offset_ns: int


class _Message:
    """A fragmented message in progress: the frames, and the payload so far."""

    __slots__ = ("data", "frames", "kind")

    def __init__(self, kind: Kind) -> None:
        self.kind: Kind = kind
        self.data = bytearray()
        self.frames: list[Frame] = []


class Relay:
    """Forwards frames between two connections and tells the tap.

    Args:
        client: connection to the client, its handshake done.
        server: connection to the upstream, its handshake done.
        tap: records the messages.
        opened_ns: monotonic time at which the session opened.
        strict: forward a message only after its commit.
        idle_timeout: seconds without any frame after which the session ends; None for never.
        close_timeout: seconds that a peer has to answer a close and to take what it was sent.
    """

    def __init__(
        self,
        client: Leg,
        server: Leg,
        tap: Tap,
        *,
        opened_ns: int,
        strict: bool = False,
        idle_timeout: float | None = None,
        close_timeout: float = 10.0,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self.client = client
        self.server = server
        self._other = {"client": server, "server": client}
        self._tap = tap
        self._opened_ns = opened_ns
        self._strict = strict
        self._idle_timeout = idle_timeout
        self._close_timeout = close_timeout
        self._handed: dict[str, int] = {}
        self._partial: dict[str, _Message | None] = {"client": None, "server": None}
        self._first: tuple[int, str, Origin] | None = None
        self._lingering = False
        self._watching = False
        self._last_ns = monotonic_ns()
        self._timers: list[asyncio.TimerHandle] = []
        self._waiting: deque[tuple[Leg, bytes, int | None, Callable[[], None] | None]] = deque()
        self._waiting_bytes = 0
        self._pump: asyncio.Task[None] | None = None
        self.ending: asyncio.Future[Ending] = self._loop.create_future()
        self.closed: asyncio.Future[None] = self._loop.create_future()

    def start(self) -> None:
        """Open the session: from here on frames cross."""
        if self._idle_timeout is not None:
            self._later(self._idle_timeout, self._check_idle)
        self.server.start(self)
        self.client.start(self)

    # What the connections tell.

    def received(self, leg: Leg, events: Sequence[Event]) -> None:
        """Record and forward what one side sent."""
        try:
            self._received(leg, events)
        except StoreWriteFailed as error:
            self.store_failed(error)

    def _received(self, leg: Leg, events: Sequence[Event]) -> None:
        other = self._other[leg.peer]
        now = monotonic_ns()
        self._last_ns = now
        offset = now - self._opened_ns
        seq: int | None = None
        for event in events:
            if isinstance(event, Message):
                if other.accepting:
                    seq = self._tap.message(event.kind, leg.peer, event.payload, offset)
                    other.forward(event)
                continue
            assert isinstance(event, Frame)
            opcode = event.opcode
            if opcode is _CLOSE:
                self._deliver(other, other.take_output(), seq)
                seq = None
                assert leg.reader.close_rcvd is not None
                self._close_received(leg, leg.reader.close_rcvd, offset)
            elif not other.accepting:
                continue
            elif opcode is _TEXT or opcode is _BINARY or opcode is _CONT:
                seq = self._fragment(leg, other, event, offset, seq)
            else:
                other.forward(event)
        self._deliver(other, other.take_output(), seq)

    def _fragment(self, leg: Leg, other: Leg, frame: Frame, offset: int, seq: int | None) -> int | None:
        """Take one fragment; the message is recorded with its last one."""
        message = self._partial[leg.peer]
        if message is None:
            message = self._partial[leg.peer] = _Message("text" if frame.opcode is _TEXT else "binary")
        message.data += frame.data
        if self._strict:
            message.frames.append(frame)
        else:
            other.forward(frame)
        if not frame.fin:
            return seq
        self._partial[leg.peer] = None
        seq = self._tap.message(message.kind, leg.peer, bytes(message.data), offset)
        for held in message.frames:
            other.forward(held)
        return seq

    def _close_received(self, leg: Leg, close: Close, offset: int) -> None:
        leg.close_received = close
        # Nothing more is parsed from this peer, so reading on costs nothing and shows when it hangs up.
        leg.release(_ALL_HOLDS)
        self._note_first(int(close.code), close.reason, leg.peer)
        self._note_unfinished(leg, offset)
        self._send_close(self._other[leg.peer], int(close.code), close.reason)
        self._settle()

    def _send_close(self, leg: Leg, code: int, reason: str) -> None:
        if not leg.accepting:
            return
        leg.forward_close(None if code == NO_STATUS else code, reason)

        def delivered() -> None:
            leg.close_delivered = True
            self._settle()

        self._deliver(leg, leg.take_output(), None, delivered)

    def violated(self, leg: Leg, error: Exception) -> None:
        """End the session of a peer that sent what cannot be passed on."""
        close = leg.reader.close_rcvd
        if close is not None and leg.close_received is None:
            # A close frame in the middle of a fragmented message: nothing that the other side could not be told.
            self._close_received(leg, close, self._offset())
            return
        self.close(closing_for_violation(error, leg.peer), offender=leg)

    def ended(self, leg: Leg) -> None:
        """Pass the end of one side's sending on to the other."""
        if self.ending.done():
            leg.close()
        elif leg.close_received is None:
            self._abnormal(leg)
        else:
            other = self._other[leg.peer]
            self._deliver(other, b"", None, other.half_close)
            self._linger()

    def lost(self, leg: Leg, error: Exception | None) -> None:
        """Drop the other side too; with a close frame before, it has been told already."""
        other = self._other[leg.peer]
        if other.gone:
            for timer in self._timers:
                timer.cancel()
            if not self.closed.done():
                self.closed.set_result(None)
        if not self.ending.done():
            if leg.close_received is None:
                self._abnormal(leg)
            else:
                self._deliver(other, b"", None, other.close)
                self._deliver(other, b"", None, self._end)
        if not other.gone:
            self._linger()

    def writable(self, leg: Leg, flag: bool) -> None:
        """Read from one side only while the other takes what it is sent."""
        other = self._other[leg.peer]
        if flag:
            other.release(HOLD_PEER)
        elif other.close_received is None:
            other.hold(HOLD_PEER)
            if not self._watching:
                self._watching = True
                self._later(self._close_timeout, self._check_stalled)

    # What the proxy tells.

    def close(self, closing: Closing, offender: Leg | None = None) -> None:
        """End the session on the recorder's part: a close frame to both sides, behind all data sent."""
        if self.ending.done():
            return
        self._note_first(closing.code, closing.reason, "recorder")
        for leg in (self.client, self.server):
            if offender is None or leg is offender:
                self._send_close(leg, closing.code, closing.reason)
            else:
                self._send_close(leg, closing.other_code, closing.other_reason)
            if leg.broken:
                # Its answer cannot be read any more; with FIN it knows that none is waited for. Closing at once would
                # make the kernel answer what it still sends with RST, which can overtake the close frame.
                self._deliver(leg, b"", None, leg.half_close)
            leg.release(_ALL_HOLDS)
        self._linger()

    def press(self, behind: bool) -> None:
        """Slow both sides down while the journal is behind."""
        for leg in (self.client, self.server):
            if not behind:
                leg.release(HOLD_STORE)
            elif leg.close_received is None:
                leg.hold(HOLD_STORE)

    def store_failed(self, error: StoreWriteFailed) -> None:
        """End a session that can no longer be recorded; what is not recorded, or waits for its commit, stays here."""
        held, self._waiting = self._waiting, deque()
        self._waiting_bytes = 0
        # No commit will come; close frames, and what else ends the session, must not wait for one.
        self._strict = False
        for leg in (self.client, self.server):
            leg.take_output()
        for leg, data, _, then in held:
            if then is not None:
                leg.send(data)
                then()
        self.close(closing_for_store(error))

    # How frames and what follows from them reach a side, in order.

    def _deliver(self, leg: Leg, data: bytes, seq: int | None, then: Callable[[], None] | None = None) -> None:
        """Hand bytes to a side and note the seq; then do what must come behind them."""
        if not self._strict:
            leg.send(data)
            if seq is not None:
                self._handed[leg.peer] = seq
            if then is not None:
                then()
        elif data or then is not None:
            self._waiting.append((leg, data, seq, then))
            self._waiting_bytes += len(data)
            if self._waiting_bytes > _COMMIT_BACKLOG:
                for each in (self.client, self.server):
                    if each.close_received is None:
                        each.hold(HOLD_COMMIT)
            if self._pump is None:
                self._pump = self._loop.create_task(self._deliver_committed())

    async def _deliver_committed(self) -> None:
        """Deliver what waits, each part after the commit of everything recorded before it was due."""
        try:
            while self._waiting:
                due = len(self._waiting)
                try:
                    await self._tap.commit()
                except StoreWriteFailed as error:
                    self.store_failed(error)
                    return
                self._deliver_first(due)
                if self._waiting_bytes <= _COMMIT_BACKLOG:
                    self.client.release(HOLD_COMMIT)
                    self.server.release(HOLD_COMMIT)
        finally:
            self._pump = None

    def _deliver_first(self, count: int) -> None:
        for _ in range(min(count, len(self._waiting))):
            leg, data, seq, then = self._waiting.popleft()
            self._waiting_bytes -= len(data)
            leg.send(data)
            if seq is not None:
                self._handed[leg.peer] = seq
            if then is not None:
                then()

    # The end.

    def _offset(self) -> int:
        return monotonic_ns() - self._opened_ns

    def _note_first(self, code: int, reason: str, by: Origin) -> None:
        if self._first is None:
            self._first = (code, reason, by)

    def _note_unfinished(self, leg: Leg, offset: int) -> None:
        message = self._partial[leg.peer]
        if message is not None:
            self._partial[leg.peer] = None
            self._tap.note("unfinished message", offset, sender=leg.peer, kind=message.kind, bytes=len(message.data))

    def _abnormal(self, leg: Leg) -> None:
        """A side hung up without a close frame: the other one sees the same, behind what it was sent."""
        other = self._other[leg.peer]
        self._note_first(ABNORMAL, "", leg.peer)
        for each in (leg, other):
            self._note_unfinished(each, self._offset())
            self._deliver(each, b"", None, each.close)
        self._deliver(other, b"", None, self._end)
        self._linger()

    def _settle(self) -> None:
        """Finish once both close frames have crossed: the server closes TCP first (RFC 6455 section 7.1.1)."""
        both = (self.client, self.server)
        if self.ending.done() or not all(leg.close_received is not None and leg.close_delivered for leg in both):
            return
        self._end()
        self.client.close()
        if self.server.eof:
            self.server.close()
        self._linger()

    def _end(self) -> None:
        if not self.ending.done() and self._first is not None:
            code, reason, by = self._first
            self.ending.set_result(Ending(code, reason, by, dict(self._handed), self._offset()))

    def _linger(self) -> None:
        """Give the peers the time limit to hang up and to take what they were sent; then drop both."""
        if not self._lingering:
            self._lingering = True
            self._later(self._close_timeout, self._drop)

    def _drop(self) -> None:
        self.client.abort()
        self.server.abort()

    def _check_stalled(self) -> None:
        """Find out whether a side that is not read, because the other takes nothing, has gone meanwhile."""
        self._watching = False
        for leg in (self.client, self.server):
            if leg.held and leg.hung_up():
                self._note_first(ABNORMAL, "", leg.peer)
                # Until then the other side may go on to take what it was sent.
                self._linger()
                return
        if self.client.held or self.server.held:
            self._watching = True
            self._later(self._close_timeout, self._check_stalled)

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        self._timers = [timer for timer in self._timers if timer.when() > self._loop.time() and not timer.cancelled()]
        self._timers.append(self._loop.call_later(seconds, action))

    def _check_idle(self) -> None:
        assert self._idle_timeout is not None
        left = self._idle_timeout - (monotonic_ns() - self._last_ns) / 1e9
        if left <= 0:
            self.close(closing_for_idle(self._idle_timeout))
        else:
            self._later(left, self._check_idle)
