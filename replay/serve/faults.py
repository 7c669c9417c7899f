"""Faults on purpose: what a named point in the replay does wrong.

``WHEN:EVENT[#N] ACTION[:NUMBER]``, for example ``after:response.created#2 close:1011``:

- ``after:EVENT#N`` is the point behind the N-th frame of that type (N counts from 1, and is 1 where it is left out),
  the server's or the client's; ``at:EVENT#N`` is that server frame itself; ``at:handshake`` is the opening handshake.
- ``close:CODE`` closes there (1006 drops the connection, no code closes without one); ``stall`` sends nothing more and
  stays open; ``refuse:STATUS`` refuses the handshake.
- ``drop``, ``duplicate``, ``malformed`` and ``delay:MS`` are done to the frame itself, or with ``after:`` to the next
  server frame. ``malformed`` cuts the JSON in half.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, cast, get_args

from ...schemas.dialects.vocabulary import canonical_type
from ...schemas.errors import RequestError
from ...schemas.frame import NS_PER_MS, Frame

__all__ = ["FAULT_FORMS", "Fault", "FaultAction", "FaultPoints", "parse_fault", "parse_faults"]

FAULT_FORMS: Final = (
    ("`close:CODE`", "closes there; 1006 drops the connection without a word, and no code closes without one"),
    ("`stall`", "sends nothing more and stays open"),
    ("`drop`", "leaves the frame out; with `after:`, the next server frame"),
    ("`duplicate`", "sends the frame twice; with `after:`, the next server frame"),
    ("`malformed`", "sends the first half of the frame; with `after:`, of the next server frame"),
    ("`delay:MS`", "sends the frame, or with `after:` the next one, so much later, and what is behind it"),
    ("`at:handshake refuse:STATUS`", "refuses the opening handshake; `at:handshake#2` the second one"),
)
"""What can go wrong, for the documentation."""

FaultAction = Literal["close", "drop", "delay", "duplicate", "malformed", "stall", "refuse"]

_ACTIONS: Final[tuple[FaultAction, ...]] = get_args(FaultAction)
_FRAME_ACTIONS: Final = frozenset(("drop", "delay", "duplicate", "malformed"))
_NEEDS_NUMBER: Final = frozenset(("delay", "refuse"))
_HANDSHAKE: Final = "handshake"
_SYNTAX: Final = re.compile(r"(at|after):([\w.]+)(?:#(\d+))?\s+([a-z]+)(?::(\d+))?")
_CLOSE_CODES: Final = (range(1000, 1004), range(1005, 1015), range(3000, 5000))
"""What a close can state (RFC 6455, section 7.4, and its registry), and 1005 and 1006, which stand for stating none."""
_REFUSALS: Final = range(300, 600)
"""Statuses that a client takes for a refused handshake."""
_HINT: Final = "Write for example 'after:response.created#2 close:1011' or 'at:handshake refuse:503'."


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong."""

    when: Literal["at", "after"]
    event: str
    count: int
    action: FaultAction
    number: int | None = None

    def __str__(self) -> str:
        number = f":{self.number}" if self.number is not None else ""
        return f"{self.when}:{self.event}#{self.count} {self.action}{number}"


def parse_fault(text: str) -> Fault:
    """Read one fault.

    Raises:
        RequestError: the text is not a fault.
    """
    found = _SYNTAX.fullmatch(text.strip())
    if found is None or found[4] not in _ACTIONS:
        raise RequestError(f"{text!r} is not a fault.", hint=_HINT, fault=text)
    when, event, count, action, number = found.groups()
    if (action == "refuse") != (event == _HANDSHAKE) or (when == "after" and event == _HANDSHAKE):
        raise RequestError(
            f"{text!r}: a handshake can only be refused, and only a handshake can.", hint=_HINT, fault=text
        )
    if action in _NEEDS_NUMBER and number is None:
        unit = "milliseconds" if action == "delay" else "an HTTP status"
        raise RequestError(f"{text!r}: {action} needs {unit}.", hint=_HINT, fault=text)
    if number is not None and action == "close" and not any(int(number) in codes for codes in _CLOSE_CODES):
        raise RequestError(f"{text!r}: a close cannot have code {number}.", hint=_HINT, fault=text)
    if number is not None and action == "refuse" and int(number) not in _REFUSALS:
        raise RequestError(f"{text!r}: status {number} does not refuse a handshake.", hint=_HINT, fault=text)
    return Fault(
        cast("Literal['at', 'after']", when),
        event,
        int(count or 1),
        cast("FaultAction", action),
        int(number) if number is not None else None,
    )


def parse_faults(text: str) -> list[Fault]:
    """Read a file of faults: one per line; empty lines and lines that begin with ``#`` do not count.

    Raises:
        RequestError: a line is not a fault; the message names it.
    """
    faults: list[Fault] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            faults.append(parse_fault(line))
        except RequestError as error:
            raise RequestError(f"line {number}: {error.message}", hint=error.hint, **error.data) from None
    return faults


class FaultPoints:
    """The faults of one connection, and how far it has come."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self._faults = [fault for fault in faults if fault.action != "refuse"]
        self._seen: dict[str, int] = {}
        self._next: list[Fault] = []
        self.any = bool(self._faults)
        """Whether there is any fault at all."""
        self.done: list[Fault] = []
        """Those that happened, in order."""

    @property
    def missed(self) -> list[Fault]:
        """Those that have not happened: the session did not come to their point, or has none of that name."""
        return [fault for fault in self._faults if fault not in self.done]

    def _here(self, when: str, name: str | None, count: int) -> list[Fault]:
        names = {name, canonical_type(name or "")}
        return [f for f in self._faults if f.when == when and f.event in names and f.count == count]

    def _at(self, frame: Frame) -> list[Fault]:
        return self._here("at", frame.type, self._seen.get(frame.type or "", 0) + 1)

    def delay_ns(self, frame: Frame) -> int:
        """Return how much later than due a frame leaves."""
        if not self.any:
            return 0
        return sum((f.number or 0) * NS_PER_MS for f in (*self._at(frame), *self._next) if f.action == "delay")

    def at(self, frame: Frame) -> list[Fault]:
        """Return the faults that come instead of a frame: closes and stalls."""
        return self._now(fault for fault in self._at(frame) if fault.action not in _FRAME_ACTIONS)

    def _now(self, faults: Iterable[Fault]) -> list[Fault]:
        happening = list(faults)
        self.done += happening
        return happening

    def mangle(self, frame: Frame, data: bytes) -> list[bytes]:
        """Return what leaves in place of a frame: nothing, it, it twice, or half of it."""
        copies = [data]
        for fault in self._now((*self._at(frame), *self._next)):
            if fault.action == "drop":
                copies = []
            elif fault.action == "duplicate":
                copies *= 2
            elif fault.action == "malformed":
                copies = [copy[: len(copy) // 2] for copy in copies]
        self._next = []
        return copies

    def after(self, name: str | None) -> list[Fault]:
        """Count a frame that has crossed; give the faults at the point behind it that end or stop the session."""
        count = self._seen[name or ""] = self._seen.get(name or "", 0) + 1
        here = self._here("after", name, count)
        self._next += [fault for fault in here if fault.action in _FRAME_ACTIONS]
        return self._now(fault for fault in here if fault.action not in _FRAME_ACTIONS)
