"""The cases: small inputs with their right values, written down before they were tried.

Most follow public reports about other projects: shapes and orders of events, with invented words. The others are
synthetic calls, whose sound is one constant sample value for each item. A test names the case that it holds;
:func:`tests_of` finds it by that name.
"""

from __future__ import annotations

import ast
import gzip
from collections import defaultdict
from pathlib import Path
from typing import Final

import pytest
from earwitness.recorder.importing import read_file
from earwitness.replay.fold import fold
from earwitness.schemas.recording import MemoryRecording
from earwitness.schemas.state import Conversation

from .right_values import CASES, Case

__all__ = ["CASES", "Case", "case_file", "case_recording", "case_state", "tests_of"]

_HERE: Final = Path(__file__).resolve().parent
_DATA: Final = _HERE / "data"
_OUTSIDE: Final = _HERE.parents[2] / "shared" / "cases"


def case_file(name: str, folder: Path) -> Path:
    """Write a case into a folder, as a user would have it, and return the file.

    A case with real words is not in the repository: the test is skipped where it does not lie beside the checkout.
    """
    packed, outside, file = _DATA / f"{name}.gz", _OUTSIDE / name, folder / name
    if packed.is_file():
        file.write_bytes(gzip.decompress(packed.read_bytes()))
    elif outside.is_file():
        file.write_bytes(outside.read_bytes())
    else:
        pytest.skip(f"{name} is a real capture, kept beside a checkout only")
    return file


def case_recording(name: str, folder: Path) -> MemoryRecording:
    """Read the one session of a case."""
    (session,) = read_file(case_file(name, folder))
    return session.recording(name.partition(".")[0])


def case_state(name: str, folder: Path) -> Conversation:
    """Fold the one session of a case."""
    return fold(case_recording(name, folder).frames)


def tests_of() -> dict[str, list[str]]:
    """Return, by case, the tests that name it: ``file::function``."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for path in sorted(_HERE.parent.rglob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        if not any(name in text for name in CASES):
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                named = {leaf.value for leaf in ast.walk(node) if isinstance(leaf, ast.Constant)}
                for name in named & CASES.keys():
                    found[str(name)].append(f"{path.relative_to(_HERE.parent).as_posix()}::{node.name}")
    return dict(found)
