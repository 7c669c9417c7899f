"""Whether a live client frame means what the recorded one meant.

Two events are compared by type and normalised content. What never counts: the order of keys, ``event_id``, a value that
is absent against one that is null, numbers that are the same in single precision, session fields in preview or GA
shape, the spelling of JSON inside a tool's output, and ids (those that the client chose are mapped, those that the
server made are compared after mapping). One null does count: ``turn_detection: null`` switches voice detection off,
while leaving it out keeps the server's default.

Audio is a stream: from commit to commit it is compared as bytes, however it was cut into frames
(:mod:`~earwitness.replay.serve.sound`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from ...schemas.dialects.normalise import normalise
from ...schemas.dialects.shapes import SESSION_FIELDS
from ...schemas.frame import parse_json
from ...schemas.paths import Path, PathRules, Pattern, write_path
from ...schemas.values import Comparison, Json, is_number, members, objects, same_json, same_scalar
from .ids import ID_KEYS

__all__ = [
    "BOUNDARY_TYPES",
    "Difference",
    "MatchPolicy",
    "canonical_client_event",
    "client_rules",
    "differences",
]


BOUNDARY_TYPES: Final = frozenset(("input_audio_buffer.commit", "input_audio_buffer.clear"))
"""Client events that end one stretch of input audio and begin the next."""

TRUNCATE: Final = "conversation.item.truncate"

_SHOWN: Final = 120

TRUNCATION_TOLERANCE_MS: Final = 200
"""How far a truncation may lie from the recorded one at speed 1: clients measure it on a clock of their own."""

_REDACTED: Final = "redacted:hmac-sha256:"


class MatchPolicy(BaseModel):
    """What counts as the same, and what happens when it is not. A cassette can carry one (``match`` in its header)."""

    model_config = ConfigDict(extra="allow", frozen=True)

    mode: Literal["strict", "lenient", "off"] = "strict"
    """``strict``: the first divergence ends the session. ``lenient``: it is reported. ``off``: compare types only."""
    audio: Literal["exact", "length", "ignore"] = "exact"
    ignore: tuple[str, ...] = ()
    """Paths whose values do not count: ``session.instructions``, ``conversation.item.create.item.content``. A path
    counts with all below it; ``*`` stands for any one step; the event's type may stand before it."""
    tolerances: Mapping[str, float] = Field(default_factory=dict[str, float])
    """By path: how far apart two numbers may lie."""

    def over(self, recorded: Mapping[str, Any] | None) -> MatchPolicy:
        """Return this policy on top of one that a recording carries: what is stated here counts, rules add up.

        Raises:
            ValidationError: the recording's is no policy.
        """
        base = MatchPolicy.model_validate(dict(recorded or {}))
        stated = {name: getattr(self, name) for name in self.model_fields_set}
        stated["ignore"] = (*base.ignore, *self.ignore)
        stated["tolerances"] = {**base.tolerances, **self.tolerances}
        return base.model_copy(update=stated)


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where two events differ. ``expected`` or ``got`` is None where it is absent."""

    path: str
    expected: Any
    got: Any

    def __str__(self) -> str:
        expected, got = self.expected, self.got
        if isinstance(expected, str) and isinstance(got, str) and max(len(expected), len(got)) > _SHOWN:
            # Two long texts: show them where they begin to differ.
            pairs = enumerate(zip_longest(expected, got))
            at = next((index for index, (left, right) in pairs if left != right), 0)
            expected, got = (f"…{text[max(at - 30, 0) : at + 60]}…" for text in (expected, got))
            return f"{self.path}: from character {at} on expected {expected!r}, got {got!r}"
        return f"{self.path}: expected {_short(expected)}, got {_short(got)}"


def _short(value: Any) -> str:
    if value is None:
        return "nothing"
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:100]}… ({len(text)} characters)"


def client_rules(rules: Mapping[str, float] | tuple[str, ...]) -> PathRules:
    """Read rules for places in client events. A session field's preview name stands for its GA place as well."""
    return PathRules(rules, aliases=_ga_places)


def _ga_places(pattern: Pattern) -> Iterator[Pattern]:
    if pattern[:1] == ("session",) and len(pattern) > 1:
        for rule in SESSION_FIELDS:
            if rule.preview == pattern[1]:
                yield ("session", *rule.ga, *pattern[2:])


def canonical_client_event(event: Json) -> Json:
    """Return a client event in the form in which it is compared: GA shapes, without ``event_id``."""
    return {key: value for key, value in normalise(event).items() if key != "event_id"}


def differences(
    expected: Json,
    got: Json,
    *,
    ignore: PathRules | None = None,
    tolerances: PathRules | None = None,
    to_recorded: Callable[[str], str] = lambda live: live,
    redacted: tuple[str, ...] = (),
) -> list[Difference]:
    """List where a live client event differs from the recorded one.

    Args:
        expected: the recorded event, from :func:`canonical_client_event`.
        got: the live event, from the same.
        ignore: places that do not count.
        tolerances: places where numbers may differ by so much.
        to_recorded: returns the recorded id for a live one.
        redacted: paths of values that the recording does not hold; any value is right there.
    """
    event_type = str(expected.get("type"))
    hidden = PathRules(redacted) if redacted else None
    comparison = Comparison(
        empty_is_absent=True, members=partial(_counted, _chosen_ids(expected)), same=partial(_same, to_recorded)
    )
    found: list[Difference] = []
    for path, left, right in comparison.differences(expected, got):
        if ignore is not None and ignore.find(path, event_type) is not None:
            continue
        if (hidden is not None and hidden.find(path) is not None) or (
            isinstance(left, str) and left.startswith(_REDACTED) and isinstance(right, str)
        ):
            continue
        if tolerances is not None and is_number(left) and is_number(right):
            allowed = tolerances.find(path, event_type)
            if allowed is not None and abs(left - right) <= allowed:
                continue
        found.append(Difference(write_path(path), left, right))
    return found


def _chosen_ids(event: Json) -> dict[Path, set[str]]:
    """Keys of ids that the client itself chose, by the path of their object: they are bound, not compared."""
    chosen: dict[Path, set[str]] = {}
    if isinstance(event.get("item"), dict):
        # A call that the client writes into the history carries an id of its own choice.
        is_call = members(event, "item").get("type") == "function_call"
        chosen["item",] = {"id", "call_id"} if is_call else {"id"}
    for index, each in enumerate(objects(members(event, "response"), "input")):
        # Items of a response outside the conversation; a reference names one that exists.
        if each is None or each.get("type") != "item_reference":
            chosen["response", "input", index] = {"id"}
    return chosen


def _counted(chosen: Mapping[Path, set[str]], path: Path, left: Json, right: Json) -> tuple[Json, Json]:
    """What of two objects counts: all but ids that the client chose, and of metadata only the keys."""
    if path[-1:] == ("metadata",):
        # Its values are the client's own marks, often made anew for each run; they are mapped like ids.
        return dict.fromkeys(left, ""), dict.fromkeys(right, "")
    key = "turn_detection"
    if path[:1] == ("session",) and left.get(key) is right.get(key) is None and (key in left) != (key in right):
        left, right = ({**side, key: "null"} if key in side else side for side in (left, right))
    ids = chosen.get(path)
    return (_without(left, ids), _without(right, ids)) if ids else (left, right)


def _without(fields: Json, keys: set[str]) -> Json:
    return {key: value for key, value in fields.items() if key not in keys}


def _same(to_recorded: Callable[[str], str], path: Path, expected: Any, got: Any) -> bool:
    if isinstance(expected, str) and isinstance(got, str) and expected != got:
        key = path[-1] if path else None
        if key in ID_KEYS:
            return to_recorded(got) == expected
        return key in ("output", "arguments") and _same_json_text(expected, got)
    return same_scalar(expected, got)


def _same_json_text(left: str, right: str) -> bool:
    """Whether two texts are the same JSON object or array in another spelling."""
    if left[:1] not in "{[" or right[:1] not in "{[":
        return False
    try:
        return same_json(parse_json(left), parse_json(right))
    except ValueError:
        return False


def truncation_allowed(expected_ms: float, got_ms: float, *, speed: float, delivered_ms: float) -> bool:
    """Whether a truncation's position is acceptable.

    At speed 1 it lies within :data:`TRUNCATION_TOLERANCE_MS` of the recorded one. At other speeds playback has another
    clock than the recording, so it only has to lie within the audio that was delivered (or not beyond the recorded
    position, where the recording holds less audio than was played).
    """
    if not math.isfinite(got_ms) or got_ms < 0:
        return False
    if speed == 1:
        return abs(expected_ms - got_ms) <= TRUNCATION_TOLERANCE_MS
    return got_ms <= max(expected_ms, delivered_ms)
