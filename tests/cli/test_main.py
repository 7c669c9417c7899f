"""The command's root: help, exit codes, and the promise that every command is documented."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import click
import pytest
from earwitness.cli.main import EXIT_CODES, GROUPS, cli
from earwitness.schemas.errors import FileError, PeerError, RequestError, StoreError

from tests.cli.command import Command
from tests.cli.processes import EARWITNESS, ENVIRONMENT, run_in_shell


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


def test_help_lists_every_command_in_its_group_on_one_line(
    earwitness: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    out = earwitness.ok("--help").out
    for group, names in GROUPS.items():
        lines = out.partition(f"\n{group}:\n")[2].partition("\n\n")[0].split("\n")
        assert [line.split()[0] for line in lines] == list(names)
        assert not [line for line in lines if line.endswith("...")], "its first sentence is too long"


def test_help_lists_every_exit_code(earwitness: Command) -> None:
    codes = {error.exit_code for error in (RequestError, PeerError, StoreError, FileError)}
    assert codes < set(EXIT_CODES)
    out = earwitness.ok("--help").out.partition("Exit codes:\n")[2]
    assert [int(line.split()[0]) for line in out.splitlines()] == list(EXIT_CODES)


def test_help_loads_no_heavy_module() -> None:
    code = (
        "import sys; from earwitness.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print([m for m in ('sqlalchemy', 'numpy', 'websockets', 'alembic', 'pydantic') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes_commands(tmp_path: Path, shell: str) -> None:
    words = {"COMP_WORDS": "earwitness tra", "COMP_CWORD": "tra" if shell == "fish" else "1"}
    done = run_in_shell("", tmp_path, _EARWITNESS_COMPLETE=f"{shell}_complete", **words)
    assert "transcript" in done.stdout
    assert "tail" not in done.stdout


@pytest.mark.parametrize(("variables", "coloured"), [({}, True), ({"NO_COLOR": ""}, True), ({"NO_COLOR": "1"}, False)])
def test_colour_is_for_terminals_that_want_it(tmp_path: Path, variables: dict[str, str], coloured: bool) -> None:
    master, terminal = pty.openpty()
    command = [*EARWITNESS, "show", "none.ndjson"]
    subprocess.run(command, stderr=terminal, cwd=tmp_path, env={**ENVIRONMENT, **variables}, check=False)
    os.close(terminal)
    assert os.read(master, 1000).startswith(b"\x1b[31mearwitness:\x1b[0m" if coloured else b"earwitness:")
    os.close(master)


def test_there_is_no_colour_in_a_pipe(tmp_path: Path) -> None:
    assert run_in_shell("show none.ndjson", tmp_path).stderr.startswith("earwitness: ")


def test_a_wrong_command_line_is_code_2_and_names_the_nearest(earwitness: Command) -> None:
    done = earwitness("lst")
    assert done.code == 2
    assert "Did you mean 'list'?" in done.err
    assert earwitness("show").code == 2
    assert earwitness("export", "x", "--format", "song", "-o", "y").code == 2


def test_the_version_is_the_installed_one(earwitness: Command) -> None:
    from importlib.metadata import version

    assert version("earwitness") in earwitness.ok("--version").out


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
def test_a_closed_standard_stream_does_no_harm(tmp_path: Path, command: str, code: int) -> None:
    from earwitness.replay.open import bundled_path

    done = run_in_shell(command.format(bundled_path()), tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (code, "", "")


def test_output_is_escaped_where_its_encoding_lacks_a_character(tmp_path: Path) -> None:
    from earwitness.replay.open import bundled_path

    done = run_in_shell(f"show {bundled_path()}", tmp_path, PYTHONIOENCODING="latin-1")
    assert done.returncode == 0, done.stderr
    assert "\\u201cHi there." in done.stdout


def test_a_reader_that_closes_early_is_not_an_error(tmp_path: Path) -> None:
    from earwitness.replay.open import bundled_path

    done = run_in_shell(f"show {bundled_path()} --events | head -1; exit ${{PIPESTATUS[0]}}", tmp_path)
    assert done.stdout.split()[0] == "seq"
    assert "Traceback" not in done.stderr
    assert done.returncode == 0
