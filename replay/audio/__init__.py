"""The sound of a recording: one clock for both sides of a call, single items, sound files.

``write_audio`` and ``write_items`` write files; ``read_timeline`` says what lies where and who was speaking when. The
model behind it is written down in docs/audio.md.
"""

from .export import AudioReport, ItemFile, write_audio, write_items
from .pieces import AudioProblem
from .timeline import Interval, Placed, Timeline, read_timeline

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
