"""What the README shows is what the program does."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest
from earwitness.cli.main import cli
from earwitness.replay.fold import fold_recording
from earwitness.replay.open import bundled_recording
from earwitness.replay.transcript.lines import transcribe

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


async def test_the_readme_shows_the_real_transcript() -> None:
    shown = [line for line in (ROOT / "README.md").read_text().split("\n") if re.match(r"\d\d:\d\d\.\d{3}  ", line)]
    assert len(shown) == 6
    real = transcribe(await fold_recording(bundled_recording()), "heard").text().split("\n")
    for line in shown:
        assert any(each.startswith(line.rstrip("…")) for each in real), line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def commands_in(page: Path) -> list[str]:
    """The command lines in a page's code blocks: those that begin with ``earwitness``, with or without a prompt."""
    blocks = re.findall(r"^```(?:\w+)?\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
    lines = [line.strip() for block in blocks for line in block.replace("\\\n", " ").split("\n")]
    return [line.removeprefix("$ ") for line in lines if re.match(r"(\$ )?earwitness [a-z]", line)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_and_option_that_a_page_names_exists(page: Path) -> None:
    for line in commands_in(page):
        words = shlex.split(line, comments=True)[1:]
        words = words[: words.index("--")] if "--" in words else words
        words = [re.split(r"[|>;]", word)[0] for word in words]
        command: click.Command = cli
        while isinstance(command, click.Group):
            found = command.get_command(click.Context(command), words[0]) if words else None
            assert found is not None, line
            command, words = found, words[1:]
        known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
        known |= {"--help", "-h"}
        for word in words:
            if word.startswith("-") and word != "-":
                assert word.split("=")[0] in known, f"{line}: {word}"
