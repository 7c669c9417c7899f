"""Reading: state, transcripts, sound, comparison, replay server and client, the pytest plugin.

The names below are imported when they are first used: the pytest plugin loads this package in every user's test run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..schemas.lazy import lazy_names

if TYPE_CHECKING:
    from .audio.export import read_audio, write_audio, write_items
    from .audio.timeline import read_timeline
    from .compare.check import check_recording
    from .compare.diff import compare_recordings
    from .compare.result import DiffOptions
    from .drive.run import DriveOptions, drive_session
    from .fold import Folder, Until, fold_recording
    from .open import bundled_recording, load_recordings, open_recording
    from .playing.match import MatchPolicy
    from .serve.server import ReplayIncomplete, ReplayServer
    from .share.cassette_file import export_cassette
    from .show.own_dialect import in_own_dialect
    from .testing.realtime import Realtime
    from .transcript.lines import transcribe
    from .transcript.write import export_transcript, transcribe_recording, write_transcript

__all__ = [
    "DiffOptions",
    "DriveOptions",
    "Folder",
    "MatchPolicy",
    "Realtime",
    "ReplayIncomplete",
    "ReplayServer",
    "Until",
    "bundled_recording",
    "check_recording",
    "compare_recordings",
    "drive_session",
    "export_cassette",
    "export_transcript",
    "fold_recording",
    "in_own_dialect",
    "load_recordings",
    "open_recording",
    "read_audio",
    "read_timeline",
    "transcribe",
    "transcribe_recording",
    "write_audio",
    "write_items",
    "write_transcript",
]

if not TYPE_CHECKING:  # an unknown name is an error for type checkers, too
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "DiffOptions": "compare.result",
            "DriveOptions": "drive.run",
            "Folder": "fold",
            "MatchPolicy": "playing.match",
            "Realtime": "testing.realtime",
            "ReplayIncomplete": "serve.server",
            "ReplayServer": "serve.server",
            "Until": "fold",
            "bundled_recording": "open",
            "check_recording": "compare.check",
            "compare_recordings": "compare.diff",
            "drive_session": "drive.run",
            "export_cassette": "share.cassette_file",
            "export_transcript": "transcript.write",
            "fold_recording": "fold",
            "in_own_dialect": "show.own_dialect",
            "load_recordings": "open",
            "open_recording": "open",
            "read_audio": "audio.export",
            "read_timeline": "audio.timeline",
            "transcribe": "transcript.lines",
            "transcribe_recording": "transcript.write",
            "write_audio": "audio.export",
            "write_items": "audio.export",
            "write_transcript": "transcript.write",
        },
    )
