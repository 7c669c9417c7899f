"""A command on a journal of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.command import Command


@pytest.fixture
def earwitness(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command; its journal is a file that is not there yet."""
    db = str(tmp_path / "calls.db")
    monkeypatch.setenv("EARWITNESS_DB", db)
    monkeypatch.chdir(tmp_path)
    return Command(capsys, db)
