"""The sound of a recording: one clock for both sides of a call, single items, sound files.

``write_audio`` and ``write_items`` write files; ``read_timeline`` tells which sound is where and who was speaking when.
docs/audio.md describes the model.
"""

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
