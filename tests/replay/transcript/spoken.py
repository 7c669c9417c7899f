"""Words at known times, as `timing` finds them in a recording."""

from __future__ import annotations

from typing import Any

from earwitness.replay.audio.timeline import Timeline
from earwitness.replay.transcript.lines import Reading, transcribe
from earwitness.replay.transcript.timing import Spoken, spoken


def utterance(text: str, start_s: float = 0, end_s: float = 10, **fields: Any) -> Spoken:
    """Words spoken at an even pace."""
    stated: dict[str, Any] = {"side": "user", "item_id": "item_1", "content_index": 0, "timing": "audio", **fields}
    return Spoken(text=text, start_ns=round(start_s * 1e9), end_ns=round(end_s * 1e9), **stated)


def spoken_in(timeline: Timeline, reading: Reading = "heard") -> list[Spoken]:
    """What was spoken, in a reading."""
    return spoken(timeline, transcribe(timeline.conversation, reading, timeline.plan))
