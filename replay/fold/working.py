"""What the fold works on: the state while it grows.

:mod:`.value` makes a value (:class:`.Conversation`) of it. Text is kept as a list of chunks
and provenance as flat arrays, so that an event costs the same however long the session is.
"""

from __future__ import annotations

from array import array
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from ...schemas.refs import AudioRefs, Seqs
from ...schemas.state import (
    BufferEvent,
    Close,
    Gap,
    InputSpan,
    McpTools,
    PlaybackEvent,
    Problem,
    RateLimits,
    Refusal,
    Response,
    ServerError,
    Session,
    SpeechSpan,
    Truncation,
)
from ...schemas.values import Json
from .doubts import Doubts
from .order import Order
from .requests import Answer, Request, Requests
from .sample_clock import SampleClock

__all__ = [
    "APPEND_IDS",
    "ItemWork",
    "Output",
    "PartWork",
    "Request",
    "State",
    "TextKind",
    "TextStream",
    "TranscriptionWork",
    "TurnTrigger",
]

APPEND_IDS: Final = 4096
"""Ids of so many audio appends are remembered to pair an ``error`` with one: half a minute to minutes of talk. Other
events of the client are remembered to the end."""


TextKind = Literal["text", "transcript", "arguments", "transcription"]


class TextStream:
    """A text that comes in deltas and is stated at the end."""

    __slots__ = ("_chunks", "length", "marks", "stated")

    def __init__(self) -> None:
        self._chunks: list[str] = []
        self.length = 0
        self.marks = array("q")
        """For each delta its seq and the length of the text so far."""
        self.stated: str | None = None
        """What the server last stated as the whole text."""

    def add(self, seq: int, delta: str) -> None:
        """Append a delta."""
        self._chunks.append(delta)
        self.length += len(delta)
        self.marks.append(seq)
        self.marks.append(self.length)

    @property
    def streamed(self) -> str | None:
        """The text of all deltas; None if there were no deltas."""
        if len(self._chunks) > 1:
            self._chunks = ["".join(self._chunks)]
        return self._chunks[0] if self._chunks else None

    @property
    def text(self) -> str | None:
        """The text as far as it is known: as stated, else as streamed; None where nobody said anything.

        A statement that is only the beginning of what was streamed does not take it back: a server that cuts an item
        may state less than it sent.
        """
        streamed = self.streamed
        if self.stated is None or (streamed is not None and streamed.startswith(self.stated)):
            return streamed
        return self.stated

    @property
    def seqs(self) -> array[int]:
        """The seqs of the deltas."""
        return self.marks[::2]


@dataclass(slots=True)
class TranscriptionWork:
    """Transcription of a user's audio part."""

    status: Literal["pending", "partial", "completed", "failed"] = "pending"
    stream: TextStream = field(default_factory=TextStream)
    segments: list[Json] = field(default_factory=list[Json])
    error: Json | None = None
    usage: Json | None = None
    logprobs: list[Any] | None = None
    completions: int = 0
    seqs: Seqs = field(default_factory=Seqs)
    done_ns: int | None = None


@dataclass(slots=True, eq=False)
class PartWork:
    """A content part."""

    index: int
    type: str
    status: Literal["in_progress", "completed", "incomplete"] = "in_progress"
    text: TextStream = field(default_factory=TextStream)
    transcript: TextStream = field(default_factory=TextStream)
    audio: AudioRefs = field(default_factory=AudioRefs)
    first_audio_ns: int | None = None
    audio_done: bool = False
    image_url: str | None = None
    detail: str | None = None
    transcription: TranscriptionWork | None = None
    fields: Json = field(default_factory=dict[str, Any])
    seqs: Seqs = field(default_factory=Seqs)


@dataclass(slots=True, eq=False)
class ItemWork:
    """A conversation item."""

    id: str
    first_seq: int
    first_ns: int | None
    type: str = "message"
    role: str | None = None
    status: str | None = None
    parts: dict[int, PartWork] = field(default_factory=dict[int, PartWork])
    name: str | None = None
    call_id: str | None = None
    arguments: TextStream = field(default_factory=TextStream)
    arguments_seq: int | None = None
    arguments_ns: int | None = None
    output: str | None = None
    fields: Json = field(default_factory=dict[str, Any])
    previous_item_id: str | None = None
    settled: bool = False
    response: Response | None = None
    created_by: Literal["client", "model", "speech", "server", "unknown"] | None = None
    request_seq: int | None = None
    id_by_client: bool = False
    span: InputSpan | None = None
    on_record: bool = False
    deleted_seq: int | None = None
    done_ns: int | None = None
    seqs: Seqs = field(default_factory=Seqs)


@dataclass(slots=True)
class Output:
    """The output of a function call."""

    output: str | None
    seq: int | None = None
    """The client's ``conversation.item.create``; None where the recording has none."""
    ns: int | None = None
    item_id: str | None = None
    seqs: Seqs = field(default_factory=Seqs)
    before: Output | None = None
    """What the client sent for the same call before; it counts again where this one is refused."""


@dataclass(slots=True)
class TurnTrigger:
    """User turns that a response may follow without being asked for by the client."""

    by: Literal["vad", "timeout"]
    first_seq: int
    """Of the oldest turn that no response followed."""
    seq: int
    ns: int | None


class State:
    """Everything that the fold knows, and the seq and time of the event at hand."""

    def __init__(self) -> None:
        self.seq = -1
        self.ns: int | None = None
        self.last_ns: int | None = None

        self.dialect: str | None = None
        """As the ``open`` record states it."""
        self.conversation_id: str | None = None
        self.session = Session()
        self.items: dict[str, ItemWork] = {}
        """By id, the newest of each; those outside ``order`` were only spoken of, or are of a response out of band."""
        self.order: Order[ItemWork] = Order()
        self.deleted: list[ItemWork] = []
        self.responses: dict[str, Response] = {}
        self.stated_out_of_band: set[str] = set()
        """Responses that the client asked for with ``conversation: "none"``."""
        self.outputs: dict[str, Output] = {}
        """Function outputs by call id, as the client last sent them or the server stated them."""
        self.calls: dict[ItemWork, None] = {}
        """Function call items in order of appearance."""
        self.mcp: dict[str, McpTools] = {}

        self.input = SampleClock()
        self.input_audio = AudioRefs()
        self.speech: list[SpeechSpan] = []
        self.speech_of: dict[str | None, SpeechSpan] = {}
        """The last utterance of each item. Utterances may overlap in time; each belongs to its own item."""
        self.buffer_events: list[BufferEvent] = []
        self.turn: TurnTrigger | None = None

        self.truncations: list[Truncation] = []
        self.truncation_asked: dict[int, Truncation] = {}
        """By the seq of the client's request."""
        self.playback: list[PlaybackEvent] = []
        self.errors: list[ServerError] = []
        self.rate_limits: RateLimits | None = None
        self.gaps: list[Gap] = []
        self.problems: list[Problem] = []
        self.counts: defaultdict[str, int] = defaultdict(int)
        self.unknown: dict[str, int] = {}
        self.refusal: Refusal | None = None
        self.close: Close | None = None
        self.requests = Requests()
        self.other_requests = Requests()
        """Those of vocabularies that are not folded: never pending, but their answers are told."""
        self.answers: dict[int, Answer] = {}
        """The client event that each server event answers, by the server event's seq (:mod:`.answers`)."""
        self.doubts = Doubts()
        self.event_ids: dict[str, int] = {}
        self.append_ids: deque[tuple[str, int]] = deque(maxlen=APPEND_IDS)
        self.client_spoke = False

        self.text_sinks: dict[TextKind, dict[tuple[str, int], Callable[[int, str], None]]] = {
            "text": {},
            "transcript": {},
            "arguments": {},
            "transcription": {},
        }
        """Where further deltas of a text go, by item and content index, once the first one has opened it."""
        self.audio_sinks: dict[tuple[str, int], Callable[[int, int], None]] = {}

    @property
    def appended_seq(self) -> int:
        """The last append of input audio; -1 before any."""
        return max(self.requests.appended, self.input_audio.last_seq)

    def forget_sinks(self, item: ItemWork) -> None:
        """Close an item's sinks: its id is used again, for another item."""
        for index in (0, *item.parts):
            self.audio_sinks.pop((item.id, index), None)
            for sinks in self.text_sinks.values():
                sinks.pop((item.id, index), None)

    def problem(self, what: str, detail: str = "") -> None:
        """Keep and name something about the event at hand that cannot be read as it stands."""
        self.problems.append(Problem(self.seq, what, detail))
