"""The journal: the append-only store of frames.

A recorder writes through :class:`Journal` and :class:`SessionWriter`; everybody else reads through
:class:`JournalReader`. ``docs/journal.md`` describes the format.
"""

from .journal import Journal, new_public_id, utc_now
from .maintenance import (
    BackupReport,
    EraseReport,
    JournalInfo,
    RebuildReport,
    UpgradeReport,
    backup,
    erase,
    info,
    rebuild,
    upgrade,
)
from .reader import JournalReader, JournalRecording
from .report import Finding, VerifyReport
from .session import SessionWriter
from .settings import WriterSettings, WriterStats
from .verify import verify

__all__ = [
    "BackupReport",
    "EraseReport",
    "Finding",
    "Journal",
    "JournalInfo",
    "JournalReader",
    "JournalRecording",
    "RebuildReport",
    "SessionWriter",
    "UpgradeReport",
    "VerifyReport",
    "WriterSettings",
    "WriterStats",
    "backup",
    "erase",
    "info",
    "new_public_id",
    "rebuild",
    "upgrade",
    "utc_now",
    "verify",
]
