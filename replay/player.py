"""The replay server's core: a recorded session, what the live client does, and the time go in; commands come out.

Server frames leave in recorded order. Each is held until its causes have been matched
(:mod:`.causes`) and, when played with a pace, until it is due (:mod:`.pacing`); the frames behind it wait with it. Live
client frames are matched against the recorded ones (:mod:`.matching`) in causal order: events one after the other,
tool outputs that follow one another in any order, audio as a stream beside them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, cast

from ..schemas.frame import Frame, parse_json, sniff_type
from ..schemas.vocabulary import canonical_type
from .causes import Hold
from .divergence import CLOSE_DIVERGED, Candidate, Divergence, FrameView, Report, Seen, view_event
from .faults import Fault, FaultPoints
from .idmap import IdMap, IdMode
from .matching import (
    APPEND_TYPES,
    BOUNDARY_TYPES,
    TRUNCATE,
    AudioDifference,
    AudioMatcher,
    Difference,
    MatchPolicy,
    PathRules,
    canonical_client_event,
    differences,
    truncation_allowed,
)
from .pacing import MAX_SPEED, Pacer
from .plan import Expected, Plan, append_audio_of

__all__ = ["Close", "Command", "Drop", "Need", "Player", "Send", "WakeAt"]

Json = dict[str, Any]

_NO_STATUS: Final = 1005
_ABNORMAL: Final = 1006
_WINDOW: Final = 50
"""So many recorded frames ahead are looked at for what a live frame might have been."""
_CANDIDATES: Final = 3
_LAST_SEEN: Final = 5


@dataclass(frozen=True, slots=True)
class Send:
    """Send a frame to the client."""

    seq: int
    data: bytes
    text: bool


@dataclass(frozen=True, slots=True)
class Close:
    """Close the connection; without a code, the close frame is empty."""

    code: int | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Drop:
    """Drop the transport without a closing handshake (the client sees 1006)."""


@dataclass(frozen=True, slots=True)
class WakeAt:
    """Call :meth:`Player.advance` at that time; it replaces an earlier wish."""

    time_ns: int


@dataclass(frozen=True, slots=True)
class Need:
    """Call :meth:`Player.feed` with the recording's next frames, once what was sent before has left."""


Command = Send | Close | Drop | WakeAt | Need


class Player:
    """One connection of a client under test.

    Args:
        plan: the recorded session.
        policy: what counts as the same.
        speed: recorded seconds per second.
        ids: how ids are mapped.
        nonce: makes the fresh ids of this connection its own.
        timeout_ns: how long a held frame waits for a client that does nothing.
        faults: what goes wrong on purpose.

    Times are nanoseconds on one monotonic clock of the caller's choice.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        policy: MatchPolicy | None = None,
        speed: float = MAX_SPEED,
        ids: IdMode = "map",
        nonce: bytes = b"",
        timeout_ns: int = 30_000_000_000,
        faults: Iterable[Fault] = (),
    ) -> None:
        self.plan = plan
        self.policy = policy if policy is not None else MatchPolicy()
        self._ignore = PathRules(self.policy.ignore)
        self._tolerances = PathRules(self.policy.tolerances)
        self._speed = speed
        self._timeout_ns = timeout_ns
        self._faults = FaultPoints(faults)
        self._ids = IdMap(ids, nonce=nonce, keep=plan.chosen_ids)
        self._audio = AudioMatcher(plan.audio, self.policy.audio)
        self._pending = list(plan.expected)
        self._taken: set[int] = set()
        self._queue: deque[Frame] = deque()
        self._fed_all = False
        self._pacer = Pacer(speed, 0)
        self._due: int | None = None
        self._waiting = False
        self._stalled = False
        self._closing = False
        self._started_ns = 0
        self._progress_ns = 0
        self._slack = plan.slack
        self._received = 0
        self._last_sent = -1
        self._counts: dict[str, int] = {}
        self._last: deque[Frame] = deque(maxlen=_LAST_SEEN)
        self.report = Report(
            plan.info.id,
            server_frames=plan.server_frames,
            expected=len(plan.expected),
            audio_expected=plan.audio.total,
        )

    # What happens

    def connected(self, now_ns: int) -> list[Command]:
        """Take note that the handshake is done."""
        self._started_ns = self._progress_ns = now_ns
        self._pacer = Pacer(self._speed, now_ns)
        return [Need()]

    def feed(self, frames: Iterable[Frame], now_ns: int, *, last: bool) -> list[Command]:
        """Take the recording's next frames; ``last`` says that there are no more."""
        self._queue.extend(frame for frame in frames if frame.sender == "server" and frame.kind in ("text", "binary"))
        self._fed_all = last
        return self.advance(now_ns)

    def received(self, message: str | bytes, now_ns: int) -> list[Command]:
        """Take a frame from the live client: text as ``str``, binary as ``bytes``."""
        if self._closing:
            return []
        self._received += 1
        self._progress_ns = now_ns
        name = sniff_type(message) if isinstance(message, str) else None
        if name in APPEND_TYPES and isinstance(message, str):
            audio = append_audio_of(message)
            if audio is not None:
                found = self._audio.feed(audio)
                self.report.audio_bytes = self._audio.total
                commands = self._diverged(self._audio_divergence(found, now_ns)) if found is not None else []
                return commands or self.advance(now_ns)
        commands = self._match(name, message, now_ns)
        if not commands and name is not None:
            commands = self._fault_after(name)
        return commands or self.advance(now_ns)

    def closed(self, code: int | None, reason: str, now_ns: int) -> None:
        """Take note that the connection is over, whoever ended it; complete the report."""
        _ = reason
        if self.report.ended:
            return
        self.report.ended = True
        if self._closing or self.policy.mode == "off":
            return
        said = f"the connection ended ({code})" if code is not None else "the connection ended"
        if self._pending:
            first, more = self._pending[0], len(self._pending) - 1
            rest = f", nor {more} more recorded client frame{'s' if more > 1 else ''}" if more else ""
            self.report.divergences.append(
                self._divergence("missing", f"{said}, but {_name(first)} had not been sent{rest}", expected=first)
            )
        elif (held := self._held()) is not None:
            self.report.divergences.append(self._starved("missing", f"{said}, but ", held))
        elif (short := self._audio.missing()) is not None:
            self.report.notes.append(
                f"the recorded client sent {short.to_byte - short.from_byte} more bytes of audio, on which nothing "
                f"depends"
            )

    def advance(self, now_ns: int) -> list[Command]:
        """Let out what is due."""
        commands: list[Command] = []
        while not self._closing and not self._stalled:
            if not self._queue:
                commands += self._end(now_ns) if self._fed_all else [Need()]
                break
            frame = self._queue[0]
            if self._due is None and not self._release(frame, now_ns, commands):
                break
            if cast("int", self._due) > now_ns:
                commands.append(WakeAt(cast("int", self._due)))
                break
            self._queue.popleft()
            self._send(frame, now_ns, commands)
        return commands

    # Server frames

    def _release(self, frame: Frame, now_ns: int, commands: list[Command]) -> bool:
        """Find out when the next frame is due; False while it is held."""
        hold = self.plan.holds.get(frame.seq)
        if hold is not None and not self._met(hold):
            self._waiting = True
            deadline = self._progress_ns + self._timeout_ns
            if now_ns < deadline:
                commands.append(WakeAt(deadline))
                return False
            commands += self._diverged(self._starved("timeout", "", (frame, hold), now_ns))
            if self._closing:
                return False
            self._give_up(hold)
        ready = now_ns if self._waiting else None
        self._waiting = False
        self._due = self._pacer.due(
            frame.offset_ns, ready_ns=ready, cause_ns=hold.cause_ns if hold is not None else None
        )
        self._due += self._faults.delay_ns(frame)
        return True

    def _met(self, hold: Hold) -> bool:
        if any(seq not in self._taken for seq in hold.clients):
            return False
        return hold.audio is None or self._audio.reached(hold.audio.stretch, hold.audio.offset)

    def _give_up(self, hold: Hold) -> None:
        """Go on without what a frame waited for."""
        self._pending = [expected for expected in self._pending if expected.seq not in hold.clients]
        self._taken.update(hold.clients)

    def _send(self, frame: Frame, now_ns: int, commands: list[Command]) -> None:
        self._pacer.sent(frame.offset_ns, cast("int", self._due))
        self._due = None
        self._progress_ns = now_ns
        if self._faults.any and self._act(self._faults.at(frame), commands):
            return
        payload = frame.payload
        if payload is None:
            self.report.notes.append(f"seq {frame.seq} ({frame.type}) was erased from the recording and is left out")
        else:
            data = self._rewrite(payload, frame)
            copies = self._faults.mangle(frame, data) if self._faults.any else (data,)
            commands.extend(Send(frame.seq, copy, frame.kind == "text") for copy in copies)
        self.report.sent += 1
        self._last_sent = frame.seq
        self._last.append(frame)
        name = frame.type or frame.kind
        self._counts[name] = self._counts.get(name, 0) + 1
        if self._faults.any:
            self._act(self._faults.after(frame.type), commands)

    def _rewrite(self, payload: bytes, frame: Frame) -> bytes:
        if self._ids.mode == "asis" or frame.kind != "text":
            return payload
        rewritten = self._ids.rewrite(payload)
        if self._ids.has_metadata and frame.type in ("response.created", "response.done"):
            try:
                response_id = parse_json(payload)["response"]["id"]
            except (ValueError, KeyError, TypeError):
                return rewritten
            rewritten = self._ids.rewrite_metadata(rewritten, str(response_id))
        return rewritten

    def _end(self, now_ns: int) -> list[Command]:
        """All server frames are out: close as recorded, or wait for the client to do so."""
        deadline = self._progress_ns + self._timeout_ns
        lacking = bool(self._pending)
        if not self.plan.ended_by_client and self.policy.audio != "ignore":
            lacking = lacking or self._audio.total < self.plan.audio.total
        if lacking and now_ns < deadline:
            self._waiting = True
            return [WakeAt(deadline)]
        if self._pending:
            first = self._pending[0]
            found = self._divergence(
                "timeout", f"{_name(first)} did not come within {self._seconds()} s", expected=first
            )
            commands = self._diverged(found)
            if commands:
                return commands
            self._pending.clear()
        closed = self.plan.closed
        if closed is None or self.plan.ended_by_client:
            return []
        if self._due is None:
            self._due = self._pacer.due(self.plan.closed_ns, ready_ns=now_ns if self._waiting else None)
            self._waiting = False
        if self._due > now_ns:
            return [WakeAt(self._due)]
        return [self._close(closed.code, closed.reason)]

    def _close(self, code: int | None, reason: str) -> Command:
        self._closing = True
        if code == _ABNORMAL:
            return Drop()
        return Close(None if code in (None, _NO_STATUS) else code, reason)

    # Faults

    def _fault_after(self, name: str) -> list[Command]:
        commands: list[Command] = []
        if self._faults.any:
            self._act(self._faults.after(name), commands)
        return commands

    def _act(self, faults: Iterable[Fault], commands: list[Command]) -> bool:
        """Carry out faults that end or stop the session; True where the frame at hand does not leave any more."""
        for fault in faults:
            self.report.notes.append(f"fault: {fault}")
            if fault.action == "close":
                commands.append(self._close(fault.number, "injected fault"))
            elif fault.action == "stall":
                self._stalled = True
            return True
        return False

    # Client frames

    def _match(self, name: str | None, message: str | bytes, now_ns: int) -> list[Command]:
        raw = _object(message) if isinstance(message, str) else None
        event = canonical_client_event(raw) if raw is not None else None
        if self.policy.mode == "off":
            return self._match_type(name, raw)
        for expected in self._ready():
            if self._same(expected, event, message):
                return self._take(expected, raw, now_ns)
        if self._slack:
            self._slack -= 1
            self.report.notes.append(f"{name or 'a frame'} is not on record; it may have crossed in a recording gap")
            return []
        return self._differ(name, raw, event, message, now_ns)

    def _match_type(self, name: str | None, raw: Json | None) -> list[Command]:
        for expected in self._pending:
            if canonical_type(expected.type or "") == canonical_type(name or ""):
                return self._take(expected, raw, None)
        return []

    def _ready(self) -> list[Expected]:
        """Give the recorded frames of which any may come next."""
        if not self._pending:
            return []
        batch = self._pending[0].batch
        ready: list[Expected] = []
        for expected in self._pending:
            if expected.batch != batch:
                break
            ready.append(expected)
        return ready

    def _same(self, expected: Expected, event: Json | None, message: str | bytes) -> bool:
        if expected.event is None:
            if expected.payload is None:  # erased: nothing is known but that it was sent
                return True
            data = message.encode("utf-8", "surrogatepass") if isinstance(message, str) else message
            return data == expected.payload
        return event is not None and not self._compare(expected, event)

    def _compare(self, expected: Expected, event: Json) -> list[Difference]:
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
        if recorded.get("type") == TRUNCATE and self._tolerances.find(TRUNCATE, ("audio_end_ms",)) is None:
            found = self._judge_truncation(recorded, event, found)
        return found

    def _judge_truncation(self, recorded: Json, event: Json, found: list[Difference]) -> list[Difference]:
        wanted, got = recorded.get("audio_end_ms"), event.get("audio_end_ms")
        if not isinstance(wanted, (int, float)) or not isinstance(got, (int, float)):
            return found
        if self._ignore.find(TRUNCATE, ("audio_end_ms",)) is not None:
            return found
        rest = [difference for difference in found if difference.path != "audio_end_ms"]
        delivered = self.plan.delivery.delivered_ms(str(recorded.get("item_id")), self._last_sent)
        if not truncation_allowed(wanted, got, speed=self._speed, delivered_ms=delivered):
            rest.append(Difference("audio_end_ms", wanted, got))
        return rest

    def _take(self, expected: Expected, raw: Json | None, now_ns: int | None) -> list[Command]:
        """Pair a live frame with a recorded one."""
        self._pending.remove(expected)
        self._taken.add(expected.seq)
        self.report.matched += 1
        if raw is not None and expected.raw is not None:
            self._bind(expected, expected.raw, raw)
        if canonical_type(expected.type or "") in BOUNDARY_TYPES:
            short = self._audio.end_stretch()
            if short is not None and now_ns is not None:
                return self._diverged(self._audio_divergence(short, now_ns))
        return []

    def _bind(self, expected: Expected, recorded: Json, live: Json) -> None:
        stated, chosen = recorded.get("event_id"), live.get("event_id")
        if isinstance(stated, str) and isinstance(chosen, str) and stated in self.plan.echoed_event_ids:
            self._ids.bind(stated, chosen)
        old, new = recorded.get("item"), live.get("item")
        if isinstance(old, dict) and isinstance(new, dict):
            left, right = cast("Json", old), cast("Json", new)
            for key in ("id", "call_id"):
                was, now = left.get(key), right.get(key)
                if key == "id" and was is None:
                    was = self.plan.echoes.get(expected.seq)
                if isinstance(was, str) and isinstance(now, str) and self._ids.to_recorded(now) != was:
                    self._ids.bind(was, now)
        response_id = self.plan.responses.get(expected.seq)
        if response_id is not None:
            self._ids.bind_metadata(response_id, _metadata(recorded), _metadata(live))

    # Divergence

    def _differ(
        self, name: str | None, raw: Json | None, event: Json | None, message: str | bytes, now_ns: int
    ) -> list[Command]:
        got = self._view_live(name, raw, message, now_ns)
        window = self._pending[:_WINDOW]
        candidates = sorted(
            (self._candidate(expected, event, message) for expected in window),
            key=lambda pair: (pair[1].failed == "type", pair[1].failed != "order", len(pair[1].differences)),
        )
        due = self._pending[0] if self._pending else None
        nearest = tuple(candidate for _, candidate in candidates[:_CANDIDATES])
        resync: Expected | None = None
        if due is None:
            text = f"{got.type} came, but the recorded client sent nothing more"
            found = self._divergence("unexpected", text, got=got)
        elif candidates[0][1].failed == "order":
            resync = candidates[0][0]
            text = f"{got.type} came (recorded as seq {resync.seq}), but {_name(due)} was due first"
            found = self._divergence("order", text, expected=due, got=got, candidates=nearest)
        elif event is not None and any(_type(ready) == event.get("type") for ready in self._ready()):
            resync = next(pair[0] for pair in candidates if _type(pair[0]) == event.get("type"))
            wrong = self._compare(resync, event)
            cut = len(wrong) == 1 and wrong[0].path == "audio_end_ms"
            text = f"{_name(resync)} came with another content: {wrong[0]}" + (
                f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
            )
            kind = "truncation" if cut else "content"
            found = self._divergence(kind, text, expected=resync, got=got, candidates=nearest)
        else:
            text = f"{got.type} came, but {_name(due)} was due"
            found = self._divergence("unexpected", text, expected=due, got=got, candidates=nearest)
        commands = self._diverged(found)
        if not commands and resync is not None:
            self._take(resync, raw, None)
        return commands

    def _candidate(self, expected: Expected, event: Json | None, message: str | bytes) -> tuple[Expected, Candidate]:
        view = _view(expected)
        if event is None or expected.event is None:
            same = self._same(expected, event, message)
            failed, why = ("order", "it is not due yet") if same else ("type", "one of the two is no JSON event")
            return expected, Candidate(view, failed, why)
        found = tuple(self._compare(expected, event))
        if not found:
            return expected, Candidate(view, "order", "the same, but it is not due yet")
        if found[0].path == "type":
            return expected, Candidate(view, "type", f"it is {expected.type}")
        places = ", ".join(difference.path for difference in found[:3]) + (", …" if len(found) > 3 else "")
        return expected, Candidate(view, "content", f"differs at {places}", found)

    def _audio_divergence(self, found: AudioDifference, now_ns: int) -> Divergence:
        where = f"bytes {found.from_byte} to {found.to_byte} of stretch {found.stretch + 1}"
        if found.what == "bytes":
            text = f"the input audio differs from the recorded one in {where} (recorded in seq {found.seq})"
        elif found.what == "longer":
            text = f"more input audio came than was recorded before the commit: {where}"
        else:
            text = f"less input audio came before the commit than was recorded: {where} are missing"
        expected = FrameView("input_audio_buffer.append", found.seq)
        got = FrameView("input_audio_buffer.append", self._received, now_ns - self._started_ns)
        return self._divergence("audio", text, view=expected, got=got)

    def _starved(self, kind: Any, before: str, held: tuple[Frame, Hold], now_ns: int | None = None) -> Divergence:
        """Tell what a held frame waits for in vain."""
        _ = now_ns
        frame, hold = held
        after = f" within {self._seconds()} s" if kind == "timeout" else ""
        lacking = next((e for e in self._pending if e.seq in hold.clients), None)
        if lacking is not None:
            text = f"{before}{_name(lacking)} did not come{after}"
        else:
            point = hold.audio
            wanted = point.offset if point is not None else 0
            text = f"{before}{wanted - self._audio.position} more bytes of input audio did not come{after}"
        return self._divergence(
            kind, text, expected=lacking, holding=FrameView(str(frame.type), frame.seq, frame.offset_ns), rule=hold.rule
        )

    def _held(self) -> tuple[Frame, Hold] | None:
        """Give the frame that is held now."""
        if not self._queue or not self._waiting:
            return None
        hold = self.plan.holds.get(self._queue[0].seq)
        return (self._queue[0], hold) if hold is not None and not self._met(hold) else None

    def _divergence(
        self,
        kind: Any,
        message: str,
        *,
        expected: Expected | None = None,
        view: FrameView | None = None,
        got: FrameView | None = None,
        candidates: tuple[Candidate, ...] = (),
        holding: FrameView | None = None,
        rule: str | None = None,
    ) -> Divergence:
        if holding is None and (held := self._held()) is not None:
            holding, rule = FrameView(str(held[0].type), held[0].seq, held[0].offset_ns), held[1].rule
        last = tuple(FrameView(frame.type or frame.kind, frame.seq, frame.offset_ns) for frame in self._last)
        return Divergence(
            kind=kind,
            message=message,
            expected=_view(expected) if expected is not None else view,
            got=got,
            candidates=candidates,
            holding=holding,
            rule=rule,
            seen=Seen(self.report.sent, last, dict(self._counts)),
        )

    def _diverged(self, found: Divergence) -> list[Command]:
        """Report a divergence; give the command that ends a strict session."""
        if self.policy.mode == "off":
            self.report.notes.append(found.message)
            return []
        self.report.divergences.append(found)
        if self.policy.mode == "strict":
            return [self._close(CLOSE_DIVERGED, found.reason())]
        return []

    def _view_live(self, name: str | None, raw: Json | None, message: str | bytes, now_ns: int) -> FrameView:
        what = name or ("a text frame without type" if isinstance(message, str) else "a binary frame")
        return FrameView(what, self._received, now_ns - self._started_ns, view_event(raw))

    def _seconds(self) -> str:
        return f"{self._timeout_ns / 1e9:g}"


def _object(message: str) -> Json | None:
    try:
        value = parse_json(message)
    except ValueError:
        return None
    return cast("Json", value) if isinstance(value, dict) else None


def _metadata(event: Json) -> Any:
    response = event.get("response")
    return cast("Json", response).get("metadata") if isinstance(response, dict) else None


def _type(expected: Expected) -> Any:
    return expected.event.get("type") if expected.event is not None else None


def _name(expected: Expected) -> str:
    return f"{expected.type or 'a frame that is no event'} (seq {expected.seq})"


def _view(expected: Expected) -> FrameView:
    return FrameView(
        expected.type or "a frame that is no event", expected.seq, expected.offset_ns, view_event(expected.raw)
    )
