"""Positions in a conversation that two sessions share, though their ids differ.

The second message of the third response has another id in every session, but it is the second message of the third
response in all of them. :class:`Structure` follows one session and names what it meets by such positions; with one for
the recording and one for the live session, ids of the one are found in the other. Items of a response are counted by
their type, as they come: ``output_index`` is the same for all of them at some vendors. Calls are paired by what they
ask for (:mod:`.call_pairs`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, cast

from ...schemas.values import Json, members, objects, string
from ..fold.requests import Answer

__all__ = ["LANDMARKS", "Call", "Key", "Structure"]

Key = tuple[str | int, ...]
"""A position, such as ``("response", 3, "message", 1)``; that of a call ends in ``"call"``."""


class Call(NamedTuple):
    """A finished function call: the function's name, if it was said, and the arguments as they were written."""

    name: str | None
    arguments: str


LANDMARKS: Final = frozenset(
    (
        "session.created",
        "session.started",
        "session.updated",
        "response.created",
        "response.done",
        "input_audio_buffer.committed",
        "input_audio_buffer.speech_started",
        "response.function_call_arguments.done",
    )
)
"""Server events that mark how far a session has come; counted by type."""

_ANNOUNCED: Final = frozenset(("conversation.item.added", "conversation.item.created"))
_HEARD: Final = frozenset(
    ("input_audio_buffer.speech_started", "input_audio_buffer.committed", "input_audio_buffer.timeout_triggered")
)


class Structure:
    """Follows one session and names its ids by position."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        """How many of each landmark have come."""
        self.calls: dict[Key, Call] = {}
        """The finished function calls, by position."""
        self.ended: set[Key] = set()
        """Positions of the responses that are done."""
        self._stated: dict[Key, dict[Key, int]] = {}
        """By response, the places that its end gives to its items."""
        self._keys: dict[str, Key] = {}
        self._ids: dict[Key, str] = {}
        self._responses: dict[str, int] = {}
        self._items: dict[str, int] = {}
        self._creates: dict[int, int] = {}

    def key(self, id_: str) -> Key | None:
        """The position of an id; None until the server has named it."""
        return self._keys.get(id_)

    def id(self, key: Key) -> str | None:
        """The id at a position; None until it has come."""
        return self._ids.get(key)

    def apply(self, sender: str, seq: int, event: Json, answers: Mapping[int, Answer]) -> None:
        """Take the session's next event. Deltas and appended audio may be left out.

        Args:
            sender: ``client`` or ``server``.
            seq: its place in the session.
            event: in canonical form.
            answers: the client event that each server event answers, as the fold of the same session tells.
        """
        if sender == "server":
            self._server(seq, event, answers)
        elif event.get("type") == "conversation.item.create":
            self._creates[seq] = len(self._creates)

    def _server(self, seq: int, event: Json, answers: Mapping[int, Answer]) -> None:
        name = event.get("type")
        if not isinstance(name, str):
            return
        if name in LANDMARKS:
            self.counts[name] = self.counts.get(name, 0) + 1
        if name in ("session.created", "conversation.created"):
            self._name(_id(event.get(name.partition(".")[0])), (name, self._next(name)))
        elif name == "response.created":
            response_id = _id(event.get("response"))
            if response_id is not None:
                number = self._responses.setdefault(response_id, len(self._responses))
                self._name(response_id, ("response", number))
        elif name == "response.done":
            self._done(members(event, "response"))
        elif name in ("response.output_item.added", "response.output_item.done"):
            self._output(self._response(event), members(event, "item"), done=name.endswith("done"))
        elif name == "response.function_call_arguments.done":
            item = {**event, "id": event.get("item_id"), "type": "function_call"}
            self._output(self._response(event), item, done=True)
        elif name in _HEARD:
            item_id = event.get("item_id")
            if isinstance(item_id, str) and item_id not in self._keys:
                self._name(item_id, ("turn", self._next("turn")))
        elif name in _ANNOUNCED:
            answer = answers.get(seq)
            self._announced(event.get("item"), None if answer is None else self._creates.get(answer.seq))

    def _next(self, name: str) -> int:
        number = self._items.get(name, 0)
        self._items[name] = number + 1
        return number

    def _name(self, id_: str | None, key: Key) -> None:
        if id_ is None:
            return
        self._keys[id_] = key
        self._ids.setdefault(key, id_)

    def calls_of(self, response: Key) -> list[Key]:
        """The finished calls of a response: as its end has them, and before it as they came."""
        calls = [key for key in self.calls if key[:2] == response]
        stated = self._stated.get(response, {})
        return sorted(calls, key=lambda key: stated.get(key[:-1], len(stated)))

    def _response(self, event: Json) -> Key | None:
        number = self._responses.get(str(event.get("response_id")))
        return None if number is None else ("response", number)

    def _done(self, stated: Json) -> None:
        """Take what a response put out from its end, too: some servers say it only there. Its order counts."""
        number = self._responses.get(str(stated.get("id")))
        if number is None:
            return
        response: Key = ("response", number)
        self.ended.add(response)
        for item in objects(stated, "output"):
            if item is not None:
                self._output(response, item, done=True)
        keys = [self._keys.get(_id(item) or "") for item in objects(stated, "output")]
        self._stated[response] = {key: place for place, key in enumerate(keys) if key is not None}

    def _output(self, response: Key | None, item: Json, *, done: bool) -> None:
        """Take an item of a response, and the call in it if it is ``done``."""
        item_id = _id(item) or None
        call_id = None if item.get("type") == "function_call_output" else string(item, "call_id")
        if response is None or (item_id is None and call_id is None):
            return
        known = self._keys.get(item_id or "") or self._keys.get(call_id or "", ())[:-1]
        key = known if known[:2] == response else self._new(response, str(item.get("type") or "item"))
        self._name(item_id, key)
        if call_id is None:
            return
        call: Key = (*key, "call")
        self._name(call_id, call)
        if done:
            before = self.calls.get(call, Call(None, ""))
            self.calls[call] = Call(string(item, "name") or before.name, string(item, "arguments") or before.arguments)

    def _new(self, response: Key, kind: str) -> Key:
        return (*response, kind, self._next(f"{response} {kind}"))

    def _announced(self, item: Any, create: int | None) -> None:
        item_id = _id(item)
        if item_id is None or item_id in self._keys:
            return
        if create is not None:
            self._name(item_id, ("created", create))
            return
        fields = cast("Json", item)
        role = str(fields.get("role") or fields.get("type"))
        self._name(item_id, ("inserted", role, self._next(f"inserted {role}")))


def _id(value: Any) -> str | None:
    id_ = cast("Json", value).get("id") if isinstance(value, dict) else None
    return id_ if isinstance(id_, str) else None
