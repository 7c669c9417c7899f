"""What stands on the page, put together from the transcript, the sound and the records."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ....schemas.recording import SessionInfo
from ....schemas.state import Conversation
from ....schemas.summary import model_of
from ...audio.timeline import Timeline
from ...show.keys import Revealed
from ...times import clock, ms_of, seconds, wall_clock
from ..lines import Reading, transcribe
from ..timing import Spoken, spoken
from .behind import EventLog
from .chart import Chart, chart
from .embedded_sound import Sound
from .facts import Reply, about, figures, remarks, replies
from .rows import Turn, turns

__all__ = ["Page", "lay_out"]


@dataclass(frozen=True, slots=True)
class Page:
    """What stands on the page; the template writes it down."""

    title: str
    subtitle: list[str]
    reading: Reading
    sound: Sound | None
    chart: Chart | None
    turns: list[Turn]
    figures: list[tuple[str, str]]
    replies: list[Reply]
    remarks: list[tuple[str, str]]
    about: list[tuple[str, str]]
    guessed: int
    """How many utterances stand where their records came, because nothing says when they were spoken."""


def lay_out(
    info: SessionInfo,
    timeline: Timeline,
    log: EventLog,
    reading: Reading,
    sound: Sound | None,
    reveal: Collection[Revealed] = (),
) -> Page:
    """Decide what stands on the page."""
    conversation = timeline.conversation
    transcript = transcribe(conversation, reading, timeline.plan, reveal=reveal)
    utterances = spoken(timeline, transcript)
    placed = timeline.clock.known or any(each.timing != "records" or each.start_ns for each in utterances)
    intervals = timeline.intervals() if placed else []
    ends = [each.end_ns for each in intervals] + [each.end_ns for each in utterances if placed]
    duration = ms_of(max([*ends, timeline.clock.at(conversation.last_seq) if timeline.clock.known else 0])) or 0
    if sound is not None:
        duration = sound.duration_ms
    problems = [*timeline.problems, *(sound.problems if sound else ())]
    return Page(
        info.labels.get("title") or f"Session {info.id}",
        _subtitle(info, conversation, duration),
        reading,
        sound,
        _chart(conversation, timeline, utterances, sound, duration) if intervals or sound else None,
        turns(conversation, transcript, utterances, log, intervals=intervals, placed=placed),
        figures(conversation, timeline.plan, intervals, utterances, duration),
        replies(conversation, utterances if placed else []),
        remarks(conversation, problems),
        about(info, conversation, sound),
        sum(each.timing == "records" for each in utterances) if placed else 0,
    )


def _subtitle(info: SessionInfo, conversation: Conversation, duration: int) -> list[str]:
    parts = [
        wall_clock(info.opened_at) if info.opened_at else "",
        model_of(info, conversation) or "",
        seconds(duration) if duration else "",
    ]
    return [part for part in parts if part]


def _chart(
    conversation: Conversation, timeline: Timeline, utterances: Sequence[Spoken], sound: Sound | None, duration: int
) -> Chart:
    unheard = [
        (int(played.heard_end_ns) // 1_000_000, int(played.ns_of(played.size)) // 1_000_000)
        for played in timeline.plan.playbacks
        if played.cut is not None
    ]
    cuts = [(start, f"cut off at {clock(start)}") for start, _ in unheard]
    names = {item.id: item for item in conversation.items}
    tools = [
        (at, f"{item.name or 'tool'} called at {clock(at)}")
        for item in names.values()
        if item.type in ("function_call", "mcp_call")
        and (at := ms_of(item.done_ns if item.done_ns is not None else item.first_ns)) is not None
    ]
    return chart(duration, sound, timeline.intervals(), unheard=unheard, cuts=cuts, tools=tools)
