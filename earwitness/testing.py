"""What tests against recorded sessions use, besides the pytest fixture ``realtime``."""

from __future__ import annotations

from earwitness.replay.library.blocking import serve
from earwitness.replay.open import bundled_path, bundled_recording
from earwitness.replay.playing.match import MatchPolicy
from earwitness.replay.serve.report import Divergence, Report
from earwitness.replay.serve.server import ReplayIncomplete
from earwitness.replay.testing.realtime import Realtime

__all__ = [
    "Divergence",
    "MatchPolicy",
    "Realtime",
    "ReplayIncomplete",
    "Report",
    "bundled_path",
    "bundled_recording",
    "serve",
]
