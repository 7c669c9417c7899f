"""The excerpts in docs/exporting.md are what the commands print."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from earwitness.replay.open import bundled_recording
from earwitness.replay.transcript.write import FORMATS, export_transcript

PAGE = Path(__file__).resolve().parents[2] / "docs" / "exporting.md"
EXCERPT = re.compile(r"^```\w+\n\$ (earwitness transcript [^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def excerpts() -> list[tuple[str, str]]:
    """Format and lines of every excerpt of a transcript."""
    found: list[tuple[str, str]] = []
    for command, lines in EXCERPT.findall(PAGE.read_text(encoding="utf-8")):
        words = shlex.split(command)
        found.append((words[words.index("--format") + 1] if "--format" in words else "text", lines))
    return found


@pytest.mark.parametrize(("form", "lines"), excerpts(), ids=lambda value: value if value in FORMATS else "")
async def test_an_excerpt_is_what_the_command_prints(form: str, lines: str) -> None:
    printed = iter((await export_transcript(bundled_recording(), form)).data.decode().splitlines())
    for line in filter(lambda line: line != "…", lines.splitlines()):
        cut = line.removesuffix("…")
        assert any(each == line or (cut != line and each.startswith(cut)) for each in printed), line


def test_every_format_has_its_example() -> None:
    text = PAGE.read_text(encoding="utf-8")
    shown = {form for form, _ in excerpts()}
    assert shown == {"text", "markdown", "jsonl", "csv", "srt", "vtt"}
    for form in set(FORMATS) - shown:
        assert f"-o call.{form}" in text


def test_every_picture_is_there() -> None:
    pictures = re.findall(r"\]\((pictures/[\w.-]+)\)", PAGE.read_text(encoding="utf-8"))
    assert len(pictures) == 3
    assert all((PAGE.parent / picture).stat().st_size < 200_000 for picture in pictures)
