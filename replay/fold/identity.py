"""Which item or response an event is about.

Mostly that is its id. Some servers use one id for several items (a constant), leave ids empty, or name an item only by
response and output index. Each event is read as its sender meant it: by the id where it fits, else by the only thing
that it can mean. What is neither is kept apart, as an item of its own, and named as a problem; so the words of one
speaker never get under another's name.

An item whose id was used before has ``#2``, ``#3``, … behind it in the state; one that the server gave no id has
``no-id-`` and its first record.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

from ...schemas.state import Response
from ...schemas.values import Json, integer, members, objects, string
from .text_stream import revises
from .working import ItemWork, PartWork, State

__all__ = [
    "announced_item",
    "find_item",
    "id_in",
    "of_assistant",
    "of_user",
    "open_response",
    "output_of_event",
    "requested_id",
    "response_named",
    "reuse_response",
    "spoken_item",
    "stated_item",
    "transcribed_item",
    "unnamed_item",
]

_CALLS: Final = ("function_call", "mcp_call")


def id_in(fields: Json, key: str = "item_id") -> str | None:
    """The id under a key; None where it is absent or empty."""
    value = fields.get(key)
    return value if isinstance(value, str) and value else None


def find_item(state: State, item_id: str) -> ItemWork:
    """The newest item of that id; one that nobody named so far is made, outside the order."""
    item = state.items.get(item_id)
    return _new_item(state, item_id) if item is None else item


def _new_item(state: State, item_id: str, before: ItemWork | None = None) -> ItemWork:
    name, number = item_id, 1
    while before is not None and (name == item_id or name in state.items):
        number = max(number + 1, sum(1 for _ in before.same_id()) + 1)
        name = f"{item_id}#{number}"
    item = state.items[item_id] = ItemWork(name, state.seq, state.ns, wire_id=item_id, before=before)
    if before is not None:
        state.forget_sinks(before)
    return item


def _used_again(state: State, item_id: str) -> ItemWork:
    """Another item of an id that is taken. After a deletion the id is free; otherwise that is a problem."""
    before = state.items[item_id]
    item = _new_item(state, item_id, before)
    if before.deleted_seq is None:
        state.problem("id-used-again", f"{item_id} was another item's before; kept apart as {item.id}")
    return item


def unnamed_item(state: State, what: str = "item_id") -> ItemWork:
    """Make an item for what a server says of one without its id."""
    state.problem("bad-field", what)
    name, number = f"no-id-{state.seq}", 1
    while name in state.items:
        number += 1
        name = f"no-id-{state.seq}-{number}"
    item = state.items[name] = ItemWork(name, state.seq, state.ns)
    return item


# Statements of items


def announced_item(state: State, stated: Json) -> ItemWork | None:
    """The item that an event announces (``created``, ``added``): a new one, unless it was announced before, as it is.

    None, and a problem, where it has neither an id nor content.
    """
    item_id = id_in(stated, "id")
    if item_id is None:
        return _without_id(state, stated)
    item = state.items.get(item_id)
    if item is None:
        return _new_item(state, item_id)
    if item.deleted_seq is not None or _is_other(item, stated) or _says_other(item, stated):
        return _used_again(state, item_id)
    return item


def stated_item(state: State, stated: Json, response: Response | None = None) -> ItemWork | None:
    """The item that an event states (``done``, ``retrieved``, a response's output): the newest that it can be.

    Args:
        state: the working state.
        stated: the item object of the event.
        response: the response that has it as output, where one has.
    """
    item_id = id_in(stated, "id")
    if item_id is None:
        return _without_id(state, stated)
    newest = state.items.get(item_id)
    if newest is None:
        return _new_item(state, item_id)
    for item in newest.same_id():
        if not _is_other(item, stated, response):
            return item
    return _used_again(state, item_id)


def _without_id(state: State, stated: Json) -> ItemWork | None:
    if not any(stated.get(key) for key in ("content", "call_id", "arguments", "output", "name")):
        state.problem("bad-field", "item.id")
        return None
    for item in reversed(state.items.values()):
        if not item.wire_id and item.stated and not _is_other(item, stated) and not _says_other(item, stated):
            item.seqs.add(state.seq)
            return item
    return unnamed_item(state, "item.id")


def _is_other(item: ItemWork, stated: Json, response: Response | None = None) -> bool:
    """Whether a statement cannot be about an item: another kind, speaker, call, or another response's output."""
    kind, role, call_id = string(stated, "type"), string(stated, "role"), id_in(stated, "call_id")
    if item.stated and kind is not None and kind != item.type:
        return True
    if call_id is not None and item.call_id not in (None, call_id):
        return True
    if _is_output_of_another(item, response) and _says_other(item, stated, blank=True):
        return True
    speaker = item.role or ("assistant" if item.response is not None else None)
    if role is not None and role == speaker:
        return False
    if role is None or speaker is None:
        return response is not None and of_user(item)
    # A wrong echo of an item that has no words yet is no other item.
    silent = response is None and item.response is not None and not any(_words(part) for part in item.parts.values())
    return not (silent and not any(_stated_words(stated)))


def _is_output_of_another(item: ItemWork, response: Response | None) -> bool:
    return response is not None and item.response is not None and item.response is not response


def _says_other(item: ItemWork, stated: Json, *, blank: bool = False) -> bool:
    """Whether a statement contradicts what an item says: another text, no continuation.

    Args:
        item: the item.
        stated: the item object of the event.
        blank: whether a statement without words contradicts one that has some.
    """
    running = item.response is not None and item.response.done_seq is None
    if not blank and (not item.stated or running):
        return False
    said = {index: words for index, part in item.parts.items() if (words := _words(part))}
    told = dict(_stated_words(stated))
    if blank and said and not told:
        return True
    for index, words in told.items():
        known = said.get(index)
        if known is None or known.startswith(words) or words.startswith(known):
            continue
        if not (item.parts[index].type == "input_audio" and (revises(known, words) or revises(words, known))):
            return True
    if item.type == "function_call_output":
        return item.output not in (None, "") and string(stated, "output") not in (None, "", item.output)
    return False


def _words(part: PartWork) -> str:
    spoken = "" if part.transcription is None else part.transcription.text
    return (part.text.text or part.transcript.text or spoken).strip()


def _stated_words(stated: Json) -> Iterator[tuple[int, str]]:
    for index, part in enumerate(objects(stated, "content")):
        words = "" if part is None else (string(part, "text") or string(part, "transcript") or "").strip()
        if words:
            yield index, words


# Events about the output of a response


def of_user(item: ItemWork) -> bool:
    """Whether an item is known to be the user's."""
    return item.role == "user" or item.created_by == "speech"


def of_assistant(state: State, item_id: str) -> ItemWork | None:
    """The newest item of that id that may have the model's sound; None without one."""
    newest = state.items.get(item_id)
    if newest is None:
        return None
    return next((item for item in newest.same_id() if not of_user(item)), newest)


def output_of_event(
    state: State, event: Json, response: Response | None, kind: Literal["message", "call"], *, telling: bool
) -> ItemWork | None:
    """The item that a delta, or another event about a response's output, belongs to.

    By its id; without one by response and output index; without these it is the only item that it can be. None, and a
    problem, where that is nothing.

    Args:
        state: the working state.
        event: the event.
        response: the response that it names; without one the only response that is running is meant.
        kind: what kind of item has such events.
        telling: whether it holds anything that would be lost without an item.
    """
    item_id = id_in(event)
    if item_id is not None:
        newest = state.items.get(item_id)
        if newest is None:
            return _new_item(state, item_id)
        for item in newest.same_id():
            if not of_user(item) and not _is_output_of_another(item, response):
                return item
        return _used_again(state, item_id)
    if response is None:
        response = open_response(state)
    if response is None:
        state.problem("bad-field", "item_id")
        return None
    index = integer(event, "output_index")
    found = None if index is None else state.outputs_at.get((response.id, index))
    if found is None and index is None:
        mine = [item for item in state.output_items[response.id] if _may_be(item, kind)]
        found = mine[-1] if len(mine) == 1 or (mine and not mine[-1].wire_id) else None
    if found is not None and _may_be(found, kind):
        return found
    if not telling:
        state.problem("bad-field", "item_id")
        return None
    return unnamed_item(state)


def _may_be(item: ItemWork, kind: Literal["message", "call"]) -> bool:
    if not item.stated and not item.parts and item.arguments.text is None:
        return True
    return (item.type in _CALLS) is (kind == "call")


# Transcriptions


def transcribed_item(state: State, event: Json, *, telling: bool) -> ItemWork | None:
    """The user's item that a transcription is of.

    By its id; without one it is the only item that waits for a transcription, or the one that the transcription before
    was taken for. None, and a problem, where nothing would be lost.
    """
    item_id = id_in(event)
    if item_id is not None:
        return spoken_item(state, item_id)
    waiting = [item for item in state.items.values() if _waits(item)]
    if len(waiting) == 1 and _may_be_said_of(waiting[0], event):
        if waiting[0].wire_id:
            state.problem("bad-field", "item_id")
        return waiting[0]
    again = _said_again(state, event)
    if again is not None:
        return again
    if telling:
        return unnamed_item(state)
    state.problem("bad-field", "item_id")
    return None


def spoken_item(state: State, item_id: str) -> ItemWork:
    """The newest item of that id that the user can have spoken."""
    newest = state.items.get(item_id)
    if newest is None:
        return _new_item(state, item_id)
    for item in newest.same_id():
        if item.role in (None, "user") and item.response is None and item.type == "message":
            return item
    return _used_again(state, item_id)


def _waits(item: ItemWork) -> bool:
    work = next((part.transcription for part in item.parts.values() if part.transcription is not None), None)
    return work is not None and work.status in ("pending", "partial") and item.deleted_seq is None


def _may_be_said_of(item: ItemWork, event: Json) -> bool:
    """Whether a transcription without an id goes on with an item's: one that has no id either, or no other words."""
    words = string(event, "transcript")
    known = next((said for said in map(_words, item.parts.values()) if said), "")
    return not item.wire_id or not known or (words is not None and (revises(known, words) or revises(words, known)))


def _said_again(state: State, event: Json) -> ItemWork | None:
    """The last item without an id whose transcript the event repeats."""
    words = string(event, "transcript")
    for item in reversed(state.items.values()):
        if of_user(item) and not item.wire_id:
            return item if words and any(_words(part) == words.strip() for part in item.parts.values()) else None
    return None


# Requests and responses


def requested_id(state: State, kind: str) -> str | None:
    """The item that an answer without an id is about: that of the only request of its type; None of several."""
    asked = [id_in(request.event) for request in state.requests.of_type(kind)]
    return asked[0] if len(asked) == 1 else None


def open_response(state: State) -> Response | None:
    """The only response that is running; None of several."""
    running = [response for response in state.responses.values() if response.done_seq is None]
    return running[0] if len(running) == 1 else None


def response_named(state: State, event: Json) -> str | None:
    """The response that an event ends: as named, else the only one that is running."""
    named = id_in(members(event, "response"), "id") or id_in(event, "response_id")
    if named is not None:
        return named
    running = open_response(state)
    if running is not None:
        state.problem("bad-field", "response.id")
    return None if running is None else running.id


def reuse_response(state: State, response_id: str) -> Response:
    """Make another response of an id that one has that is over, and keep that one under a key of its own."""
    number = 1 + sum(1 for key in state.responses if key == response_id or key.startswith(f"{response_id}#"))
    old_key = f"{response_id}#{number - 1}"
    kept = {old_key if key == response_id else key: each for key, each in state.responses.items()}
    state.responses.clear()
    state.responses.update(kept)
    new = state.responses[response_id] = Response(f"{response_id}#{number}", "in_progress")
    state.problem("id-used-again", f"{response_id} was another response's before; kept apart as {new.id}")
    return new
