"""What of a session is not read: the one place that says so. Every reader asks it, so that none calls that empty.

A session may speak a vocabulary that is not folded (:data:`~earwitness.schemas.dialects.vocabulary.LIVE`,
:data:`~earwitness.schemas.dialects.vocabulary.TRANSLATION`, or one that nobody described), hold events of unknown type,
binary frames, records that cannot be parsed or were erased, and gaps. All of it is kept in the record; nothing of it is
in the conversation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Literal, cast

from ..schemas.audio import FORMAT_NAMES, audio_format, audio_key, audio_of
from ..schemas.dialects.vocabulary import is_known
from ..schemas.frame import Frame
from ..schemas.recording import Recording
from ..schemas.refs import Seqs
from ..schemas.state import Conversation, Gap, Problem
from ..schemas.values import Json, members

__all__ = [
    "BinaryFrames",
    "Reader",
    "Unread",
    "UnreadSound",
    "doubtful_formats",
    "grouped",
    "named",
    "numbered",
    "sound_not_read",
    "unread",
]

Reader = Literal["transcript", "check", "diff", "audio", "state"]

_CANNOT: Final[Mapping[Reader, str]] = MappingProxyType(
    {
        "transcript": "what was said cannot be told",
        "check": "what the server states cannot be compared",
        "diff": "whether two such sessions are the same cannot be told",
        "audio": "its sound cannot be written",
        "state": "what was said, its sound, responses and usage cannot be told",
    }
)
_VOCABULARIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "live": "the live vocabulary (GPT-Live, /v1/live/sessions)",
        "translation": "the translation vocabulary (/v1/realtime/translations)",
        "unknown": "a vocabulary that is not known",
    }
)
_UNPARSED: Final = frozenset(("erased", "invalid-json", "not-an-object", "no-type", "too-deep"))
_MOST_NAMED: Final = 12
_LONGEST_NAME: Final = 80


@dataclass(frozen=True, slots=True)
class BinaryFrames:
    """The binary frames of one sender.

    Attributes:
        sender: who sent them.
        frames: how many there are.
        bytes: how long they are together, without those that were erased.
    """

    sender: str
    frames: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Unread:
    """What of a session is not read.

    Attributes:
        vocabulary: ``live`` or ``translation`` for a session in that vocabulary, ``unknown`` if none of its talk is in
            one that is known; None for a session that is folded.
        events: how often each event type occurs that no vocabulary of conversations has.
        binary: its binary frames, by sender.
        unparsed: how many records could not be parsed or were erased, by what is wrong with them.
        gaps: frames that crossed and are not on record.
    """

    vocabulary: Literal["live", "translation", "unknown"] | None = None
    events: dict[str, int] = field(default_factory=dict[str, int])
    binary: tuple[BinaryFrames, ...] = ()
    unparsed: dict[str, int] = field(default_factory=dict[str, int])
    gaps: tuple[Gap, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything is not read."""
        return bool(self.vocabulary or self.events or self.binary or self.unparsed or self.gaps)

    def lines(self, reader: Reader) -> tuple[str, ...]:
        """Say it: a sentence about the vocabulary, or the unknown events, and one about each other kind of record.

        Args:
            reader: who asks; it decides what the sentence says cannot be told.
        """
        found = [line] if (line := self.of_vocabulary(reader)) else []
        if self.events and self.vocabulary is None:
            events = _counted(sum(self.events.values()), "event")
            found.append(f"Not read: {events} of unknown type: {named(self.events)}.")
        found += [f"Not read: {each}." for each in self.of_binary()]
        if self.unparsed:
            records = _counted(sum(self.unparsed.values()), "record")
            found.append(f"Not read: {records} that cannot be parsed: {named(self.unparsed)}.")
        if self.gaps:
            frames, size = sum(gap.frames for gap in self.gaps), sum(gap.bytes for gap in self.gaps)
            where = ", ".join(str(gap.seq) for gap in self.gaps[:_MOST_NAMED])
            lost = f"{_counted(frames, 'frame')} ({_counted(size, 'byte')}) that crossed and could not be stored"
            found.append(f"Not on record: {lost}, at record {where}.")
        return tuple(found)

    def of_vocabulary(self, reader: Reader) -> str:
        """Say which vocabulary the session speaks, if it is one that is not folded, and what cannot be told; or ``""``.

        Args:
            reader: as for :meth:`lines`.
        """
        if self.vocabulary is None or (reader == "audio" and not self._may_hold_sound()):
            return ""
        speaks = f"The session speaks {_VOCABULARIES[self.vocabulary]}. It is not folded, so {_CANNOT[reader]}"
        events = _counted(sum(self.events.values()), "event")
        return f"{speaks}: {events} not read: {named(self.events)}." if self.events else f"{speaks}."

    def _may_hold_sound(self) -> bool:
        return self.vocabulary != "unknown" or any(audio_key(name) is not None for name in self.events)

    def of_binary(self) -> tuple[str, ...]:
        """Name the binary frames, a sender at a time: ``12 binary frames (57,600 bytes) from the server``."""
        return tuple(
            f"{_counted(each.frames, 'binary frame')} ({_counted(each.bytes, 'byte')}) from the {each.sender}"
            for each in self.binary
        )

    def to_json(self, reader: Reader) -> Json:
        """Return it as plain JSON, with the sentences under ``says``."""
        return {
            "vocabulary": self.vocabulary,
            "events": self.events,
            "binary": [{"sender": each.sender, "frames": each.frames, "bytes": each.bytes} for each in self.binary],
            "unparsed": self.unparsed,
            "gaps": [{"seq": gap.seq, "frames": gap.frames, "bytes": gap.bytes} for gap in self.gaps],
            "says": list(self.lines(reader)),
        }


def unread(conversation: Conversation) -> Unread:
    """Return what of a session is not in its conversation. Vendors' events that are known and unused do not count."""
    events = {name: count for name, count in conversation.unknown.items() if not is_known(name)}
    binary: dict[str, tuple[int, int]] = {}
    for problem in conversation.problems:
        if problem.what == "binary":
            frames, size = binary.get(problem.sender or "recorder", (0, 0))
            binary[problem.sender or "recorder"] = frames + 1, size + (problem.bytes or 0)
    unparsed = Counter(problem.what for problem in conversation.problems if problem.what in _UNPARSED)
    return Unread(
        _vocabulary(conversation, events),
        events,
        tuple(BinaryFrames(sender, *sums) for sender, sums in sorted(binary.items())),
        dict(sorted(unparsed.items())),
        tuple(conversation.gaps),
    )


def _vocabulary(
    conversation: Conversation, events: Mapping[str, int]
) -> Literal["live", "translation", "unknown"] | None:
    """Tell whether the session's talk is in a vocabulary that is not folded; what was folded speaks against it."""
    if conversation.items or conversation.deleted or conversation.out_of_band or conversation.responses:
        return None
    if conversation.dialect == "live" or conversation.dialect == "translation":
        return conversation.dialect
    return "unknown" if events else None


def _counted(count: int, what: str) -> str:
    """Write a number with its noun: ``1 frame``, ``57,600 bytes``."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def named(counts: Mapping[str, int]) -> str:
    """Write how often each name occurs, the most frequent first: ``ping (12), foo (1)``; of many, how many more."""
    names = sorted(counts, key=lambda name: (-counts[name], name))
    shown = ", ".join(f"{_short(name)} ({counts[name]})" for name in names[:_MOST_NAMED])
    return shown if len(names) <= _MOST_NAMED else f"{shown} and {len(names) - _MOST_NAMED} more types"


def _short(name: str) -> str:
    """A type that anybody may have chosen, as text that can be written: lone surrogates escaped, its end left out."""
    written = name.encode("utf-8", "backslashreplace").decode()
    return written if len(written) <= _LONGEST_NAME else f"{written[:_LONGEST_NAME]}…"


def numbered(seqs: Sequence[int]) -> str:
    """Write the numbers of records, as runs; of many runs the bounds and how many: ``3,5-9``, ``3…99, 40 of them``."""
    runs = Seqs()
    for seq in seqs:
        runs.add(seq)
    return str(runs) if len(runs.runs) <= _MOST_NAMED else f"{seqs[0]}…{seqs[-1]}, {len(seqs)} of them"


def grouped(problems: Iterable[Problem]) -> list[tuple[Problem, tuple[int, ...]]]:
    """Group the problems that say the same, in order of the first of each: one of them, and the records of all.

    Binary frames are left out: :meth:`Unread.of_binary` names them.
    """
    groups: dict[tuple[str, str], tuple[Problem, list[int]]] = {}
    for problem in problems:
        if problem.what != "binary":
            groups.setdefault((problem.what, problem.detail), (problem, []))[1].append(problem.seq)
    return [(problem, tuple(seqs)) for problem, seqs in groups.values()]


# Sound


def doubtful_formats(conversation: Conversation) -> Iterator[tuple[str, str]]:
    """Say how audio is taken whose format the session names in a way that is not known, by whose audio it is.

    A vendor with names of its own may mean another rate by those that are known, so the other side is doubtful too.
    """
    stated = {side: _format_of(conversation, place) for side, place in _SIDES}
    named = {side: value for side, value in stated.items() if value is not None and audio_format(value) is None}
    if not named:
        return
    for side, value in stated.items():
        taken = conversation.session.input_format if side == "user" else conversation.session.output_format
        how = f"taken as {taken.type}, {taken.rate / 1000:g} kHz"
        if side in named:
            yield side, f"the format of the {side}'s audio, {_quoted(value)}, is not known: {how}"
        elif value is not None:
            others = ", ".join(map(_quoted, named.values()))
            yield side, f"the {side}'s audio is {how}: what rate a server means that also says {others} is not certain"


_SIDES: Final[tuple[tuple[str, str], ...]] = (("user", "input"), ("assistant", "output"))


def _format_of(conversation: Conversation, place: str) -> Any:
    config = conversation.session.config
    # A preview name that is not known has no place in an object, and stays where it was.
    return members(members(config, "audio"), place).get("format") or config.get(f"{place}_audio_format")


def _quoted(value: Any) -> str:
    name = cast("Json", value).get("type", value) if isinstance(value, dict) else value
    return FORMAT_NAMES.get(str(name), str(name))


@dataclass(frozen=True, slots=True)
class UnreadSound:
    """Sound that frames carry and that is not read.

    Attributes:
        frames: how many frames carry it.
        bytes: its length.
        by: the number of frames by type; ``binary`` for binary ones.
    """

    frames: int
    bytes: int
    by: dict[str, int]

    def __str__(self) -> str:
        """``30 frames carry 48,000 bytes of sound that is not read: session.output_audio.delta (30)``."""
        verb = "carries" if self.frames == 1 else "carry"
        return (
            f"{_counted(self.frames, 'frame')} {verb} {_counted(self.bytes, 'byte')} of sound that is not read: "
            f"{named(self.by)}"
        )


async def sound_not_read(recordings: Sequence[Recording], unknown: Iterable[str]) -> UnreadSound | None:
    """Measure the sound in binary frames and in events of unknown type; return None if no frame carries any.

    Args:
        recordings: what is searched, from the beginning.
        unknown: the event types that the fold does not use.
    """
    types = {name for name in unknown if audio_key(name) is not None}
    size, by = 0, Counter[str]()
    for recording in recordings:
        async for batch in recording.batches():
            for frame in batch:
                length = _length(frame, types)
                if length:
                    size += length
                    by[frame.type if frame.kind == "text" and frame.type is not None else "binary"] += 1
    return UnreadSound(by.total(), size, dict(by)) if by else None


def _length(frame: Frame, types: set[str]) -> int:
    if frame.kind == "binary":
        return len(frame.payload or b"")
    if frame.kind != "text" or frame.type not in types:
        return 0
    try:
        return len(audio_of(frame))
    except ValueError:
        return 0
