"""A folder of two cassettes, and a journal with both."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.replay.library.places import journal, talk, write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "cassettes" / "first.ndjson", talk("gpt-realtime"))
    write(tmp_path / "cassettes" / "more" / "second.ndjson", talk("gpt-realtime-mini"), match={"mode": "lenient"})
    return tmp_path / "cassettes"


@pytest.fixture
def db(folder: Path) -> Path:
    return journal(folder.parent / "calls.db", *sorted(folder.rglob("*.ndjson")))
