"""A recorded session, read once before it is played: what to expect, what to hold, what was delivered when.

The plan is small (deltas and audio are kept as numbers); the frames themselves are read again, in order, while they
are played.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

import msgspec
import orjson
from pydantic import ValidationError

from ...schemas.audio import APPEND_TYPES, read_append
from ...schemas.dialects.normalise import normalise
from ...schemas.dialects.vocabulary import canonical_type
from ...schemas.frame import Frame, parse_object
from ...schemas.recording import Recording, SessionInfo
from ...schemas.statements import CloseStatement, OpenStatement
from ...schemas.summary import SWITCHING_PROTOCOLS
from ...schemas.values import Json, string
from ..fold.folder import Folder
from ..fold.output_audio import Delivery
from ..fold.requests import Answer
from ..playing.ids import collect_ids
from ..playing.match import BOUNDARY_TYPES, canonical_client_event
from .causes import Hold, find_holds
from .controls import COMMITTED, AudioPoint, Control, RecordedSession
from .sound import AudioTrack

__all__ = ["Expected", "Plan", "Planner", "make_plan"]


_TRANSCRIPTION_DELTA: Final = "conversation.item.input_audio_transcription.delta"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """A recorded client frame, other than appended audio, that a live client is expected to send.

    Attributes:
        index: its place among them.
        seq: its place in the recording.
        offset_ns: when it arrived.
        type: the wire's ``type``; None if the frame holds no event.
        event: in the form in which it is compared; None if it was erased or is not a JSON object.
        raw: the event as it crossed; None as above.
        payload: the bytes of a frame that is not a JSON object.
        redacted: paths of values that the recording does not hold.
        call_id: of a tool's output.
        batch: tool outputs that follow one another share a number, and may come in any order.
    """

    index: int
    seq: int
    offset_ns: int | None
    type: str | None
    event: Json | None
    raw: Json | None = None
    payload: bytes | None = None
    redacted: tuple[str, ...] = ()
    call_id: str | None = None
    batch: int = 0


@dataclass(slots=True)
class Plan:
    """What a session's player needs to know beforehand.

    Attributes:
        info: the session's summary.
        opened: the recorded handshake; None where an import had none.
        closed: how it ended; None where that is not on record.
        closed_seq: seq of that record.
        closed_ns: its offset.
        holds: held server frames by seq.
        expected: client frames other than audio, in order.
        audio: the input audio.
        delivery: the output audio.
        echoes: id of the item that a client's ``conversation.item.create`` became, by its seq.
        responses: id of the response that a client's ``response.create`` became, by its seq.
        echoed_event_ids: ids of client events that the recorded server repeats.
        chosen_ids: ids that the recorded client itself brought into the session, and those in its settings.
        server_frames: number of server frames.
        offsets: when each frame arrived; -1 without a clock.
        slack: frames that crossed unrecorded; so many live ones may come that the recording does not know.
    """

    info: SessionInfo
    opened: OpenStatement | None = None
    closed: CloseStatement | None = None
    closed_seq: int | None = None
    closed_ns: int | None = None
    holds: dict[int, Hold] = field(default_factory=dict[int, Hold])
    expected: list[Expected] = field(default_factory=list[Expected])
    audio: AudioTrack = field(default_factory=AudioTrack)
    delivery: Delivery = field(default_factory=Delivery)
    echoes: dict[int, str] = field(default_factory=dict[int, str])
    responses: dict[int, str] = field(default_factory=dict[int, str])
    echoed_event_ids: frozenset[str] = frozenset()
    chosen_ids: frozenset[str] = frozenset()
    server_frames: int = 0
    slack: int = 0
    offsets: array[int] = field(default_factory=lambda: array("q"))

    def offset_of(self, seq: int) -> int | None:
        """Return a frame's recorded offset; None without a clock."""
        offset = self.offsets[seq]
        return offset if offset >= 0 else None

    @property
    def ended_by_client(self) -> bool:
        """Whether the client closed first, or the end is not on record: then the player waits for it."""
        if self.closed is None or self.closed.by == "client":
            return True
        return self.closed.by == "recorder" and self.closed.code is None

    @property
    def target(self) -> str | None:
        """Path and query of the recorded handshake; of the summary, where no handshake is on record."""
        request = self.opened.request if self.opened is not None else None
        return request.target if request is not None else self.info.target

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol that the recorded server chose."""
        response = self.opened.response if self.opened is not None else None
        headers = response.headers if response is not None else ()
        return next((value for name, value in headers if name.lower() == "sec-websocket-protocol"), None)

    @property
    def refused(self) -> bool:
        """Whether the upstream refused the handshake."""
        return (
            self.opened is not None
            and self.opened.response is not None
            and self.opened.response.status != SWITCHING_PROTOCOLS
        )


class _OfItem(msgspec.Struct, gc=False):
    item_id: str | None = None


_of_item = msgspec.json.Decoder(_OfItem)


def _item_of(frame: Frame) -> str | None:
    try:
        return _of_item.decode(frame.body or b"").item_id
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


class Planner:
    """Makes a :class:`Plan` from a session's frames, one at a time."""

    def __init__(self, info: SessionInfo) -> None:
        self._plan = Plan(info)
        self._offsets = self._plan.offsets
        self._folder = Folder(self._take)
        self._taken: tuple[Json, Json] | None = None
        self.controls: list[Control] = []
        """The events so far, less appended audio and deltas that wait for nothing."""
        self._track = self._plan.audio
        self._heard_ns: int | None = None
        self._plain: bytes | None = None
        self._committed: set[str | None] = set()
        self._batch = 0
        self._last_call: str | None = None

    @property
    def answers(self) -> Mapping[int, Answer]:
        """The client event that each server event so far answers, by the server event's seq."""
        return self._folder.state.answers

    def apply(self, frame: Frame) -> None:
        """Take the next frame."""
        offset_ns = frame.offset_ns
        self._offsets.append(-1 if offset_ns is None else offset_ns)
        if frame.type in APPEND_TYPES and frame.sender == "client" and self._append(frame):
            return
        self._taken = None
        self._folder.apply(frame)
        if frame.kind in ("text", "binary"):
            if frame.sender == "client":
                self._client(frame)
            else:
                self._server(frame)
        elif frame.kind == "open":
            self._plan.opened = _statement(OpenStatement, frame)
        elif frame.kind == "close":
            self._plan.closed = _statement(CloseStatement, frame)
            self._plan.closed_seq, self._plan.closed_ns = frame.seq, frame.offset_ns
        elif frame.kind == "gap":
            self._track.unreliable.add(self._track.stretch)
            self._plan.slack += _gap_frames(frame)

    def _append(self, frame: Frame) -> bool:
        """Take appended audio; False where the frame holds none."""
        audio = frame.audio
        if audio is None and frame.body is not None:
            audio = read_append(frame.body)[1]
        if audio is None:
            if frame.erased:
                self._track.unreliable.add(self._track.stretch)
            return frame.erased
        self._track.append(frame.seq, audio)
        self._folder.state.requests.appended = frame.seq
        self._heard_ns = frame.offset_ns
        # Of appends the answers need only the ids, which an error may name. Without their audio, most are all the same.
        if frame.body != self._plain:
            if frame.body is not None and b'"event_id"' in frame.body:
                self._folder.apply(frame)
            else:
                self._plain = frame.body
        return True

    def _server(self, frame: Frame) -> None:
        self._plan.server_frames += 1
        name = frame.type or ""
        if name == _TRANSCRIPTION_DELTA:
            if _item_of(frame) not in self._committed:  # after the commit it waits for nothing
                self._control(frame, name)
        elif not name.endswith(".delta") or name.startswith("session."):
            event = self._control(frame, canonical_type(name))
            if name == COMMITTED and event is not None:
                self._committed.add(string(event, "item_id"))

    def _take(self, frame: Frame, event: Json, canonical: Json) -> None:
        self._taken = event, canonical

    def _control(self, frame: Frame, name: str) -> Json | None:
        """Keep an event, and return it as it crossed; None where the frame holds none."""
        event, canonical = self._taken or (_event(frame), None)
        if event is None:
            return None
        sender = "server" if frame.sender == "server" else "client"
        canonical = normalise(event) if canonical is None else canonical
        arrived = AudioPoint(self._track.stretch, self._track.total - self._track.stretch_start, self._heard_ns)
        self.controls.append(Control(frame.seq, frame.offset_ns, sender, name, canonical, event, arrived))
        return event

    def _client(self, frame: Frame) -> None:
        name = canonical_type(frame.type or "")
        event = self._control(frame, name)
        if name in BOUNDARY_TYPES:
            self._track.end_stretch()
            self._heard_ns = frame.offset_ns
        call_id = _output_call(event)
        if call_id is None or self._last_call is None:
            self._batch += 1
        self._last_call = call_id
        self._plan.expected.append(
            Expected(
                index=len(self._plan.expected),
                seq=frame.seq,
                offset_ns=frame.offset_ns,
                type=frame.type,
                event=canonical_client_event(event) if event is not None else None,
                raw=event,
                payload=frame.payload if event is None else None,
                redacted=frame.redacted,
                call_id=call_id,
                batch=self._batch,
            )
        )

    def plan(self) -> Plan:
        """Return the plan of what was applied."""
        plan, state = self._plan, self._folder.state
        session = RecordedSession(self.controls, state)
        plan.holds = find_holds(session)
        plan.delivery = Delivery(state)
        items = (*state.items.values(), *state.deleted)
        plan.echoes = {item.request_seq: item.id for item in items if item.request_seq is not None}
        responses = state.responses.values()
        plan.responses = {each.request_seq: each.id for each in responses if each.request_seq is not None}
        servers = session.servers.values()
        plan.echoed_event_ids = frozenset(id_ for control in servers for id_ in _stated_ids(control.event))
        plan.chosen_ids = frozenset((*_chosen(plan.expected), *_settings_ids(self.controls)))
        return plan


async def make_plan(recording: Recording) -> Plan:
    """Read a recording once and plan how to play it."""
    planner = Planner(recording.info)
    async for batch in recording.batches():
        for frame in batch:
            planner.apply(frame)
    return planner.plan()


def _event(frame: Frame) -> Json | None:
    return parse_object(frame.payload) if frame.kind == "text" else None


def _output_call(event: Json | None) -> str | None:
    item = (event or {}).get("item")
    if not isinstance(item, dict) or cast("Json", item).get("type") != "function_call_output":
        return None
    call_id = cast("Json", item).get("call_id")
    return call_id if isinstance(call_id, str) else None


def _stated_ids(event: Json) -> Iterator[str]:
    """Ids of client events that a server event repeats."""
    error = event.get("error")
    stated = [event.get("client_event_id")]
    if isinstance(error, dict):
        stated += [cast("Json", error).get("event_id"), cast("Json", error).get("client_event_id")]
    return (value for value in stated if isinstance(value, str))


def _chosen(expected: Iterable[Expected]) -> Iterator[str]:
    for frame in expected:
        raw: Json = frame.raw or {}
        item = cast("Json", raw["item"]) if isinstance(raw.get("item"), dict) else {}
        own = [raw.get("event_id"), item.get("id")]
        if item.get("type") == "function_call":
            own.append(item.get("call_id"))
        yield from (value for value in own if isinstance(value, str))


_SETTINGS: Final = ("prompt", "audio", "voice", "tools", "metadata")
"""Members of a response that repeat what was asked for."""


def _settings_ids(controls: Iterable[Control]) -> Iterator[str]:
    """Ids of stored prompts and voices, and those in tools and metadata: an account's or a client's, no session's."""
    found: list[str] = []
    for control in controls:
        session, response = control.raw.get("session"), control.raw.get("response")
        if isinstance(session, dict):
            for value in cast("Json", session).values():
                collect_ids(value, found.append)
        if isinstance(response, dict):
            for key in _SETTINGS:
                collect_ids(cast("Json", response).get(key), found.append)
        yield from found
        found.clear()


def _gap_frames(frame: Frame) -> int:
    try:
        frames = orjson.loads(frame.body or b"{}").get("frames")
    except (orjson.JSONDecodeError, AttributeError):
        return 0
    return frames if isinstance(frames, int) else 0


def _statement(model: Any, frame: Frame) -> Any:
    try:
        return model.model_validate_json(frame.body or b"")
    except ValidationError:
        return None
