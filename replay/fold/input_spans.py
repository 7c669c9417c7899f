"""Which part of the input stream each user item is, and where the milliseconds of voice activity count from.

The API reference (``input_audio_buffer.speech_started``) says that milliseconds count from the start of all audio
written to the buffer during the session, and that ``audio_start_ms`` includes the padding already. Not every server
does so: Speaches counts from the first sample of the current buffer, which starts again at a commit or a clear; xAI has
another clock. No server says which, so it is told by what the spans of the whole session allow. There are two readings:

``session``
    Refuted by a span that begins or ends in audio that had been committed or cleared before, by more than the padding,
    or behind the audio received by then: nobody detects speech in audio that has not come yet.
``buffer``
    Refuted by a span that begins or ends behind what the current buffer can have held by then.

Words refute both, where no span of the session is long enough for what was understood in it. Nothing else counts: that
one reading looks more likely is no evidence. A reading that is refuted once holds for no span. Where both are left and
place a span differently, or none is left, that span's place is not known.

A manual commit takes what was appended since the last commit or clear. All is a function of the marks so far, made when
the state becomes a value, so that a later span may decide about an earlier one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from ...schemas.input_audio import ClockName, InputClock, InputSpan, Refuted
from ...schemas.refs import Seqs
from .sample_clock import SampleClock

__all__ = ["MAX_CHARACTERS_PER_SECOND", "PADDING_MS", "WITHIN_MS", "InputSpans", "Mark", "read_spans"]

MAX_CHARACTERS_PER_SECOND: Final = 50
"""Nobody speaks faster: quick speech has about 25 characters per second. A span whose transcript needs more was not
measured by the clock of the received audio (some vendors count otherwise)."""

PADDING_MS: Final = 300
"""``prefix_padding_ms`` where the session states none (API reference)."""
_MORE_PADDING_MS: Final = 250
"""A detector works in windows, and may reach back by some of them beyond the padding."""

WITHIN_MS: Final = 500
"""A span whose place is known less closely than this may hold more of another utterance than of its own."""

_MIN_TELLING_CHARACTERS: Final = 10
"""A shorter transcript says nothing about its span."""

_NO_AUDIO: Final = "the recording has no input audio"


@dataclass(slots=True, eq=False)
class Mark:
    """What a server event did to the input audio buffer, and how much had been received by then.

    Attributes:
        kind: ``vad`` and ``timeout`` state milliseconds; ``commit`` took all there was; ``clear`` threw it away.
        seq: the event.
        end: bytes received when the client asked for it or, where nobody asked, when the event came.
        asked: whether the client asked, so that ``end`` is exact.
        item_id: the item that it became.
        start_ms, end_ms: as stated.
        started_seq, started: when speech was said to begin: the event, and the bytes received by then.
        padding_ms: how far the beginning may reach back.
        behind_gap: whether frames were missing from the recording by then.
        seqs: the events that it was read from.
    """

    kind: Literal["vad", "timeout", "commit", "clear"]
    seq: int
    end: int
    asked: bool = False
    item_id: str | None = None
    start_ms: float | None = None
    end_ms: float | None = None
    started_seq: int | None = None
    started: int | None = None
    padding_ms: float = PADDING_MS
    behind_gap: bool = False
    seqs: Seqs = field(default_factory=Seqs)


@dataclass(slots=True)
class InputSpans:
    """What the marks come to: the clock, the span of each mark that made an item, and where the open rest begins."""

    clock: InputClock
    of: dict[Mark, InputSpan]
    committed_to: int


def read_spans(clock: SampleClock, marks: Sequence[Mark], words: dict[Mark, str]) -> InputSpans:
    """Tell which part of the input stream each mark took.

    Args:
        clock: the stream.
        marks: in the order in which the server stated them.
        words: what was understood in them, as far as it is known.
    """
    session, buffer = _FromSession(clock), _FromBuffer(clock)
    for mark in marks:
        session.take(mark)
        buffer.take(mark)
    readings: list[_Reading] = [session, buffer]
    too_short = _too_short_for(marks, words, session.spans)
    for reading in readings:
        if too_short is not None and reading.refuted is None:
            reading.refuted = Refuted(reading.name, too_short.seq, _words_in(words[too_short]))
    left = [reading for reading in readings if reading.refuted is None]
    chosen = left[0] if left else session
    spans: dict[Mark, InputSpan] = {}
    for mark in marks:
        if mark.kind == "clear":
            continue
        span = spans[mark] = chosen.spans[mark]
        span.seqs = mark.seqs.copy()
        _distrust_by_words(span, words.get(mark))
        if len(left) == 2:
            _distrust_if_they_differ(span, buffer.spans[mark], clock)
        elif not left and mark.kind != "commit":
            _distrust(span, f"no clock fits all spans: {_both(session.refuted, buffer.refuted)}")
    stated = any(mark.start_ms is not None or mark.end_ms is not None for mark in marks)
    from_: Literal["session", "buffer", "either", "unknown"] = (
        "either" if len(left) == 2 else left[0].name if left else "unknown"
    )
    refuted = [reading.refuted for reading in readings if reading.refuted is not None]
    return InputSpans(InputClock(from_ if stated else None, refuted), spans, chosen.committed_to)


class _Reading:
    """One way to read the milliseconds."""

    name: ClockName

    def __init__(self, clock: SampleClock) -> None:
        self._clock = clock
        self.spans: dict[Mark, InputSpan] = {}
        self.refuted: Refuted | None = None
        self._since = -1
        """The record that began the buffer at hand."""

    @property
    def committed_to(self) -> int:
        """Where the uncommitted rest begins, in bytes."""
        raise NotImplementedError

    def take(self, mark: Mark) -> None:
        """Read the next mark."""
        if mark.kind == "commit":
            self.spans[mark] = self._commit(mark)
        elif mark.kind != "clear":
            self.spans[mark] = self._stated(mark)
        self._begin_next(mark)
        self._since = mark.seq

    def _commit(self, mark: Mark) -> InputSpan:
        raise NotImplementedError

    def _begin_next(self, mark: Mark) -> None:
        raise NotImplementedError

    def _origin(self) -> int:
        """The byte that 0 ms is."""
        raise NotImplementedError

    def _within_ms(self) -> float:
        return 0.0

    def _contradiction(self, mark: Mark, start: int, end: int) -> str | None:
        """What cannot be if this reading is right; None if nothing speaks against it."""
        raise NotImplementedError

    def _stated(self, mark: Mark) -> InputSpan:
        clock, origin_ms = self._clock, self._clock.ms_of(self._origin())
        start, end = (
            None if ms is None else clock.byte_of(origin_ms + ms if origin_ms else ms)
            for ms in (mark.start_ms, mark.end_ms)
        )
        source = "timeout" if mark.kind == "timeout" else "vad"
        span = InputSpan(source, mark.start_ms, mark.end_ms, start, end, reliable=False, within_ms=self._within_ms())
        if mark.start_ms is None or mark.end_ms is None or start is None or end is None:
            span.why_not = (
                "the server stated only one end"
                if mark.start_ms is not None or mark.end_ms is not None
                else "the server stated no times"
            )
        elif mark.start_ms < 0 or mark.end_ms < mark.start_ms:
            span.why_not = "the stated times are not in order"
        elif not mark.end:
            span.why_not = _NO_AUDIO
        elif mark.behind_gap and clock.gap_at is not None and end > clock.gap_at:
            span.why_not = "frames before its end are missing from the recording, which the server's clock counted"
        else:
            span.why_not = self._contradiction(mark, start, end)
            if span.why_not is not None and self.refuted is None and not self._cut_into(mark):
                self.refuted = Refuted(self.name, mark.seq, _of(mark, span.why_not))
            span.reliable = span.why_not is None
            if span.reliable and span.within_ms and span.within_ms > WITHIN_MS:
                _distrust(span, f"its place is known to within {span.within_ms:.0f} ms only")
        return span

    def _cut_into(self, mark: Mark) -> bool:
        """Whether the buffer was taken or cleared while somebody spoke: then the span may reach back over that."""
        return mark.started_seq is not None and mark.started_seq < self._since


class _FromSession(_Reading):
    """0 ms is the first sample of the session."""

    name: ClockName = "session"

    def __init__(self, clock: SampleClock) -> None:
        super().__init__(clock)
        self._floor = 0

    @property
    def committed_to(self) -> int:
        return self._floor

    def _origin(self) -> int:
        return 0

    def _commit(self, mark: Mark) -> InputSpan:
        return _commit_span(self._clock, self._floor, mark, 0.0)

    def _begin_next(self, mark: Mark) -> None:
        span = self.spans.get(mark)
        end = mark.end if span is None or span.end_byte is None else min(span.end_byte, mark.end)
        if span is None or span.end_byte is not None:
            self._floor = max(self._floor, end)

    def _contradiction(self, mark: Mark, start: int, end: int) -> str | None:
        if end > mark.end:
            return "it ends after the audio received by then"
        if mark.started is not None and start > mark.started:
            return "it begins after the audio received when it was said to begin"
        inside_ms = self._clock.ms_of(self._floor) - self._clock.ms_of(start)
        if self._floor and (end <= self._floor or inside_ms > mark.padding_ms + _MORE_PADDING_MS):
            return f"it begins {inside_ms:.0f} ms inside audio that was committed or cleared before"
        return None


class _FromBuffer(_Reading):
    """0 ms is the first sample of the current buffer.

    Where a client asks for a commit or a clear, its place among the appends says where the next buffer begins. Where
    the server ends a turn, it lies between what was committed and what had been sent when the event came.
    """

    name: ClockName = "buffer"

    def __init__(self, clock: SampleClock) -> None:
        super().__init__(clock)
        self._low = self._high = 0

    @property
    def committed_to(self) -> int:
        return self._high

    def _origin(self) -> int:
        return self._high

    def _within_ms(self) -> float:
        return self._clock.ms_of(self._high) - self._clock.ms_of(self._low)

    def _commit(self, mark: Mark) -> InputSpan:
        return _commit_span(self._clock, self._high, mark, self._within_ms())

    def _begin_next(self, mark: Mark) -> None:
        if mark.asked:
            self._low = self._high = max(mark.end, self._low)
            return
        if mark.end_ms is not None and mark.end_ms > 0:
            self._low = min(self._clock.byte_of(self._clock.ms_of(self._low) + mark.end_ms), mark.end)
        self._low, self._high = min(self._low, mark.end), max(mark.end, self._high)

    def _contradiction(self, mark: Mark, start: int, end: int) -> str | None:
        late = self._high - self._low
        """By so much earlier may the buffer have begun."""
        if end - late > mark.end:
            held = self._clock.ms_of(mark.end) - self._clock.ms_of(self._low)
            return f"it ends after all that the buffer can have held by then ({held:.0f} ms)"
        if mark.started is not None and start - late > mark.started:
            held = max(self._clock.ms_of(mark.started) - self._clock.ms_of(self._low), 0)
            return f"it begins after all that the buffer can have held when it was said to begin ({held:.0f} ms)"
        return None


def _commit_span(clock: SampleClock, start: int, mark: Mark, within_ms: float) -> InputSpan:
    start = min(start, mark.end)
    span = InputSpan(
        "commit", clock.ms_of(start), clock.ms_of(mark.end), start, mark.end,
        reliable=mark.end > start, within_ms=within_ms if mark.asked else None,
    )  # fmt: skip
    if not span.reliable:
        span.why_not = "no audio came since the last commit" if mark.end else _NO_AUDIO
    return span


def _distrust(span: InputSpan, why: str) -> None:
    if span.reliable:
        span.reliable, span.why_not = False, why


def _distrust_if_they_differ(span: InputSpan, other: InputSpan, clock: SampleClock) -> None:
    """Both readings are possible: what they disagree about is not known."""
    if not span.reliable or span.start_byte is None or span.end_byte is None:
        return
    if (span.start_byte, span.end_byte) == (other.start_byte, other.end_byte):
        return
    start = None if other.start_byte is None else clock.ms_of(other.start_byte)
    end = None if other.end_byte is None else clock.ms_of(other.end_byte)
    here = f"{clock.ms_of(span.start_byte):.0f}–{clock.ms_of(span.end_byte):.0f}"
    there = f"{start:.0f}–{end:.0f}" if start is not None and end is not None else "another part"
    _distrust(
        span,
        "it is not known whether the server counts from the session's first sample or from the buffer's: "
        f"{here} or {there} ms of the input",
    )


def _too_short_for(marks: Sequence[Mark], words: dict[Mark, str], spans: dict[Mark, InputSpan]) -> Mark | None:
    """The first span that is too short for its words, where none is long enough."""
    found: Mark | None = None
    for mark in marks:
        span, said = spans.get(mark), words.get(mark, "").strip()
        if span is None or mark.start_ms is None or mark.end_ms is None or len(said) < _MIN_TELLING_CHARACTERS:
            continue
        if mark.end_ms < mark.start_ms:
            continue
        if not _needs_more(said, mark.start_ms, mark.end_ms):
            return None
        found = found or mark
    return found


def _needs_more(said: str, start_ms: float, end_ms: float) -> bool:
    return len(said) * 1000 > MAX_CHARACTERS_PER_SECOND * (end_ms - start_ms)


def _distrust_by_words(span: InputSpan, said: str | None) -> None:
    """Mark a span as unreliable that is far too short for what was said in it."""
    said = (said or "").strip()
    if span.start_ms is None or span.end_ms is None or len(said) < _MIN_TELLING_CHARACTERS:
        return
    if _needs_more(said, span.start_ms, span.end_ms):
        _distrust(span, f"{_words_in(said)}: another clock")


def _words_in(said: str) -> str:
    return f"{len(said.strip())} characters were understood in it"


def _of(mark: Mark, why: str) -> str:
    span = f"{mark.start_ms:g}–{mark.end_ms:g} ms"
    return f"{span}{'' if mark.item_id is None else f' of {mark.item_id}'}: {why}"


def _both(*refuted: Refuted | None) -> str:
    return "; ".join(dict.fromkeys(each.why for each in refuted if each is not None))
