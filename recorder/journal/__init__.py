"""The journal: the append-only store of frames.

A recorder writes through :class:`Journal` and :class:`SessionWriter`; everybody else reads through
:class:`JournalReader`. ``docs/journal.md`` describes the format.
"""

from .admin import (
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
from .journal import Journal, new_public_id, utc_now
from .reader import JournalReader, JournalRecording
from .verify.report import Finding, VerifyReport
from .verify.verifier import verify
from .writing.session_writer import SessionWriter
from .writing.writer_settings import WriterSettings, WriterStats

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
