"""The page on the architecture names what exists, and its picture shows what the page lists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs.generators.architecture_picture import picture
from docs.generators.trips import TRIPS

ROOT = Path(__file__).resolve().parents[2]
PATH = re.compile(r"`((?:schemas|recorder|replay|migrations|cli|tests|bench|docs)/[\w./]*)`")


@pytest.mark.parametrize("page", ["docs/architecture.md", "CONTRIBUTING.md"])
def test_every_path_that_a_page_names_exists(page: str) -> None:
    named = PATH.findall((ROOT / page).read_text(encoding="utf-8"))
    assert named
    assert [path for path in named if not ((ROOT / path).exists() or (ROOT / f"{path}.py").is_file())] == []


def test_the_picture_shows_every_stage_and_module() -> None:
    shown = re.findall(r"<text[^>]*>([^<]*)</text>", picture())
    for trip in TRIPS:
        assert trip.title in shown
        for stage in trip.stages:
            assert stage.name in shown
            assert {module.rpartition("/")[2] for module in stage.modules} <= set(shown)
