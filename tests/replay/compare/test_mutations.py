"""No blind spot comes back: what a server states is changed, one value at a time, and the check must say so."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
import pytest
from earwitness.replay.compare.check import check
from earwitness.replay.open import bundled_recording
from earwitness.schemas.frame import Frame

from tests.corpus import corpus_recordings

Json = dict[str, Any]
Holder = tuple[Any, Any]
"""An object or list of an event, and the key of the value to change in it."""


def _field(*types: str, path: str) -> Callable[[Json], Iterator[Holder]]:
    """The values at a path of events whose type ends so; ``*`` is every element of a list."""

    def find(event: Json) -> Iterator[Holder]:
        if not event.get("type", "").endswith(types):
            return
        *way, last = path.split(".")
        places: list[Any] = [event]
        for step in way:
            found = [each for place in places if (each := place.get(step))]
            places = [one for each in found for one in (each if isinstance(each, list) else [each])]
        yield from ((place, last) for place in places if isinstance(place, dict) and place.get(last) not in (None, ""))

    return find


ITEMS = ("conversation.item.done", "conversation.item.retrieved", "response.output_item.done")
KINDS: dict[str, Callable[[Json], Iterator[Holder]]] = {
    "text of a part": _field("output_text.done", "response.text.done", path="text"),
    "transcript of a part": _field("audio_transcript.done", path="transcript"),
    "arguments": _field("call_arguments.done", path="arguments"),
    "part in content_part.done": _field("content_part.done", path="part.transcript"),
    "part in an item": _field(*ITEMS, path="item.content.transcript"),
    "arguments in an item": _field(*ITEMS, path="item.arguments"),
    "name in an item": _field(*ITEMS, path="item.name"),
    "call_id in an item": _field(*ITEMS, path="item.call_id"),
    "part in response.done": _field("response.done", path="response.output.content.transcript"),
    "arguments in response.done": _field("response.done", path="response.output.arguments"),
    "id in response.done": _field("response.done", path="response.output.id"),
    "total of usage": _field("response.done", path="response.usage.total_tokens"),
    "input of usage": _field("response.done", path="response.usage.input_tokens"),
    "output of usage": _field("response.done", path="response.usage.output_tokens"),
    "detail of input usage": _field("response.done", path="response.usage.input_token_details.text_tokens"),
    "detail of output usage": _field("response.done", path="response.usage.output_token_details.audio_tokens"),
    "echo of a tool's output": _field("item.added", "item.created", "item.done", path="item.output"),
    "cut": _field("conversation.item.truncated", path="audio_end_ms"),
}
SETTINGS: dict[str, Callable[[Json], Iterator[Holder]]] = {
    "voice": _field("session.updated", path="session.audio.output.voice"),
    "instructions": _field("session.updated", path="session.instructions"),
    "type of turn detection": _field("session.updated", path="session.audio.input.turn_detection.type"),
}


def _other(value: Any) -> Any:
    return value + 7_000_000 if isinstance(value, int | float) else f"otherwise {value}"


def mutants(frames: Sequence[Frame], kind: str) -> Iterator[tuple[int, list[Frame]]]:
    """Yield the session with one value of a kind changed, for each such value, with the record's seq."""
    for at, frame in enumerate(frames):
        if frame.kind != "text" or frame.sender != "server" or frame.audio is not None:
            continue
        event = frame.json() if b'"type"' in (frame.body or b"") else {}
        if not isinstance(event, dict):
            continue
        for holder, key in list((KINDS | SETTINGS)[kind](event)):
            was = holder[key]
            holder[key] = _other(was)
            changed = msgspec.structs.replace(frame, body=json.dumps(event).encode())
            holder[key] = was
            yield frame.seq, [*frames[:at], changed, *frames[at + 1 :]]


@pytest.mark.parametrize("kind", [*KINDS, *SETTINGS])
def test_a_changed_statement_of_the_bundled_conversation_is_reported(kind: str) -> None:
    found = list(mutants(bundled_recording().frames, kind))
    assert found or kind == "text of a part"  # nobody writes in it
    assert [seq for seq, changed in found if not check(changed).unexplained] == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_changed_statement_of_a_capture_is_reported(kind: str) -> None:
    """Not settings: of most captures the server's word is the only one about them."""
    for recording in corpus_recordings():
        missed = [seq for seq, changed in mutants(recording.frames, kind) if not check(changed).unexplained]
        assert missed == [], recording.info.id
