"""Find the cause of each server frame of a recording, by the rules of :mod:`~earwitness.replay.serve.causes`."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, cast

from ..fold.answers import ACTIVE_RESPONSE, _names_item as names_item
from ..playing.match import same_json
from .causes import AudioPoint, Control, Hold, RuleName

__all__ = ["pair_causes"]

Json = dict[str, Any]

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
                    named = [cause for cause in causes if names_item(cause.raw, str(error.get("message") or ""))]
                    if causes:
                        return (named or causes)[-1]
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
            elif frame.type == "error" and frame.seq not in self.holds:
                if _get(frame.event, "error", "code") == ACTIVE_RESPONSE:
                    turns.clear()  # no client asked, so it was the turn that got no response
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
            str(_get(frame.event, "response", "id")): frame
            for frame in self.servers
            if frame.type == "response.created"
        }
        speech = [frame for frame in self.servers if frame.type == "input_audio_buffer.speech_started"]
        cuts: dict[str, tuple[Control, int]] = {}
        for frame in self._free("response.done"):
            response_id = _get(frame.event, "response", "id")
            if _get(frame.event, "response", "status") != "cancelled":
                continue
            start = created[str(response_id)].seq if str(response_id) in created else -1
            request = self.holds.get(start)
            # A client may cancel what it asked for before the server has said that it began.
            asked = min(request.clients) if request is not None and request.clients else start
            causes = [
                cause
                for cause in self.open.before(frame.seq, "response.cancel")
                if cause.seq > asked and cause.event.get("response_id") in (None, response_id)
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
