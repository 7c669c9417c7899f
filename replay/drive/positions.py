"""Positions in a conversation that two sessions share, though their ids differ.

The second call of the third response has another ``call_id`` in every session, but it is the second call of the third
response in all of them. :class:`Structure` follows one session and names what it meets by such positions; with one for
the recording and one for the live session, ids of the one are found in the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from ...schemas.values import Json
from ..fold.requests import Answer

__all__ = ["Key", "Structure"]

Key = tuple[str | int, ...]
"""A position, such as ``("response", 3, "output", 1)``."""

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
        self.calls: dict[Key, tuple[str | None, str]] = {}
        """Name and arguments of the finished function calls, by the position of their item."""
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
        elif name in ("response.output_item.added", "response.output_item.done"):
            self._output(event, done=name.endswith("done"))
        elif name == "response.function_call_arguments.done":
            self._call(event, event)
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

    def _output(self, event: Json, *, done: bool) -> None:
        item, index = event.get("item"), event.get("output_index")
        number = self._responses.get(str(event.get("response_id")))
        if number is None or not isinstance(index, int):
            return
        key: Key = ("response", number, "output", index)
        self._name(_id(item), key)
        if isinstance(item, dict):
            fields = cast("Json", item)
            call_id = fields.get("call_id")
            if isinstance(call_id, str):
                self._name(call_id, (*key, "call"))
                if done:
                    self._call(fields, event)

    def _call(self, fields: Json, event: Json) -> None:
        number = self._responses.get(str(event.get("response_id")))
        index, call_id = event.get("output_index"), fields.get("call_id")
        if number is None or not isinstance(index, int):
            return
        key: Key = ("response", number, "output", index, "call")
        if isinstance(call_id, str):
            self._name(call_id, key)
        name = fields.get("name")
        known = self.calls.get(key, (None, ""))[0]
        arguments = fields.get("arguments")
        self.calls[key] = (
            name if isinstance(name, str) else known,
            arguments if isinstance(arguments, str) else "",
        )

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
