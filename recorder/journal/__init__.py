"""The journal: the append-only store of frames.

A recorder writes through :class:`Journal` and :class:`SessionWriter`; everybody else reads through
:class:`JournalReader`. ``docs/journal.md`` describes the format.
"""

from .journal import Journal, new_public_id, utc_now
from .reader import JournalReader, JournalRecording
from .session import SessionWriter
from .settings import WriterSettings, WriterStats

__all__ = [
    "Journal",
    "JournalReader",
    "JournalRecording",
    "SessionWriter",
    "WriterSettings",
    "WriterStats",
    "new_public_id",
    "utc_now",
]
