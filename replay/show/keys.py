"""Keys that the caller pressed (DTMF). They are card numbers and PINs: nothing that is printed has them unless asked.

What is stored has them: the journal, cassettes, and the state as a value in Python.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final, Literal, NamedTuple, cast

from ...schemas.state import Conversation
from ...schemas.values import Json, string

__all__ = ["HIDDEN", "REVEALABLE", "KeyPress", "Revealed", "key_presses", "masked_event", "masked_state", "shown_key"]

HIDDEN: Final = "•"
"""Stands for a key."""
Revealed = Literal["dtmf"]
REVEALABLE: Final[tuple[Revealed, ...]] = ("dtmf",)
"""What is hidden unless it is asked for by name."""
_RECEIVED: Final = "input_audio_buffer.dtmf_event_received"
_NAMING: Final = frozenset(("type", "event_id", "client_event_id", "session_id", "received_at"))
"""Fields of an event about keys that hold none."""


class KeyPress(NamedTuple):
    """A key that was pressed: the record that says so, its time, and the key, hidden unless revealed."""

    seq: int
    offset_ns: int | None
    key: str


def key_presses(conversation: Conversation, reveal: Collection[Revealed] = ()) -> list[KeyPress]:
    """Return the keys that the caller pressed, in order."""
    return [
        KeyPress(event.seq, event.offset_ns, shown_key(event.fields, reveal))
        for event in conversation.input_audio.events
        if event.type == _RECEIVED
    ]


def shown_key(fields: Json, reveal: Collection[Revealed] = ()) -> str:
    """Return the key that an event states, hidden unless revealed; ``?`` where it states none."""
    key = string(fields, "event")
    return "?" if not key else key if "dtmf" in reveal else HIDDEN


def masked_state(state: Json, reveal: Collection[Revealed] = ()) -> Json:
    """Hide the keys in a state as plain JSON, in place, unless they are revealed; return it."""
    if "dtmf" not in reveal:
        for event in state["input_audio"]["events"]:
            if event["type"] == _RECEIVED:
                event["fields"] = masked_event(event["fields"])
    return state


def masked_event(event: Any, reveal: Collection[Revealed] = ()) -> Any:
    """Return an event about keys without them, unless they are revealed: any vocabulary's, by the word in its type."""
    if not isinstance(event, dict) or "dtmf" in reveal:
        return cast("Any", event)
    return {key: value if key in _NAMING else _masked(value) for key, value in cast("Json", event).items()}


def _masked(value: Any) -> Any:
    match value:
        case str():
            return HIDDEN * len(value)
        case dict():
            return {key: _masked(each) for key, each in cast("Json", value).items()}
        case list():
            return [_masked(each) for each in cast("list[Any]", value)]
        case bool() | None:
            return value
        case _:
            return HIDDEN
