"""How recordings are served: what a caller states, and the one place that validates it.

The command, the pytest marker and ``serve()`` state :class:`ServeArguments`; :meth:`ServeOptions.read` turns them
into :class:`ServeOptions`, which the server runs with.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypedDict, Unpack, cast, get_args

from pydantic import ValidationError

from ...schemas.errors import DamagedFile, RequestError
from ...schemas.recording import SessionInfo
from ..playing.ids import IdMode
from ..playing.match import MatchPolicy
from ..playing.pacing import MAX_SPEED, parse_speed
from .faults import Fault, parse_fault

__all__ = ["Mode", "ServeArguments", "ServeOptions", "policy_for"]

Mode = Literal["strict", "lenient", "off"]


class ServeArguments(TypedDict, total=False):
    """What a caller states, as people write it; what is left out has its default.

    Keys:
        host: address to listen on; 127.0.0.1.
        port: 0, the default, picks a free one.
        speed: recorded seconds per second, or ``max``, the default, for no waiting at all.
        match: a policy, or its mode alone. Unless stated, the recording's own counts; it is strict if silent.
        audio: how input audio is compared: ``exact``, ``length`` or ``ignore``.
        ignore: paths whose values do not count, besides the recording's own.
        tolerances: how far two numbers may be apart, by path, besides the recording's own.
        ids: ``map``, the default, puts ids that the client chose into the frames that echo them; ``fresh`` also makes
            new server ids for each connection; ``asis`` changes nothing.
        timeout: seconds for which a held frame waits for a client that does nothing; 30.
        faults: what goes wrong on purpose, as in :mod:`~earwitness.replay.serve.faults`.
        repeat: begin again when all sessions have been played.
    """

    host: str
    port: int
    speed: float | str
    match: MatchPolicy | Mode | None
    audio: Literal["exact", "length", "ignore"] | None
    ignore: Sequence[str]
    tolerances: Mapping[str, float]
    ids: IdMode
    timeout: float
    faults: Sequence[Fault | str]
    repeat: bool


_POLICY: Final = {"match": "mode", "audio": "audio", "ignore": "ignore", "tolerances": "tolerances"}
"""The arguments that are fields of a :class:`MatchPolicy`, and which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """How recordings are served. Make it with :meth:`read`, which validates.

    Attributes:
        host: address to listen on.
        port: 0 picks a free one.
        speed: recorded seconds per second.
        policy: what counts as the same, and what happens when it is not. What it states counts before what a
            cassette says; its ignores and tolerances are added to the cassette's.
        ids: how ids are mapped.
        timeout: seconds for which a held frame waits for a client that does nothing.
        faults: what goes wrong on purpose.
        repeat: begin again when all sessions have been played.
    """

    host: str = "127.0.0.1"
    port: int = 0
    speed: float = MAX_SPEED
    policy: MatchPolicy = field(default_factory=MatchPolicy)
    ids: IdMode = "map"
    timeout: float = 30.0
    faults: Sequence[Fault] = ()
    repeat: bool = False

    @classmethod
    def read(cls, **stated: Unpack[ServeArguments]) -> ServeOptions:
        """Validate what a caller states.

        Raises:
            RequestError: a value is not one that the argument takes; ``data`` names it in ``argument``.
            TypeError: there is no argument of that name.
        """
        values: dict[str, Any] = {name: value for name, value in stated.items() if name not in _POLICY}
        values["policy"] = _policy(stated)
        if "speed" in stated:
            values["speed"] = parse_speed(stated["speed"])
        if "timeout" in stated:
            values["timeout"] = _seconds(stated["timeout"])
        if "faults" in stated:
            faults = stated["faults"]
            values["faults"] = [parse_fault(fault) if isinstance(fault, str) else fault for fault in faults]
        if values.get("ids", "map") not in get_args(IdMode):
            raise RequestError(f"ids is {values['ids']!r}; it is one of {', '.join(get_args(IdMode))}.", argument="ids")
        return cls(**values)


def _seconds(stated: object) -> float:
    try:
        seconds = float(cast("float", stated))
    except (TypeError, ValueError):
        seconds = math.nan
    if not (seconds > 0 and math.isfinite(seconds)):
        raise RequestError(f"timeout is {stated!r}; it is a number of seconds above 0.", argument="timeout")
    return seconds


def _policy(stated: Mapping[str, Any]) -> MatchPolicy:
    whole = stated.get("match")
    parts = {key: stated[name] for name, key in _POLICY.items() if stated.get(name) is not None}
    if isinstance(whole, MatchPolicy):
        del parts["mode"]
    try:
        policy = MatchPolicy.model_validate(parts)
    except ValidationError as error:
        raise RequestError(f"{_first(error)}.", argument="match") from None
    return policy.over(whole.model_dump(exclude_unset=True)) if isinstance(whole, MatchPolicy) else policy


def _first(error: ValidationError) -> str:
    """Where the first fault is, and what it is."""
    first = error.errors()[0]
    return f"{'.'.join(str(step) for step in first['loc'])}: {first['msg']}"


def policy_for(stated: MatchPolicy, info: SessionInfo) -> MatchPolicy:
    """Return what counts as the same for one recording: what the caller states, over what its cassette says.

    Raises:
        DamagedFile: what the cassette says is not a match policy.
    """
    try:
        return stated.over(info.match)
    except ValidationError as error:
        raise DamagedFile(
            f"the match policy of session {info.id} cannot be used: {_first(error)}.",
            hint="See docs/cassettes.md for what it may say.",
            session=info.id,
        ) from error
