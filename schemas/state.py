"""The conversation's state: what the fold makes of a session's events.

Plain values that say where they come from: ``seqs`` are the records of a value, ``…_seq`` is a single record, ``…_ns``
the offset of that record (None if the source had no clock). Names and shapes are those of the GA vocabulary, whatever
the session spoke. Audio is referenced (:class:`AudioRefs`), never held.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from .audio import AudioFormat, default_format
from .ends import Close, Refusal
from .input_audio import BufferEvent, InputAudio, InputClock, InputFormat, InputSpan, Refuted, SpeechSpan
from .refs import AudioRefs, Seqs

__all__ = [
    "BufferEvent",
    "Call",
    "CauseBy",
    "Close",
    "ConfigChange",
    "Conversation",
    "Gap",
    "InputAudio",
    "InputClock",
    "InputFormat",
    "InputSpan",
    "Interruption",
    "Item",
    "McpTools",
    "Part",
    "Pending",
    "PlaybackEvent",
    "Problem",
    "RateLimits",
    "Refusal",
    "Refuted",
    "Response",
    "ServerError",
    "Session",
    "SpeechSpan",
    "TimedWord",
    "Transcription",
    "Truncation",
]

Json = Any
Side = Literal["client", "server"]
CauseBy = Literal["event_id", "param", "content", "only_candidate"]


@dataclass(slots=True)
class ConfigChange:
    """A statement of the session configuration, in GA shape.

    ``by`` server: what applies from ``seq`` on. ``by`` client: what it asked for.
    """

    seq: int
    offset_ns: int | None
    by: Side
    type: str
    config: dict[str, Json]


@dataclass(slots=True)
class Session:
    """The server's session: identity and configuration (canonical GA shape), with every change."""

    id: str | None = None
    model: str | None = None
    config: dict[str, Json] = field(default_factory=dict[str, Json])
    """What the server last stated."""
    requested: dict[str, Json] = field(default_factory=dict[str, Json])
    """What the client asked for and the server has not yet acknowledged."""
    input_format: AudioFormat = field(default_factory=default_format)
    output_format: AudioFormat = field(default_factory=default_format)
    history: list[ConfigChange] = field(default_factory=list[ConfigChange])
    expires_at: int | None = None


@dataclass(slots=True)
class Transcription:
    """Transcription of a user's audio part."""

    status: Literal["pending", "partial", "completed", "failed"]
    text: str = ""
    segments: list[dict[str, Json]] = field(default_factory=list[dict[str, Json]])
    error: dict[str, Json] | None = None
    usage: dict[str, Json] | None = None
    logprobs: list[Json] | None = None
    completions: int = 0
    """Number of ``completed`` events; some vendors send several, each replacing the one before."""
    seqs: Seqs = field(default_factory=Seqs)
    done_ns: int | None = None


@dataclass(frozen=True, slots=True)
class TimedWord:
    """A word of an assistant's audio, with where it lies on that audio, in milliseconds, as the server stated it.

    Source: Azure Voice Live, ``response.audio_timestamp.delta`` with ``timestamp_type`` ``word``.
    """

    text: str
    start_ms: float
    end_ms: float


@dataclass(slots=True)
class Part:
    """A content part. ``type``: input_text, input_audio, input_image, output_text, output_audio, or what was stated."""

    type: str
    index: int
    text: str | None = None
    transcript: str | None = None
    """Assistant: the model's transcript of its own audio. User: the transcription, as far as it is known."""
    status: Literal["in_progress", "completed", "incomplete"] = "in_progress"
    audio: AudioRefs = field(default_factory=AudioRefs)
    image_url: str | None = None
    """As stated; a data URL is shortened to its media type and digest."""
    detail: str | None = None
    transcription: Transcription | None = None
    fields: dict[str, Json] = field(default_factory=dict[str, Json])
    """Stated fields that have no place of their own."""
    text_deltas: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    """For each text or transcript delta: (seq, length of text so far). Heard text is estimated from these."""
    words: list[TimedWord] = field(default_factory=list[TimedWord])
    """Where each word lies on the audio, in the order in which the server stated it; empty where it did not."""
    streamed: str | None = None
    """The text of the deltas if it differs from the final text; else None."""
    first_audio_ns: int | None = None
    """When its first audio came from the server."""
    audio_done: bool = False
    """Whether the server said that the audio is complete (``response.output_audio.done``)."""
    seqs: Seqs = field(default_factory=Seqs)


@dataclass(slots=True)
class Item:
    """A conversation item."""

    id: str
    """As the server states it. Of several items with one id the later ones have ``#2``, ``#3``, … behind it; one that
    the server gave none has ``no-id-`` and its first record. ``problems`` names both."""
    type: str
    role: str | None = None
    status: str | None = None
    content: list[Part] = field(default_factory=list[Part])
    name: str | None = None
    call_id: str | None = None
    arguments: str | None = None
    output: str | None = None
    fields: dict[str, Json] = field(default_factory=dict[str, Json])
    """Stated fields that have no place of their own (``phase``, ``server_label``, ``tools``, …)."""
    previous_item_id: str | None = None
    """The last value other than null that the server stated."""
    response_id: str | None = None
    created_by: Literal["client", "model", "speech", "server", "unknown"] = "server"
    """``client``: by ``conversation.item.create``; ``model``: a response's output; ``speech``: a committed buffer;
    ``server``: nobody asked for it; ``unknown``: the recording has no client side."""
    request_seq: int | None = None
    """The client's ``conversation.item.create``, if one caused it."""
    id_by_client: bool = False
    """Whether the client chose the id, in its ``conversation.item.create``."""
    span: InputSpan | None = None
    on_record: bool = True
    """False while only a response or a transcription mentioned it; True once a ``conversation.item`` event or a commit
    put it into the conversation. What the user said is among the items either way."""
    deleted_seq: int | None = None
    first_seq: int = 0
    first_ns: int | None = None
    done_ns: int | None = None
    seqs: Seqs = field(default_factory=Seqs)


@dataclass(slots=True)
class Response:
    """A response of the model."""

    id: str
    status: str
    status_details: Json = None
    output: list[str] = field(default_factory=list[str])
    """Item ids in the order of ``response.done``; what that does not list, and before it, as they came. The output
    index does not count: some servers repeat it."""
    conversation_id: str | None = None
    in_band: bool = True
    """False for a response outside the conversation (``conversation: "none"``)."""
    metadata: dict[str, Json] | None = None
    usage: dict[str, Json] | None = None
    config: dict[str, Json] = field(default_factory=dict[str, Json])
    """Modalities, voice, formats, limits: the rest of the response object, in GA shape."""
    request: dict[str, Json] | None = None
    """``response`` of the client's ``response.create``, as stated (``commit``, ``cancel_previous``, … kept)."""
    request_seq: int | None = None
    trigger: Literal["client", "vad", "timeout", "unknown"] = "unknown"
    trigger_seq: int | None = None
    trigger_ns: int | None = None
    cancel_seq: int | None = None
    """The client's ``response.cancel``."""
    cancel_ns: int | None = None
    created_seq: int | None = None
    created_ns: int | None = None
    first_output_ns: int | None = None
    first_audio_ns: int | None = None
    first_text_ns: int | None = None
    done_seq: int | None = None
    done_ns: int | None = None
    seqs: Seqs = field(default_factory=Seqs)


@dataclass(slots=True)
class Call:
    """A function call: the arguments from the model, the output from the client."""

    call_id: str
    item_id: str
    name: str | None
    arguments: str
    response_id: str | None = None
    output: str | None = None
    output_item_id: str | None = None
    done_seq: int | None = None
    done_ns: int | None = None
    output_seq: int | None = None
    """The client's ``conversation.item.create`` that carried the output."""
    output_ns: int | None = None
    seqs: Seqs = field(default_factory=Seqs)


@dataclass(slots=True)
class McpTools:
    """State of one ``mcp_list_tools`` item."""

    item_id: str
    status: Literal["in_progress", "completed", "failed"]
    server_label: str | None = None
    tools: list[Json] = field(default_factory=list[Json])
    error: Json = None
    seqs: Seqs = field(default_factory=Seqs)


@dataclass(slots=True)
class Truncation:
    """A cut of an assistant's audio. ``status`` is ``done`` once the server confirms it, or ``refused``."""

    item_id: str
    content_index: int
    audio_end_ms: float
    status: Literal["requested", "done", "refused"]
    by: Literal["client", "server"]
    request_seq: int | None = None
    request_ns: int | None = None
    done_seq: int | None = None
    done_ns: int | None = None


@dataclass(slots=True)
class Interruption:
    """An interruption by the user, from ``speech_started`` to what was not heard."""

    item_id: str | None
    response_id: str | None
    speech_seq: int | None = None
    speech_ns: int | None = None
    cut_seq: int | None = None
    cut_ns: int | None = None
    by: Literal["client", "server"] | None = None
    unheard_ms: float | None = None


@dataclass(slots=True)
class PlaybackEvent:
    """``output_audio_buffer.started``, ``.stopped``, ``.cleared`` (GA names), and the client's ``.clear``."""

    type: str
    response_id: str | None
    seq: int
    offset_ns: int | None


@dataclass(slots=True)
class Pending:
    """A client's request that the server has neither answered nor refused yet."""

    seq: int
    offset_ns: int | None
    type: str
    event_id: str | None = None
    item_id: str | None = None


@dataclass(slots=True)
class ServerError:
    """An ``error`` event, tied to the client event that caused it if that is known."""

    seq: int
    offset_ns: int | None
    type: str | None
    code: str | None
    message: str | None
    param: str | None
    event_id: str | None
    cause_seq: int | None
    cause_by: CauseBy | None
    """How the cause was found: by the ``event_id`` that the error names, by its ``param``, by what its code or message
    is about, or, where the error says nothing of its cause, as the only request that was open. None where it is not
    known: nothing fits, or several requests fit equally."""


@dataclass(slots=True)
class RateLimits:
    """The last ``rate_limits.updated``."""

    seq: int
    offset_ns: int | None
    limits: list[dict[str, Json]]


@dataclass(slots=True)
class Gap:
    """Frames that crossed here but could not be stored; what follows may be incomplete because of it."""

    seq: int
    frames: int
    bytes: int
    reason: str


@dataclass(slots=True)
class Problem:
    """Traffic that could not be read as it stands. It is kept; nothing was dropped because of it."""

    seq: int
    what: str
    """``invalid-json``, ``not-an-object``, ``no-type``, ``binary``, ``erased``, ``bad-field``, …"""
    detail: str = ""
    sender: Side | None = None
    """Who sent it, if it is a binary frame."""
    bytes: int | None = None
    """Length of a binary frame that is not erased."""


@dataclass(slots=True)
class Conversation:
    """The state of a session after ``last_seq``.

    ``items`` are the items of the conversation in order, without the deleted ones, which are in ``deleted``. They show
    what was recorded, not what the model saw: a server may shorten its own context without sending an event.
    """

    dialect: str = "unknown"
    conversation_id: str | None = None
    session: Session = field(default_factory=Session)
    items: list[Item] = field(default_factory=list[Item])
    deleted: list[Item] = field(default_factory=list[Item])
    out_of_band: list[Item] = field(default_factory=list[Item])
    """Items of responses outside the conversation, and what was only mentioned by an id. Never the user's words."""
    unacknowledged: list[Item] = field(default_factory=list[Item])
    """Items that the client created and that the server neither acknowledged nor refused."""
    responses: list[Response] = field(default_factory=list[Response])
    calls: list[Call] = field(default_factory=list[Call])
    mcp: list[McpTools] = field(default_factory=list[McpTools])
    input_audio: InputAudio = field(default_factory=InputAudio)
    truncations: list[Truncation] = field(default_factory=list[Truncation])
    interruptions: list[Interruption] = field(default_factory=list[Interruption])
    playback: list[PlaybackEvent] = field(default_factory=list[PlaybackEvent])
    pending: list[Pending] = field(default_factory=list[Pending])
    """The client's requests that are still unanswered."""
    errors: list[ServerError] = field(default_factory=list[ServerError])
    rate_limits: RateLimits | None = None
    gaps: list[Gap] = field(default_factory=list[Gap])
    problems: list[Problem] = field(default_factory=list[Problem])
    counts: dict[str, int] = field(default_factory=dict[str, int])
    """Number of events by their type on the wire."""
    unknown: dict[str, int] = field(default_factory=dict[str, int])
    """The same for types that the fold does not use: unknown types, and vendors' own."""
    refusal: Refusal | None = None
    close: Close | None = None
    last_seq: int = -1
    last_ns: int | None = None
