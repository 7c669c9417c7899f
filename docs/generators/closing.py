"""``closing.md``: the tables by which a session ends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from earwitness.recorder.relay.closing import (
    EFFECTS,
    JOINT,
    TABLE,
    VIOLATIONS,
    Action,
    Cell,
    Do,
    Event,
    State,
    Target,
    Transition,
)
from earwitness.recorder.relay.reasons import CODE_FOR_OTHER, CODES

from .markdown import table

__all__ = ["page"]

_HEAD: Final = """\
# How a session ends

A recorded session is two WebSocket connections, one to the client and one to the server. Each peer meets the end that
the other one chose: its close code and reason, or its silence. These tables decide it; the page is made from the ones
that run (`recorder/relay/closing.py`).

Each connection has a state of its own:

"""

_EVENTS: Final = """
These events move it. The last four concern both connections.

"""

_CODES: Final = """
A close frame crosses with its own code and reason, or without a code if it has none (1005). Where the recorder closes
the session, it sends:

"""

_RULES: Final = """
## One connection

"This side" is the connection that the event concerns. Everything is done in order and behind the data that was sent
before; with `--durability strict`, behind the commit of that data.

"""

_IMPOSSIBLE: Final = """
The rest cannot happen:

"""

_SEND: Final = """
A connection is sent one close frame at most, and that changes its state. In the other states nothing is sent.

"""

_JOINT: Final = """
## Both connections

Some states of the two together have consequences, however they were reached. The server closes TCP first (RFC 6455
section 7.1.1).

"""

_RECORD: Final = """
The `close` record is written once. It has the code, the reason and the side of what came first: of a close frame, of a
peer that was gone without one (1006), or of what the recorder sent. From then on both connections are in `ENDED`, or in
`CLOSED` if the transport is gone.
"""

_SIDES: Final = {Target.THIS: "this side", Target.OTHER: "the other side"}
_PEERS: Final = {Target.THIS: "client", Target.OTHER: "server"}


def page() -> str:
    """Return the page."""
    other = ", ".join(f"{code} to the {side}" for side, code in CODE_FOR_OTHER.items())
    codes = ((_names([event]), str(code), other if event in VIOLATIONS else str(code)) for event, code in CODES.items())
    sends = ((_names([before]), _names([after])) for before, after in EFFECTS[Action.SEND_CLOSE].items())
    joint = ((_names([client]), _names([server]), _done(do, _PEERS)) for (client, server), do in JOINT.items())
    return "".join(
        (
            _HEAD,
            table(("state", ""), ((_names([state]), state.value) for state in State)),
            _EVENTS,
            table(("event", ""), ((_names([event]), event.value) for event in Event)),
            _CODES,
            table(("event", "code for this side, and in the record", "code for the other side"), codes),
            _RULES,
            table(("event", "state", "what is done", "next state"), _cells(Transition)),
            _IMPOSSIBLE,
            table(("event", "state", "why not"), _cells(str)),
            _SEND,
            table(("state", "next state"), sends),
            _JOINT,
            table(("client", "server", "what is done"), joint),
            _RECORD,
        )
    )


def _cells(kind: type[Transition | str]) -> Iterable[tuple[str, ...]]:
    """Yield a row for each cell of one kind; events that do the same share rows, and so do states."""
    events: dict[tuple[Cell, ...], list[Event]] = {}
    for event in Event:
        events.setdefault(tuple(TABLE[state][event] for state in State), []).append(event)
    for column, alike in events.items():
        for cell in dict.fromkeys(column):
            if isinstance(cell, kind):
                states = [state for state, each in zip(State, column, strict=True) if each == cell]
                yield (_names(alike), _states(states), *_text(cell))


def _text(cell: Cell) -> tuple[str, ...]:
    if isinstance(cell, str):
        return (cell,)
    return _done(cell.actions, _SIDES) or "nothing", _names([cell.state] if cell.state else [])


def _done(actions: Iterable[Do], names: Mapping[Target, str]) -> str:
    """List actions, each with the sides on which it is carried out."""
    sides: dict[Action, list[str]] = {}
    for action, target in actions:
        sides.setdefault(action, []).extend([names[target]] if target in names else [])
    return "; ".join(f"{action.value} ({', '.join(on)})" if on else action.value for action, on in sides.items())


def _states(states: list[State]) -> str:
    others = [state for state in State if state not in states]
    return f"all but {_names(others)}" if len(others) < len(states) else _names(states)


def _names(members: Iterable[State | Event]) -> str:
    return ", ".join(f"`{member.name}`" for member in members)
