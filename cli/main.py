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

__all__ = ["COMMANDS", "main"]

COMMANDS: Final[dict[str, str]] = {
    "record": ".record",
    "list": ".sessions:list_command",
    "show": ".sessions:show",
    "tail": ".tail",
    "transcript": ".transcript",
    "audio": ".audio",
    "check": ".check",
    "verify": ".verify",
    "replay": ".replay",
    "diff": ".diff",
    "drive": ".drive",
    "import": ".files:import_command",
    "export": ".files:export",
    "db": ".db",
    "demo": ".demo",
}
"""Each command's module and, after the colon, its object where that is not called like the command."""

EXIT_INTERRUPTED: Final = 130
"""128 + SIGINT, as shells count."""
_OUTPUT_FAILS: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})


class Root(click.Group):
    """A group that imports a command's module when the command is used, so that ``--help`` and errors are quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the table: first what a new user needs first."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and give a command; None where there is none of that name."""
        place = COMMANDS.get(cmd_name)
        if place is None:
            return None
        module, _, attribute = place.partition(":")
        return getattr(importlib.import_module(module, __package__), attribute or cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, naming the nearest command where there is none of that name."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            if near:
                ctx.fail(f"No such command {args[0]!r}. Did you mean {near[0]!r}?")
        return super().resolve_command(ctx, args)


@click.group(
    cls=Root,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=(
        "Exit codes: 0 done; 1 the answer is no (verify, diff, check, replay found a difference); "
        "2 wrong command line; 3 the request cannot be met; 4 the other side of a socket; 5 the journal; 6 a file; "
        "130 interrupted."
    ),
)
@click.version_option(version("earwitness"), prog_name="earwitness")
def cli() -> None:
    """Record what a realtime voice agent really heard and said, and play it back.

    SESSION is a public id, a unique prefix of one, 'latest', or the path of a cassette. The database is --db, else
    $EARWITNESS_DB, else ./earwitness.db.

    \b
    Try it with no network:     earwitness demo
    Record your own agent:      earwitness record --upstream openai
    """


def main(args: list[str] | None = None) -> None:
    """Run the command; the process ends with its exit code."""
    _print_anything()
    try:
        code = cli.main(args=args, prog_name="earwitness", standalone_mode=False)
        click.echo(nl=False)  # flushes: an output that cannot be written is told here
        sys.exit(code if isinstance(code, int) else 0)
    except EarwitnessError as error:
        _complain(error)
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
        _complain(failed)
        sys.exit(failed.exit_code)


def _print_anything() -> None:
    """Let standard output take any text: what its encoding lacks is escaped, as on standard error."""
    stream: Any = sys.stdout
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")


def _complain(error: EarwitnessError) -> None:
    """Print an error as one paragraph."""
    from .common import is_terminal

    text = f"{click.style('earwitness:', fg='red')} {error}"
    width = 100 if is_terminal(sys.stderr) else 10_000
    click.echo(textwrap.fill(text, width, break_long_words=False, break_on_hyphens=False), err=True)
