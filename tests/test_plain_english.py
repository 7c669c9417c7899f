"""The text is plain English: phrases that were once used here, and read as translated, do not come back."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[1]

SCANNED: Final = (
    "earwitness",
    "cli",
    "schemas",
    "recorder",
    "replay",
    "migrations",
    "docs",
    "README.md",
    "CONTRIBUTING.md",
)
"""Folders and files whose text is checked."""

PHRASES: Final = {
    # what is wrong: what to write
    r"(?-i:\bis none\b)": "is not one, or: if there is none, say None",
    r"where there (is|are|was|were) none\b": "if it has none",
    r"(?<!there\s)\bis no (cassette|command|error|event|file|integer|journal|json|list|number|place|range)\b": (
        "is not a …"
    ),
    r"(?<!there\s)\bis no (record|recording|text|time|track|trouble|word)\b": "is not a …",
    r"\bare no (records|frames|events|lists|numbers)\b(?= (but|,|that))": "are not …",
    r"\b(lies?|stands?) behind\b": "follows, or: is after",
    r"the two mean the same": "No differences",
    r"triggered because": "Trigger",
    r"let (in|up|out) only": "accept only, forward only",
    r"paths that begin so": "paths starting with PREFIX",
    r"\b\d+ beyond\b": "larger … close with 1009",
    r"types are paired": "compare event types only",
    r"no close on record": "still open at this point",
    r"(laid|lays?|laying) (\w+ ){0,3}out for playing": "planned",
    r"(can|could) ?not be had\b": "is not available, cannot be fetched",
    r"had back\b": "undone",
    r"\b(is|are|was|were) told (of|how|each|when|what)\b": "is called with, gets",
    r"\btells? of\b": "reports",
    r"\b(one|two) a line\b": "one per line",
    r"off the (records?|frames?|wire) again": "from the records",
    r"\banew\b": "again",
    r"\bput right\b": "corrected",
    r"\bfor ever\b": "forever, always",
    r"\bas told\b": "as configured",
    r"what (comes|came) of\b": "the result",
    r"\blie (further )?apart\b": "differ",
    r"what lies (before|behind|between)\b": "what is before",
    r"\bhad died\b": "died",
}
"""Regular expressions, without regard to case and line breaks, and what to write instead."""

NAMES: Final = ("_deaf_to", "_flying_bytes", "_print_anything")
"""Names that only their author understood."""


def scanned(ending: str) -> list[Path]:
    found: list[Path] = []
    for name in SCANNED:
        path = ROOT / name
        found += sorted(path.rglob(f"*{ending}")) if path.is_dir() else [path] * path.name.endswith(ending)
    return found


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """Line and text of every string in a module, docstrings included; or the whole page."""
    source = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        yield 1, source
        return
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


def where(path: Path, line: int, text: str, at: int) -> str:
    return f"{path.relative_to(ROOT)}:{line + text[:at].count(chr(10))}"


def pattern(phrase: str) -> re.Pattern[str]:
    return re.compile(phrase.replace(" ", r"\s+"), re.IGNORECASE)


@pytest.mark.parametrize("phrase", PHRASES)
def test_a_phrase_is_no_longer_used(phrase: str) -> None:
    found = [
        f"{where(path, line, text, hit.start())}: {' '.join(hit[0].split())!r}"
        for path in (*scanned(".py"), *scanned(".md"))
        for line, text in texts(path)
        for hit in pattern(phrase).finditer(text)
    ]
    assert found == [], f"write: {PHRASES[phrase]}"


def test_a_docstring_says_what_is_returned_instead_of_giving_it() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in scanned(".py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and re.match(r"gives?\b", ast.get_docstring(node) or "", re.IGNORECASE)
    ]
    assert found == []


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_no_longer_used(name: str) -> None:
    modules = [path for path in scanned(".py") if name in path.read_text(encoding="utf-8")]
    assert modules == []


def test_the_phrases_are_found_where_they_are_used() -> None:
    old = "It is no journal. Exits with 0 where the two mean the same. off: types are\npaired. Bytes; 1009 beyond."
    assert sum(bool(pattern(phrase).search(old)) for phrase in PHRASES) == 4
    assert not any(pattern(phrase).search("There is no journal here.") for phrase in PHRASES)
