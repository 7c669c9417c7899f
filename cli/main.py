"""The command's root: finds the sub-command, prints errors, sets exit codes."""

from __future__ import annotations

import errno
import importlib
import io
import os
import sys
import textwrap
from importlib.metadata import version
from typing import Any, Final

import click

from ..schemas.errors import CannotWrite, EarwitnessError

__all__ = ["EXIT_CODES", "GROUPS", "main"]

GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "Capture": ("record", "import"),
    "Look": ("list", "show", "transcript", "audio", "tail"),
    "Test": ("replay", "drive", "diff"),
    "Hand over": ("export",),
    "Trust": ("check", "verify"),
    "Care": ("db", "demo"),
}
"""The commands by what they are for, in the order of ``--help``. Each is in a module of its own name."""

COMMANDS: Final = tuple(name for names in GROUPS.values() for name in names)
_MODULES: Final = {"import": "import_", "list": "list_"}
"""Modules and objects that cannot be called like their command, because Python uses the name."""

EXIT_INTERRUPTED: Final = 130
"""128 + SIGINT, as shells count."""

EXIT_CODES: Final[dict[int, str]] = {
    0: "Success; the answer is yes.",
    1: "The answer is no: something differs, diverged or is damaged.",
    2: "Wrong command line.",
    3: "Impossible request: unknown session or position, file exists.",
    4: "Network: upstream unreachable or refusing, address in use.",
    5: "Journal: missing, in use, too new, damaged, disk full.",
    6: "File: not recognised, damaged, not writable.",
    7: "Nothing to compare: the answer is not known.",
    EXIT_INTERRUPTED: "Interrupted.",
}

_OUTPUT_FAILS: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})


class Root(click.Group):
    """A group that imports a command's module when the command is used, so that ``--help`` and errors are quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order of their groups."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; None for an unknown name."""
        if cmd_name not in COMMANDS:
            return None
        name = _MODULES.get(cmd_name, cmd_name)
        return getattr(importlib.import_module(f".{name}", __package__), name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command as click does; for an unknown name, suggest the nearest."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            if near:
                ctx.fail(f"No such command {args[0]!r}. Did you mean {near[0]!r}?")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands in their groups, in one column throughout."""
        longest = max(map(len, COMMANDS))
        for group, names in GROUPS.items():
            commands = [(name, self.get_command(ctx, name)) for name in names]
            with formatter.section(group):
                formatter.write_dl(
                    [
                        (name.ljust(longest), command.get_short_help_str(formatter.width - longest - 6))
                        for name, command in commands
                        if command is not None
                    ]
                )

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the exit codes."""
        with formatter.section("Exit codes"):
            formatter.write_dl([(f"{code:>3}", meaning) for code, meaning in EXIT_CODES.items()])


@click.group(cls=Root, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(version("earwitness"), prog_name="earwitness")
def cli() -> None:
    """Record what a realtime voice agent really heard and said, and play it back.

    SESSION is a session's id, the beginning of its id, 'latest', or a cassette file; '-' reads a cassette from
    standard input. The journal is --db, else $EARWITNESS_DB, else ./earwitness.db.

    \b
    Examples:
        earwitness demo                          try it, no network needed
        earwitness record --upstream openai      record your own agent
    """


def main(args: list[str] | None = None) -> None:
    """Run the command, and end the process with its exit code."""
    _escape_what_cannot_be_encoded()
    try:
        # https://no-color.org: set and not empty.
        color = False if os.environ.get("NO_COLOR") else None
        code = cli.main(args=args, prog_name="earwitness", standalone_mode=False, color=color)
        click.echo(nl=False)  # flushes: an output that cannot be written is noticed here
        sys.exit(code if isinstance(code, int) else 0)
    except EarwitnessError as error:
        _print_error(error)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output (`head`, a closed pager) has what it wanted.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        if error.errno not in _OUTPUT_FAILS:
            raise
        # What is still buffered would be tried, and fail, once more at the interpreter's end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        failed = CannotWrite(f"the output cannot be written: {error.strerror}", hint="Is there space where it goes?")
        _print_error(failed)
        sys.exit(failed.exit_code)


def _escape_what_cannot_be_encoded() -> None:
    """Let standard output take any text, as standard error does: characters that its encoding lacks are escaped."""
    stream: Any = sys.stdout
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")


def _print_error(error: EarwitnessError) -> None:
    """Print an error as one paragraph."""
    from ..replay.show.terminal import visible
    from .common import is_terminal

    terminal = is_terminal(sys.stderr)
    name = "earwitness:" if os.environ.get("NO_COLOR") else click.style("earwitness:", fg="red")
    text = textwrap.fill(
        f"{name} {visible(str(error))}", 100 if terminal else 10_000, break_long_words=False, break_on_hyphens=False
    )
    click.echo(text, err=True)
