"""The replay server's core: a recorded session, what the live client does, and the time go in; commands come out.

Server frames leave in recorded order. Each is held until its causes have been matched
(:mod:`.causes`) and, when played with a pace, until it is due (:mod:`.pacing`); the frames behind it wait with it. Live
client frames are matched against the recorded ones (:mod:`.match`) in causal order: events one after the other,
tool outputs that follow one another in any order, audio as a stream beside them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final, cast

from ...schemas.audio import APPEND_TYPES, read_append
from ...schemas.errors import EarwitnessError
from ...schemas.frame import Frame, parse_json
from ..playing.core import Close, Command, Need, Send, WakeAt, close_as
from ..playing.ids import IdMap, IdMode
from ..playing.match import MatchPolicy
from ..playing.pacing import MAX_SPEED, Pacer
from .causes import Hold
from .expected import Finding, Judge, audio_finding, describe, view_expected
from .faults import Fault, FaultPoints
from .plan import Plan
from .report import CLOSE_DIVERGED, Divergence, FrameView, Report, Seen, view_event

__all__ = ["Player"]

_INTERNAL_ERROR: Final = 1011
_NS: Final = 1_000_000_000
_LAST_SEEN: Final = 5


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
        self._speed = speed
        self._timeout_ns = timeout_ns
        self._faults = FaultPoints(faults)
        self._ids = IdMap(ids, nonce=nonce, keep=plan.chosen_ids)
        self._judge = Judge(plan, self.policy, speed, self._ids)
        self._audio = self._judge.audio
        self._queue: deque[Frame] = deque()
        self._fed_all = False
        self._pacer = Pacer(speed, 0)
        self._unpaced = speed == MAX_SPEED and not self._faults.any
        self._due: int | None = None
        self._hold: Hold | None = None
        self._waived_stretch = -1
        """Up to this stretch of audio no frame waits for sound any more: it did not come."""
        self._lacked = False
        self._asked = False
        self._stalled = False
        self._closing = False
        self._started_ns = 0
        self._progress_ns = 0
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
        self._asked = True
        return [Need()]

    def feed(self, frames: Iterable[Frame], now_ns: int, *, last: bool) -> list[Command]:
        """Take the recording's next frames; ``last`` says that there are no more."""
        self._queue.extend(frame for frame in frames if frame.sender == "server" and frame.kind in ("text", "binary"))
        self._fed_all = last
        self._asked = False
        return self.advance(now_ns)

    def unreadable(self, error: EarwitnessError) -> list[Command]:
        """Take note that the recording cannot be read on: the report tells why, the client that it is not its fault."""
        text = "the recording cannot be read to its end"
        self.report.error = f"{text}: {error.message}"
        return [Close(_INTERNAL_ERROR, text)]

    def received(self, message: str | bytes, now_ns: int) -> list[Command]:
        """Take a frame from the live client: text as ``str``, binary as ``bytes``."""
        if self._closing:
            return []
        self._received += 1
        name, audio = read_append(message) if isinstance(message, str) else (None, None)
        # A microphone that runs on is no progress towards an event that does not come.
        if audio is None or not self._awaits_event():
            self._progress_ns = now_ns
        if audio is not None:
            different = self._audio.feed(audio)
            finding = audio_finding(different) if different is not None else None
        else:
            finding = self._judge.frame(name, message, self._last_sent)
            self.report.matched = self._judge.matched
        if finding is not None:
            ending = self._diverged(self._divergence(finding, self._live_view(name, message, now_ns)))
            if ending:
                return ending
        if self._faults.any:
            commands: list[Command] = []
            if self._act(self._faults.after(name), commands):
                return commands
        if self._hold is not None and not self._met(self._hold):
            return []  # still held; whoever wakes the player for the timeout finds out when it is now
        return self.advance(now_ns)

    def closed(self, code: int | None) -> None:
        """Take note that the connection is over, whoever ended it; complete the report."""
        if self.report.ended:
            return
        self.report.ended = True
        self.report.audio_bytes = self._audio.total
        self.report.notes += self._judge.notes
        self.report.notes += [f"fault: {fault}" for fault in self._faults.done]
        self.report.notes += [f"no fault: the session did not come to {fault}" for fault in self._faults.missed]
        if self._closing or self.policy.mode == "off":
            return
        said = f"the connection ended ({code})" if code is not None else "the connection ended"
        pending, held = self._judge.pending, self._held()
        if pending:
            more = len(pending) - 1
            text = f"{pending[0].type or 'a frame'} (seq {pending[0].seq}) did not come before {said}" + (
                f", nor {more} more recorded client frame{'s' if more > 1 else ''}" if more else ""
            )
            finding = Finding("missing", text, view_expected(pending[0]))
            self.report.divergences.append(self._divergence(finding, None))
        elif held is not None:
            self.report.divergences.append(self._starved(*held, said=said))
        elif self._audio.total < self.plan.audio.total:
            lacking = self.plan.audio.total - self._audio.total
            self.report.notes.append(f"{lacking} more bytes of audio are on record; nothing that was served needs them")
        waited = not pending and held is None and not self._stalled
        if waited and self.report.sent < self.report.server_frames:
            lacking = self.report.server_frames - self.report.sent
            self.report.notes.append(f"{lacking} server frames had not left yet; they waited only for their time")

    def advance(self, now_ns: int) -> list[Command]:
        """Let out what is due."""
        commands: list[Command] = []
        while not self._closing and not self._stalled:
            if not self._queue:
                if self._fed_all:
                    commands += self._end(now_ns)
                elif not self._asked:
                    self._asked = True
                    commands.append(Need())
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
            self._hold = hold
            deadline = self._progress_ns + self._timeout_ns
            if now_ns < deadline:
                commands.append(WakeAt(deadline))
                return False
            commands += self._diverged(self._starved(frame, hold))
            if self._closing:
                return False
            self._judge.give_up(hold.clients)
            if hold.audio is not None:
                self._waived_stretch = hold.audio.stretch
        ready = now_ns if self._hold is not None else None
        self._hold = None
        if self._unpaced:
            self._due = now_ns
            return True
        self._due = self._pacer.due(
            frame.offset_ns, ready_ns=ready, cause_ns=hold.cause_ns if hold is not None else None
        )
        self._due += self._faults.delay_ns(frame)
        return True

    def _met(self, hold: Hold) -> bool:
        if hold.clients and not self._judge.taken.issuperset(hold.clients):
            return False
        if hold.audio is None or hold.audio.stretch <= self._waived_stretch:
            return True
        return self._audio.reached(hold.audio.stretch, hold.audio.offset)

    def _awaits_event(self) -> bool:
        if self._hold is not None:
            return bool(self._hold.clients)
        return self._lacked and bool(self._judge.pending)

    def _send(self, frame: Frame, now_ns: int, commands: list[Command]) -> None:
        if not self._unpaced:
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
            if self._faults.any:
                commands.extend(
                    Send(frame.seq, copy, frame.kind == "text") for copy in self._faults.mangle(frame, data)
                )
            else:
                commands.append(Send(frame.seq, data, frame.kind == "text"))
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
        pending = self._judge.pending
        deadline = self._progress_ns + self._timeout_ns
        lacking = bool(pending)
        if not self.plan.ended_by_client and self.policy.audio != "ignore":
            lacking = lacking or self._audio.total < self.plan.audio.total
        if lacking and now_ns < deadline:
            self._lacked = True
            return [WakeAt(deadline)]
        if pending:
            text = f"{pending[0].type or 'a frame'} (seq {pending[0].seq}) did not come within"
            finding = Finding("timeout", f"{text} {self._timeout_ns / _NS:g} s", view_expected(pending[0]))
            commands = self._diverged(self._divergence(finding, None))
            if commands:
                return commands
            self._judge.give_up([expected.seq for expected in pending])
        closed = self.plan.closed
        if closed is None or self.plan.ended_by_client:
            return []
        if self._due is None:
            self._due = self._pacer.due(self.plan.closed_ns, ready_ns=now_ns if self._lacked else None)
            self._lacked = False
        if self._due > now_ns:
            return [WakeAt(self._due)]
        return [self._close(closed.code, closed.reason)]

    def _close(self, code: int | None, reason: str) -> Command:
        self._closing = True
        return close_as(code, reason)

    # Faults

    def _act(self, faults: Iterable[Fault], commands: list[Command]) -> bool:
        """Carry out faults that end or stop the session; True where the frame at hand does not leave any more."""
        for fault in faults:
            if fault.action == "close":
                commands.append(self._close(fault.number, "injected fault"))
            elif fault.action == "stall":
                self._stalled = True
            return True
        return False

    # Divergence

    def _live_view(self, name: str | None, message: str | bytes, now_ns: int) -> FrameView:
        event = None
        if isinstance(message, str) and name not in APPEND_TYPES:
            try:
                event = view_event(parse_json(message))
            except ValueError:
                event = view_event(message)  # anything but JSON is shown as it came
        return FrameView(name or describe(message), self._received, now_ns - self._started_ns, event)

    def _starved(self, frame: Frame, hold: Hold, *, said: str | None = None) -> Divergence:
        """Tell what a held frame waits for in vain."""
        kind = "timeout" if said is None else "missing"
        tail = f" within {self._timeout_ns / _NS:g} s" if said is None else f" before {said}"
        lacking = next((expected for expected in self._judge.pending if expected.seq in hold.clients), None)
        if lacking is not None:
            text = f"{lacking.type or 'a frame'} (seq {lacking.seq}) did not come{tail}"
        else:
            wanted = hold.audio.offset if hold.audio is not None else 0
            text = f"{wanted - self._audio.position} more bytes of input audio did not come{tail}"
        view = view_expected(lacking) if lacking is not None else None
        return self._divergence(Finding(kind, text, view), None, (frame, hold))

    def _held(self) -> tuple[Frame, Hold] | None:
        """Return the frame that is held now, and why."""
        if not self._queue:
            return None
        hold = self.plan.holds.get(self._queue[0].seq)
        return (self._queue[0], hold) if hold is not None and not self._met(hold) else None

    def _divergence(
        self, finding: Finding, got: FrameView | None, held: tuple[Frame, Hold] | None = None
    ) -> Divergence:
        held = held or self._held()
        last = tuple(FrameView(frame.type or frame.kind, frame.seq, frame.offset_ns) for frame in self._last)
        return Divergence(
            kind=finding.kind,
            message=finding.message,
            expected=finding.expected,
            got=got,
            candidates=finding.candidates,
            holding=FrameView(str(held[0].type), held[0].seq, held[0].offset_ns) if held is not None else None,
            rule=held[1].rule if held is not None else None,
            seen=Seen(self.report.sent, last, dict(self._counts)),
        )

    def _diverged(self, found: Divergence) -> list[Command]:
        """Report a divergence; return the command that ends a strict session."""
        if self.policy.mode == "off":
            self.report.notes.append(found.message)
            return []
        self.report.divergences.append(found)
        self.report.audio_bytes = self._audio.total
        if self.policy.mode == "strict":
            return [self._close(CLOSE_DIVERGED, found.reason())]
        return []
