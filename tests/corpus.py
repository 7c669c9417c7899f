"""The captures that nobody here wrote; they lie beside a checkout, not in it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from earwitness.recorder.importing import read_file
from earwitness.schemas.recording import MemoryRecording

CORPUS = Path(__file__).resolve().parents[2] / "shared" / "corpus"
WHY_NOT = "the corpus of real captures is not beside this checkout"

needs_corpus = pytest.mark.skipif(not CORPUS.is_dir(), reason=WHY_NOT)


def captures() -> list[Path]:
    """All captures; empty where the corpus is absent."""
    return sorted((CORPUS / "captures").glob("*.jsonl"))


def capture_params() -> list[object]:
    """One parameter for each capture, or a single skipped one."""
    found = captures()
    if not found:
        return [pytest.param(None, marks=pytest.mark.skip(reason=WHY_NOT), id="no-corpus")]
    return [pytest.param(path, id=path.name.removesuffix(".jsonl")) for path in found]


def corpus_recordings() -> list[MemoryRecording]:
    """Every session of the captures; empty where the corpus is absent."""
    return [
        session.recording(f"{path.name.removesuffix('.jsonl')}-{number}")
        for path in captures()
        for number, session in enumerate(read_file(path), 1)
    ]


def both_ways(sessions: Iterable[MemoryRecording]) -> list[MemoryRecording]:
    """Those in which both sides speak."""
    return [s for s in sessions if {"client", "server"} <= {f.sender for f in s.frames if f.kind == "text"}]
