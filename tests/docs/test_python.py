"""The programs of docs/python.md run as they stand, and print what the page shows."""

from __future__ import annotations

import asyncio
import importlib
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from earwitness.recorder import import_files
from earwitness.testing import bundled_path

DOCS = Path(__file__).resolve().parents[2] / "docs"
EXAMPLE = DOCS / "examples" / "weather"
SECTION = re.compile(r"^## (.*?)$(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
BLOCKS = re.compile(r"^```python\n(.*?)^```$(?:\n\n^```\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)

PROGRAMS = {
    title: (program, shown)
    for title, section in SECTION.findall((DOCS / "python.md").read_text(encoding="utf-8"))
    for program, shown in BLOCKS.findall(section)
}


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("journal") / "calls.db"
    asyncio.run(import_files(str(path), [bundled_path()]))
    return path.read_bytes()


@pytest.fixture
def beside(journal: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what the page says is there."""
    call = bundled_path().read_text(encoding="utf-8")
    (tmp_path / "calls.db").write_bytes(journal)
    (tmp_path / "yesterday.ndjson").write_text(call, encoding="utf-8")
    (tmp_path / "today.ndjson").write_text(call.replace("about three in", "about four in"), encoding="utf-8")
    (tmp_path / "weather.ndjson").write_bytes((EXAMPLE / "cassettes" / "weather.ndjson").read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(EXAMPLE)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return tmp_path


def matches(shown: str, printed: str) -> bool:
    """Whether lines are those printed; a line that is ``…`` stands for any, and one that ends so for its beginning."""
    lines = [
        r"(?s:.*\n)??" if line == "…" else re.escape(line.removesuffix("…")) + (".*\n" if line.endswith("…") else "\n")
        for line in shown.splitlines()
    ]
    return re.fullmatch("".join(lines), printed) is not None


@pytest.mark.parametrize("title", PROGRAMS)
def test_a_program_of_the_page_runs_and_prints_what_it_shows(
    title: str, beside: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program, shown = PROGRAMS[title]
    names: dict[str, Any] = {"__name__": "__main__"}
    try:
        exec(compile(program, title, "exec"), names)
        for test in [value for name, value in names.items() if name.startswith("test_")]:
            test()
    finally:
        sys.modules.pop("agent", None)
    printed = capsys.readouterr().out
    assert matches(shown, printed), printed


def test_the_parts_export_what_the_page_says_of_them() -> None:
    rows = re.findall(r"^\| `(earwitness\.\w+)` \| (.*) \|$", (DOCS / "python.md").read_text(), re.MULTILINE)
    assert [name for name, _ in rows] == ["earwitness.schemas", "earwitness.recorder", "earwitness.replay"]
    for name, cell in rows:
        assert set(re.findall(r"`(\w+)", cell)) <= set(importlib.import_module(name).__all__)


def test_the_page_has_ten_programs_and_says_what_they_leave(beside: Path) -> None:
    assert len(PROGRAMS) == 10
    assert [title for title, (program, shown) in PROGRAMS.items() if not shown and "def test_" not in program] == []
