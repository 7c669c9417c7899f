"""A command on a journal of its own."""

from __future__ import annotations

import io
from collections.abc import Callable
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


@pytest.fixture
def standard_input(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], None]:
    """Put bytes on standard input."""

    def put(data: bytes) -> None:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))

    return put
