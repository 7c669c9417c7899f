"""What each recorded server frame must wait for when the recording plays the server.

A recording shows in which order frames crossed, not which frame caused which. A server frame is therefore held only for
what the *protocol* makes it wait for; everything else may come earlier or later than it did. In most recordings, for
example, the client's tool output was sent before ``response.done`` came. A client that answers only after
``response.done`` is right too, and must not wait for a frame that waits for it.

:data:`RULES` is the table; the documentation is made from it. Causes are paired by id, then by content, then by
``error.param``, and only then, among events that say nothing by which to tell them apart, by order. They are never
paired by count: an ``error`` may overtake the acknowledgement of the event before it, and three creates may give two
items.

No held frame can wait for ever on a client that behaves as recorded: what it waits for came before it in the recording.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple, cast

from .matching import same_json

__all__ = ["RULES", "AudioPoint", "Control", "Hold", "Rule", "RuleName", "pair_causes", "rules_as_markdown"]

Json = dict[str, Any]

RuleName = Literal[
    "error",
    "session updated",
    "item acknowledged",
    "committed",
    "committed by voice detection",
    "cleared",
    "truncated",
    "deleted",
    "retrieved",
    "response requested",
    "response by voice detection",
    "cancelled",
    "cancelled by speech",
    "after the cut",
    "speech",
    "idle timeout",
    "early transcription",
    "output buffer cleared",
    "continuous",
    "acknowledged",
    "session ended",
]


class Rule(NamedTuple):
    """One row of the table.

    Attributes:
        name: how reports call it.
        frames: the server frames that it is about.
        waits_for: what they wait for.
        paired_by: how the cause is found.
        reason: why the protocol makes them wait.
    """

    name: RuleName
    frames: str
    waits_for: str
    paired_by: str
    reason: str


RULES: Final[tuple[Rule, ...]] = (
    Rule(
        "error",
        "`error`",
        "the client event that it refuses",
        "`error.event_id`; `error.param` (the path exists in the event, and its value is quoted in the message); the "
        "error's code; else the latest event that nothing else answers",
        "An error states what was wrong with one client event. Its `event_id` is null where the client gave none, and "
        "then it may overtake the acknowledgement of an earlier event.",
    ),
    Rule(
        "session updated",
        "`session.updated`, `transcription_session.updated`",
        "`session.update`",
        "the settings in it: the update that it contradicts least",
        "The server answers each accepted update with the whole configuration. Several can be under way.",
    ),
    Rule(
        "item acknowledged",
        "`conversation.item.created`, `.added`, `.done`",
        "`conversation.item.create`",
        "the item's id; its content; else its type and role",
        "Items of a response follow the response, and items that the server inserts itself (idle timeout, history of "
        "a resumed session) answer nobody: neither waits for the client.",
    ),
    Rule(
        "committed",
        "`input_audio_buffer.committed` and its item",
        "`input_audio_buffer.commit`",
        "no speech or timeout event has its `item_id`; order",
        "Without voice detection the client ends the turn.",
    ),
    Rule(
        "committed by voice detection",
        "`input_audio_buffer.committed` and its item",
        "the input audio that had arrived before it",
        "a `speech_…` or `timeout_triggered` event has its `item_id`",
        "The server ends the turn by what it hears, so by samples; its stated milliseconds count on a clock with "
        "padding that differs between vendors.",
    ),
    Rule(
        "cleared",
        "`input_audio_buffer.cleared`",
        "`input_audio_buffer.clear`",
        "order: neither says more than its type",
        "It answers nothing else.",
    ),
    Rule(
        "truncated",
        "`conversation.item.truncated`",
        "`conversation.item.truncate`",
        "`item_id` and `content_index`",
        "Over WebRTC the server truncates by itself; then there is nothing to wait for.",
    ),
    Rule(
        "deleted", "`conversation.item.deleted`", "`conversation.item.delete`", "`item_id`", "It answers nothing else."
    ),
    Rule(
        "retrieved",
        "`conversation.item.retrieved`",
        "`conversation.item.retrieve`",
        "the item's id",
        "It answers nothing else.",
    ),
    Rule(
        "response requested",
        "`response.created`",
        "`response.create`",
        "`metadata`; else the earliest request or finished turn that has no response yet",
        "A response begins when it is asked for, also with Azure's `commit` and `cancel_previous`.",
    ),
    Rule(
        "response by voice detection",
        "`response.created`",
        "the input audio that had arrived before the turn was committed",
        "as above; only where `turn_detection.create_response` is not false",
        "Under voice detection a finished turn is answered without being asked.",
    ),
    Rule(
        "cancelled",
        "`response.done` with status `cancelled`",
        "`response.cancel`",
        "`response_id`; else the last cancel while the response ran",
        "Without the client's cancel the response would have gone on.",
    ),
    Rule(
        "cancelled by speech",
        "`response.done` with status `cancelled`, reason `turn_detected`",
        "the input audio that had arrived before the speech was noticed",
        "the last `speech_started` while the response ran",
        "The user cut in.",
    ),
    Rule(
        "after the cut",
        "`….done` frames of a cancelled response, after the cancel",
        "`response.cancel`",
        "`response_id` and `item_id`",
        "They close what the cancel broke off. Deltas that were under way when the cancel came do not wait.",
    ),
    Rule(
        "speech",
        "`input_audio_buffer.speech_started`, `.speech_stopped`",
        "the input audio that had arrived before it",
        "number of decoded bytes since the client's last commit or clear",
        "Speech is noticed by what was heard. Counting samples works with any chunk size and any speed.",
    ),
    Rule(
        "idle timeout",
        "`input_audio_buffer.timeout_triggered`",
        "the input audio that had arrived before it",
        "number of decoded bytes since the client's last commit or clear",
        "The silence that it is about is silence that was sent.",
    ),
    Rule(
        "early transcription",
        "`conversation.item.input_audio_transcription.…` before the item's commit",
        "the input audio that had arrived before it",
        "number of decoded bytes since the client's last commit or clear",
        "A transcription that runs along cannot know words that were not yet said. After the commit it depends on "
        "nothing that the client does.",
    ),
    Rule(
        "output buffer cleared",
        "`output_audio_buffer.cleared`",
        "`output_audio_buffer.clear`",
        "order: the client's event says only its type",
        "Speech can clear it as well; then there is nothing to wait for.",
    ),
    Rule(
        "continuous",
        "`session.….delta` of the translation and live vocabularies",
        "the input audio that had arrived before it",
        "number of decoded bytes",
        "Output runs along with the input; there are no turns.",
    ),
    Rule(
        "acknowledged",
        "`session.started`, `session.….appended`, `.muted`, `decision.item.…` and the like of the live vocabulary",
        "the client event of that name",
        "`client_event_id`; else order",
        "Each answers one client event.",
    ),
    Rule("session ended", "`session.closed`", "`session.close`", "order", "It answers nothing else."),
)
"""Every reason for which a server frame is held. All other frames follow the frame before them."""


def rules_as_markdown() -> str:
    """Give the table for the documentation."""
    lines = ["| frames | wait for | found by | because |", "|---|---|---|---|"]
    lines += [f"| {rule.frames} | {rule.waits_for} | {rule.paired_by} | {rule.reason} |" for rule in RULES]
    return "\n".join(lines) + "\n"


class AudioPoint(NamedTuple):
    """A position in the input audio.

    Attributes:
        stretch: how many commits and clears the client had sent before.
        offset: decoded bytes since the last of them.
        offset_ns: when the last of these bytes arrived; None without a clock.
    """

    stretch: int
    offset: int
    offset_ns: int | None


@dataclass(frozen=True, slots=True)
class Control:
    """An event that the pairing looks at: all but deltas and appended audio.

    Attributes:
        event: in canonical form.
        raw: as it crossed.
        audio: how much input audio had arrived before it.
    """

    seq: int
    offset_ns: int | None
    sender: Literal["client", "server"]
    type: str
    event: Json
    raw: Json
    audio: AudioPoint


@dataclass(frozen=True, slots=True)
class Hold:
    """What one server frame waits for.

    Attributes:
        seq: the server frame.
        rule: the row of :data:`RULES`.
        clients: seqs of the client frames that must have been matched.
        audio: input audio that must have arrived; None where it does not matter.
        cause_ns: recorded offset of the last cause; None without a clock.
    """

    seq: int
    rule: RuleName
    clients: tuple[int, ...] = ()
    audio: AudioPoint | None = None
    cause_ns: int | None = None


_ITEM_FRAMES: Final = frozenset(("conversation.item.created", "conversation.item.added", "conversation.item.done"))
_SPEECH: Final = frozenset(("input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped"))
_TIMEOUT: Final = "input_audio_buffer.timeout_triggered"
_COMMITTED: Final = "input_audio_buffer.committed"
_TRANSCRIPTION: Final = "conversation.item.input_audio_transcription."
_CREATE_ITEM: Final = "conversation.item.create"
_CREATE_RESPONSE: Final = "response.create"

_BY_ORDER: Final[dict[str, tuple[str, RuleName]]] = {
    "input_audio_buffer.cleared": ("input_audio_buffer.clear", "cleared"),
    "output_audio_buffer.cleared": ("output_audio_buffer.clear", "output buffer cleared"),
    "session.closed": ("session.close", "session ended"),
    "session.started": ("session.start", "acknowledged"),
    "session.commentary.appended": ("session.commentary.append", "acknowledged"),
    "session.instructions.appended": ("session.instructions.append", "acknowledged"),
    "session.thinking.appended": ("session.thinking.append", "acknowledged"),
    "session.input_audio.muted": ("session.input_audio.mute", "acknowledged"),
    "session.input_audio.unmuted": ("session.input_audio.unmute", "acknowledged"),
    "session.output_audio.fixture.playing": ("session.output_audio.fixture.play", "acknowledged"),
    "decision.item.created": ("decision.item.create", "acknowledged"),
    "decision.item.deleted": ("decision.item.delete", "acknowledged"),
    "transport.dtmf.sent": ("transport.dtmf.send", "acknowledged"),
}
"""Answers that say no more than their type: the earliest open event of the other type is their cause."""

_BY_ITEM: Final[dict[str, tuple[str, RuleName]]] = {
    "conversation.item.truncated": ("conversation.item.truncate", "truncated"),
    "conversation.item.deleted": ("conversation.item.delete", "deleted"),
    "conversation.item.retrieved": ("conversation.item.retrieve", "retrieved"),
}

_ERROR_HINTS: Final[tuple[tuple[re.Pattern[str], str], ...]] = tuple(
    (re.compile(pattern), cause)
    for pattern, cause in (
        (r"active.response|already has an active", "response.create"),
        (r"truncat|already shorter", "conversation.item.truncate"),
        (r"cancel", "response.cancel"),
        (r"commit|buffer too small|buffer is empty", "input_audio_buffer.commit"),
        (r"retriev", "conversation.item.retrieve"),
        (r"delet", "conversation.item.delete"),
    )
)
"""What an error's code, or else its message, says about the event that it refuses."""

_PATH_STEP: Final = re.compile(r"[^.\[\]]+")


class _Open:
    """Client events that nothing has answered yet, by type and in order."""

    def __init__(self, clients: Iterable[Control]) -> None:
        self._by_type: dict[str, list[Control]] = {}
        self.answers: dict[int, int] = {}
        for control in clients:
            self._by_type.setdefault(control.type, []).append(control)

    def before(self, seq: int, *types: str) -> Iterator[Control]:
        """Give the open events of these types (of all, without any) that came before a frame."""
        for name in types or tuple(self._by_type):
            for control in self._by_type.get(name, ()):
                if control.seq >= seq:
                    break
                yield control

    def answer(self, cause: Control, seq: int) -> None:
        """Note which frame answers an event: it can cause no other of its kind."""
        self.answers[cause.seq] = seq
        self._by_type[cause.type].remove(cause)


class _Pairing:
    def __init__(self, controls: Sequence[Control]) -> None:
        self.servers = [control for control in controls if control.sender == "server"]
        self.clients = [control for control in controls if control.sender == "client"]
        self.open = _Open(self.clients)
        self.holds: dict[int, Hold] = {}
        self.item_response: dict[str, str] = {}
        self.heard: dict[str, Control] = {}
        self.commits: dict[str, Control] = {}
        for control in self.servers:
            event = control.event
            if control.type in ("response.output_item.added", "response.output_item.done"):
                item_id, response_id = _get(event, "item", "id"), event.get("response_id")
                if isinstance(item_id, str) and isinstance(response_id, str):
                    self.item_response[item_id] = response_id
            elif control.type in _SPEECH or control.type == _TIMEOUT:
                if isinstance(event.get("item_id"), str):
                    self.heard[event["item_id"]] = control
            elif control.type == _COMMITTED and isinstance(event.get("item_id"), str):
                self.commits.setdefault(event["item_id"], control)

    def run(self) -> None:
        """Go over the frames once for each way of pairing, the surest first."""
        self._by_sound()
        self._errors_by_id()
        self._items_by_id()
        self._answers_by_item()
        self._items_by_content()
        self._updates()
        self._errors_by_content()
        self._items_by_role()
        self._by_order()
        self._commits()
        self._responses()
        self._cancels()
        self._errors_by_order()

    # Holding

    def _wait(self, frame: Control, rule: RuleName, cause: Control, *, answers: bool = True) -> None:
        self.holds[frame.seq] = Hold(frame.seq, rule, (cause.seq,), None, cause.offset_ns)
        if answers and cause.seq not in self.open.answers:
            self.open.answer(cause, frame.seq)

    def _listen(self, frame: Control, rule: RuleName, point: AudioPoint) -> None:
        if point.offset or point.stretch:
            self.holds[frame.seq] = Hold(frame.seq, rule, (), point, point.offset_ns)

    def _by_sound(self) -> None:
        for frame in self.servers:
            if frame.type in _SPEECH:
                self._listen(frame, "speech", frame.audio)
            elif frame.type == _TIMEOUT:
                self._listen(frame, "idle timeout", frame.audio)
            elif frame.type.startswith(_TRANSCRIPTION):
                commit = self.commits.get(str(frame.event.get("item_id")))
                if commit is not None and frame.seq < commit.seq:
                    self._listen(frame, "early transcription", frame.audio)
            elif frame.type.startswith("session.") and frame.type.endswith(".delta"):
                self._listen(frame, "continuous", frame.audio)

    # By id

    def _errors_by_id(self) -> None:
        by_id = {control.raw["event_id"]: control for control in self.clients if _text(control.raw.get("event_id"))}
        for frame in self.servers:
            stated = (_get(frame.event, "error", "event_id"), _get(frame.event, "error", "client_event_id"))
            stated = (*stated, frame.event.get("client_event_id"))
            cause = next((by_id[value] for value in stated if isinstance(value, str) and value in by_id), None)
            if cause is not None and cause.seq < frame.seq:
                self._wait(frame, "error" if frame.type == "error" else "acknowledged", cause)

    def _items_by_id(self) -> None:
        by_id = {
            item_id: control
            for control in self.clients
            if control.type == _CREATE_ITEM and isinstance(item_id := _get(control.event, "item", "id"), str)
        }
        for frame in self._free(*_ITEM_FRAMES):
            cause = by_id.get(str(_get(frame.event, "item", "id")))
            if cause is not None and cause.seq < frame.seq:
                self._wait(frame, "item acknowledged", cause)

    def _answers_by_item(self) -> None:
        for frame in self._free(*_BY_ITEM):
            asked, rule = _BY_ITEM[frame.type]
            item_id = frame.event.get("item_id") or _get(frame.event, "item", "id")
            for cause in self.open.before(frame.seq, asked):
                if cause.event.get("item_id") == item_id and (cause.event.get("content_index") or 0) == (
                    frame.event.get("content_index") or 0
                ):
                    self._wait(frame, rule, cause)
                    break

    # By content

    def _items_by_content(self) -> None:
        self._items(_repeats)

    def _items_by_role(self) -> None:
        self._items(_is_like)

    def _items(self, alike: Callable[[Json, Json], bool]) -> None:
        acknowledged: dict[str, Control] = {}
        for frame in self._free(*_ITEM_FRAMES):
            item = frame.event.get("item")
            if not isinstance(item, dict):
                continue
            given = cast("Json", item)
            item_id = given.get("id")
            if not isinstance(item_id, str) or item_id in self.item_response or item_id in self.commits:
                continue
            if (cause := acknowledged.get(item_id)) is not None:
                self._wait(frame, "item acknowledged", cause, answers=False)
                continue
            for cause in self.open.before(frame.seq, _CREATE_ITEM):
                asked = cause.event.get("item")
                if not isinstance(asked, dict) or cast("Json", asked).get("id") not in (None, item_id):
                    continue
                if alike(cast("Json", asked), given):
                    self._wait(frame, "item acknowledged", cause)
                    acknowledged[item_id] = cause
                    break

    def _updates(self) -> None:
        for frame in self._free("session.updated"):
            given = frame.event.get("session")
            best: tuple[tuple[int, int], Control] | None = None
            for cause in self.open.before(frame.seq, "session.update"):
                agree, contradict = _agreement(cause.event.get("session"), given)
                score = (contradict, -agree)
                if best is None or score < best[0]:
                    best = score, cause
            if best is not None:
                self._wait(frame, "session updated", best[1])

    def _errors_by_content(self) -> None:
        for frame in self._free("error"):
            error = frame.event.get("error")
            if not isinstance(error, dict):
                continue
            stated = cast("Json", error)
            cause = self._by_param(frame, stated) or self._by_code(frame, stated)
            if cause is not None:
                self._wait(frame, "error", cause)

    def _by_param(self, frame: Control, error: Json) -> Control | None:
        param, message = error.get("param"), str(error.get("message") or "")
        if not isinstance(param, str):
            return None
        steps = _PATH_STEP.findall(param)
        best: tuple[int, Control] | None = None
        for cause in sorted(self.open.before(frame.seq), key=lambda control: control.seq):
            found, value = _resolve(cause.raw, steps)
            if not found and not (len(steps) > 1 and _resolve(cause.raw, steps[:-1])[0]):
                continue
            quoted = found and isinstance(value, (str, int, float)) and f"'{value}'" in message
            score = 2 * quoted + found
            if best is None or score > best[0]:
                best = score, cause
        return best[1] if best else None

    def _by_code(self, frame: Control, error: Json) -> Control | None:
        for text in (str(error.get("code") or ""), str(error.get("message") or "")):
            for pattern, asked in _ERROR_HINTS:
                if pattern.search(text.lower()):
                    causes = list(self.open.before(frame.seq, asked))
                    if causes:
                        return causes[-1]
        return None

    # By order

    def _by_order(self) -> None:
        for frame in self._free(*_BY_ORDER):
            asked, rule = _BY_ORDER[frame.type]
            cause = next(self.open.before(frame.seq, asked), None)
            if cause is not None:
                self._wait(frame, rule, cause)

    def _commits(self) -> None:
        for frame in self._free(_COMMITTED):
            item_id = str(frame.event.get("item_id"))
            cause = next(self.open.before(frame.seq, "input_audio_buffer.commit"), None)
            if item_id in self.heard or cause is None:
                self._listen(frame, "committed by voice detection", frame.audio)
            else:
                self._wait(frame, "committed", cause)
        for frame in self._free(*_ITEM_FRAMES):
            commit = self.commits.get(str(_get(frame.event, "item", "id")))
            hold = self.holds.get(commit.seq) if commit is not None else None
            # An item can be announced before its commit: it waits for no more than had come by then.
            if hold is not None and hold.audio is not None:
                self._listen(frame, hold.rule, frame.audio)
            elif hold is not None and max(hold.clients) < frame.seq:
                self.holds[frame.seq] = Hold(frame.seq, hold.rule, hold.clients, None, hold.cause_ns)

    def _responses(self) -> None:
        for frame in self._free("response.created"):
            metadata = _get(frame.event, "response", "metadata")
            if metadata:
                for cause in self.open.before(frame.seq, _CREATE_RESPONSE):
                    if same_json(_get(cause.event, "response", "metadata"), metadata):
                        self._wait(frame, "response requested", cause)
                        break
        turns: list[Control] = []
        answering = True
        for frame in self.servers:
            if frame.type in ("session.created", "session.updated"):
                detection = _get(frame.event, "session", "audio", "input", "turn_detection")
                answering = (
                    not isinstance(detection, dict) or cast("Json", detection).get("create_response") is not False
                )
            elif frame.type == _COMMITTED:
                if answering and str(frame.event.get("item_id")) in self.heard:
                    turns.append(frame)
            elif frame.type == "response.created" and frame.seq not in self.holds:
                cause = next(self.open.before(frame.seq, _CREATE_RESPONSE), None)
                # Several utterances may get one reply, so the turns before the one that is answered are done with.
                turn = turns[-1] if turns else None
                if cause is not None and (turn is None or cause.seq < turn.seq):
                    self._wait(frame, "response requested", cause)
                elif turn is not None:
                    self._listen(frame, "response by voice detection", turn.audio)
                    turns.clear()

    def _cancels(self) -> None:
        created = {
            _get(frame.event, "response", "id"): frame for frame in self.servers if frame.type == "response.created"
        }
        speech = [frame for frame in self.servers if frame.type == "input_audio_buffer.speech_started"]
        cuts: dict[str, tuple[Control, int]] = {}
        for frame in self._free("response.done"):
            response_id = _get(frame.event, "response", "id")
            if _get(frame.event, "response", "status") != "cancelled":
                continue
            start = created[response_id].seq if response_id in created else -1
            causes = [
                cause
                for cause in self.open.before(frame.seq, "response.cancel")
                if cause.seq > start and cause.event.get("response_id") in (None, response_id)
            ]
            if causes:
                self._wait(frame, "cancelled", causes[-1])
                cuts[str(response_id)] = causes[-1], frame.seq
            elif _get(frame.event, "response", "status_details", "reason") == "turn_detected":
                last = bisect_left(speech, frame.seq, key=lambda control: control.seq) - 1
                if last >= 0 and speech[last].seq > start:
                    self._listen(frame, "cancelled by speech", speech[last].audio)
        for frame in self.servers if cuts else ():
            if frame.seq in self.holds or not frame.type.endswith(".done"):
                continue
            item_id = frame.event.get("item_id") or _get(frame.event, "item", "id")
            response_id = frame.event.get("response_id") or self.item_response.get(str(item_id))
            cut = cuts.get(str(response_id))
            if cut is not None and cut[0].seq < frame.seq < cut[1]:
                self._wait(frame, "after the cut", cut[0], answers=False)

    def _errors_by_order(self) -> None:
        for frame in self._free("error"):
            if _get(frame.event, "error", "type") == "server_error":
                continue  # the server's own trouble, whatever the client did
            causes = [cause for cause in self.open.before(frame.seq) if cause.type not in _SILENT]
            if causes:
                self._wait(frame, "error", max(causes, key=lambda control: control.seq))

    def _free(self, *types: str) -> Iterator[Control]:
        return (frame for frame in self.servers if frame.type in types and frame.seq not in self.holds)


_SILENT: Final = frozenset(("response.cancel",))
"""Client events that are often answered by nothing at all."""


def pair_causes(controls: Sequence[Control]) -> tuple[dict[int, Hold], dict[int, int]]:
    """Find what the server frames of a session wait for.

    Args:
        controls: its events but for deltas and appended audio, in order.

    Returns:
        The held frames by seq, and the seq of the server frame that answers a client frame, by the latter's seq.
    """
    pairing = _Pairing(controls)
    pairing.run()
    return pairing.holds, pairing.open.answers


def _get(value: Any, *path: str) -> Any:
    for step in path:
        if not isinstance(value, dict):
            return None
        value = cast("Json", value).get(step)
    return value


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _resolve(value: Any, steps: list[str]) -> tuple[bool, Any]:
    for step in steps:
        if isinstance(value, dict) and step in value:
            value = cast("Json", value)[step]
        elif isinstance(value, list) and step.isdigit() and int(step) < len(cast("list[Any]", value)):
            value = cast("list[Any]", value)[int(step)]
        else:
            return False, None
    return True, value


def _repeats(asked: Json, given: Json) -> bool:
    return _covers(_essence(asked), given)


def _is_like(asked: Json, given: Json) -> bool:
    return asked.get("type") == given.get("type") and asked.get("role") == given.get("role")


def _essence(item: Json) -> Json:
    """What of a client's item its echo repeats: not its media, its id or its status."""
    essence = {key: value for key, value in item.items() if key not in ("id", "status", "object")}
    content = essence.get("content")
    if isinstance(content, list):
        essence["content"] = [
            {key: value for key, value in cast("Json", part).items() if key not in ("audio", "image_url", "transcript")}
            if isinstance(part, dict)
            else part
            for part in cast("list[Any]", content)
        ]
    return essence


def _covers(asked: Any, given: Any) -> bool:
    """Whether everything that was asked for is in the answer."""
    if asked is None:
        return True
    if isinstance(asked, dict):
        return isinstance(given, dict) and all(
            _covers(value, cast("Json", given).get(key)) for key, value in cast("Json", asked).items()
        )
    if isinstance(asked, list):
        return (
            isinstance(given, list)
            and len(cast("list[Any]", asked)) == len(cast("list[Any]", given))
            and all(map(_covers, cast("list[Any]", asked), cast("list[Any]", given)))
        )
    return same_json(asked, given)


def _agreement(asked: Any, given: Any) -> tuple[int, int]:
    """Count the settings of an update that the answer repeats, and those that it contradicts."""
    if isinstance(asked, dict):
        answer = cast("Json", given) if isinstance(given, dict) else {}
        counts = [_agreement(value, answer.get(key)) for key, value in cast("Json", asked).items()]
        return sum(count[0] for count in counts), sum(count[1] for count in counts)
    same = same_json(asked, given)
    return int(same), int(not same)
