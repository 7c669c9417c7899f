"""How a session ends, as a table: every state and event, every sequence, and what a reader should know by heart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from earwitness.recorder.relay.closing import (
    EFFECTS,
    JOINT,
    OTHER_SIDE,
    SIDES,
    TABLE,
    Action,
    Cause,
    Close,
    Closing,
    Command,
    Event,
    Side,
    State,
    Transition,
)
from earwitness.recorder.relay.reasons import drain, idle_timeout, peer_closed, store_failure, violation
from earwitness.schemas.errors import StoreWriteFailed
from hypothesis import given
from hypothesis import strategies as st
from websockets.exceptions import PayloadTooBig, ProtocolError

FULL = StoreWriteFailed("/somewhere/calls.db: full", reason="database or disk is full")
FRAMES = (Event.CLOSE, Event.PROTOCOL_ERROR, Event.MESSAGE_TOO_BIG, Event.INVALID_DATA, Event.INTERNAL_ERROR)
TRANSPORT = (Event.FIN, Event.LOST, Event.RESET)
RECORDERS = (Event.IDLE_TIMEOUT, Event.DRAIN, Event.STORE_FAILURE, Event.CLOSE_TIMEOUT)


def cause_of(event: Event, side: Side | None) -> Cause:
    if event is Event.CLOSE:
        return peer_closed(4000, f"the {side}'s own")
    if side is not None and event in FRAMES:
        errors = {Event.PROTOCOL_ERROR: ProtocolError("bad"), Event.MESSAGE_TOO_BIG: PayloadTooBig(10, 5)}
        unicode_error = UnicodeDecodeError("utf-8", b"x", 0, 1, "invalid")
        default = unicode_error if event is Event.INVALID_DATA else RuntimeError()
        return violation(errors.get(event, default), side)
    decisions = {Event.IDLE_TIMEOUT: idle_timeout(5), Event.DRAIN: drain(), Event.STORE_FAILURE: store_failure(FULL)}
    return decisions.get(event, Cause(event))


@dataclass
class Session:
    """A session whose peers and transports do only what they can do."""

    closing: Closing = field(default_factory=Closing)
    silent: set[Side] = field(default_factory=set[Side])
    """Sends no frame that is read any more: closed, broke the protocol, or ended its stream."""
    finished: set[Side] = field(default_factory=set[Side])
    gone: set[Side] = field(default_factory=set[Side])
    timer: bool = False
    commands: list[Command] = field(default_factory=list[Command])

    @property
    def key(self) -> tuple[object, ...]:
        sets = (self.silent, self.finished, self.gone)
        return (*self.closing.states.values(), *map(frozenset, sets), self.timer, self.closing.ending is None)

    def possible(self) -> Iterator[tuple[Event, Side | None]]:
        """What can happen next."""
        for side in SIDES:
            if side in self.gone:
                continue
            yield Event.LOST, side
            if self.closing.owes_close(side) or self.closing.states[side] is State.ENDED:
                yield Event.RESET, side  # else reading is not paused, and the transport tells by itself
            if side in self.finished:
                continue
            # Also when it is to be hung up on: that may still wait for a commit.
            yield Event.FIN, side
            if side not in self.silent:
                for event in FRAMES:
                    yield event, side
        for event in RECORDERS:
            if self.timer or event is not Event.CLOSE_TIMEOUT:
                yield event, None

    def happens(self, event: Event, side: Side | None = None) -> list[Command]:
        if side is not None:
            if event in FRAMES or event is Event.FIN:
                self.silent.add(side)
            if event is Event.FIN:
                self.finished.add(side)
            if event is Event.LOST:
                self.gone.add(side)
        commands = self.closing.on(cause_of(event, side), side)
        self.timer |= any(each.action is Action.START_CLOSE_TIMER for each in commands)
        self.commands += commands
        return commands

    def copy(self) -> Session:
        closing = Closing()
        closing.states, closing.ending = dict(self.closing.states), self.closing.ending
        return Session(closing, set(self.silent), set(self.finished), set(self.gone), self.timer, list(self.commands))


def reachable() -> list[Session]:
    """One session for each situation that a session can be in."""
    start = Session()
    found, pending = {start.key: start}, [start]
    while pending:
        session = pending.pop()
        for event, side in session.possible():
            after = session.copy()
            after.happens(event, side)
            if after.key not in found:
                found[after.key] = after
                pending.append(after)
    return list(found.values())


REACHABLE = reachable()


def run(*events: str) -> list[str]:
    """Play ``SIDE EVENT`` or ``EVENT`` one after the other; what the last one leads to, as text."""
    session = Session()
    commands: list[Command] = []
    for text in events:
        *side, name = text.split()
        by: Side | None = None if not side else "client" if side == ["client"] else "server"
        assert (Event[name], by) in set(session.possible()), text
        commands = session.happens(Event[name], by)
    return [shown(command) for command in commands]


def shown(command: Command) -> str:
    words = [command.side, command.action.name, *map(str, command.close or ())]
    return " ".join(word for word in words if word)


# The table as a whole.


def test_every_state_has_a_cell_for_every_event() -> None:
    assert set(TABLE) == set(State)
    for state, row in TABLE.items():
        assert set(row) == set(Event), state


def test_an_event_that_the_table_names_impossible_never_comes_and_every_other_cell_is_used() -> None:
    used = {
        (session.closing.states[this], event)
        for session in REACHABLE
        for event, side in session.possible()
        for this in (SIDES if side is None else (side,))
    }
    defined = {(state, event) for state in State for event in Event if isinstance(TABLE[state][event], Transition)}
    assert used == defined


def test_every_effect_and_joint_rule_is_used() -> None:
    joint = {(s.closing.states["client"], s.closing.states["server"]) for s in REACHABLE}
    exchanged = {State.CLOSE_EXCHANGED, State.CLOSE_EXCHANGED_FIN}
    # Where both connections have exchanged close frames the session has ended, so such a state does not last.
    assert not {pair for pair in joint if set(pair) <= exchanged}
    assert {pair for pair in JOINT if pair not in joint} == {pair for pair in JOINT if set(pair) <= exchanged}
    befores = {state for pair in joint for state in pair}
    assert set(EFFECTS[Action.SEND_CLOSE]) | set(EFFECTS[Action.RECORD_END]) <= befores


def test_an_impossible_event_is_an_error_that_says_why() -> None:
    session = Session()
    session.happens(Event.CLOSE, "client")
    with pytest.raises(RuntimeError, match="CLOSE of the client in CLOSE_RECEIVED: nothing is parsed behind a close"):
        session.closing.on(peer_closed(1000, ""), "client")


def test_neither_side_is_treated_otherwise_but_for_who_hangs_up_first() -> None:
    for session in REACHABLE:
        for event, side in session.possible():
            if side is None:
                continue
            mirror = Session()
            mirror.closing.states = {each: session.closing.states[OTHER_SIDE[each]] for each in SIDES}
            here = [(each.action, each.side) for each in session.copy().happens(event, side)]
            there = [
                (each.action, OTHER_SIDE[each.side] if each.side else None)
                for each in mirror.happens(event, OTHER_SIDE[side])
            ]
            if event is Event.CLOSE and (Action.RECORD_END, None) in here:
                assert (Action.HANG_UP, "client") in here
            else:
                assert here == there


# Every sequence.


def ended(session: Session) -> Session:
    """Let the close timer run out and both transports go; what the recorder decides then has no effect any more."""
    if not session.timer:
        session.happens(Event.DRAIN)
    session.happens(Event.CLOSE_TIMEOUT)
    for side in SIDES:
        if side not in session.gone:
            session.happens(Event.LOST, side)
    assert [session.happens(event) for event in RECORDERS] == [[]] * len(RECORDERS)
    return session


def check_the_end(session: Session) -> None:
    actions = [command.action for command in session.commands]
    assert set(session.closing.states.values()) == {State.CLOSED}
    assert actions.count(Action.RECORD_END) == 1
    assert actions.count(Action.FINISH) == 1
    for side in SIDES:
        told = [command.action for command in session.commands if command.side == side]
        assert told.count(Action.SEND_CLOSE) <= 1
        if Action.HANG_UP in told:
            behind = told[told.index(Action.HANG_UP) :]
            assert not {Action.SEND_CLOSE, Action.SEND_FIN} & set(behind)


def test_from_every_situation_a_session_ends_with_one_close_record() -> None:
    assert len(REACHABLE) > 50
    for session in REACHABLE:
        if session.gone != set(SIDES):
            check_the_end(ended(session.copy()))


@given(st.data())
def test_any_sequence_of_events_ends_with_one_close_record_which_says_what_came_first(data: st.DataObject) -> None:
    session = Session()
    first: tuple[Event, Side | None] | None = None
    for _ in range(data.draw(st.integers(0, 12))):
        choices = list(session.possible())
        if len(session.gone) == len(SIDES):
            break
        event, side = data.draw(st.sampled_from(choices))
        first = first or (event, side)
        session.happens(event, side)
    first = first or (Event.DRAIN, None)
    if len(session.gone) < len(SIDES):
        ended(session)
    check_the_end(session)
    event, side = first
    cause = cause_of(event, side)
    by = side if event is Event.CLOSE or event in TRANSPORT else "recorder"
    assert session.closing.ending == (*cause.close, by)


# What a reader should know by heart.


def test_a_close_frame_is_passed_on_and_its_answer_is_the_other_peers() -> None:
    assert run("client CLOSE") == [
        "client READ_ON",
        "client NOTE_UNFINISHED",
        "server SEND_CLOSE 4000 the client's own",
    ]


def test_when_both_have_closed_the_client_is_hung_up_on_and_the_server_once_it_has_sent_fin() -> None:
    end = ["RECORD_END", "client HANG_UP", "START_CLOSE_TIMER"]
    assert run("client CLOSE", "server CLOSE")[-3:] == end
    assert run("client CLOSE", "server CLOSE", "server FIN") == ["server HANG_UP"]
    assert run("server CLOSE", "client CLOSE")[-3:] == end
    assert run("client CLOSE", "client FIN", "server CLOSE")[-3:] == end
    both = ["RECORD_END", "client HANG_UP", "server HANG_UP", "START_CLOSE_TIMER"]
    assert run("server CLOSE", "server FIN", "client CLOSE")[-4:] == both
    assert run("DRAIN", "server CLOSE", "server FIN", "client CLOSE")[-4:] == both


@pytest.mark.parametrize(("this", "other"), OTHER_SIDE.items())
def test_a_side_that_hangs_up_without_a_close_frame_takes_the_other_with_it(this: Side, other: Side) -> None:
    notes = [f"{this} NOTE_UNFINISHED", f"{other} NOTE_UNFINISHED"]
    tail = [f"{other} HANG_UP", "RECORD_END", "START_CLOSE_TIMER"]
    assert run(f"{this} LOST") == [*notes, *tail]
    assert run(f"{this} FIN") == [*notes, f"{this} HANG_UP", *tail]
    assert run(f"{other} CLOSE", f"{this} FIN") == [*notes, f"{this} HANG_UP", *tail]


@pytest.mark.parametrize(("this", "other", "code"), [("client", "server", 1001), ("server", "client", 1011)])
def test_a_side_that_breaks_the_rules_is_told_so_and_its_answer_not_awaited(this: Side, other: Side, code: int) -> None:
    assert run(f"{this} MESSAGE_TOO_BIG") == [
        f"{this} SEND_CLOSE 1009 message larger than the proxy's limit",
        f"{this} SEND_FIN",
        f"{this} READ_ON",
        f"{other} SEND_CLOSE {code} earwitness: the {this} was closed with 1009: message larger than the proxy's limit",
        f"{other} READ_ON",
        "START_CLOSE_TIMER",
    ]


def test_a_drain_closes_both_sides_and_waits_for_both_answers() -> None:
    told = "SEND_CLOSE 1001 earwitness: the proxy is shutting down"
    timer = "START_CLOSE_TIMER"
    assert run("DRAIN") == [f"client {told}", "client READ_ON", timer, f"server {told}", "server READ_ON", timer]
    assert run("DRAIN", "client CLOSE") == ["client READ_ON", "client NOTE_UNFINISHED"]
    assert "RECORD_END" in run("DRAIN", "client CLOSE", "server CLOSE")


def test_a_drain_answers_the_side_that_has_closed_and_leaves_the_record_to_it() -> None:
    session = Session()
    session.happens(Event.CLOSE, "client")
    told = [each for each in session.happens(Event.DRAIN) if each.action is Action.SEND_CLOSE]
    assert told == [Command(Action.SEND_CLOSE, "client", Close(1001, "earwitness: the proxy is shutting down"))], (
        "the server was sent the client's own close frame before"
    )
    assert session.closing.ending == (4000, "the client's own", "client")


def test_the_end_of_a_stream_behind_a_close_frame_is_passed_on_and_the_answer_awaited_for_a_while() -> None:
    assert run("client CLOSE", "client FIN") == ["server SEND_FIN", "START_CLOSE_TIMER"]
    assert run("server CLOSE", "server LOST")[-3:] == ["client HANG_UP", "RECORD_END", "START_CLOSE_TIMER"]


def test_a_peer_found_to_be_reset_gives_the_other_the_time_of_the_close_timer() -> None:
    session = Session()
    assert session.happens(Event.RESET, "client") == [Command(Action.START_CLOSE_TIMER)]
    assert session.closing.owes_close("server")
    assert [shown(each) for each in session.happens(Event.CLOSE_TIMEOUT)] == ["client ABORT", "server ABORT"]
    assert session.closing.ending == (1006, "", "client")
