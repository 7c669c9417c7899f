"""Plan which messages to erase from a session: all of them, some by seq or type, or all that contain an item.

What users want erased is something that was said, and it is in many messages: in pieces of audio or text, whole in
what the server states at the end (``….done``, ``response.done``), and in what a client asks for again. An item's
messages are those that name it, those from which the fold read it and, for speech, the input audio that it was cut
from. Messages are erased whole: erasing a ``response.done`` erases what it states about other items. What repeats the
words elsewhere is listed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

import numpy as np

from ...schemas.audio import APPEND_TYPES
from ...schemas.dialects.vocabulary import canonical_type
from ...schemas.errors import RequestError
from ...schemas.frame import Frame
from ...schemas.recording import Recording
from ...schemas.refs import Seqs
from ...schemas.state import Conversation, Item
from ..audio.input_stream import InputStream
from ..audio.pieces import bounds_of, ref_arrays
from ..fold import fold_recording
from .unreached import Words, find_repeated

__all__ = ["Erasure", "Selection", "parse_range", "plan_erasure"]

_RANGE: Final = re.compile(r"#?([0-9]+)(?:-(?:#?([0-9]+))?)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What to erase: every message that any of these names.

    Attributes:
        everything: all messages.
        ranges: first and last seq, both included; None for the session's end.
        types: the events' own ``type``.
        items: ids of conversation items.
    """

    everything: bool = False
    ranges: tuple[tuple[int, int | None], ...] = ()
    types: tuple[str, ...] = ()
    items: tuple[str, ...] = ()


@dataclass(slots=True)
class Erasure:
    """What a selection comes to.

    Attributes:
        seqs: all messages that it names.
        fresh: how many of them still have their bytes.
        messages: how many messages the session has.
        types: the fresh ones by type; None for binary ones and text without a type.
        repeated: records that stay and repeat words of what goes (:mod:`.unreached`), without what they hold;
            None if no words of it are on record. Words that were erased before cannot be looked for: see ``before``.
    """

    seqs: Seqs = field(default_factory=Seqs)
    fresh: int = 0
    messages: int = 0
    types: Counter[str | None] = field(default_factory=Counter[str | None])
    repeated: list[Frame] | None = None

    @property
    def before(self) -> int:
        """How many of the messages were erased before."""
        return len(self.seqs) - self.fresh


def parse_range(text: str) -> tuple[int, int | None]:
    """Parse a range of records: ``12``, ``12-40`` or ``12-`` (to the end). Each may have a ``#``.

    Raises:
        RequestError: the text is not such a range.
    """
    found = _RANGE.fullmatch(text.strip())
    if found is not None:
        first = int(found[1])
        last = (None if text.strip().endswith("-") else first) if found[2] is None else int(found[2])
        if last is None or last >= first:
            return first, last
    raise RequestError(f"{text!r} is not a range of records.", hint="Write 12, 12-40, or 12- (to the end).", text=text)


async def plan_erasure(recording: Recording, selection: Selection) -> Erasure:
    """Find the messages of an ended session that a selection names. The recorder's own statements are never among them.

    Raises:
        RequestError: there is no such record, type or item; an item's sound cannot be told from the rest; or the
            selection matches nothing.
    """
    named = _Named()
    if selection.items:
        named.read(await fold_recording(recording), selection.items)
    plan, types, last_seq = Erasure(), set[str | None](), -1
    async for batch in recording.batches():
        for frame in batch:
            last_seq = frame.seq
            if frame.kind not in ("text", "binary"):
                continue
            plan.messages += 1
            types.add(frame.type)
            if named.spoken is not None and frame.erased and canonical_type(frame.type or "") in APPEND_TYPES:
                raise _inseparable(named.spoken, f"the input audio of record {frame.seq} was erased before")
            if (
                selection.everything
                or frame.type in selection.types
                or frame.seq in named.seqs
                or any(first <= frame.seq and (last is None or frame.seq <= last) for first, last in selection.ranges)
                or any(_mentions(frame, item) for item in selection.items)
            ):
                plan.seqs.add(frame.seq)
                if not frame.erased:
                    plan.fresh += 1
                    plan.types[frame.type] += 1
    session = recording.info.id
    for bound in (bound for pair in selection.ranges for bound in pair if bound is not None and bound > last_seq):
        raise RequestError(
            f"session {session} has no record {bound}", hint=f"Its last one is {last_seq}.", session=session, seq=bound
        )
    for name in selection.types:
        if name not in types:
            raise RequestError(
                f"session {session} has no message of type {name}",
                hint=f"'earwitness show {session} --events' lists them.",
                session=session,
                type=name,
            )
    if not plan.seqs:
        raise RequestError(
            f"session {session} has no message there",
            hint="Only what crossed the wire can be erased, not the recorder's own statements.",
            session=session,
        )
    by_record = bool(selection.everything or selection.ranges or selection.types)
    plan.repeated = await find_repeated(recording, plan.seqs, named.words, of_records=by_record)
    return plan


class _Named:
    """The records from which the fold read some items."""

    def __init__(self) -> None:
        self.seqs: set[int] = set()
        self.spoken: str | None = None
        """An item whose sound is located by its place in the input stream, which must be complete."""
        self.words = Words()

    def read(self, conversation: Conversation, ids: Collection[str]) -> None:
        stream = InputStream(conversation)
        everywhere = (conversation.items, conversation.deleted, conversation.out_of_band)
        items = [item for part in everywhere for item in part]
        wanted = set(ids)
        for id_ in ids:
            if all(item.id != id_ for item in items):
                raise RequestError(
                    f"the session has no item {id_}", hint="'earwitness show SESSION --json' lists the ids.", item=id_
                )
        for item in items:
            if item.id not in wanted:
                continue
            self.words.add_item(item)
            self.seqs.update(item.seqs)
            if item.request_seq is not None:
                self.seqs.add(item.request_seq)
            for part in item.content:
                self.seqs.update(part.seqs, part.audio.seqs)
            if stream and _spoken(item):
                self.spoken = item.id
                self.seqs.update(_appends(conversation, item, [each for each in items if each.id not in wanted]))


def _appends(conversation: Conversation, item: Item, others: Sequence[Item]) -> set[int]:
    """The appends that hold an item's sound, and none of the others'.

    Raises:
        RequestError: which part of the input it is is not certain, or an append is shared with an item that stays.
    """
    if any(part.audio for part in item.content) and item.span is None:
        return set()  # its sound is in the event that made it
    span = item.span
    if span is None or span.start_byte is None or span.end_byte is None or not span.reliable:
        raise _inseparable(item.id, (span.why_not if span else None) or "nothing says which part of the input it is")
    if span.within_ms != 0:
        known = "not stated" if span.within_ms is None else f"known to within {span.within_ms:.0f} ms only"
        raise _inseparable(item.id, f"where it begins and ends in the input is {known}")
    seqs, lengths = ref_arrays(conversation.input_audio.audio)
    bounds = bounds_of(lengths)
    first = int(np.searchsorted(bounds, span.start_byte, side="right")) - 1
    stop = int(np.searchsorted(bounds, span.end_byte, side="left"))
    taken = (int(bounds[first]), int(bounds[stop]))
    for other in others:
        _refuse_shared(item, other, taken)
    return {int(seq) for seq in seqs[first:stop]}


def _refuse_shared(item: Item, other: Item, taken: tuple[int, int]) -> None:
    """Refuse to erase appends (bytes ``taken`` of the input) that hold, or may hold, sound of an item that stays."""
    span = other.span
    if span is None:
        if not _spoken(other):
            return
        raise _inseparable(item.id, f"nothing says which part of the input item {other.id} is, which is to stay")
    if not span.reliable or span.within_ms != 0 or span.start_byte is None or span.end_byte is None:
        if span.source == "commit" and not span.reliable:
            return  # an empty commit has no sound
        raise _inseparable(item.id, f"it is not certain which part of the input item {other.id} is, which is to stay")
    if span.start_byte < taken[1] and span.end_byte > taken[0]:
        raise RequestError(
            f"cannot erase the sound of item {item.id} alone: the messages that hold it also hold sound of item "
            f"{other.id}",
            hint=f"Erase both (--item {item.id} --item {other.id}), the session (--all), or messages by --seq.",
            item=item.id,
            other=other.id,
        )


def _spoken(item: Item) -> bool:
    return item.span is not None or any(part.type == "input_audio" and not part.audio for part in item.content)


def _inseparable(item_id: str, why: str) -> RequestError:
    """Refuse: half of what somebody said would stay, although the answer says that it is gone."""
    return RequestError(
        f"cannot tell which input audio belongs to item {item_id}: {why}",
        hint="Erase the session (--all), the sound by --seq, or all of it by --type input_audio_buffer.append.",
        item=item_id,
    )


def _mentions(frame: Frame, item_id: str) -> bool:
    """Whether a message is about an item, and does not only name it as a place (``previous_item_id``)."""
    if frame.body is None or frame.kind != "text" or item_id.encode() not in frame.body:
        return False
    try:
        return _holds(frame.json(), item_id)
    except ValueError:
        return True  # damaged JSON with the item's id in it may hold anything


def _holds(value: Any, item_id: str) -> bool:
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value).items()
        return any(name != "previous_item_id" and _holds(member, item_id) for name, member in members)
    if isinstance(value, list):
        return any(_holds(member, item_id) for member in cast("list[Any]", value))
    return value == item_id
