"""What each recorded client frame waits for when the recording drives a server.

A program reacts to what the server says; its frames are sent again when what they reacted to has happened in the live
session, too. :data:`CLIENT_RULES` is the table: :class:`Waiting` walks it, and the documentation is made from it. Which
request an answer belongs to is the fold's to tell (:mod:`~earwitness.replay.fold.answers`), in both sessions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Final, NamedTuple, cast

from ...schemas.audio import APPEND_TYPES
from ...schemas.dialects.vocabulary import canonical_type
from ...schemas.frame import Frame, parse_object
from ...schemas.values import Json
from ..playing.ids import collect_ids
from ..playing.match import TRUNCATE
from ..playing.pacing import MAX_SPEED
from .call_pairs import CallPairs
from .live_session import LiveSession
from .positions import Key
from .steps import DrivePlan

__all__ = ["CLIENT_RULES", "ClientRule", "Due", "Waiting", "own_id"]


class Due:
    """A recorded client frame that is to be sent next."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.seq = frame.seq
        self.type = canonical_type(frame.type or "")

    @cached_property
    def event(self) -> Json:
        """The event as it crossed; empty where the frame holds none, or only sound."""
        if self.frame.kind != "text" or self.frame.type in APPEND_TYPES:
            return {}
        return parse_object(self.frame.payload) or {}


class Waiting:
    """What a live session has brought of that on which recorded client frames depended.

    Args:
        plan: the recording.
        live: the live session, as it goes.
        speed: recorded seconds per second.
    """

    def __init__(self, plan: DrivePlan, live: LiveSession, speed: float) -> None:
        self.plan = plan
        self.live = live
        self.speed = speed
        self.calls = CallPairs(plan.structure, live.structure)
        self.missed: set[Key] = set()
        """Positions of ids that are no longer waited for."""
        self._sent: dict[int, int] = {}
        self._owed: dict[str, int] = {}
        self._given_up: set[int] = set()

    def sent(self, due: Due, live_seq: int) -> None:
        """Take note that a frame was sent, as which of the live session's."""
        self._sent[due.seq] = live_seq

    def lacking(self, due: Due) -> str | None:
        """Name the first thing for which a frame still waits; None where it may go."""
        return next((name for rule in CLIENT_RULES if rule.holds(due) for name in rule.lacking(self, due)), None)

    def give_up(self, due: Due) -> None:
        """Wait no more for what a frame went without: the frames behind it would wait for the same."""
        for name in self._landmarks(due):
            lacking = self.plan.before(name, due.seq) - self.live.structure.counts.get(name, 0)
            self._owed[name] = max(self._owed.get(name, 0), lacking)
        self._given_up.update(self._unanswered(due.seq))
        self.missed.update(self.named(due.event))

    def cause_ns(self, due: Due) -> int | None:
        """Return the recorded offset of the last server frame that a frame waited for."""
        names = (*self._landmarks(due), "response.function_call_arguments.done")
        causes = [self.plan.last_before(names, due.seq)]
        causes += [answer for answer, _ in self.plan.updates if answer < due.seq][-1:]
        wanted = due.event.get("audio_end_ms")
        if due.type == TRUNCATE and isinstance(wanted, int | float):
            causes.append(self.plan.plan.delivery.seq_reaching(str(due.event.get("item_id")), wanted))
        known = [seq for seq in causes if seq is not None and seq < due.seq]
        return self.plan.plan.offset_of(max(known)) if known else None

    def outstanding(self) -> bool:
        """Whether the live server has answered less often than the recorded one did in all."""
        last = max((seqs[-1] for seqs in self.plan.landmarks.values() if seqs), default=-1)
        last = max((last, *(answer for answer, _ in self.plan.updates)))
        counted = any(self.come(name) < len(self.plan.landmarks.get(name, ())) for name in _SETTLED)
        return counted or any(True for _ in self._unanswered(last + 1))

    def come(self, name: str) -> int:
        """Count the landmarks of a type that have come, or are no longer waited for."""
        return self.live.structure.counts.get(name, 0) + self._owed.get(name, 0)

    def named(self, event: Json) -> list[Key]:
        """Return the positions of the server-made ids in an event."""
        ids: list[str] = []
        collect_ids(event, ids.append)
        keys = ((id_, self.plan.structure.key(id_)) for id_ in ids)
        return [key for id_, key in keys if key is not None and not own_id(event, id_)]

    def live_key(self, key: Key) -> Key | None:
        """The live position of a recorded one; None while it is not known."""
        return self.calls.live(key)

    def live_id(self, recorded: str) -> str:
        """The live id for a recorded one; and as long as it is not known, the recorded one."""
        key = self.plan.structure.key(recorded)
        live_key = None if key is None else self.live_key(key)
        live = None if live_key is None else self.live.structure.id(live_key)
        return recorded if live is None else live

    def _landmarks(self, due: Due) -> Iterator[str]:
        return (name for rule in CLIENT_RULES if rule.holds(due) for name in rule.landmarks(self))

    def _unanswered(self, seq: int) -> Iterator[int]:
        """The updates that were answered before a frame, and that the live server has not answered."""
        for answer, update in self.plan.updates:
            if answer < seq and update not in self._given_up and self._sent.get(update) not in self.live.answered:
                yield update

    def lacking_answers(self, due: Due) -> Iterator[str]:
        """Name the answers that a frame waits for."""
        return ("the answer to session.update" for _ in self._unanswered(due.seq))


def own_id(event: Json, id_: str) -> bool:
    """Whether an id is the event's own, or that of the item that it creates: the client chose it."""
    item = event.get("item")
    return event.get("event_id") == id_ or (isinstance(item, dict) and cast("Json", item).get("id") == id_)


# What frames wait for


def _nothing(waiting: Waiting, due: Due) -> Iterator[str]:
    return iter(())


def _call(waiting: Waiting, due: Due) -> Iterator[str]:
    for key in waiting.named(due.event):
        if key[-1] == "call" and key not in waiting.missed:
            live_key = waiting.live_key(key)
            if live_key is None or live_key not in waiting.live.structure.calls:
                yield "the call that it answers"


def _id_it_names(waiting: Waiting, due: Due) -> Iterator[str]:
    for key in waiting.named(due.event):
        if key not in waiting.missed and not (key[-1] == "call" and _tool_output(due)):
            live_key = waiting.live_key(key)
            if live_key is None or waiting.live.structure.id(live_key) is None:
                yield "the id that it names"


def _audio(waiting: Waiting, due: Due) -> Iterator[str]:
    """As much of an item as a truncation keeps, or as will ever come."""
    wanted, item_id = due.event.get("audio_end_ms"), str(due.event.get("item_id"))
    delivery = waiting.plan.plan.delivery
    if not isinstance(wanted, int | float) or delivery.delivered_ms(item_id, due.seq) < wanted:
        return
    live, live_id = waiting.live, waiting.live_id(item_id)
    begun = live.first_ns(live_id) is not None
    if not (begun and (live.ended(live_id) or live.delivered_ms(live_id) >= wanted)):
        yield "the audio that it cuts"


# The table

_SETTLED: Final = ("session.created", "session.started", "response.done")


class ClientRule(NamedTuple):
    """One row of the table.

    Attributes:
        frames: which client frames it is about, in words.
        waits_for: what they wait for, in words.
        reason: why a program waits for it.
        holds: whether it is about a frame.
        counts: server events of which as many must have come as had come before the frame, by canonical type.
        find: names what else is lacking.
        at_full_speed_only: whether it counts only without a clock.
    """

    frames: str
    waits_for: str
    reason: str
    holds: Callable[[Due], bool]
    counts: tuple[str, ...] = ()
    find: Callable[[Waiting, Due], Iterator[str]] = _nothing
    at_full_speed_only: bool = False

    def landmarks(self, waiting: Waiting) -> tuple[str, ...]:
        """The server events that count at the speed at hand."""
        return () if self.at_full_speed_only and waiting.speed != MAX_SPEED else self.counts

    def lacking(self, waiting: Waiting, due: Due) -> Iterator[str]:
        """Name what a frame still waits for by this rule."""
        for name in self.landmarks(waiting):
            if waiting.come(name) < waiting.plan.before(name, due.seq):
                yield name
        yield from self.find(waiting, due)


def _is(*types: str) -> Callable[[Due], bool]:
    return lambda due: due.type in types


def _event(due: Due) -> bool:
    return due.type not in APPEND_TYPES


def _tool_output(due: Due) -> bool:
    item = due.event.get("item")
    return isinstance(item, dict) and cast("Json", item).get("type") == "function_call_output"


def _as_many(*names: str) -> str:
    shown = [f"`{name}`" for name in names]
    return f"as many {', '.join(shown[:-1])}{' and ' if shown[1:] else ''}{shown[-1]} as had come before it"


_REQUESTED: Final = ("input_audio_buffer.committed",)
_CANCELS: Final = ("response.created", "input_audio_buffer.speech_started")
_CUTS: Final = ("input_audio_buffer.speech_started",)
_APPENDS: Final = ("response.done",)

CLIENT_RULES: Final = (
    ClientRule(
        "any but appended audio",
        _as_many(*_SETTLED),
        "A program asks again when it has been answered.",
        _event,
        counts=_SETTLED,
    ),
    ClientRule(
        "any but appended audio",
        "the answer to each `session.update` that had been answered before it, an `error` or not",
        "A program sets up the session first.",
        _event,
        find=Waiting.lacking_answers,
    ),
    ClientRule(
        "`response.create`",
        _as_many(*_REQUESTED),
        "Where responses are not made by voice detection, the end of a turn is what it reacts to.",
        _is("response.create"),
        counts=_REQUESTED,
    ),
    ClientRule(
        "`conversation.item.create` of a `function_call_output`",
        "name and arguments of the call: the one of the same response that asks for the same; where none does and no "
        "more are to come, the one in its place",
        "The output answers the call, whether or not the response is done.",
        _tool_output,
        find=_call,
    ),
    ClientRule(
        "any that names an id made by the server",
        "the id of the thing in the same position: the same call, or of the items of a type in the same response the "
        "one that came as the same",
        "It cannot be named before it exists.",
        _event,
        find=_id_it_names,
    ),
    ClientRule(
        "`response.cancel`",
        _as_many(*_CANCELS),
        "It stops a response, often because the user cuts in.",
        _is("response.cancel"),
        counts=_CANCELS,
    ),
    ClientRule(
        f"`{TRUNCATE}`",
        f"as much audio of the item as it keeps, or the end of that audio; {_as_many(*_CUTS)}",
        "What was not delivered cannot have been played.",
        _is(TRUNCATE),
        counts=_CUTS,
        find=_audio,
    ),
    ClientRule(
        "`input_audio_buffer.append`",
        f"nothing but its time; at full speed {_as_many(*_APPENDS)}",
        "A microphone does not wait. Without a clock, turns would run into one another.",
        _is(*APPEND_TYPES),
        counts=_APPENDS,
        at_full_speed_only=True,
    ),
)
"""What client frames wait for when a recording drives a server."""
