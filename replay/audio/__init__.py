"""The sound of a recording: one clock for both sides of a call, single items, sound files.

``write_audio`` and ``write_items`` write files; ``read_timeline`` tells which sound is where and who was speaking when.
docs/audio.md describes the model. The names below are imported when they are first used: a diff resamples nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...schemas.lazy import lazy_names

if TYPE_CHECKING:
    from .export import AudioReport, ItemFile, write_audio, write_items
    from .pieces import AudioProblem, Interval, Placed
    from .timeline import Timeline, read_timeline

__all__ = [
    "AudioProblem",
    "AudioReport",
    "Interval",
    "ItemFile",
    "Placed",
    "Timeline",
    "read_timeline",
    "write_audio",
    "write_items",
]

if not TYPE_CHECKING:  # an unknown name is an error for type checkers, too
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "AudioProblem": "pieces",
            "AudioReport": "export",
            "Interval": "pieces",
            "ItemFile": "export",
            "Placed": "pieces",
            "Timeline": "timeline",
            "read_timeline": "timeline",
            "write_audio": "export",
            "write_items": "export",
        },
    )
