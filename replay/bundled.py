"""The bundled conversation: one short, synthetic session that ships with the package.

A cassette of about half a minute in the GA vocabulary, for the demo, the documentation and tests. Nobody spoke it: both
voices are synthesised, ids and times are invented (``tests/tools/make_demo_conversation.py`` made it).
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from ..schemas.cassette import read_cassette
from ..schemas.recording import MemoryRecording
from ..schemas.summary import Summary

__all__ = ["bundled_path", "bundled_recording"]


def bundled_path() -> Path:
    """Where the bundled conversation's cassette is installed."""
    return Path(str(files("earwitness.replay").joinpath("data", "demo.ndjson")))


def bundled_recording() -> MemoryRecording:
    """Read the bundled conversation; its public id is ``demo``."""
    path = bundled_path()
    with path.open(encoding="utf-8", newline="\n") as lines:
        cassette = read_cassette(lines, name=path.name)
    summary = Summary()
    for frame in cassette.frames:
        summary.apply(frame)
    return MemoryRecording(summary.info("demo"), cassette.frames)
