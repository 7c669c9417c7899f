"""Check: the fold's reconstruction against what the server itself states.

A server says most things twice: in pieces while they happen, and whole at their end (``….done``,
``conversation.item.done``, ``response.done``, ``conversation.item.retrieved``). The fold is built from the pieces;
here each whole statement is compared with what was reconstructed before it, and the last statement about each thing
with the final state. So the check finds damage in a recording, faults of a server, and faults of the fold.

Some differences are in the protocol. The list of these explanations is closed (:data:`EXPLANATIONS`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Literal, cast

from ...schemas.dialects.normalise import normalise
from ...schemas.frame import Frame, parse_json
from ...schemas.recording import Recording
from ...schemas.refs import Seqs
from ...schemas.state import Conversation, Item, Response
from ...schemas.values import Json, integer, members, objects, string
from ..fold.folder import Folder
from ..fold.working import ItemWork, PartWork, State, TextStream

__all__ = ["EXPLANATIONS", "CheckReport", "Checker", "Difference", "Explanation", "check", "check_recording"]

Explanation = Literal["removed by truncation", "not stated", "cut by cancellation", "null in an echo"]

EXPLANATIONS: Final[MappingProxyType[Explanation, str]] = MappingProxyType(
    {
        "removed by truncation": "Truncating an item's audio deletes its transcript at the server, so what it states "
        "afterwards has none (API reference, `conversation.item.truncate`).",
        "not stated": "The statement leaves the content out; vendors do that in `response.output_item.done` and "
        "`response.content_part.done`. Absent is not empty: an empty list or text is a statement.",
        "cut by cancellation": "The response was cancelled or ended incomplete. Its last statements may hold less, or "
        "more, of an item than was sent, or nothing of it (API reference, `response.cancel`, `response.done`).",
        "null in an echo": "An echo of the item says null for what the server told elsewhere: a user's transcript "
        "arrives by its own events and need not be in the item.",
    }
)

Subject = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """A statement of the server that differs from the reconstruction.

    Attributes:
        seq: the record with the statement.
        type: its event type, in canonical naming.
        subject: what it is about: ``item ID, part 0, transcript``.
        stated: the server's value.
        reconstructed: the fold's.
        seqs: the records behind the fold's value.
        explanation: which rule of the protocol explains it; None where none does.
    """

    seq: int
    type: str
    subject: str
    stated: Any
    reconstructed: Any
    seqs: Seqs
    explanation: Explanation | None


@dataclass(slots=True)
class CheckReport:
    """The outcome for one session."""

    statements: int = 0
    """How many statements of the server were compared."""
    differences: list[Difference] = field(default_factory=list[Difference])

    @property
    def unexplained(self) -> list[Difference]:
        """The differences that no rule of the protocol explains."""
        return [difference for difference in self.differences if difference.explanation is None]

    @property
    def explanations(self) -> dict[Explanation, int]:
        """How often each explanation was needed."""
        found = [difference.explanation for difference in self.differences]
        return {name: found.count(name) for name in EXPLANATIONS if name in found}


def check(frames: Iterable[Frame]) -> CheckReport:
    """Check a session's frames."""
    checker = Checker()
    for frame in frames:
        checker.apply(frame)
    return checker.report()


async def check_recording(recording: Recording) -> CheckReport:
    """Check a recording, wherever it is kept."""
    checker = Checker()
    async for batch in recording.batches():
        for frame in batch:
            checker.apply(frame)
    return checker.report()


@dataclass(frozen=True, slots=True)
class _Statement:
    seq: int
    type: str
    subject: Subject
    value: Any
    echo: bool
    """Whether it stands in an object that repeats an item, where null and absence say nothing."""
    absent: bool
    """Whether nothing was stated where something could have been; the value is None then."""
    response_id: str | None


class Checker:
    """A check in progress: frames in, a report at the end."""

    def __init__(self) -> None:
        self._folder = Folder()
        self._last: dict[Subject, _Statement] = {}
        self._compared: set[tuple[int, Subject]] = set()
        self._differing: dict[tuple[int, Subject], tuple[_Statement, Any, Seqs]] = {}

    def apply(self, frame: Frame) -> None:
        """Take the session's next frame."""
        if frame.kind == "text" and frame.sender == "server" and frame.type is not None and _is_telling(frame.type):
            for statement in _statements(frame):
                self._before(statement)
        self._folder.apply(frame)

    def report(self) -> CheckReport:
        """Compare the last statement about each thing with the final state, and give the outcome."""
        conversation = self._folder.conversation()
        final = _Final(conversation)
        for statement in self._last.values():
            known, value, seqs = final.value(statement.subject)
            if known:
                self._compare(statement, value, seqs)
        # Explained only now: a statement may come before the event that says why (an item before its response).
        differences = [
            Difference(
                statement.seq,
                statement.type,
                _words(statement.subject),
                statement.value,
                value,
                seqs,
                self._explain(statement, value),
            )
            for statement, value, seqs in self._differing.values()
        ]
        return CheckReport(len(self._compared), sorted(differences, key=lambda each: (each.seq, each.subject)))

    def _before(self, statement: _Statement) -> None:
        """Compare a statement with what was reconstructed without it."""
        known, value, seqs = _reconstructed(self._folder.state, statement)
        if known:
            self._compare(statement, value, seqs)
            earlier = self._last.get(statement.subject)
            if earlier is not None and (earlier.seq, earlier.subject) not in self._compared:
                self._compare(earlier, value, seqs)  # it is about to be overtaken
        if statement.value is not None:
            self._last[statement.subject] = statement

    def _compare(self, statement: _Statement, value: Any, seqs: Seqs) -> None:
        key = (statement.seq, statement.subject)
        self._compared.add(key)
        if statement.value != value:
            self._differing.setdefault(key, (statement, value, seqs))

    def _explain(self, statement: _Statement, value: Any) -> Explanation | None:
        stated = statement.value
        subject = statement.subject
        lost = subject[0] == "item" and not stated and subject[-1] in ("transcript", "content")
        if lost and self._was_truncated(subject, statement.seq):
            return "removed by truncation"
        if stated is None and statement.echo:
            return "not stated" if statement.absent else "null in an echo"
        if self._was_cancelled(statement) and _is_cut(stated, value):
            return "cut by cancellation"
        return None

    def _was_truncated(self, subject: Subject, seq: int) -> bool:
        return any(
            cut.item_id == subject[1]
            and cut.status == "done"
            and (cut.done_seq or 0) < seq
            and (subject[-1] == "content" or subject[3] == str(cut.content_index))
            for cut in self._folder.state.truncations
        )

    def _was_cancelled(self, statement: _Statement) -> bool:
        state = self._folder.state
        item = state.items.get(statement.subject[1]) if statement.subject[0] == "item" else None
        response_id = statement.response_id
        if item is not None and item.response is not None:
            response_id = item.response.id
        response = state.responses.get(response_id or "")
        return (response is not None and response.status in ("cancelled", "incomplete")) or (
            item is not None and item.status == "incomplete"
        )


def _is_cut(stated: Any, value: Any) -> bool:
    """Whether one is a beginning of the other, or the two are ends that a cancelled item may be given."""
    if isinstance(stated, str) and isinstance(value, str):
        ends = {"completed", "incomplete", "in_progress"}
        return stated.startswith(value) or value.startswith(stated) or {stated, value} <= ends
    if isinstance(stated, list) and isinstance(value, list):
        one, other = cast("list[Any]", stated), cast("list[Any]", value)
        return one == other[: len(one)]
    return False


def _words(subject: Subject) -> str:
    match subject:
        case (kind, name, "part", index, *rest):
            return f"{kind} {name}, part {index}, {' '.join(rest)}"
        case (kind, name, *rest):
            return f"{kind} {name}, {' '.join(rest)}"
        case _:
            return " ".join(subject)


_WHOLE_TEXTS: Final = {
    "response.output_text.done": "text",
    "response.output_audio_transcript.done": "transcript",
}
_ARGUMENTS: Final = ("response.function_call_arguments.done", "response.mcp_call_arguments.done")
_ITEM_FIELDS: Final = ("type", "role", "status", "name", "call_id", "arguments", "output")
_PART_FIELDS: Final = ("text", "transcript")
_RESPONSE_FIELDS: Final = ("status", "status_details", "usage", "metadata", "conversation_id")
_TRANSCRIBED: Final = "conversation.item.input_audio_transcription.completed"


_ABSENT: Final = object()


def _is_telling(kind: str) -> bool:
    return kind.endswith((".done", ".retrieved", ".completed"))


def _statements(frame: Frame) -> Iterator[_Statement]:
    """The statements in a server's event: one for each value that it gives."""
    payload = frame.payload
    try:
        event: Any = None if payload is None else parse_json(payload)
    except ValueError:
        return
    if not isinstance(event, dict) or not isinstance(cast("Json", event).get("type"), str):
        return
    event = normalise(cast("Json", event))
    kind: str = event["type"]
    response_id = string(event, "response_id")
    item_id = string(event, "item_id")

    def state(subject: Subject, value: Any, *, echo: bool = False) -> _Statement:
        absent = value is _ABSENT
        return _Statement(frame.seq, kind, subject, None if absent else value, echo, absent, response_id)

    if kind in _WHOLE_TEXTS and item_id is not None:
        name = _WHOLE_TEXTS[kind]
        if name in event:
            yield state(("item", item_id, "part", str(integer(event, "content_index") or 0), name), event[name])
    elif kind in _ARGUMENTS and item_id is not None:
        for name in ("arguments", "name", "call_id"):
            if name in event:
                yield state(("item", item_id, name), event[name])
    elif kind == _TRANSCRIBED and item_id is not None and event.get("status") != "in_progress":
        index = str(integer(event, "content_index") or 0)
        if "transcript" in event:
            yield state(("item", item_id, "part", index, "transcription"), event["transcript"])
        if event.get("usage") is not None:
            yield state(("item", item_id, "part", index, "transcription usage"), event["usage"])
    elif kind == "response.content_part.done" and item_id is not None:
        index = str(integer(event, "content_index") or 0)
        part = members(event, "part")
        for name in _fields_of_part(part):
            yield state(("item", item_id, "part", index, name), part.get(name, _ABSENT), echo=True)
    elif kind in ("conversation.item.done", "conversation.item.retrieved", "response.output_item.done"):
        for subject, value in _of_item(members(event, "item")):
            yield state(subject, value, echo=True)
    elif kind == "response.done":
        response = members(event, "response")
        response_id = string(response, "id") or response_id
        if response_id is None:
            return
        for name in _RESPONSE_FIELDS:
            if response.get(name) is not None:
                yield state(("response", response_id, name), response[name])
        outputs = objects(response, "output")
        if "output" in response:
            ids = [string(item, "id") for item in outputs if item is not None]
            yield state(("response", response_id, "output"), ids)
        for item in outputs:
            for subject, value in _of_item(item or {}):
                yield state(subject, value, echo=True)


def _of_item(item: Json) -> Iterator[tuple[Subject, Any]]:
    item_id = string(item, "id")
    if item_id is None:
        return
    for name in _ITEM_FIELDS:
        if item.get(name) is not None:
            yield ("item", item_id, name), item[name]
    content = objects(item, "content")
    if string(item, "type") == "message" and not content:
        yield ("item", item_id, "content"), item.get("content", _ABSENT)
    for index, part in enumerate(content):
        for name in _fields_of_part(part or {}):
            yield ("item", item_id, "part", str(index), name), (part or {}).get(name, _ABSENT)


def _fields_of_part(part: Json) -> list[str]:
    """The texts that a statement of a part gives, and the one that it could give and does not."""
    expected = {"output_audio": "transcript", "output_text": "text", None: "transcript"}.get(string(part, "type"))
    return [name for name in _PART_FIELDS if name in part or name == expected]


Known = tuple[bool, Any, Seqs]
_UNKNOWN: Final[Known] = (False, None, Seqs())
_FINISHED: Final = ("completed", "incomplete", "failed", "cancelled")


def _reconstructed(state: State, statement: _Statement) -> Known:
    """What the fold made of everything before a statement; unknown where nothing was there to make it of."""
    subject = statement.subject
    if subject[0] == "response":
        return _of_response(state.responses.get(subject[1]), subject[2])
    item = state.items.get(subject[1])
    if item is None:
        return _UNKNOWN
    match subject[2:]:
        case ("part", index, name):
            return _of_part(item, item.parts.get(int(index)), name)
        case ("content",):
            texts = [text for part in item.parts.values() if (text := _said(part)) is not None]
            return (True, texts, item.seqs.copy()) if texts else _UNKNOWN
        case ("arguments",):
            return _of_stream(item.arguments)
        case ("status",):
            return (True, item.status, item.seqs.copy()) if item.status in _FINISHED else _UNKNOWN
        case (name,):
            value = getattr(item, name)
            return _UNKNOWN if value is None else (True, value, item.seqs.copy())
        case _:
            return _UNKNOWN


def _of_response(response: Response | None, name: str) -> Known:
    if response is None:
        return _UNKNOWN
    value = getattr(response, name)
    if name == "output":
        return (True, list(value), response.seqs.copy()) if value else _UNKNOWN
    if name == "status":
        return (True, value, response.seqs.copy()) if response.done_seq is not None else _UNKNOWN
    return _UNKNOWN if value is None else (True, value, response.seqs.copy())


def _of_part(item: ItemWork, part: PartWork | None, name: str) -> Known:
    if part is None:
        return _UNKNOWN
    if name == "transcription" or (name == "transcript" and part.type == "input_audio"):
        work = part.transcription
        if work is None:
            return _UNKNOWN
        text = work.stream.streamed if name == "transcription" else work.stream.stated
        # The first delta of a transcription begins with the space that a tokeniser puts before a word.
        return _UNKNOWN if text is None else (True, text.strip(), work.seqs.copy())
    if name == "transcription usage":
        return _UNKNOWN
    return _of_stream(part.text if name == "text" else part.transcript)


def _of_stream(stream: TextStream) -> Known:
    streamed = stream.streamed
    if streamed is not None:
        return True, streamed, Seqs((seq, seq) for seq in stream.seqs)
    return _UNKNOWN if stream.stated is None else (True, stream.stated, Seqs())


def _said(part: PartWork) -> str | None:
    text = part.transcript.text if part.transcript.text is not None else part.text.text
    return text or None


class _Final:
    """Values of the final state by subject."""

    def __init__(self, conversation: Conversation) -> None:
        self._items: dict[str, Item] = {}
        for item in (*conversation.out_of_band, *conversation.deleted, *conversation.items):
            self._items[item.id] = item
        self._responses = {response.id: response for response in conversation.responses}

    def value(self, subject: Subject) -> Known:
        """Whether the state has it, its value, and the records behind it."""
        if subject[0] == "response":
            response = self._responses.get(subject[1])
            return _UNKNOWN if response is None else (True, getattr(response, subject[2]), response.seqs)
        item = self._items.get(subject[1])
        if item is None or subject[2] == "content":
            return _UNKNOWN
        if subject[2] != "part":
            return True, getattr(item, subject[2]), item.seqs
        part = next((part for part in item.content if str(part.index) == subject[3]), None)
        if part is None:
            return True, None, item.seqs
        match subject[4]:
            case "transcription":
                return True, None if part.transcription is None else part.transcription.text, part.seqs
            case "transcription usage":
                return True, None if part.transcription is None else part.transcription.usage, part.seqs
            case name:
                return True, getattr(part, name), part.seqs
