"""A command loads what it uses, and no more: most of its start is imports."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from earwitness.recorder import import_files
from earwitness.testing import bundled_path

PROGRAM = """
import sys
from earwitness.cli import main
try:
    main(sys.argv[1:])
finally:
    print("loaded", *sys.modules, file=sys.stderr)
"""


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("startup") / "calls.db"
    asyncio.run(import_files(str(path), [bundled_path()]))
    return path


@pytest.mark.parametrize(
    ("command", "unused"),
    [
        ("list", "alembic numpy pydantic soxr sqlalchemy websockets zstandard"),
        ("show latest", "alembic pydantic soxr sqlalchemy websockets"),
        ("show FILE", "aiosqlite alembic soxr sqlalchemy websockets zstandard"),
        ("check FILE", "aiosqlite alembic soxr sqlalchemy websockets zstandard"),
        ("diff FILE FILE", "aiosqlite alembic jinja2 soundfile soxr sqlalchemy websockets zstandard"),
        ("transcript latest", "alembic jinja2 soundfile sqlalchemy websockets"),
        ("verify", "alembic pydantic soxr sqlalchemy websockets"),
        ("export latest -o -", "alembic soxr sqlalchemy websockets"),
        ("replay --help", "aiosqlite numpy pydantic sqlalchemy websockets"),
        ("record --help", "aiosqlite numpy pydantic sqlalchemy websockets"),
    ],
)
def test_a_command_starts_without_what_it_does_not_use(command: str, unused: str, db: Path) -> None:
    words = [str(bundled_path()) if word == "FILE" else word for word in command.split()]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words, "--db", str(db)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    loaded = set(done.stderr.rpartition("loaded ")[2].split())
    assert "click" in loaded
    assert sorted(loaded & set(unused.split())) == []
