"""The journal: the append-only store of frames.

A recorder writes through :class:`Journal` and :class:`SessionWriter`; everybody else reads through
:class:`JournalReader`. ``docs/journal.md`` describes the format.

The names below are imported when they are first used: a reader of a file loads nothing that only a writer needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...schemas.lazy import lazy_names

if TYPE_CHECKING:
    from .admin import backup, erase, info, rebuild, upgrade
    from .journal import Journal, new_public_id, utc_now
    from .reader import JournalReader, JournalRecording
    from .reports import BackupReport, EraseReport, JournalInfo, RebuildReport, UpgradeReport
    from .verification.report import Finding, VerifyReport
    from .verification.verifier import verify
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

_HOMES = {
    "BackupReport": "reports",
    "EraseReport": "reports",
    "Finding": "verification.report",
    "Journal": "journal",
    "JournalInfo": "reports",
    "JournalReader": "reader",
    "JournalRecording": "reader",
    "RebuildReport": "reports",
    "SessionWriter": "writing.session_writer",
    "UpgradeReport": "reports",
    "VerifyReport": "verification.report",
    "WriterSettings": "writing.writer_settings",
    "WriterStats": "writing.writer_settings",
    "backup": "admin",
    "erase": "admin",
    "info": "admin",
    "new_public_id": "journal",
    "rebuild": "admin",
    "upgrade": "admin",
    "utc_now": "journal",
    "verify": "verification.verifier",
}

if not TYPE_CHECKING:  # an unknown name is an error for type checkers, too
    __getattr__, __dir__ = lazy_names(__name__, _HOMES)
