"""A recorded session, read once and laid out for playing: what to expect, what to hold, what was delivered when.

The plan is small (deltas and audio are kept as numbers); the frames themselves are read again, in order, while they
are played.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, cast

import msgspec
import orjson
from pydantic import ValidationError

from ...schemas.dialects.normalise import audio_format, normalise
from ...schemas.dialects.vocabulary import canonical_type
from ...schemas.frame import Frame
from ...schemas.recording import Recording, SessionInfo
from ...schemas.statements import CloseStatement, OpenStatement
from ..fold.delivery import Delivery
from ..playing.ids import collect_ids
from ..playing.match import APPEND_TYPES, BOUNDARY_TYPES, bytes_per_ms, canonical_client_event, decode_audio
from .causes import AudioPoint, Control, Hold
from .pairing import pair_causes
from .sound import AudioTrack

__all__ = ["Expected", "Plan", "Planner", "make_plan"]

Json = dict[str, Any]

_OUTPUT_AUDIO: Final = "response.output_audio.delta"
_TRANSCRIPTION_DELTA: Final = "conversation.item.input_audio_transcription.delta"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """A recorded client frame, other than appended audio, that a live client is expected to send.

    Attributes:
        index: its place among them.
        seq: its place in the recording.
        offset_ns: when it arrived.
        type: the wire's ``type``; None for what is no event.
        event: in the form in which it is compared; None for what is no JSON object, and where it was erased.
        raw: the event as it crossed; None as above.
        payload: the bytes of what is no JSON object.
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
        answers: seq of the server frame that answers a client frame, by the latter's seq.
        echoes: id of the item that a client's ``conversation.item.create`` became, by its seq.
        responses: id of the response that a client's ``response.create`` became, by its seq.
        echoed_event_ids: ids of client events that the recorded server repeats.
        chosen_ids: ids that the recorded client itself brought into the session, and those in its settings.
        default_types: types of the server frames that wait for nothing but the frame before, with their number.
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
    answers: dict[int, int] = field(default_factory=dict[int, int])
    echoes: dict[int, str] = field(default_factory=dict[int, str])
    responses: dict[int, str] = field(default_factory=dict[int, str])
    echoed_event_ids: frozenset[str] = frozenset()
    chosen_ids: frozenset[str] = frozenset()
    default_types: dict[str, int] = field(default_factory=dict[str, int])
    server_frames: int = 0
    slack: int = 0
    offsets: array[int] = field(default_factory=lambda: array("q"))

    def offset_of(self, seq: int) -> int | None:
        """Give a frame's recorded offset; None without a clock."""
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
        """Path and query of the recorded handshake; None if an import had none."""
        return self.info.target

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
            and self.opened.response.status != _SWITCHING_PROTOCOLS
        )


_SWITCHING_PROTOCOLS: Final = 101


class _AudioDelta(msgspec.Struct, gc=False):
    item_id: Any = None
    delta: Any = None


class _Append(msgspec.Struct, gc=False):
    type: Any = None
    audio: Any = None


_audio_delta = msgspec.json.Decoder(_AudioDelta)
_append = msgspec.json.Decoder(_Append)


def append_audio(frame: Frame) -> bytes | None:
    """Give the decoded audio of an append; None where it holds none that is text."""
    if frame.audio is not None:
        return frame.audio
    return read_event(frame.body)[1] if frame.body is not None else None


def read_event(payload: bytes | str) -> tuple[str | None, bytes | None]:
    """Give an event's type, and the decoded audio if it is an append that holds some as text, else None."""
    try:
        event = _append.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None, None
    name = event.type if isinstance(event.type, str) else None
    return name, decode_audio(event.audio) if name in APPEND_TYPES and isinstance(event.audio, str) else None


def output_audio(payload: bytes) -> tuple[str | None, int]:
    """Give the item of an output audio delta and the size of its decoded audio, without decoding it."""
    try:
        delta = _audio_delta.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None, 0
    return (delta.item_id, _decoded_size(delta.delta)) if isinstance(delta.item_id, str) else (None, 0)


class Planner:
    """Makes a :class:`Plan` from a session's frames, one at a time."""

    def __init__(self, info: SessionInfo) -> None:
        self._plan = Plan(info)
        self._controls: list[Control] = []
        self._arrived = AudioPoint(0, 0, None)
        self._batch = 0
        self._rate = bytes_per_ms("audio/pcm", 24000)
        self._last_call: str | None = None

    def apply(self, frame: Frame) -> None:
        """Take the next frame."""
        self._plan.offsets.append(-1 if frame.offset_ns is None else frame.offset_ns)
        if frame.sender == "server" and frame.kind in ("text", "binary"):
            self._plan.server_frames += 1
            self._server(frame)
        elif frame.sender == "client" and frame.kind in ("text", "binary"):
            self._client(frame)
        elif frame.kind == "open":
            self._plan.opened = _statement(OpenStatement, frame)
        elif frame.kind == "close":
            self._plan.closed = _statement(CloseStatement, frame)
            self._plan.closed_seq, self._plan.closed_ns = frame.seq, frame.offset_ns
        elif frame.kind == "gap":
            self._plan.audio.unreliable.add(self._plan.audio.stretch)
            self._plan.slack += _gap_frames(frame)

    def _server(self, frame: Frame) -> None:
        name = canonical_type(frame.type or "")
        if name.endswith(".delta") and not name.startswith("session.") and name != _TRANSCRIPTION_DELTA:
            if name == _OUTPUT_AUDIO:
                self._output(frame)
            return
        event = _event(frame)
        if event is None:
            return
        canonical = normalise(event)
        if name in ("session.created", "session.updated", "response.created"):
            self._read_format(canonical)
        self._control(frame, name, canonical, event)

    def _control(self, frame: Frame, name: str, canonical: Json, event: Json) -> None:
        sender = "server" if frame.sender == "server" else "client"
        self._controls.append(Control(frame.seq, frame.offset_ns, sender, name, canonical, event, self._arrived))

    def _output(self, frame: Frame) -> None:
        item_id, size = output_audio(frame.body or b"")
        if item_id is not None:
            self._plan.delivery.add(
                frame.seq,
                item_id,
                len(frame.audio) if frame.audio is not None else size,
                self._rate,
                frame.offset_ns,
            )

    def _read_format(self, event: Json) -> None:
        holder = event.get("session") or event.get("response")
        for step in ("audio", "output", "format"):
            holder = cast("Json", holder).get(step) if isinstance(holder, dict) else None
        stated = audio_format(holder)
        if stated is not None:
            self._rate = bytes_per_ms(*stated)

    def _client(self, frame: Frame) -> None:
        if frame.type in APPEND_TYPES:
            audio = append_audio(frame)
            if audio is not None:
                self._plan.audio.append(frame.seq, audio)
                track = self._plan.audio
                self._arrived = AudioPoint(track.stretch, track.total - track.stretch_start, frame.offset_ns)
                return
            if frame.erased:
                self._plan.audio.unreliable.add(self._plan.audio.stretch)
                return
        event = _event(frame)
        name = canonical_type(frame.type or "")
        if event is not None:
            self._control(frame, name, normalise(event), event)
        if name in BOUNDARY_TYPES:
            self._plan.audio.end_stretch()
            self._arrived = AudioPoint(self._plan.audio.stretch, 0, frame.offset_ns)
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
        """Give the plan of what was applied."""
        plan = self._plan
        plan.holds, plan.answers = pair_causes(self._controls)
        by_seq = {control.seq: control for control in self._controls if control.sender == "server"}
        echoed: set[str] = set()
        counts: dict[str, int] = {}
        for control in by_seq.values():
            echoed.update(_stated_ids(control.event))
            if control.seq not in plan.holds:
                counts[control.type] = counts.get(control.type, 0) + 1
        for cause, answer in plan.answers.items():
            control = by_seq.get(answer)
            if control is None:
                continue
            for key, target in (("item", plan.echoes), ("response", plan.responses)):
                made = control.event.get(key)
                if isinstance(made, dict) and isinstance(cast("Json", made).get("id"), str):
                    target[cause] = cast("Json", made)["id"]
        plan.echoed_event_ids = frozenset(echoed)
        plan.chosen_ids = frozenset((*_chosen(plan.expected), *_settings_ids(self._controls)))
        plan.default_types = counts
        return plan


async def make_plan(recording: Recording) -> Plan:
    """Read a recording once and lay it out for playing."""
    planner = Planner(recording.info)
    async for batch in recording.batches():
        for frame in batch:
            planner.apply(frame)
    return planner.plan()


def _event(frame: Frame) -> Json | None:
    if frame.kind != "text" or frame.erased:
        return None
    try:
        value = frame.json()
    except ValueError:
        return None
    return cast("Json", value) if isinstance(value, dict) else None


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


def _decoded_size(text: Any) -> int:
    """Size of base64 text when decoded, without decoding it."""
    if not isinstance(text, str):
        return 0
    return max(0, len(text) * 3 // 4 - text[-2:].count("="))


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
