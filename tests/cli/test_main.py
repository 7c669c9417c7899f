"""The command's root: help, exit codes, and the promise that every command is documented."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest
from earwitness.cli.main import COMMANDS, cli

from tests.cli.command import Command


def all_commands() -> list[tuple[str, click.Command]]:
    found: list[tuple[str, click.Command]] = []
    context = click.Context(cli)
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command is not None
        found.append((name, command))
        if isinstance(command, click.Group):
            found += [(f"{name} {sub}", command.commands[sub]) for sub in command.commands]
    return found


@pytest.mark.parametrize(("name", "command"), all_commands(), ids=lambda value: value if isinstance(value, str) else "")
def test_every_command_has_a_sentence_an_example_and_explained_options(name: str, command: click.Command) -> None:
    text = command.help or ""
    assert "\\b" not in text, "a raw docstring: click needs the character itself"
    assert text.split("\n")[0].endswith((".", ":")) or "." in text
    if not isinstance(command, click.Group):
        assert f"earwitness {name}" in text, "its help has no example"
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help or isinstance(parameter.type, click.Choice) or parameter.hidden, parameter.name


def test_help_lists_every_command(earwitness: Command) -> None:
    out = earwitness.ok("--help").out
    for name in COMMANDS:
        assert f"\n  {name} " in out
    assert "Exit codes" in out


def test_a_wrong_command_line_is_code_2_and_names_the_nearest(earwitness: Command) -> None:
    done = earwitness("lst")
    assert done.code == 2
    assert "Did you mean 'list'?" in done.err
    assert earwitness("show").code == 2
    assert earwitness("export", "x", "--format", "song", "-o", "y").code == 2


def test_the_version_is_the_installed_one(earwitness: Command) -> None:
    from importlib.metadata import version

    assert version("earwitness") in earwitness.ok("--version").out


def run_in_shell(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = f"{sys.executable} -m earwitness.cli {script}"
    return subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=folder, timeout=60)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("command", ["show {} --events", "transcript {}"])
def test_output_that_cannot_be_written_is_one_paragraph_and_code_6(tmp_path: Path, command: str) -> None:
    from earwitness.replay.open import bundled_path

    done = run_in_shell(f"{command.format(bundled_path())} >/dev/full", tmp_path)
    assert done.returncode == 6
    assert done.stderr.startswith("earwitness: the output cannot be written: No space left on device.")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("command", "code"),
    [("transcript {} >&-", 0), ("transcript {} --format html >&-", 0), ("show none.ndjson 2>&-", 6)],
)
def test_a_closed_standard_stream_is_no_trouble(tmp_path: Path, command: str, code: int) -> None:
    from earwitness.replay.open import bundled_path

    done = run_in_shell(command.format(bundled_path()), tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (code, "", "")


def test_output_is_escaped_where_its_encoding_lacks_a_character(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from earwitness.replay.open import bundled_path

    monkeypatch.setenv("PYTHONIOENCODING", "latin-1")
    done = run_in_shell(f"show {bundled_path()}", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "\\u201cHi there." in done.stdout


def test_a_reader_that_closes_early_is_no_error(tmp_path: Path) -> None:
    from earwitness.replay.open import bundled_path

    done = run_in_shell(f"show {bundled_path()} --events | head -1; exit ${{PIPESTATUS[0]}}", tmp_path)
    assert done.stdout.split()[0] == "seq"
    assert "Traceback" not in done.stderr
    assert done.returncode == 0
