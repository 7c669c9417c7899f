"""What the fold works on: the state while it grows.

:mod:`.value` makes a value (:class:`.Conversation`) of it. Text is kept as a list of chunks
and provenance as flat arrays, so that an event costs the same however long the session is.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

from ...schemas.refs import AudioRefs, Seqs
from ...schemas.state import (
    BufferEvent,
    Close,
    Gap,
    McpTools,
    PlaybackEvent,
    Problem,
    RateLimits,
    Refusal,
    Response,
    ServerError,
    Session,
    SpeechSpan,
    TimedWord,
    Truncation,
)
from ...schemas.values import Json, string
from .doubts import Doubts
from .input_spans import Mark
from .order import Order
from .requests import Answer, Request, Requests
from .sample_clock import SampleClock
from .text_stream import SpokenStream, TextStream, joined

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


@dataclass(slots=True)
class TranscriptionWork:
    """Transcription of a user's audio part."""

    status: Literal["pending", "partial", "completed", "failed"] = "pending"
    stream: SpokenStream = field(default_factory=SpokenStream)
    segments: list[Json] = field(default_factory=list[Json])
    error: Json | None = None
    usage: Json | None = None
    logprobs: list[Any] | None = None
    completions: int = 0
    seqs: Seqs = field(default_factory=Seqs)
    done_ns: int | None = None

    @property
    def text(self) -> str:
        """The words as far as they are known; those of the segments where nothing else has any."""
        text = self.stream.text
        return text or joined(*(string(segment, "text") or "" for segment in self.segments))


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
    announced: bool = False
    """Whether an item's content or a ``content_part`` event stated it; not so where only a delta named its index."""
    fields: Json = field(default_factory=dict[str, Any])
    words: list[TimedWord] = field(default_factory=list[TimedWord])
    seqs: Seqs = field(default_factory=Seqs)


@dataclass(slots=True, eq=False)
class ItemWork:
    """A conversation item."""

    id: str
    """Of no other item: see :mod:`.identity`."""
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
    span: Mark | None = None
    on_record: bool = False
    deleted_seq: int | None = None
    done_ns: int | None = None
    seqs: Seqs = field(default_factory=Seqs)
    wire_id: str = ""
    """The id as the server states it; empty where it states none."""
    before: ItemWork | None = None
    """The item that had the same id before."""
    stated: bool = False
    """Whether an event stated it as an item; not so where it was only spoken of."""
    truncated: bool = False

    @property
    def cut(self) -> bool:
        """Whether it ended before its time, so that the server may state less of it than it sent."""
        response = self.response
        return (
            self.truncated
            or self.status == "incomplete"
            or (response is not None and response.status in ("cancelled", "incomplete", "failed"))
        )

    def same_id(self) -> Iterator[ItemWork]:
        """This item and those that had its id before, the newest first."""
        item: ItemWork | None = self
        while item is not None:
            yield item
            item = item.before


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


TextSinks = dict[tuple[str, int], Callable[[int, str], None]]


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
        """By id as stated, the newest of each; outside ``order`` those only spoken of, and of responses out of band."""
        self.output_items: defaultdict[str, list[ItemWork]] = defaultdict(list)
        """By response, in order of arrival."""
        self.outputs_at: dict[tuple[str, int], ItemWork] = {}
        """By response and output index, the newest of each: for events that name their item by nothing else."""
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
        self.speech_received: dict[str | None, int] = {}
        """Bytes of input received when each of them was said to begin."""
        self.marks: list[Mark] = []
        """Commits, clears and timeouts of the input buffer: what the spans of the items are told from."""
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
        self.text_sinks: dict[TextKind, TextSinks] = {kind: {} for kind in get_args(TextKind)}
        """Where further deltas of a text go, by item and content index, once the first one has opened it."""
        self.audio_sinks: dict[tuple[str, int], Callable[[int, int], None]] = {}

    def open_text(self, kind: TextKind, item: ItemWork, index: int, add: Callable[[int, str], None]) -> None:
        """Let further deltas of a text go the short way; not those of an item without an id, which say less."""
        if item.wire_id:
            self.text_sinks[kind][item.wire_id, index] = add

    def close_output(self, item: ItemWork) -> None:
        """Close the sinks of a response's item that is over: what comes under its id may be another item's."""
        texts = self.text_sinks
        for sinks in (self.audio_sinks, texts["text"], texts["transcript"], texts["arguments"]):
            for index in item.parts or (0,):
                sinks.pop((item.wire_id, index), None)
        texts["arguments"].pop((item.wire_id, 0), None)

    def every_item(self) -> Iterator[ItemWork]:
        """All items, also those whose id another item has now."""
        for newest in self.items.values():
            yield from reversed(tuple(newest.same_id()))

    @property
    def appended_seq(self) -> int:
        """The last append of input audio; -1 before any."""
        return max(self.requests.appended, self.input_audio.last_seq)

    def forget_sinks(self, item: ItemWork) -> None:
        """Close all sinks of an item: its id is used again, for another item."""
        self.close_output(item)
        transcriptions = self.text_sinks["transcription"]
        for key in [key for key in transcriptions if key[0] == item.wire_id]:
            del transcriptions[key]

    def problem(self, what: str, detail: str = "") -> None:
        """Keep and name something about the event at hand that cannot be read as it stands."""
        self.problems.append(Problem(self.seq, what, detail))
