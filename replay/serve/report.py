"""Where a live client left the recording: what was expected, what came, and what a person needs to see why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import orjson

from ...schemas.refs import to_plain
from ...schemas.values import Json
from ..playing.match import Difference
from ..times import decimal

__all__ = ["Candidate", "Divergence", "DivergenceKind", "FrameView", "Report", "Seen", "view_event"]


DivergenceKind = Literal["content", "order", "unexpected", "missing", "audio", "truncation", "timeout", "refused"]

CLOSE_DIVERGED: Final = 4400
"""Close code of a strict session that diverged."""

_WIDTH: Final = 160
_REASON_BYTES: Final = 123
_LONG_STRING: Final = 300


@dataclass(frozen=True, slots=True)
class FrameView:
    """A frame as a report shows it.

    Attributes:
        type: the event's type, or what the frame is.
        seq: its seq in the recording; for a live frame its number among the client's frames, from 1.
        offset_ns: nanoseconds since the session opened, recorded or live; None without a clock.
        event: its content, long strings shortened; None if there is nothing to show.
    """

    type: str
    seq: int | None = None
    offset_ns: int | None = None
    event: Any = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A recorded frame that the live one might have been.

    Attributes:
        frame: the recorded frame.
        failed: which matcher failed: ``type``, ``content``, ``order``.
        why: in words.
        differences: the places where the two differ.
    """

    frame: FrameView
    failed: Literal["type", "content", "order", "none"]
    why: str
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """What the client had been sent when it diverged."""

    frames: int = 0
    last: tuple[FrameView, ...] = ()
    counts: dict[str, int] = field(default_factory=dict[str, int])


@dataclass(frozen=True, slots=True, kw_only=True)
class Divergence:
    """One place where the client under test departs from the recording.

    Attributes:
        kind: what is wrong. ``content``: the right event with other content; ``order``: a recorded event, but another
            one was due; ``unexpected``: nothing like it is due; ``missing``: the session ended without it; ``audio``:
            other sound; ``truncation``: cut at an impossible or distant position; ``timeout``: the server waited for
            it in vain; ``refused``: no recorded session for that handshake.
        message: one sentence.
        expected: the recorded frame that was due; None where none was.
        got: the live frame; None where none came.
        candidates: recorded frames nearest to what came, nearest first, and why each is not it.
        holding: the server frame that waits for the expected one, and the rule by which it waits.
        seen: what the client had been sent.
    """

    kind: DivergenceKind
    message: str
    expected: FrameView | None = None
    got: FrameView | None = None
    candidates: tuple[Candidate, ...] = ()
    holding: FrameView | None = None
    rule: str | None = None
    seen: Seen = field(default_factory=Seen)

    def to_json(self) -> Json:
        """Return the divergence as a JSON object."""
        return to_plain(self)

    def reason(self) -> str:
        """Return a close reason: at most 123 bytes in UTF-8 (RFC 6455, section 5.5)."""
        data = f"diverged: {self.message}".encode()[:_REASON_BYTES]
        return data.decode("utf-8", "ignore")

    def lines(self) -> Iterator[str]:
        """Yield the divergence as lines of text."""
        yield f"{self.kind}: {self.message}"
        told = any(candidate.differences for candidate in self.candidates)
        if self.expected is not None:
            yield f"  expected  {_place(self.expected, 'seq')}  {self.expected.type}"
            if not told:
                yield from _event_lines(self.expected)
        if self.got is not None:
            yield f"  got       {_place(self.got, 'client frame')}  {self.got.type}"
            if not told:
                yield from _event_lines(self.got)
        for candidate in self.candidates:
            yield f"  not       {_place(candidate.frame, 'seq')}  {candidate.frame.type}: {candidate.why}"
            for difference in candidate.differences[:5]:
                yield f"              {difference}"
            if len(candidate.differences) > 5:
                yield f"              and {len(candidate.differences) - 5} more"
        if self.holding is not None:
            yield f"  waiting   {_place(self.holding, 'seq')}  {self.holding.type} ({self.rule})"
        if self.seen.frames:
            last = ", ".join(f"{view.type} (seq {view.seq})" for view in self.seen.last)
            frames = "1 frame" if self.seen.frames == 1 else f"{self.seen.frames} frames"
            yield f"  the client had been sent {frames}, last: {last}"
        else:
            yield "  the client had been sent nothing yet"


@dataclass(slots=True)
class Report:
    """What happened on one connection.

    Attributes:
        session: id of the recording that was played.
        divergences: in the order found.
        notes: what else a reader should know.
        sent: server frames sent.
        matched: client frames that matched, audio apart.
        expected: client frames in the recording, audio apart.
        audio_bytes: input audio received.
        audio_expected: input audio in the recording.
        ended: whether the connection is over.
        error: why the replay itself could not go on; None as a rule.
    """

    session: str
    divergences: list[Divergence] = field(default_factory=list[Divergence])
    notes: list[str] = field(default_factory=list[str])
    sent: int = 0
    server_frames: int = 0
    matched: int = 0
    expected: int = 0
    audio_bytes: int = 0
    audio_expected: int = 0
    ended: bool = False
    error: str | None = None

    @property
    def complete(self) -> bool:
        """Whether everything recorded was asked for, without divergence.

        A client may leave before frames that wait for nothing but their time.
        """
        played = self.ended or self.sent == self.server_frames
        return played and self.error is None and not self.divergences and self.matched == self.expected

    def to_json(self) -> Json:
        """Return the report as a JSON object."""
        return {
            "session": self.session,
            "complete": self.complete,
            "sent": self.sent,
            "server_frames": self.server_frames,
            "matched": self.matched,
            "expected": self.expected,
            "audio_bytes": self.audio_bytes,
            "audio_expected": self.audio_expected,
            "error": self.error,
            "divergences": [divergence.to_json() for divergence in self.divergences],
            "notes": list(self.notes),
        }

    def text(self) -> str:
        """Return the report as text for a person, without a final line break."""
        if self.complete:
            head = f"session {self.session}: replayed to the end, {self.sent} server frames sent, nothing diverged"
        elif self.divergences:
            count = len(self.divergences)
            head = f"session {self.session}: {count} divergence{'s' if count > 1 else ''}"
        else:
            head = (
                f"session {self.session}: not played to the end: {self.sent} of {self.server_frames} server frames "
                f"sent, {self.matched} of {self.expected} client frames seen"
            )
        lines = [head]
        for number, divergence in enumerate(self.divergences, 1):
            first, *rest = divergence.lines()
            lines += [f"{number}. {first}", *rest]
        if self.error is not None:
            lines.append(f"error: {self.error}")
        lines += [f"note: {note}" for note in self.notes]
        return "\n".join(lines)


def view_event(event: Any) -> Any:
    """Return an event for a report, with strings longer than 300 characters shortened."""
    if isinstance(event, dict):
        return {str(key): view_event(value) for key, value in event.items()}  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    if isinstance(event, list):
        return [view_event(value) for value in event]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(event, str) and len(event) > _LONG_STRING:
        return f"{event[:100]}… ({len(event)} characters)"
    return event


def _place(view: FrameView, what: str) -> str:
    number = f"{what} {view.seq}" if view.seq is not None else what
    if view.offset_ns is None:
        return number
    return f"{number} at {decimal(view.offset_ns)} s"


def _event_lines(view: FrameView) -> Iterator[str]:
    if view.event is None:
        return
    try:
        text = orjson.dumps(view.event).decode()
    except (TypeError, ValueError):
        text = str(view.event)
    yield f"              {text if len(text) <= _WIDTH else text[: _WIDTH - 1] + '…'}"
