"""Which recorded client frame a live one is, and if none, which it was nearest to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, cast

from ...schemas.dialects.vocabulary import canonical_type
from ...schemas.frame import parse_object
from ...schemas.values import Json
from ..playing.ids import IdMap
from ..playing.match import (
    BOUNDARY_TYPES,
    TRUNCATE,
    Difference,
    MatchPolicy,
    canonical_client_event,
    client_rules,
    differences,
    truncation_allowed,
)
from .plan import Expected, Plan
from .report import Candidate, DivergenceKind, FrameView, view_event
from .sound import AudioDifference, AudioMatcher

__all__ = ["Finding", "Judge", "audio_finding", "describe", "view_expected"]


_WINDOW: Final = 50
"""So many recorded frames ahead are looked at for what a live frame might have been."""
_CANDIDATES: Final = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with a live frame; a divergence without the circumstances."""

    kind: DivergenceKind
    message: str
    expected: FrameView | None = None
    candidates: tuple[Candidate, ...] = ()


class Judge:
    """Matches the frames of one live client against a plan.

    Args:
        plan: the recorded session.
        policy: what counts as the same.
        speed: decides what a truncation's position means.
        ids: is told which live id stands for which recorded one.
    """

    def __init__(self, plan: Plan, policy: MatchPolicy, speed: float, ids: IdMap) -> None:
        self._plan = plan
        self._policy = policy
        self._speed = speed
        self._ids = ids
        self._ignore = client_rules(policy.ignore)
        self._tolerances = client_rules(policy.tolerances)
        self._slack = plan.slack
        self.audio = AudioMatcher(plan.audio, policy.audio)
        """Is given the appended audio by whoever receives it."""
        self.pending = list(plan.expected)
        """Recorded frames that have not come yet, in order."""
        self.taken: set[int] = set()
        """Seqs of those that have come."""
        self.matched = 0
        """How many have come; those that were given up do not count."""
        self.notes: list[str] = []

    def give_up(self, seqs: Iterable[int]) -> None:
        """Go on as if these recorded frames had come."""
        self.taken.update(seqs)
        self.pending = [expected for expected in self.pending if expected.seq not in self.taken]

    def frame(self, name: str | None, message: str | bytes, last_sent: int) -> Finding | None:
        """Take any frame but appended audio. A lenient session goes on as if the one that was meant had come.

        Args:
            name: its type, where it has one.
            message: text as ``str``, binary as ``bytes``.
            last_sent: seq of the last server frame that left: a truncation keeps no more than was delivered.
        """
        raw = parse_object(message) if isinstance(message, str) else None
        if self._policy.mode == "off":
            wanted = canonical_type(name or "")
            meant = next((e for e in self.pending if canonical_type(e.type or "") == wanted), None)
            if meant is not None:
                self._take(meant, raw)
            return None
        event = canonical_client_event(raw) if raw is not None else None
        for expected in self._ready():
            if self._same(expected, event, message, last_sent):
                return self._take(expected, raw)
        if self._slack:
            self._slack -= 1
            self.notes.append(f"{name or 'a frame'} is not on record; it may have crossed in a recording gap")
            return None
        return self._differ(name, raw, event, message, last_sent)

    def _ready(self) -> list[Expected]:
        """Return the recorded frames of which any may come next."""
        ready: list[Expected] = []
        for expected in self.pending:
            if expected.batch != self.pending[0].batch:
                break
            ready.append(expected)
        return ready

    def _same(self, expected: Expected, event: Json | None, message: str | bytes, last_sent: int) -> bool:
        if expected.event is None:
            if expected.payload is None:  # erased: nothing is known but that it was sent
                return True
            data = message.encode("utf-8", "surrogatepass") if isinstance(message, str) else message
            return data == expected.payload
        return event is not None and not self._compare(expected, event, last_sent)

    def _compare(self, expected: Expected, event: Json, last_sent: int) -> list[Difference]:
        recorded = cast("Json", expected.event)
        if recorded.get("type") != event.get("type"):
            return [Difference("type", recorded.get("type"), event.get("type"))]
        found = differences(
            recorded,
            event,
            ignore=self._ignore,
            tolerances=self._tolerances,
            to_recorded=self._ids.to_recorded,
            redacted=expected.redacted,
        )
        place = (("audio_end_ms",), TRUNCATE)
        if recorded.get("type") == TRUNCATE and self._tolerances.find(*place) is self._ignore.find(*place) is None:
            found = self._judge_truncation(recorded, event, found, last_sent)
        return found

    def _judge_truncation(
        self, recorded: Json, event: Json, found: list[Difference], last_sent: int
    ) -> list[Difference]:
        wanted, got = recorded.get("audio_end_ms"), event.get("audio_end_ms")
        if not isinstance(wanted, (int, float)) or not isinstance(got, (int, float)):
            return found
        rest = [difference for difference in found if difference.path != "audio_end_ms"]
        delivered = self._plan.delivery.delivered_ms(str(recorded.get("item_id")), last_sent)
        if not truncation_allowed(wanted, got, speed=self._speed, delivered_ms=delivered):
            rest.append(Difference("audio_end_ms", wanted, got))
        return rest

    def _take(self, expected: Expected, raw: Json | None) -> Finding | None:
        """Pair a live frame with a recorded one."""
        self.pending.remove(expected)
        self.taken.add(expected.seq)
        self.matched += 1
        if raw is not None and expected.raw is not None:
            self._bind(expected, expected.raw, raw)
        if canonical_type(expected.type or "") in BOUNDARY_TYPES:
            short = self.audio.end_stretch()
            return audio_finding(short) if short is not None else None
        return None

    def _bind(self, expected: Expected, recorded: Json, live: Json) -> None:
        stated, chosen = recorded.get("event_id"), live.get("event_id")
        if isinstance(stated, str) and isinstance(chosen, str) and stated in self._plan.echoed_event_ids:
            self._ids.bind(stated, chosen)
        old, new = recorded.get("item"), live.get("item")
        if isinstance(old, dict) and isinstance(new, dict):
            left, right = cast("Json", old), cast("Json", new)
            for key in ("id", "call_id"):
                was, now = left.get(key), right.get(key)
                if key == "id" and was is None:  # the recorded server chose it, the live client does
                    was = self._plan.echoes.get(expected.seq)
                if isinstance(was, str) and isinstance(now, str) and self._ids.to_recorded(now) != was:
                    self._ids.bind(was, now)
        response_id = self._plan.responses.get(expected.seq)
        if response_id is not None:
            self._ids.bind_metadata(response_id, _metadata(recorded), _metadata(live))

    # What else it may have been

    def _differ(
        self, name: str | None, raw: Json | None, event: Json | None, message: str | bytes, last_sent: int
    ) -> Finding:
        came = name or describe(message)
        if not self.pending:
            return Finding("unexpected", f"{came} came, but the recorded client sent nothing more")
        found = sorted(
            (self._candidate(expected, event, message, last_sent) for expected in self.pending[:_WINDOW]),
            key=lambda pair: (pair[1].failed == "type", pair[1].failed != "order", len(pair[1].differences)),
        )
        # Frames of other types say something only if none is of the same.
        of_type = [candidate for _, candidate in found if candidate.failed != "type"]
        nearest = tuple((of_type or [candidate for _, candidate in found])[:_CANDIDATES])
        due, best = self.pending[0], found[0]
        if best[1].failed == "order":
            text = f"{came} came (recorded as seq {best[0].seq}), but {_name(due)} was due first"
            finding = Finding("order", text, view_expected(due), nearest)
            meant: Expected | None = best[0]
        else:
            ready = {expected.seq for expected in self._ready()}
            meant = next((e for e, candidate in found if e.seq in ready and candidate.failed == "content"), None)
            finding = self._other_content(meant, found, nearest) if meant is not None else None
            if finding is None:
                finding = Finding("unexpected", f"{came} came, but {_name(due)} was due", view_expected(due), nearest)
        if self._policy.mode == "lenient" and meant is not None:
            self._take(meant, raw)
        return finding

    @staticmethod
    def _other_content(
        meant: Expected, found: list[tuple[Expected, Candidate]], nearest: tuple[Candidate, ...]
    ) -> Finding:
        wrong = next(candidate.differences for expected, candidate in found if expected is meant)
        first, *rest = wrong
        more = f" and {len(rest)} more" if rest else ""
        cut = not rest and first.path == "audio_end_ms"
        text = f"{_name(meant)} came with another content: {first}{more}"
        return Finding("truncation" if cut else "content", text, view_expected(meant), nearest)

    def _candidate(
        self, expected: Expected, event: Json | None, message: str | bytes, last_sent: int
    ) -> tuple[Expected, Candidate]:
        view = view_expected(expected)
        if event is None or expected.event is None:
            if self._same(expected, event, message, last_sent):
                return expected, Candidate(view, "order", "the same, but it is not due yet")
            return expected, Candidate(view, "type", "one of the two is not an event")
        found = tuple(self._compare(expected, event, last_sent))
        if not found:
            return expected, Candidate(view, "order", "the same, but it is not due yet")
        if found[0].path == "type":
            return expected, Candidate(view, "type", f"it is {expected.type}")
        places = ", ".join(difference.path for difference in found[:3]) + (", …" if len(found) > 3 else "")
        return expected, Candidate(view, "content", f"differs at {places}", found)


def describe(message: str | bytes) -> str:
    """Name a frame that has no type."""
    return "a text frame without a type" if isinstance(message, str) else "a binary frame"


def view_expected(expected: Expected) -> FrameView:
    """Return a recorded frame for a report."""
    return FrameView(
        expected.type or "a frame without a type", expected.seq, expected.offset_ns, view_event(expected.raw)
    )


def audio_finding(found: AudioDifference) -> Finding:
    """Tell in words how live audio differs."""
    where = f"bytes {found.from_byte} to {found.to_byte}"
    if found.stretch:
        where += f" after commit or clear number {found.stretch}"
    if found.what == "bytes":
        text = f"the input audio is not the recorded one, in {where} (recorded in seq {found.seq})"
    elif found.what == "longer":
        text = f"more input audio came than was recorded before the commit: {where}"
    else:
        text = f"less input audio came than was recorded before the commit: {where} are missing"
    return Finding("audio", text, FrameView("input_audio_buffer.append", found.seq))


def _metadata(event: Json) -> Any:
    response = event.get("response")
    return cast("Json", response).get("metadata") if isinstance(response, dict) else None


def _name(expected: Expected) -> str:
    return f"{expected.type or 'a frame without a type'} (seq {expected.seq})"
