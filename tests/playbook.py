"""A script for a core of the replay: what happens, and which commands must come of it.

::

    play = Playbook(Player(plan), recording.frames) << 1 >> user_text("hello") << 3 >> at(50) << Close(4400, "…")
    assert play

``>>`` is what happens: an event of the other side, or a time. ``<<`` is everything that the core has told its shell to
do since the ``<<`` before: the seq of a frame that is sent, Close or Drop; several in a list, ``[]`` for nothing.
``assert`` prints the script as a diff where it did not go that way. A script with ``<<`` that is never asserted fails
its test (`conftest.py`).
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Self, TypeVar

from earwitness.replay.playing.core import Close, Command, Core, Drop, Need, Send, WakeAt
from earwitness.schemas.frame import NS_PER_MS, Frame

from tests.events import Line

C = TypeVar("C", bound=Core)
Done = int | Close | Drop


@dataclass(frozen=True)
class at:
    """The clock stands at so many milliseconds, and the core may let out what is due."""

    ms: float


@dataclass(frozen=True)
class meanwhile(at):
    """The clock stands there, and nobody tells the core."""


class Playbook(Generic[C]):
    """The one executor of a core's commands; it begins with the handshake.

    Attributes:
        sent: the seqs of all frames that were sent.
        data: their bytes.
        ending: Close or Drop, once it came.
        wake: when the core wants to be woken, in nanoseconds.
    """

    unasserted: ClassVar[list[Playbook[Any]]] = []

    def __init__(self, core: C, frames: Sequence[Frame]) -> None:
        self.core, self.frames = core, frames
        self.now = 0
        self.sent: list[int] = []
        self.data: list[bytes] = []
        self.ending: Close | Drop | None = None
        self.wake: int | None = None
        self._new: list[Done] = []
        self._wanted: list[str] = []
        self._came: list[str] = []
        self.does(core.connected(0))

    def does(self, commands: Sequence[Command]) -> None:
        """Carry commands out, as a shell does."""
        for command in commands:
            if isinstance(command, Send):
                self.sent.append(command.seq)
                self.data.append(command.data)
                self._new.append(command.seq)
            elif isinstance(command, Need):
                self.does(self.core.feed(self.frames, self.now, last=True))
            elif isinstance(command, WakeAt):
                self.wake = command.time_ns
            else:
                self.ending = command
                self._new.append(command)

    def __rshift__(self, what: Line | at | str | bytes) -> Self:
        for script in (self._wanted, self._came):
            script.append(f">> {what}")
        if isinstance(what, at):
            self.now = round(what.ms * NS_PER_MS)
            self.does([] if isinstance(what, meanwhile) else self.core.advance(self.now))
        else:
            message: Any = what[1] if isinstance(what, tuple) else what
            raw = message if isinstance(message, str | bytes) else json.dumps(message)
            self.does(self.core.received(raw, self.now))
        return self

    def __lshift__(self, wanted: Done | Sequence[Done]) -> Self:
        if self not in self.unasserted:
            self.unasserted.append(self)
        self._wanted += [f"<< {each}" for each in (wanted if isinstance(wanted, Sequence) else [wanted])]
        self._came += self._since()
        self._new.clear()
        return self

    def __bool__(self) -> bool:
        if self in self.unasserted:
            self.unasserted.remove(self)
            if self._wanted != [*self._came, *self._since()]:
                script = difflib.ndiff(self._wanted, [*self._came, *self._since()])
                raise AssertionError("\n".join(["the core does otherwise (- wanted, + came):", *script]))
        return True

    @classmethod
    def none_is_forgotten(cls) -> None:
        """Fail where a script was written and never asserted."""
        forgotten = len(cls.unasserted)
        cls.unasserted.clear()
        assert not forgotten, f"{forgotten} playbooks were never asserted"

    def _since(self) -> list[str]:
        """What came since the last ``<<``."""
        return [f"<< {each}" for each in self._new]
