"""Documentation and examples name nothing but what the front door and the three parts export."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "docs" / "examples").rglob("*.py")),
]
PACKAGES = ("", ".aio", ".testing", ".schemas", ".recorder", ".replay")
PUBLIC = {f"earwitness{name}": set(importlib.import_module(f"earwitness{name}").__all__) for name in PACKAGES}
IMPORT = re.compile(r"^ *from (earwitness[\w.]*) import (\([^)]*\)|.*)$", re.MULTILINE)
DOTTED = re.compile(r"(?<![\w/.-])earwitness(?:\.[A-Za-z_]\w*)+")
MODULES = {name.rpartition(".")[2] for name in PUBLIC if "." in name}


def names_in(text: str) -> Iterator[tuple[str, str]]:
    """Module and name of each import and each dotted name; the name is empty for a module alone."""
    for found in IMPORT.finditer(text):
        (node,) = ast.parse(found[0].strip()).body
        assert isinstance(node, ast.ImportFrom)
        for alias in node.names:
            yield found[1], "" if found[1] == "earwitness" and alias.name in MODULES else alias.name
    for dotted in DOTTED.findall(IMPORT.sub("", text)):
        if dotted.split(".")[1] == "db":  # the journal's default file
            continue
        module = max((name for name in PUBLIC if f"{dotted}.".startswith(f"{name}.")), key=len)
        yield module, dotted.removeprefix(module).lstrip(".").partition(".")[0]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_page_names_only_what_is_public(page: Path) -> None:
    for module, name in names_in(page.read_text(encoding="utf-8")):
        assert not name or name in PUBLIC.get(module, ()), f"{module}: {name}"


def test_private_names_are_noticed_however_they_are_written() -> None:
    text = """
    from earwitness.replay.fold import fold_recording
    from earwitness.replay import (
        fold_recording, Folder)
    from earwitness import aio, open
    `earwitness.schemas.statements.OpenStatement` in ./earwitness.db; earwitness.aio.open("earwitness.db")
    """
    assert list(names_in(text)) == [
        ("earwitness.replay.fold", "fold_recording"),
        ("earwitness.replay", "fold_recording"),
        ("earwitness.replay", "Folder"),
        ("earwitness", ""),
        ("earwitness", "open"),
        ("earwitness.schemas", "statements"),
        ("earwitness.aio", "open"),
    ]
