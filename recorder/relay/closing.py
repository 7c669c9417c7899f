"""How a session ends: which close frames are sent, who hangs up first, and what the record says.

Pure: no socket, no clock, no await. Events go in, commands come out; :class:`.Relay` reports the events and carries
out the commands. Everything that decides how a session ends is in this file, and nearly all of it is in tables, from
which ``docs/closing.md`` is generated.

Theory of operation
===================

A session is two WebSocket connections, one to the client and one to the server. A proxy that is not to be noticed lets
each peer meet the end that the *other peer* chose: its close code, its reason, or its silence. So each connection is a
state machine of its own, named for what has been said on it and what is still owed. RFC 6455 section 7.1.3 has one
state, CLOSING, between OPEN and CLOSED. A relay must know which of the two close frames came first, for it cannot
answer one by itself:

* A close frame *from* a peer takes its connection to CLOSE_RECEIVED. The answer is owed to it until the peer on the
  other connection closes in its turn.
* A close frame *to* a peer, whether passed on or the recorder's own, takes its connection to CLOSE_SENT. Now the peer
  owes its answer.
* With both it is CLOSE_EXCHANGED, in whichever order they came.

Three kinds of rules move the two machines:

1. **Event-triggered.** :data:`TABLE` says, by the state of the side that an event concerns, what is done and which
   state follows. What the recorder decides by itself (a drain, an idle session, a failing store) concerns both sides
   and is looked up for each.
2. **Action-triggered.** Two actions change the state of the connection on which they are carried out
   (:data:`EFFECTS`). A connection is sent at most one close frame: in a state without an entry the action is left out.
3. **State-triggered.** Two kinds of *joint* states have consequences, however they were reached (:data:`JOINT`). When
   close frames were exchanged on both connections, the session ends. When both transports are gone, it is over.

The first event that bears on the end decides what the record says: a close frame its own code and reason, a peer that
hangs up without one 1006, a decision of the recorder the code that it sends. RECORD_END comes once, whatever else
happens on the way.

Commands are carried out in order, each behind the data that came before it; with strict durability behind the commit
of that data. ABORT, READ_ON, NOTE_UNFINISHED and the timer do not wait.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal, NamedTuple

from ...schemas.frame import Sender

__all__ = [
    "EFFECTS",
    "JOINT",
    "NO_STATUS",
    "OTHER_SIDE",
    "SIDES",
    "TABLE",
    "VIOLATIONS",
    "Action",
    "Cause",
    "Cell",
    "Close",
    "Closing",
    "Command",
    "Do",
    "Ending",
    "Event",
    "Side",
    "State",
    "Target",
    "Transition",
]

Side = Literal["client", "server"]
SIDES: Final[tuple[Side, ...]] = ("client", "server")
OTHER_SIDE: Final[Mapping[Side, Side]] = {"client": "server", "server": "client"}


class State(Enum):
    """What has been said on one connection, and what is still owed."""

    OPEN = "no close frame has crossed"
    CLOSE_SENT = "the peer was sent a close frame and owes its own"
    CLOSE_RECEIVED = "the peer sent a close frame and is owed one"
    CLOSE_RECEIVED_FIN = "as CLOSE_RECEIVED, and the peer has ended its stream"
    CLOSE_EXCHANGED = "both close frames have crossed"
    CLOSE_EXCHANGED_FIN = "as CLOSE_EXCHANGED, and the peer has ended its stream"
    ENDED = "the end of the session is decided, the transport still there"
    CLOSED = "the transport is gone (RFC 6455 section 7.1.4)"


class Event(Enum):
    """What bears on the end of a session: of one peer, or (the last four) of the recorder."""

    CLOSE = "the peer sent a close frame"
    PROTOCOL_ERROR = "the peer sent a frame that breaks RFC 6455"
    MESSAGE_TOO_BIG = "the peer sent a message over the limit"
    INVALID_DATA = "the peer sent a close reason that is not UTF-8"
    INTERNAL_ERROR = "a frame of the peer's cannot be read, by a fault of the proxy"
    FIN = "the peer ended its stream (TCP FIN)"
    LOST = "the transport is gone, reset by the peer or closed"
    RESET = "the peer, which is not being read, was found to have reset its connection"
    IDLE_TIMEOUT = "no frame has crossed for the idle timeout"
    DRAIN = "the proxy is shutting down"
    STORE_FAILURE = "the session can no longer be recorded"
    CLOSE_TIMEOUT = "the close timer has run out"


class Action(Enum):
    """What the relay has to do."""

    READ_ON = "read on, whatever paused it"
    NOTE_UNFINISHED = "note an unfinished message"
    SEND_CLOSE = "send a close frame"
    SEND_FIN = "send FIN (over TLS, nothing)"
    HANG_UP = "close the transport"
    ABORT = "drop the transport at once"
    START_CLOSE_TIMER = "start the close timer, unless it runs"
    RECORD_END = "record the end"
    FINISH = "stop all timers"


class Target(Enum):
    """Where an action is carried out, as seen from the side that the event concerns."""

    THIS = "this side"
    OTHER = "the other side"
    SESSION = "the session"


THIS, OTHER, SESSION = Target
Do = tuple[Action, Target]


class Transition(NamedTuple):
    """What an event does: actions, and the state that follows them; None for the same one."""

    actions: tuple[Do, ...] = ()
    state: State | None = None


Cell = Transition | str
"""A transition, or the reason why the event cannot come in that state."""

_RECORD_END: Final[Do] = (Action.RECORD_END, SESSION)
_CLOSE_TIMER: Final[Do] = (Action.START_CLOSE_TIMER, SESSION)
_PASS_ON: Final[tuple[Do, ...]] = (
    # Nothing behind a close frame is parsed, so reading on costs nothing and shows when the peer hangs up.
    (Action.READ_ON, THIS),
    (Action.NOTE_UNFINISHED, THIS),
    (Action.SEND_CLOSE, OTHER),
)
_HALF_CLOSE: Final[tuple[Do, ...]] = ((Action.SEND_FIN, OTHER), _CLOSE_TIMER)
_NOTE_BOTH: Final[tuple[Do, ...]] = ((Action.NOTE_UNFINISHED, THIS), (Action.NOTE_UNFINISHED, OTHER))

_RECEIVED: Final = Transition(_PASS_ON, State.CLOSE_RECEIVED)
_EXCHANGED: Final = Transition(_PASS_ON, State.CLOSE_EXCHANGED)
_FAIL: Final = Transition(
    (
        (Action.SEND_CLOSE, THIS),
        # Its answer cannot be read any more; FIN tells it that none is awaited. Hanging up at once would make the
        # kernel answer what it still sends with RST, which can overtake the close frame.
        (Action.SEND_FIN, THIS),
        (Action.READ_ON, THIS),
        (Action.SEND_CLOSE, OTHER),
        (Action.READ_ON, OTHER),
        _CLOSE_TIMER,
    )
)
_DROP: Final = Transition((*_NOTE_BOTH, (Action.HANG_UP, THIS), (Action.HANG_UP, OTHER), _RECORD_END, _CLOSE_TIMER))
_LOST: Final = Transition((*_NOTE_BOTH, (Action.HANG_UP, OTHER), _RECORD_END, _CLOSE_TIMER), State.CLOSED)
_FIN: Final = Transition(_HALF_CLOSE, State.CLOSE_RECEIVED_FIN)
_FIN_LAST: Final = Transition(_HALF_CLOSE, State.CLOSE_EXCHANGED_FIN)
_WAIT: Final = Transition((_CLOSE_TIMER,))
_CLOSE: Final = Transition(((Action.SEND_CLOSE, THIS), (Action.READ_ON, THIS), _CLOSE_TIMER))
_ABORT: Final = Transition(((Action.ABORT, THIS),))
_HANG_UP: Final = Transition(((Action.HANG_UP, THIS),))
_CLOSED: Final = Transition((), State.CLOSED)
_NOTHING: Final = Transition()

_OVER: Final = "nothing is parsed behind a close frame"
_READ: Final = "a peer that has closed is always read"
_ONCE: Final = "a stream ends once"
_GONE: Final = "the transport is gone"

VIOLATIONS: Final = (Event.PROTOCOL_ERROR, Event.MESSAGE_TOO_BIG, Event.INVALID_DATA, Event.INTERNAL_ERROR)
DECISIONS: Final = (Event.IDLE_TIMEOUT, Event.DRAIN, Event.STORE_FAILURE)

# fmt: off
_COLUMNS: Final = (
    (Event.CLOSE,), VIOLATIONS, (Event.FIN,), (Event.LOST,), (Event.RESET,), DECISIONS, (Event.CLOSE_TIMEOUT,)
)
_ROWS: Final[Mapping[State, tuple[Cell, ...]]] = {
    #                          CLOSE       violation  FIN        LOST     RESET     decision  CLOSE_TIMEOUT
    State.OPEN:                (_RECEIVED,  _FAIL,    _DROP,     _LOST,   _WAIT,    _CLOSE,   _ABORT),
    State.CLOSE_SENT:          (_EXCHANGED, _FAIL,    _DROP,     _LOST,   _WAIT,    _CLOSE,   _ABORT),
    State.CLOSE_RECEIVED:      (_OVER,      _OVER,    _FIN,      _LOST,   _READ,    _CLOSE,   _ABORT),
    State.CLOSE_RECEIVED_FIN:  (_OVER,      _OVER,    _ONCE,     _LOST,   _READ,    _CLOSE,   _ABORT),
    State.CLOSE_EXCHANGED:     (_OVER,      _OVER,    _FIN_LAST, _LOST,   _READ,    _CLOSE,   _ABORT),
    State.CLOSE_EXCHANGED_FIN: (_OVER,      _OVER,    _ONCE,     _LOST,   _READ,    _CLOSE,   _ABORT),
    State.ENDED:               (_NOTHING,   _NOTHING, _HANG_UP,  _CLOSED, _NOTHING, _NOTHING, _ABORT),
    State.CLOSED:              (_GONE,      _GONE,    _GONE,     _GONE,   _GONE,    _NOTHING, _NOTHING),
}
# fmt: on

TABLE: Final[Mapping[State, Mapping[Event, Cell]]] = {
    state: {event: cell for events, cell in zip(_COLUMNS, row, strict=True) for event in events}
    for state, row in _ROWS.items()
}
"""Event-triggered: by the state of the side concerned and the event, what is done and which state follows."""

EFFECTS: Final[Mapping[Action, Mapping[State, State]]] = {
    Action.SEND_CLOSE: {
        State.OPEN: State.CLOSE_SENT,
        State.CLOSE_RECEIVED: State.CLOSE_EXCHANGED,
        State.CLOSE_RECEIVED_FIN: State.CLOSE_EXCHANGED_FIN,
    },
    Action.RECORD_END: {state: State.ENDED for state in State if state is not State.CLOSED},
}
"""Action-triggered: by the state of the connection, the one that follows. RECORD_END changes both connections."""

# The server closes TCP first (RFC 6455 section 7.1.1): the client is hung up on, the server once it has sent FIN.
_END: Final[tuple[Do, ...]] = (_RECORD_END, (Action.HANG_UP, THIS), _CLOSE_TIMER)
_END_FIN: Final[tuple[Do, ...]] = (_RECORD_END, (Action.HANG_UP, THIS), (Action.HANG_UP, OTHER), _CLOSE_TIMER)

JOINT: Final[Mapping[tuple[State, State], tuple[Do, ...]]] = {
    (State.CLOSE_EXCHANGED, State.CLOSE_EXCHANGED): _END,
    (State.CLOSE_EXCHANGED_FIN, State.CLOSE_EXCHANGED): _END,
    (State.CLOSE_EXCHANGED, State.CLOSE_EXCHANGED_FIN): _END_FIN,
    (State.CLOSED, State.CLOSED): ((Action.FINISH, SESSION),),
}
"""State-triggered: by the states of client and server, what is done when they are reached; THIS is the client."""


class Close(NamedTuple):
    """Code and reason of a close frame; 1005 is one without a code, 1006 none at all (RFC 6455 section 7.1.5)."""

    code: int
    reason: str = ""


NO_STATUS: Final = 1005
_ABNORMAL: Final = Close(1006)


@dataclass(frozen=True, slots=True)
class Cause:
    """An event, with what the record and the peers learn about it.

    Attributes:
        event: what happened.
        close: for the record, and for whom the table has a close frame sent.
        other: for the side that did not break the rules, where one did; else None.
    """

    event: Event
    close: Close = _ABNORMAL
    other: Close | None = None


class Ending(NamedTuple):
    """What the record says: close code and reason, and whose close came first."""

    code: int
    reason: str
    by: Sender


class Command(NamedTuple):
    """An action to carry out: on which side, None for the session; and the close frame to send."""

    action: Action
    side: Side | None = None
    close: Close | None = None


class Closing:
    """How far a session is from its end.

    Attributes:
        states: of both connections.
        ending: what the record will say; None until something bears on the end.
    """

    def __init__(self) -> None:
        self.states: dict[Side, State] = dict.fromkeys(SIDES, State.OPEN)
        self.ending: Ending | None = None

    def owes_close(self, side: Side) -> bool:
        """Return whether a close frame may still come from a side."""
        return self.states[side] in (State.OPEN, State.CLOSE_SENT)

    def on(self, cause: Cause, side: Side | None = None) -> list[Command]:
        """Take an event; return what to do about it, in order.

        Args:
            cause: the event.
            side: the side that it concerns; None for both.

        Raises:
            RuntimeError: the event cannot come in this state; the message says why.
        """
        if self.ending is None:
            by: Sender = "recorder" if side is None or cause.event in VIOLATIONS else side
            self.ending = Ending(*cause.close, by)
        commands: list[Command] = []
        before = self._joint
        for this in SIDES if side is None else (side,):
            cell = TABLE[self.states[this]][cause.event]
            if isinstance(cell, str):
                raise RuntimeError(f"{cause.event.name} of the {this} in {self.states[this].name}: {cell}")
            self.states[this] = cell.state or self.states[this]
            commands += self._commands(cell.actions, this, cause)
        if self._joint != before:
            commands += self._commands(JOINT.get(self._joint, ()), "client", cause)
        return commands

    @property
    def _joint(self) -> tuple[State, State]:
        return self.states["client"], self.states["server"]

    def _commands(self, actions: Iterable[Do], this: Side, cause: Cause) -> Iterator[Command]:
        """Yield the commands for a cell's actions; these have their effect on the states."""
        for action, target in actions:
            if target is SESSION:
                for side, state in self.states.items():
                    self.states[side] = EFFECTS.get(action, {}).get(state, state)
                yield Command(action)
                continue
            side = this if target is THIS else OTHER_SIDE[this]
            if action is not Action.SEND_CLOSE:
                yield Command(action, side)
            elif (state := EFFECTS[action].get(self.states[side])) is not None:
                self.states[side] = state
                yield Command(action, side, cause.close if target is THIS else cause.other or cause.close)
