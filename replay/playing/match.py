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
from itertools import zip_longest
from typing import Any, Final, Literal, cast

from pydantic import BaseModel, ConfigDict, Field

from ...schemas.dialects.normalise import normalise
from ...schemas.dialects.shapes import SESSION_FIELDS
from ...schemas.frame import parse_json
from ...schemas.values import same_number

__all__ = [
    "BOUNDARY_TYPES",
    "Difference",
    "MatchPolicy",
    "PathRules",
    "canonical_client_event",
    "differences",
    "same_json",
]

Json = dict[str, Any]
Path = tuple[str | int, ...]

BOUNDARY_TYPES: Final = frozenset(("input_audio_buffer.commit", "input_audio_buffer.clear"))
"""Client events that end one stretch of input audio and begin the next."""

TRUNCATE: Final = "conversation.item.truncate"

_SHOWN: Final = 120

TRUNCATION_TOLERANCE_MS: Final = 200
"""How far a truncation may lie from the recorded one at speed 1: clients measure it on a clock of their own."""

_ID_KEYS: Final = frozenset(("item_id", "previous_item_id", "call_id", "response_id", "approval_request_id"))
_REDACTED: Final = "redacted:hmac-sha256:"


class MatchPolicy(BaseModel):
    """What counts as the same, and what happens when it is not. A cassette can carry one (``match`` in its header)."""

    model_config = ConfigDict(extra="allow", frozen=True)

    mode: Literal["strict", "lenient", "off"] = "strict"
    """``strict``: the first divergence ends the session. ``lenient``: it is reported. ``off``: types are paired."""
    audio: Literal["exact", "length", "ignore"] = "exact"
    ignore: tuple[str, ...] = ()
    """Paths whose values do not count: ``session.instructions``, ``conversation.item.create.item.content``. A path
    counts with all below it; ``*`` stands for any one step; the event's type may stand before it."""
    tolerances: Mapping[str, float] = Field(default_factory=dict[str, float])
    """By path: how far apart two numbers may lie."""

    def over(self, recorded: Mapping[str, Any] | None) -> MatchPolicy:
        """Give this policy on top of one that a recording carries: what is stated here counts, rules add up.

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


class PathRules:
    """Rules that hold for a path and all below it, as users write them."""

    def __init__(self, patterns: Mapping[str, float] | tuple[str, ...]) -> None:
        self._patterns = dict(patterns) if isinstance(patterns, Mapping) else dict.fromkeys(patterns, 0.0)
        self._compiled: dict[str, list[tuple[Path, float]]] = {}

    def __bool__(self) -> bool:
        return bool(self._patterns)

    def find(self, event_type: str, path: Path) -> float | None:
        """Give the value of the first rule for that place; None where there is none."""
        if not self._patterns:
            return None
        rules = self._compiled.get(event_type)
        if rules is None:
            rules = self._compiled[event_type] = list(self._compile(event_type))
        for steps, value in rules:
            if len(steps) <= len(path) and all(
                step in ("*", str(there)) for step, there in zip(steps, path, strict=False)
            ):
                return value
        return None

    def _compile(self, event_type: str) -> Iterator[tuple[Path, float]]:
        for pattern, value in self._patterns.items():
            text = pattern.replace("[", ".").replace("]", "")
            if text == event_type:
                yield (), value
                continue
            steps = tuple(text.removeprefix(f"{event_type}.").split("."))
            yield steps, value
            # A preview session's user writes the field's preview name; matching looks at the GA place.
            if steps[0] == "session" and len(steps) > 1:
                for rule in SESSION_FIELDS:
                    if rule.preview == steps[1]:
                        yield ("session", *rule.ga, *steps[2:]), value


def canonical_client_event(event: Json) -> Json:
    """Give a client event in the form in which it is compared: GA shapes, without ``event_id``."""
    return {key: value for key, value in normalise(event).items() if key != "event_id"}


def same_json(left: Any, right: Any) -> bool:
    """Whether two JSON values mean the same: absent is null, and numbers as in :func:`same_number`."""
    return next(_walk(left, right, (), _NO_IDS, None), None) is None


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
        expected: the recorded event, through :func:`canonical_client_event`.
        got: the live event, through the same.
        ignore: places that do not count.
        tolerances: places where numbers may differ by so much.
        to_recorded: gives the recorded id for a live one.
        redacted: paths of values that the recording does not hold; any value is right there.
    """
    event_type = str(expected.get("type"))
    found: list[Difference] = []
    hidden = tuple(path.removeprefix("$.") for path in redacted)
    for path, left, right in _walk(expected, got, (), _chosen_ids(expected), to_recorded):
        if ignore is not None and ignore.find(event_type, path) is not None:
            continue
        text = _path_text(path)
        if any(text == place or text.startswith((f"{place}.", f"{place}[")) for place in hidden):
            continue
        if isinstance(left, str) and left.startswith(_REDACTED) and isinstance(right, str):
            continue
        if tolerances is not None and _is_number(left) and _is_number(right):
            allowed = tolerances.find(event_type, path)
            if allowed is not None and abs(left - right) <= allowed:
                continue
        found.append(Difference(text, left, right))
    return found


_NO_IDS: Final[frozenset[Path]] = frozenset()


def _chosen_ids(event: Json) -> frozenset[Path]:
    """Places of ids that the client itself chose: they are bound, not compared."""
    places: list[Path] = []
    item = event.get("item")
    if isinstance(item, dict):
        places.append(("item", "id"))
        # A call that the client writes into the history carries an id of its own choice.
        if cast("Json", item).get("type") == "function_call":
            places.append(("item", "call_id"))
    response = event.get("response")
    given = cast("Json", response).get("input") if isinstance(response, dict) else None
    for index, each in enumerate(cast("list[Any]", given) if isinstance(given, list) else ()):
        # Items of a response outside the conversation; a reference names one that exists.
        if not isinstance(each, dict) or cast("Json", each).get("type") != "item_reference":
            places.append(("response", "input", index, "id"))
    return frozenset(places)


def _walk(
    expected: Any, got: Any, path: Path, chosen: frozenset[Path], to_recorded: Callable[[str], str] | None
) -> Iterator[tuple[Path, Any, Any]]:
    """Yield each smallest place that differs, in the order of the recorded event."""
    if path in chosen:
        return
    if isinstance(expected, dict) or isinstance(got, dict):
        left, right = _as_object(expected), _as_object(got)
        if left is not None and right is not None:
            yield from _walk_objects(left, right, path, chosen, to_recorded)
            return
    elif isinstance(expected, list) or isinstance(got, list):
        ours, theirs = _as_list(expected), _as_list(got)
        if ours is not None and theirs is not None:
            for index, (one, other) in enumerate(zip_longest(ours, theirs)):
                yield from _walk(one, other, (*path, index), chosen, to_recorded)
            return
    if not _same_scalar(expected, got, path, to_recorded):
        yield path, expected, got


def _walk_objects(
    left: Json, right: Json, path: Path, chosen: frozenset[Path], to_recorded: Callable[[str], str] | None
) -> Iterator[tuple[Path, Any, Any]]:
    if path[-1:] == ("metadata",):
        # Its values are the client's own marks, often made anew for each run; they are mapped like ids.
        left, right = dict.fromkeys(left, ""), dict.fromkeys(right, "")
    for key in (*left, *(key for key in right if key not in left)):
        if key == "turn_detection" and path[:1] == ("session",) and left.get(key) is right.get(key) is None:
            if (key in left) != (key in right):
                yield (*path, key), "null" if key in left else None, "null" if key in right else None
            continue
        yield from _walk(left.get(key), right.get(key), (*path, key), chosen, to_recorded)


def _as_object(value: Any) -> Json | None:
    return {} if value is None else cast("Json", value) if isinstance(value, dict) else None


def _as_list(value: Any) -> list[Any] | None:
    return [] if value is None else cast("list[Any]", value) if isinstance(value, list) else None


def _same_scalar(expected: Any, got: Any, path: Path, to_recorded: Callable[[str], str] | None) -> bool:
    if _is_number(expected) and _is_number(got):
        return same_number(expected, got)
    if type(expected) is not type(got):
        return False
    if isinstance(expected, str) and expected != got:
        key = path[-1] if path else None
        if to_recorded is not None and (key in _ID_KEYS or key == "id"):
            return to_recorded(got) == expected
        return key in ("output", "arguments") and _same_json_text(expected, got)
    return expected == got


def _same_json_text(left: str, right: str) -> bool:
    """Whether two texts are the same JSON object or array in another spelling."""
    if left[:1] not in "{[" or right[:1] not in "{[":
        return False
    try:
        return same_json(parse_json(left), parse_json(right))
    except ValueError:
        return False


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _path_text(path: Path) -> str:
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


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
