"""The relay between the two connections of an open session.

Each frame is forwarded where it is parsed, in asyncio's own callback: no task is woken, no queue is crossed. So it
costs less than a relay that records nothing and awaits ``recv()`` and ``send()``.

``websockets`` can be used in two ways for that. Its asyncio connections hand over each frame in ``process_event``; its
Sans-I/O protocols do so in a protocol of our own, which can take whole messages out of the bytes itself
(:mod:`.framing`). Measured side by side (``python -m bench.proxy``, kinds ``callback`` and ``batch``), the second adds
three quarters of the first one's latency at five sixths of its CPU, and in a burst holds half its memory. The first
also answers pings and close frames by itself and closes by its own timing, all of which a client would notice. The
Sans-I/O protocols leave that to us, by documented names only.

How a session ends is decided in :mod:`.closing`. The relay reports the events and carries out the commands.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from websockets.frames import Close, Frame, Opcode

from ...schemas.errors import StoreWriteFailed
from ...schemas.frame import Kind
from .clock import SessionClock
from .closing import OTHER_SIDE, Action, Cause, Closing, Command, Ending, Event, Side
from .delivery import BehindCommit, Delivery
from .framing import Message
from .leg import HOLD_COMMIT, HOLD_HANDSHAKE, HOLD_PEER, HOLD_STORE, Leg, Listener, Received
from .reasons import drain, idle_timeout, peer_closed, store_failure, violation
from .tap import Tap

__all__ = ["End", "Relay"]

_ALL_HOLDS: Final = HOLD_HANDSHAKE | HOLD_PEER | HOLD_STORE | HOLD_COMMIT

_TEXT: Final = Opcode.TEXT
_BINARY: Final = Opcode.BINARY
_CONT: Final = Opcode.CONT


@dataclass(frozen=True, slots=True)
class End:
    """How and when a session ended.

    Attributes:
        ending: close code, reason, and whose close came first.
        handed: the last seq handed to the transport towards each side.
        offset_ns: when, in nanoseconds since the session opened.
    """

    ending: Ending
    handed: dict[str, int]
    offset_ns: int


class _Unfinished:
    """A fragmented message in progress: the frames, and the payload so far."""

    __slots__ = ("data", "frames", "kind")

    def __init__(self, kind: Kind) -> None:
        self.kind: Kind = kind
        self.data = bytearray()
        self.frames: list[Frame] = []


class Relay(Listener):
    """Forwards frames between two connections and tells the tap.

    Args:
        client: connection to the client, its handshake done.
        server: connection to the upstream, its handshake done.
        tap: records the messages.
        clock: started when the session opened.
        strict: forward a message only after its commit.
        idle_timeout: seconds without any frame after which the session ends; None for never.
        close_timeout: seconds that a peer has to answer a close and to take what it was sent.

    Attributes:
        end: is set when the end of the session is to be recorded.
        over: is set when both connections are gone.
    """

    def __init__(
        self,
        client: Leg,
        server: Leg,
        tap: Tap,
        clock: SessionClock,
        *,
        strict: bool = False,
        idle_timeout: float | None = None,
        close_timeout: float = 10.0,
    ) -> None:
        loop = asyncio.get_running_loop()
        self._legs: dict[Side, Leg] = {"client": client, "server": server}
        self._to: dict[Side, Leg] = {}
        """Where a side's frames go; no entry once the other side was sent a close frame, or is gone."""
        self._tap = tap
        self._clock = clock
        self._now = clock.now
        self._last_ns = clock.now()
        self._strict = strict
        self._idle_timeout = idle_timeout
        self._close_timeout = close_timeout
        self._closing = Closing()
        self._unfinished: dict[Side, _Unfinished] = {}
        self._delivery = (
            BehindCommit(tap.commit, partial(self._press, HOLD_COMMIT), self.store_failed) if strict else Delivery()
        )
        self.end: asyncio.Future[End] = loop.create_future()
        self.over: asyncio.Future[None] = loop.create_future()

    def start(self) -> None:
        """Open the session: from here on frames cross."""
        if self._idle_timeout is not None:
            self._clock.start("idle", self._idle_timeout, self._check_idle)
        self._to = {OTHER_SIDE[side]: leg for side, leg in self._legs.items() if not leg.gone}
        for leg in (self._legs["server"], self._legs["client"]):
            leg.start(self)

    # What the connections tell.

    def received(self, leg: Leg, events: Sequence[Received]) -> None:
        """Record and forward what one side sent."""
        offset = self._last_ns = self._now()
        other = self._to.get(leg.side)
        if other is None:
            return
        seq: int | None = None
        try:
            for event in events:
                if isinstance(event, Message):
                    seq = self._tap.message(event.kind, leg.side, event.payload, offset)
                    other.forward(event)
                    continue
                assert isinstance(event, Frame)
                opcode = event.opcode
                if opcode is _TEXT or opcode is _BINARY or opcode is _CONT:
                    seq = self._fragment(leg.side, other, event, offset, seq)
                else:
                    # A ping or pong; a close frame comes by itself, too, and nothing is forwarded for it here.
                    other.forward(event)
        except StoreWriteFailed as error:
            self.store_failed(error)
            return
        self._delivery.send(other, other.take_output(), seq)

    def _fragment(self, side: Side, other: Leg, frame: Frame, offset: int, seq: int | None) -> int | None:
        """Take one fragment; the message is recorded with its last one."""
        message = self._unfinished.get(side)
        if message is None:
            message = self._unfinished[side] = _Unfinished("text" if frame.opcode is _TEXT else "binary")
        message.data += frame.data
        if self._strict:
            message.frames.append(frame)
        else:
            other.forward(frame)
        if not frame.fin:
            return seq
        del self._unfinished[side]
        seq = self._tap.message(message.kind, side, bytes(message.data), offset)
        for held in message.frames:
            other.forward(held)
        return seq

    def closed(self, leg: Leg, close: Close) -> None:
        """Pass a close frame on."""
        self._on(peer_closed(int(close.code), close.reason), leg.side)

    def violated(self, leg: Leg, error: Exception) -> None:
        """End the session of a peer that sent what cannot be passed on."""
        self._on(violation(error, leg.side), leg.side)

    def fin(self, leg: Leg) -> None:
        """Pass the end of one side's sending on to the other."""
        self._on(Cause(Event.FIN), leg.side)

    def lost(self, leg: Leg, error: Exception | None) -> None:
        """Let go of a side whose connection is gone; the other one follows."""
        self._to.pop(OTHER_SIDE[leg.side], None)
        self._on(Cause(Event.LOST), leg.side)

    def writable(self, leg: Leg, flag: bool) -> None:
        """Read from one side only while the other takes what it is sent."""
        other = OTHER_SIDE[leg.side]
        if flag:
            self._legs[other].release(HOLD_PEER)
        elif self._closing.owes_close(other):
            self._legs[other].hold(HOLD_PEER)
            self._clock.start("stalled", self._close_timeout, self._check_stalled)

    # What the proxy tells.

    def drain(self) -> None:
        """End the session: 1001 to both sides, behind everything sent."""
        self._on(drain())

    def press(self, behind: bool) -> None:
        """Slow both sides down while the journal is behind."""
        self._press(HOLD_STORE, behind)

    def store_failed(self, error: StoreWriteFailed) -> None:
        """End a session that can no longer be recorded; what is not recorded, or waits for its commit, stays here."""
        for leg in self._legs.values():
            leg.take_output()
        # No commit will come; close frames, and what else ends the session, must not wait for one.
        waiting, self._delivery = self._delivery, Delivery()
        self._delivery.handed = waiting.handed
        waiting.abandon()
        self._on(store_failure(error))

    # The end.

    def _on(self, cause: Cause, side: Side | None = None) -> None:
        for command in self._closing.on(cause, side):
            self._carry_out(command)

    def _carry_out(self, command: Command) -> None:
        action, side, close = command
        if side is None:
            self._carry_out_for_both(action)
            return
        leg = self._legs[side]
        if action is Action.SEND_CLOSE:
            assert close is not None
            self._to.pop(OTHER_SIDE[side], None)
            self._delivery.then(partial(leg.send, leg.close_frame(*close)))
        elif action is Action.SEND_FIN:
            self._delivery.then(leg.half_close)
        elif action is Action.HANG_UP:
            self._delivery.then(leg.close)
        elif action is Action.ABORT:
            leg.abort()
        elif action is Action.READ_ON:
            leg.release(_ALL_HOLDS)
        elif action is Action.NOTE_UNFINISHED:
            self._note_unfinished(side)

    def _carry_out_for_both(self, action: Action) -> None:
        if action is Action.RECORD_END:
            self._delivery.then(self._record_end)
        elif action is Action.START_CLOSE_TIMER:
            self._clock.start("close", self._close_timeout, partial(self._on, Cause(Event.CLOSE_TIMEOUT)))
        elif action is Action.FINISH:
            self._clock.stop()
            self.over.set_result(None)

    def _note_unfinished(self, side: Side) -> None:
        message = self._unfinished.pop(side, None)
        if message is not None:
            self._tap.note("unfinished message", self._now(), sender=side, kind=message.kind, bytes=len(message.data))

    def _record_end(self) -> None:
        self._to.clear()
        assert self._closing.ending is not None
        self.end.set_result(End(self._closing.ending, dict(self._delivery.handed), self._now()))

    # Reading and its pauses.

    def _press(self, reason: int, behind: bool) -> None:
        for side, leg in self._legs.items():
            if not behind:
                leg.release(reason)
            elif self._closing.owes_close(side):
                leg.hold(reason)

    def _check_stalled(self) -> None:
        """Find out whether a side that is not read, because the other takes nothing, has gone meanwhile."""
        for side, leg in self._legs.items():
            if leg.held and leg.hung_up():
                # Until the close timer runs out the other side may go on to take what it was sent.
                self._on(Cause(Event.RESET), side)
                return
        if any(leg.held for leg in self._legs.values()):
            self._clock.start("stalled", self._close_timeout, self._check_stalled)

    def _check_idle(self) -> None:
        assert self._idle_timeout is not None
        left = self._idle_timeout - (self._now() - self._last_ns) / 1e9
        if left <= 0:
            self._on(idle_timeout(self._idle_timeout))
        else:
            self._clock.start("idle", left, self._check_idle)
