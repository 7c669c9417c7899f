"""Recorded calls of realtime voice agents: what was said, heard and called, at any moment.

::

    with earwitness.open("calls.db") as calls:
        for call in calls.sessions(model="gpt-realtime"):
            print(call.transcript(reading="heard").text())

The same for programs on an event loop is :mod:`earwitness.aio`; :mod:`earwitness.testing` has what tests use.

Names other than those of errors are imported when they are first used. Imports are absolute in this folder, alone of
all: in the source tree the parts stand beside it, not in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from earwitness.schemas import errors
from earwitness.schemas.errors import *  # noqa: F403 - each of them is public
from earwitness.schemas.lazy import lazy_names

if TYPE_CHECKING:
    from earwitness.recorder.journal.verification.report import VerifyReport
    from earwitness.recorder.proxy.settings import ProxySettings
    from earwitness.replay.audio.export import Sound
    from earwitness.replay.compare.check import CheckReport
    from earwitness.replay.compare.diff_text import render_diff
    from earwitness.replay.compare.result import Diff, DiffOptions
    from earwitness.replay.library.blocking import Call, Calls, diff, open, serve  # noqa: A004 - the library's word
    from earwitness.replay.library.events import fold
    from earwitness.replay.library.record import RecordingProxy, record
    from earwitness.replay.playing.match import MatchPolicy
    from earwitness.replay.transcript.lines import Transcript
    from earwitness.schemas.frame import Frame
    from earwitness.schemas.recording import Recording, SessionInfo
    from earwitness.schemas.state import Conversation
    from earwitness.schemas.usage import Usage

__all__ = [
    "Call",
    "Calls",
    "CheckReport",
    "Conversation",
    "Diff",
    "DiffOptions",
    "Frame",
    "MatchPolicy",
    "ProxySettings",
    "Recording",
    "RecordingProxy",
    "SessionInfo",
    "Sound",
    "Transcript",
    "Usage",
    "VerifyReport",
    "diff",
    "fold",
    "open",
    "record",
    "render_diff",
    "serve",
]
__all__ += errors.__all__

if not TYPE_CHECKING:  # an unknown name is an error for type checkers, too
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "Call": "replay.library.blocking",
            "Calls": "replay.library.blocking",
            "CheckReport": "replay.compare.check",
            "Conversation": "schemas.state",
            "Diff": "replay.compare.result",
            "DiffOptions": "replay.compare.result",
            "Frame": "schemas.frame",
            "MatchPolicy": "replay.playing.match",
            "ProxySettings": "recorder.proxy.settings",
            "Recording": "schemas.recording",
            "RecordingProxy": "replay.library.record",
            "SessionInfo": "schemas.recording",
            "Sound": "replay.audio.export",
            "Transcript": "replay.transcript.lines",
            "Usage": "schemas.usage",
            "VerifyReport": "recorder.journal.verification.report",
            "diff": "replay.library.blocking",
            "fold": "replay.library.events",
            "open": "replay.library.blocking",
            "record": "replay.library.record",
            "render_diff": "replay.compare.diff_text",
            "serve": "replay.library.blocking",
        },
    )
