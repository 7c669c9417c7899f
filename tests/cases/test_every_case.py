"""Every case is held by a test that names it, and every file of a case has a right value."""

from __future__ import annotations

from pathlib import Path

from tests import cases

DATA = Path(__file__).with_name("data")
OUTSIDE = {"openai_no_item.jsonl"}
"""A real capture: its words are not ours to ship."""


def test_a_test_names_every_case() -> None:
    assert cases.CASES.keys() - cases.tests_of().keys() == set()


def test_every_case_has_its_file() -> None:
    assert {path.name.removesuffix(".gz") for path in DATA.iterdir()} == cases.CASES.keys() - OUTSIDE
