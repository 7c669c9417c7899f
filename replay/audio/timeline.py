"""One clock for both sides of a call: which audio lies where, and who was speaking when.

Time 0 is the opening of the session. The user's side is :mod:`.input_stream`'s, the assistant's :mod:`.playback`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

import numpy as np
import numpy.typing as npt

from ...schemas.recording import Recording
from ...schemas.state import Conversation, Item
from ..fold import Folder
from ..unread import doubtful_formats, unread
from .clock import Clock
from .cuts import AS_RECORDED, Choice
from .formats import bytes_to_ns
from .input_stream import InputStream, Run
from .pieces import SIDES, AudioProblem, Integers, Interval, Placed, Side
from .playback import PlaybackPlan, Reading, plan_playback

__all__ = ["Timeline", "read_timeline"]

_TEXT_DELTAS: Final = frozenset(
    {
        "conversation.item.input_audio_transcription.delta",
        "response.audio_transcript.delta",
        "response.function_call_arguments.delta",
        "response.mcp_call_arguments.delta",
        "response.output_audio_transcript.delta",
        "response.output_text.delta",
        "response.text.delta",
    }
)


@dataclass(slots=True)
class Timeline:
    """The sound of a session on its clock.

    Attributes:
        conversation: the folded session.
        clock: when each record came.
        stream: the user's audio.
        runs: where it lies.
        plan: how the assistant's audio played.
        problems: audio that could not be used as it stands.
    """

    conversation: Conversation
    clock: Clock
    stream: InputStream
    runs: list[Run]
    plan: PlaybackPlan
    problems: list[AudioProblem] = field(default_factory=list[AudioProblem])

    @classmethod
    def of(cls, conversation: Conversation, clock: Clock, choice: Choice = AS_RECORDED) -> Timeline:
        """Lay a session's audio out."""
        stream = InputStream(conversation)
        if not clock.known:
            clock.fall_back(*(stream.sent_ns() if stream else _stated_clock(conversation)))
        timeline = cls(conversation, clock, stream, stream.runs(clock), plan_playback(conversation, clock, choice))
        timeline.problems += [*clock.problems(), *stream.problems, *_problems(conversation, stream, timeline.plan)]
        return timeline

    def placed(self, sides: tuple[Side, ...] = SIDES, as_: Reading = "heard") -> list[Placed]:
        """Return every piece of audio at its place, in order of start.

        ``heard`` ends a part where it was cut. ``generated`` and ``delivered`` (a recording holds what was delivered)
        let it run on from where it began, beside what follows: nothing is lost, nothing moves.
        """
        found: list[Placed] = []
        if "user" in sides:
            found += (Placed(run.start_ns, "user", run.piece) for run in self.runs)
        if "assistant" in sides:
            for playback in self.plan.playbacks:
                found += playback.placed(heard_only=as_ == "heard")
        return sorted(found, key=lambda each: (each.start_ns, each.side))

    def ns_of_input(self, byte: int, *, end: bool = False) -> Fraction | None:
        """Return where a byte of the input stream lies on the session's clock; None without input audio.

        Where the client paused, one byte is two times of the session: the end of what came before the pause (``end``),
        and the beginning of what came after it.
        """
        for run in reversed(self.runs):
            if byte > run.first_byte or (byte == run.first_byte and not end):
                return min(run.start_ns + bytes_to_ns(byte - run.first_byte, run.piece.format), run.end_ns)
        return self.runs[0].start_ns if self.runs else None

    def intervals(self) -> list[Interval]:
        """Return who was speaking when, in order of start; also where no sound was recorded.

        The user by the spans of voice activity, else by the records that told of it; the assistant by what can have
        been heard, else by ``output_audio_buffer.started`` and ``.stopped`` or ``.cleared``.
        """
        found = [*self._user_intervals(), *self.plan.intervals()]
        return sorted(found, key=lambda each: (each.start_ns, each.end_ns, each.side))

    def _user_intervals(self) -> list[Interval]:
        found: list[Interval] = []
        items = {item.id: item for item in self.conversation.items}
        seen: set[str | None] = set()
        for speech in self.conversation.input_audio.speech:
            item = items.get(speech.item_id) if speech.item_id else None
            seen.add(speech.item_id)
            by_audio = self._span(item)
            if by_audio is not None:
                found.append(by_audio)
            elif speech.started_seq is not None and speech.stopped_seq is not None:
                start, end = self.clock.at(speech.started_seq), self.clock.at(speech.stopped_seq)
                found.append(Interval("user", speech.item_id, start, max(start, end), "events"))
        found += (each for item in items.values() if item.id not in seen and (each := self._span(item)))
        return found

    def _span(self, item: Item | None) -> Interval | None:
        span = item.span if item else None
        if item is None or span is None or not span.reliable or span.start_byte is None or span.end_byte is None:
            return None
        start, end = self.ns_of_input(span.start_byte), self.ns_of_input(span.end_byte, end=True)
        if start is None or end is None:
            return None
        return Interval("user", item.id, int(start), int(max(start, end)), "audio")


def _problems(conversation: Conversation, stream: InputStream, plan: PlaybackPlan) -> Iterator[AudioProblem]:
    """What a listener should know of the recording: broken audio, formats that nobody stated, gaps."""
    for playback in plan.playbacks:
        if int(playback.lengths.sum(dtype=np.int64)) != playback.size:
            detail = f"item {playback.item_id} ends within a sample; its byte is left out"
            yield AudioProblem(int(playback.seqs[-1]), "odd-bytes", detail)
        if not playback.known:
            detail = f"item {playback.item_id} was cut, and nothing says when: how much of it was heard is not known"
            yield AudioProblem(playback.cut_seq, "unknown-cut", detail)
    for problem in conversation.problems:
        if problem.what == "bad-audio":
            yield AudioProblem(problem.seq, "bad-base64", f"{problem.detail}; left out")
        elif problem.what == "audio-format":
            yield AudioProblem(problem.seq, "format", problem.detail)
    formats = [("user", each) for each in stream.formats] + [("assistant", each.format) for each in plan.playbacks]
    doubtful = dict(doubtful_formats(conversation))
    for text in doubtful.values():
        yield AudioProblem(None, "format", text)
    for side in dict.fromkeys(side for side, each in formats if not each.stated and side not in doubtful):
        yield AudioProblem(None, "format", f"no event stated the format of the {side}'s audio: taken as 24 kHz PCM")
    missing = unread(conversation)
    if line := missing.of_vocabulary("audio"):
        yield AudioProblem(None, "not-read", line)
    for each in missing.of_binary():
        yield AudioProblem(None, "not-read", f"{each}: what they hold is not known")
    for gap in conversation.gaps:
        detail = f"{gap.frames} frames that crossed here are not in the recording: {gap.reason}"
        yield AudioProblem(gap.seq, "gap", detail)


def _stated_clock(conversation: Conversation) -> tuple[Integers, npt.NDArray[np.float64]]:
    """The input stream's length as voice activity stated it, for a session whose audio went another way."""
    stated = sorted(
        (seq, float(ms))
        for speech in conversation.input_audio.speech
        for seq, ms in ((speech.started_seq, speech.start_ms), (speech.stopped_seq, speech.end_ms))
        if seq is not None and ms is not None
    )
    seqs = np.array([seq for seq, _ in stated], np.int64)
    # A record's time is what was stated before it: one that states its own is moved behind itself.
    return seqs - 1, np.maximum.accumulate(np.array([ms for _, ms in stated]) * 1e6)


async def read_timeline(
    recording: Recording,
    *,
    with_text: bool = True,
    choice: Choice = AS_RECORDED,
    progress: Callable[[float], None] | None = None,
) -> Timeline:
    """Read a recording once, without its sound, and lay its audio out.

    Args:
        recording: what is read.
        with_text: whether to fold the deltas of texts, transcripts and arguments: no sound depends on them, and in a
            long call they take most of the memory.
        choice: what to take for granted where the recording does not say how it was played.
        progress: is called with how much was read, from 0 to 1.
    """
    folder, clock = Folder(), Clock()
    async for batch in recording.batches():
        clock.read(batch)
        folder.extend(batch if with_text else [frame for frame in batch if frame.type not in _TEXT_DELTAS])
        if progress is not None:
            progress(min((batch[-1].seq + 1) / max(recording.info.frames, 1), 1.0))
    conversation = folder.conversation()
    del folder  # its working state is as large as the conversation
    return Timeline.of(conversation, clock, choice)
