"""The rules that keep the tree readable: sizes, names, imports. Which way imports may point, `make lint` checks."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("schemas", "recorder", "replay", "migrations", "cli")
FOLDERS = (*PARTS, "earwitness")
PRODUCT = {path: path.read_text(encoding="utf-8") for each in FOLDERS for path in sorted((ROOT / each).rglob("*.py"))}
TESTS = {path: path.read_text(encoding="utf-8") for path in sorted((ROOT / "tests").rglob("*.py"))}
TREES = {path: ast.parse(text) for path, text in PRODUCT.items()}

LONGEST_FILE = 400
LONGEST_FUNCTION = 60

LONG_FILES: set[str] = {
    "check.py",
    "diff.py",
    "export.py",
    "scrub.py",
    "test_scrub.py",
    "make_demo_conversation.py",  # a script, most of it the conversation itself
}
"""Names of files that are still to be divided."""

LONG_FUNCTIONS: set[str] = {"audio.py audio"}
"""Functions that are still to be divided."""

CIRCLES: set[tuple[str, str]] = set()
"""Imports (from, to) that still close a circle."""


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def installed(path: Path) -> str:
    """The name under which a module is imported."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts if parts[0] == "earwitness" else ("earwitness", *parts))


def test_no_file_is_too_long() -> None:
    lengths = {path: len(text.splitlines()) for path, text in (PRODUCT | TESTS).items()}
    assert {named(path): n for path, n in lengths.items() if n > LONGEST_FILE and path.name not in LONG_FILES} == {}


def test_no_function_is_too_long() -> None:
    lengths = {
        f"{path.name} {node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {name: n for name, n in lengths.items() if n > LONGEST_FUNCTION and name not in LONG_FUNCTIONS} == {}


@pytest.mark.parametrize("part", PARTS)
def test_no_two_modules_of_a_part_have_one_name(part: str) -> None:
    names = Counter(path.name for path in PRODUCT if (ROOT / part) in path.parents and path.name != "__init__.py")
    assert [name for name, count in names.items() if count > 1] == []


def test_every_folder_with_modules_says_what_it_is_for() -> None:
    silent = [
        folder for folder in {path.parent for path in PRODUCT} if not ast.get_docstring(TREES[folder / "__init__.py"])
    ]
    assert silent == []


MODULES = {installed(path).removesuffix(".__init__"): path for path in PRODUCT}


def imports(path: Path) -> Iterator[str]:
    """What a module imports relatively, wherever in it the import stands."""
    package = installed(path).split(".")[:-1]
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1] + (node.module.split(".") if node.module else [])
            for alias in node.names:
                whole = ".".join([*base, alias.name])
                yield whole if whole in MODULES else ".".join(base)


def test_no_import_closes_a_circle() -> None:
    graph = {
        name: {target for target in imports(path) if target != name and (name, target) not in CIRCLES}
        for name, path in MODULES.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"each imports the next: {' <- '.join(error.args[1])}")


def test_imports_between_our_modules_are_relative_and_lead_to_one() -> None:
    """Not in `migrations/`, which Alembic loads under another name, and in `earwitness/`, where the parts are not."""
    wrong: list[str] = []
    for path, tree in TREES.items():
        if named(path).startswith(("migrations/", "earwitness/")):
            continue
        wrong += [f"{named(path)}: {target}" for target in imports(path) if target not in MODULES]
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            wrong += [f"{named(path)}: {name}" for name in names if name.split(".")[0] in ("earwitness", *PARTS)]
    assert wrong == []
