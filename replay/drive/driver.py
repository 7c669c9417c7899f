"""The replay client's core: recorded client frames go out again, each when what it depended on has happened.

It depends on server events in the way a program does (:mod:`.waits`): a tool's output on the call, a
truncation on the audio that it cuts, a further request on the answer to the one before. Ids that the recorded server
made are replaced by those that the live server gives to the thing in the same position (:mod:`.positions`). Against a
replay of the same session nothing changes at all, and the frames that leave are the recorded ones, byte for byte.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable
from typing import Final, Literal, cast

from ...schemas.audio import APPEND_TYPES
from ...schemas.dialects.vocabulary import canonical_type
from ...schemas.errors import EarwitnessError
from ...schemas.frame import NS_PER_MS, Frame, parse_object
from ...schemas.values import Json
from ..playing.core import Command, Need, Send, WakeAt, close_as
from ..playing.ids import IdMap, collect_ids
from ..playing.match import BOUNDARY_TYPES, TRUNCATE, TRUNCATION_TOLERANCE_MS
from ..playing.pacing import MAX_SPEED, Pacer
from .call_pairs import same_call
from .live_session import LiveSession
from .steps import DrivePlan, FrameHash
from .waits import Due, Waiting, own_id

__all__ = ["Driver"]


_AUDIO_END: Final = re.compile(rb'("audio_end_ms"\s*:\s*)(-?\d+(?:\.\d+)?)')
_NORMAL: Final = 1000
_STRETCH: Final = 9
"""A frame waits at most so many times its patience longer for a server that talks on."""


class Driver:
    """Drives one live session with a recorded client's frames.

    Args:
        plan: the recording.
        speed: recorded seconds per second.
        patience_ns: how long a frame waits for what the live server may never do.
        on_other_call: what happens where the live model calls another tool, or with other arguments, than recorded:
            ``go`` sends the recorded output all the same, ``stop`` ends the session.

    Times are nanoseconds on one monotonic clock of the caller's choice.
    """

    def __init__(
        self,
        plan: DrivePlan,
        *,
        speed: float = MAX_SPEED,
        patience_ns: int = 30_000_000_000,
        on_other_call: Literal["go", "stop"] = "go",
    ) -> None:
        self._plan = plan
        self._speed = speed
        self._patience_ns = patience_ns
        self._on_other_call = on_other_call
        self._live = LiveSession()
        self._waiting = Waiting(plan, self._live, speed)
        self._ids = IdMap()
        self._events: deque[Frame] = deque()
        self._sound: deque[Frame] = deque()
        self._pacers = (Pacer(speed, 0), Pacer(speed, 0))
        self._dues: list[int | None] = [None, None]
        self._since: int | None = None
        self._fed_all = False
        self._asked = False
        self._finished = False
        self._heard_ns = 0
        self.sent_frames = FrameHash()
        self.received_frames = FrameHash()
        self.notes: list[str] = []
        self.stopped: str | None = None
        """Why the session was ended before the recording's end; None where it was not."""

    # What happens

    def connected(self, now_ns: int) -> list[Command]:
        """Take note that the handshake is done."""
        self._heard_ns = now_ns
        self._pacers = (Pacer(self._speed, now_ns), Pacer(self._speed, now_ns))
        return self.advance(now_ns)

    def feed(self, frames: Iterable[Frame], now_ns: int, *, last: bool) -> list[Command]:
        """Take the recording's next frames; ``last`` says that there are no more."""
        self._asked = False
        self._fed_all = last
        for frame in frames:
            if frame.sender != "client" or frame.kind not in ("text", "binary"):
                continue
            sound = canonical_type(frame.type or "") in APPEND_TYPES | BOUNDARY_TYPES
            (self._sound if sound and self._speed != MAX_SPEED else self._events).append(frame)
        return self.advance(now_ns)

    def unreadable(self, error: EarwitnessError) -> list[Command]:
        """Stop: half a recording drives nothing."""
        raise error

    def received(self, message: str | bytes, now_ns: int) -> list[Command]:
        """Take a frame from the live server: text as ``str``, binary as ``bytes``."""
        data = message.encode("utf-8", "surrogatepass") if isinstance(message, str) else message
        self.received_frames.add(data)
        self._heard_ns = now_ns
        if isinstance(message, str):
            self._live.apply("server", data, now_ns)
        return self.advance(now_ns)

    def advance(self, now_ns: int) -> list[Command]:
        """Let out what is due."""
        commands: list[Command] = []
        wake: list[int] = []
        moved = True
        while moved and not self._finished:
            moved = False
            for lane, queue in enumerate((self._events, self._sound)):
                while queue and not self._finished and self._may_pass(queue[0], lane):
                    if not self._ready(queue[0], lane, now_ns, wake):
                        break
                    frame = queue.popleft()
                    self._pacers[lane].sent(frame.offset_ns, cast("int", self._dues[lane]))
                    self._dues[lane] = None
                    self._send(frame, now_ns, commands)
                    moved = True
        if self._finished:
            return commands
        if not self._fed_all:
            if not self._asked and not (self._events and self._sound) and len(self._events) + len(self._sound) < 1000:
                self._asked = True
                commands.append(Need())
        elif not self._events and not self._sound:
            commands += self._end(now_ns, wake)
        if wake and not self._finished:
            commands.append(WakeAt(min(wake)))
        return commands

    # One frame

    def _may_pass(self, frame: Frame, lane: int) -> bool:
        """Events and audio run beside one another, but not past a commit or clear."""
        other = self._sound if lane == 0 else self._events
        boundary = canonical_type(frame.type or "") in BOUNDARY_TYPES
        if lane == 1:
            return not (boundary and other and other[0].seq < frame.seq)
        return not any(b.seq < frame.seq and canonical_type(b.type or "") in BOUNDARY_TYPES for b in other)

    def _ready(self, frame: Frame, lane: int, now_ns: int, wake: list[int]) -> bool:
        due = self._dues[lane]
        if due is None:
            step = Due(frame)
            lacking = self._waiting.lacking(step)
            waited = lane == 0 and self._since is not None
            if lacking is not None and lane == 0:
                if self._since is None:
                    self._since = now_ns
                # A server that talks on is waited for longer, but not forever: some send a `ping` every few seconds.
                deadline = min(max(self._since, self._heard_ns), self._since + _STRETCH * self._patience_ns)
                deadline += self._patience_ns
                if now_ns < deadline:
                    wake.append(deadline)
                    return False
                self.notes.append(f"{frame.type} (seq {frame.seq}) went without {lacking}, which did not come")
                self._waiting.give_up(step)
            if lane == 0:
                self._since = None
            due = self._pacers[lane].due(
                frame.offset_ns,
                ready_ns=now_ns if waited else None,
                cause_ns=self._waiting.cause_ns(step) if waited else None,
            )
            self._dues[lane] = due
        if due > now_ns:
            wake.append(due)
            return False
        return True

    def _send(self, frame: Frame, now_ns: int, commands: list[Command]) -> None:
        payload = frame.payload
        if payload is None:
            self.notes.append(f"seq {frame.seq} ({frame.type}) was erased from the recording and is left out")
            return
        if frame.kind == "text" and frame.type not in APPEND_TYPES:
            event = parse_object(payload)
            if event is not None:
                if not self._call_agrees(event, frame):
                    commands += self._finish(_NORMAL, "")
                    return
                payload = self._adapt(payload, event, frame, now_ns)
                self._waiting.sent(Due(frame), self._live.apply("client", payload, now_ns))
        elif frame.type in APPEND_TYPES:
            self._live.appended()
        self.sent_frames.add(payload)
        commands.append(Send(frame.seq, payload, frame.kind == "text"))

    def _adapt(self, payload: bytes, event: Json, frame: Frame, now_ns: int) -> bytes:
        ids: list[str] = []
        collect_ids(event, ids.append)
        for id_ in ids:
            if not own_id(event, id_):
                self._ids.bind(id_, self._waiting.live_id(id_))
        rewritten = self._ids.rewrite(payload)
        if event.get("type") == TRUNCATE:
            rewritten = self._cut(rewritten, event, frame, now_ns)
        return rewritten

    def _cut(self, payload: bytes, event: Json, frame: Frame, now_ns: int) -> bytes:
        """Place a truncation again: by the playback's own clock at speed 1, else within what was delivered.

        The recorded client began to play an item some time after its first audio had arrived (behind what it was still
        playing, say); that delay is kept. Two runs of one client differ by their clocks' jitter: a new position within
        the tolerance of matching is the recorded one.
        """
        wanted = event.get("audio_end_ms")
        item_id = str(event.get("item_id"))
        live_id = self._waiting.live_id(item_id)
        first_ns = self._live.first_ns(live_id)
        if not isinstance(wanted, (int, float)) or first_ns is None:
            return payload
        position = float(wanted)
        if self._speed == 1:
            position = (now_ns - first_ns) / NS_PER_MS
            begun_ns = self._plan.plan.delivery.first_ns(item_id)
            if begun_ns is not None and frame.offset_ns is not None:
                position -= (frame.offset_ns - begun_ns) / NS_PER_MS - wanted
            if abs(position - wanted) <= TRUNCATION_TOLERANCE_MS:
                position = float(wanted)
        position = max(min(position, self._live.delivered_ms(live_id)), 0.0)
        if position == wanted:
            return payload
        return _AUDIO_END.sub(lambda found: found[1] + str(int(position)).encode(), payload, count=1)

    def _call_agrees(self, event: Json, frame: Frame) -> bool:
        """Whether a tool's output may be sent; False where the session is to stop."""
        item = event.get("item")
        if not isinstance(item, dict) or cast("Json", item).get("type") != "function_call_output":
            return True
        key = self._plan.structure.key(str(cast("Json", item).get("call_id")))
        if key is None:
            return True
        live_key = self._waiting.live_key(key)
        recorded = self._plan.structure.calls.get(key)
        live = None if live_key is None else self._live.structure.calls.get(live_key)
        if live is not None and recorded is not None and same_call(recorded, live):
            return True
        made = f"{live.name}({live.arguments})" if live is not None else "no call"
        wanted = f"{recorded.name}({recorded.arguments})" if recorded is not None else "a call"
        self.notes.append(f"the recorded output at seq {frame.seq} answers {wanted}; the live model made {made}")
        if self._on_other_call == "stop":
            self.stopped = self.notes[-1]
            return False
        return True

    # The end

    def _end(self, now_ns: int, wake: list[int]) -> list[Command]:
        plan = self._plan.plan
        lacking = self._waiting.outstanding()
        complete = self.received_frames.count >= plan.server_frames
        if not plan.ended_by_client:
            complete = False  # the recorded server closed: the live one may do so as well
        if not complete:
            patience = self._patience_ns if lacking or self._awaits_close else min(self._patience_ns, NS_PER_MS * 1000)
            deadline = self._heard_ns + patience
            if now_ns < deadline:
                wake.append(deadline)
                return []
            if lacking:
                self.notes.append("the live server did not answer as often as the recorded one")
        closed = plan.closed
        if closed is None or closed.by != "client":
            return self._finish(_NORMAL, "")
        due = self._dues[0]
        if due is None:
            due = self._dues[0] = self._pacers[0].due(plan.closed_ns)
        if due > now_ns:
            wake.append(due)
            return []
        return self._finish(closed.code, closed.reason)

    @property
    def _awaits_close(self) -> bool:
        return not self._plan.plan.ended_by_client and self.received_frames.count >= self._plan.plan.server_frames

    def _finish(self, code: int | None, reason: str) -> list[Command]:
        self._finished = True
        return [close_as(code, reason)]
