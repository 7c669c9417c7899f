"""Fold a session's frames into its conversation.

The fold is pure: no clock, no I/O, nothing random, and it never raises on traffic. What cannot be read as it stands
becomes a ``Problem`` in the state. It is incremental: folding ``a + b`` gives what folding ``a`` and then applying
``b`` gives.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Iterable
from typing import Any, Final, cast

from ...schemas.audio import APPEND_TYPES
from ...schemas.dialects.detect import DialectReading
from ...schemas.dialects.normalise import normalise
from ...schemas.frame import Frame, parse_json
from ...schemas.recording import Recording
from ...schemas.state import Close, Conversation, Gap, Problem, Refusal
from ...schemas.summary import SWITCHING_PROTOCOLS, dialect_reading
from ...schemas.values import DEEPEST, TOO_DEEP, Json, integer, members, string, too_deep
from .answers import ACKNOWLEDGED, answer
from .clock_watch import ClockWatch
from .hot import handlers
from .table import CLIENT, REQUESTS, SERVER
from .until import Point, as_until
from .value import build
from .working import Request, State

__all__ = ["Folder", "fold", "fold_recording"]

_BRACKETS: Final = b"[{"
_OTHER_REQUESTS: Final = frozenset(ACKNOWLEDGED.values())


class Folder:
    """A fold in progress: frames in, a conversation at any time.

    Frames come in the order of their seqs.

    Args:
        watch: called for each event once the state has taken it, with its frame, the event as it crossed, and in
            canonical form. Not for appended audio, nor for further deltas of what is open.
    """

    def __init__(self, watch: Callable[[Frame, Json, Json], None] | None = None) -> None:
        self.state = State()
        """The working state, for code that follows it while it grows. Not a value."""
        self._watch = watch
        self._clock = ClockWatch(self.state.problems)
        self._handlers = handlers(self.state)
        self._reading = DialectReading()

    def apply(self, frame: Frame) -> None:
        """Take the next frame."""
        self.extend((frame,))

    def extend(self, frames: Iterable[Frame]) -> None:
        """Take the next frames."""
        state, counts = self.state, self.state.counts
        handler_of = self._handlers.get
        frame: Frame | None = None
        last_ns, before = state.last_ns, state.last_ns or 0
        try:
            for frame in frames:
                ns = frame.offset_ns
                if ns is not None:
                    if ns < before:
                        self._clock.fell(frame.seq, before - ns)
                    last_ns = before = ns
                kind = frame.type
                if kind is not None and frame.kind == "text":
                    handler = handler_of(kind)
                    if handler is not None and handler(frame):
                        counts[kind] += 1
                        continue
                state.seq, state.ns = frame.seq, ns
                if ns is not None:
                    self._clock.look(frame.seq, ns)
                if frame.kind == "text":
                    self._event(frame)
                else:
                    self._statement(frame)
        finally:  # the frames may end in an error of their source; what was taken is taken
            state.last_ns = last_ns
            if frame is not None:
                state.seq, state.ns = frame.seq, frame.offset_ns

    def conversation(self) -> Conversation:
        """Return the state so far as a value, independent of frames applied later."""
        return build(self.state, self._reading.dialect)

    def _event(self, frame: Frame) -> None:
        state = self.state
        event = self._parse(frame)
        if event is None:
            return
        kind = event.get("type")
        if not isinstance(kind, str):
            state.problem("no-type")
            return
        state.counts[kind] += 1
        if not self._reading.settled:
            self._reading.observe(event)
        canonical = normalise(event)
        name = cast("str", canonical["type"])
        if frame.sender == "client":
            state.client_spoke = state.client_spoke or name in CLIENT
            self._note_client_event(frame, event, canonical, name)
        reducer = (CLIENT if frame.sender == "client" else SERVER).get(name)
        if reducer is None:
            state.unknown[kind] = state.unknown.get(kind, 0) + 1
            if frame.sender == "server":
                answer(state, canonical)
        else:
            reducer(state, canonical)
        if self._watch is not None:
            self._watch(frame, event, canonical)

    def _parse(self, frame: Frame) -> Json | None:
        state, payload = self.state, frame.payload
        if payload is None:
            if frame.type is not None:
                state.counts[frame.type] += 1
            state.problem("erased", frame.type or "")
            if frame.type in APPEND_TYPES and state.input.gap_at is None:  # how long it was is gone with it
                state.input.gap_at = state.input.received
            return None
        try:
            value: Any = parse_json(payload)
        except ValueError:
            state.problem("invalid-json")
            return None
        if sum(map(payload.count, _BRACKETS_EACH)) > DEEPEST and too_deep(value):
            state.problem("too-deep", TOO_DEEP)
            return None
        if not isinstance(value, dict):
            state.problem("not-an-object")
            return None
        return cast("Json", value)

    def _note_client_event(self, frame: Frame, event: Json, canonical: Json, name: str) -> None:
        state, event_id = self.state, string(event, "event_id")
        request = Request(frame.seq, frame.offset_ns, name, canonical, event, event_id, state.input.received)
        if name in REQUESTS:
            state.requests.add(request)
            if event_id is not None:
                if event_id in state.event_ids:
                    state.requests.repeated_ids.add(event_id)
                state.event_ids[event_id] = frame.seq
            return
        if name in _OTHER_REQUESTS:
            state.other_requests.add(request)
        if event_id is not None:
            state.append_ids.append((event_id, frame.seq))

    def _statement(self, frame: Frame) -> None:
        """Take a frame other than text: the recorder's own, or a binary one."""
        state = self.state
        if frame.kind == "binary":
            size = None if frame.payload is None else len(frame.payload)
            sender = None if frame.sender == "recorder" else frame.sender
            detail = "erased" if size is None else f"{size} bytes"
            state.problems.append(Problem(frame.seq, "binary", detail, sender, size))
            return
        stated: Json = {}
        try:
            value = frame.json()
        except ValueError:
            state.problem("erased" if frame.erased else "invalid-json", frame.kind)
        else:
            stated = cast("Json", value) if isinstance(value, dict) else {}
        match frame.kind:
            case "open":
                self._open(stated)
            case "close" | "cutoff":
                handed = {side: seq for side, seq in members(stated, "handed").items() if isinstance(seq, int)}
                state.close = Close(
                    frame.seq,
                    frame.offset_ns,
                    frame.kind,
                    integer(stated, "code"),
                    string(stated, "reason") or "",
                    string(stated, "by"),
                    handed,
                )
            case "gap":
                frames, size = integer(stated, "frames") or 0, integer(stated, "bytes") or 0
                state.gaps.append(Gap(frame.seq, frames, size, string(stated, "reason") or ""))
                if state.input.gap_at is None:
                    state.input.gap_at = state.input.received
            case _:
                pass

    def _open(self, stated: Json) -> None:
        self._reading = dialect_reading(stated)
        self.state.dialect = string(stated, "dialect")
        problems = members(stated, "source").get("problems")
        for problem in cast("list[Any]", problems) if isinstance(problems, list) else []:
            self.state.problem("source", str(problem))
        answer = members(stated, "response")
        status = integer(answer, "status")
        if status is not None and status != SWITCHING_PROTOCOLS:
            self.state.refusal = Refusal(self.state.seq, status, string(answer, "body"))


_BRACKETS_EACH: Final = tuple(bytes((bracket,)) for bracket in _BRACKETS)


def fold(frames: Iterable[Frame], *, until: Point | None = None) -> Conversation:
    """Fold frames into a conversation.

    Args:
        frames: a session's frames in order, from seq 0 or from anywhere.
        until: how far: a seq, a text as :func:`.parse_until` reads it, or an ``Until``; to the end where None.

    Raises:
        RequestError: ``until`` comes after the last frame, names an unknown event, or cannot be read.
    """
    folder = Folder()
    folder.extend(frames if until is None else as_until(until).cut(frames))
    return folder.conversation()


async def fold_recording(recording: Recording, *, until: Point | None = None) -> Conversation:
    """Fold a recording, wherever it is kept; as :func:`fold`."""
    folder = Folder()
    if until is None:
        async for batch in recording.batches():
            folder.extend(batch)
    else:
        async for frame in as_until(until).cut_async(_each(recording.batches())):
            folder.apply(frame)
    return folder.conversation()


async def _each(batches: AsyncIterable[list[Frame]]) -> AsyncIterable[Frame]:
    async for batch in batches:
        for frame in batch:
            yield frame
