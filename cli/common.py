"""What several commands share: options, arguments, standard input and output, JSON, tables."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar, cast

import click

if TYPE_CHECKING:
    from ..replay.audio.cuts import Choice

__all__ = [
    "DEFAULT_DB",
    "as_written",
    "coroutine",
    "db_option",
    "emit_json",
    "emit_json_line",
    "exit_code",
    "force_option",
    "is_dash",
    "is_terminal",
    "json_option",
    "key_from_environment",
    "or_standard_input",
    "output_option",
    "playback_choice",
    "playback_options",
    "progress_stream",
    "read_dash",
    "reveal_option",
    "say",
    "session_argument",
    "session_arguments",
    "speed_option",
    "table",
    "write_to",
]

P = ParamSpec("P")
R = TypeVar("R")

DEFAULT_DB: Final = "earwitness.db"


def is_dash(path: object) -> bool:
    """Whether a file's name means standard input or standard output."""
    return str(path) == "-"


def or_standard_input(ctx: click.Context, name: Any) -> Any:
    """Return a file's name, or for ``-`` that of a file with what comes on standard input."""
    # Shell completion parses a command line without running it.
    return type(name)(_standard_input(ctx)) if is_dash(name) and not ctx.resilient_parsing else name


def read_dash(ctx: click.Context, _: click.Parameter, value: Any) -> Any:
    """Read ``-`` as standard input, in an argument that takes one name or several: a click callback."""
    if isinstance(value, tuple):
        return tuple(or_standard_input(ctx, each) for each in cast("tuple[Any, ...]", value))
    return or_standard_input(ctx, value)


def _standard_input(ctx: click.Context) -> Path:
    """Copy standard input to a temporary file that lasts as long as the command; a second ``-`` means the same."""
    found: Path | None = ctx.meta.get(__name__)
    if found is None:
        if sys.stdin is None:
            raise click.UsageError("Standard input is closed.", ctx)
        found = Path(ctx.with_resource(TemporaryDirectory(prefix="earwitness-"))) / "stdin"
        with found.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        ctx.meta[__name__] = found
    return found


def as_written(path: Path) -> str:
    """Return a file's name as the user wrote it: ``-`` for standard input."""
    return "-" if path == click.get_current_context().meta.get(__name__) else str(path)


def key_from_environment(option: str, name: str) -> str:
    """Return the key in an environment variable.

    Args:
        option: the option that named the variable.
        name: the variable.

    Raises:
        click.UsageError: it is not set, or empty.
    """
    key = os.environ.get(name, "").strip()
    if not key:
        raise click.UsageError(f"{option}: the environment variable {name} is not set.")
    return key


db_option = click.option(
    "--db",
    envvar="EARWITNESS_DB",
    show_envvar=True,
    default=DEFAULT_DB,
    show_default=True,
    metavar="PATH_OR_URL",
    help="The journal: an SQLite file, or an SQLAlchemy URL.",
)
speed_option = click.option(
    "--speed",
    default="1",
    show_default=True,
    metavar="N|max",
    help="Play N recorded seconds per second; max does not wait.",
)
reveal_option = click.option(
    "--reveal",
    type=click.Choice(["dtmf"]),
    multiple=True,
    help="Show what is hidden: dtmf, the keys that the caller pressed (card numbers and PINs), which are • otherwise.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON; docs/json.md lists the fields.")
force_option = click.option("--force", is_flag=True, help="Replace the file if it exists.")
session_argument = click.argument("session", callback=read_dash)
session_arguments = click.argument("sessions", metavar="SESSION...", nargs=-1, required=True, callback=read_dash)


def playback_options(command: Callable[P, R]) -> Callable[P, R]:
    """Declare what is taken for granted of playback, for :func:`playback_choice`."""
    out_of_band = click.option(
        "--out-of-band", is_flag=True, help="Responses outside the conversation were played, too."
    )
    when_cancelled = click.option(
        "--playback",
        type=click.Choice(["stop", "continue"]),
        default="stop",
        show_default=True,
        help="What the player did when a response was cancelled and no truncation says: stop when the user spoke, or "
        "continue.",
    )
    return when_cancelled(out_of_band(command))


def playback_choice(when_cancelled: str, out_of_band: bool) -> Choice:
    """Return what ``--playback`` and ``--out-of-band`` say."""
    from ..replay.audio.cuts import Choice

    return Choice("continue" if when_cancelled == "continue" else "stop", out_of_band)


def output_option(*, required: bool, text: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Declare ``-o``: a file, or ``-`` for standard output."""
    kind = click.Path(path_type=Path, allow_dash=True)
    return click.option("-o", "--output", metavar="FILE", required=required, type=kind, help=text)


@contextmanager
def write_to(target: Path, *, binary: bool = False, as_json: bool = False) -> Generator[Path]:
    """Yield the path to write for ``target``; what is written for ``-`` then goes to standard output.

    Args:
        target: what the user asked for.
        binary: whether the content must not go to a terminal.
        as_json: whether standard output is taken, because the command prints JSON there.

    Raises:
        click.UsageError: standard output cannot take it.
    """
    if not is_dash(target):
        yield target
        return
    if as_json:
        raise click.UsageError("--json prints to standard output, so the file cannot go there as well.")
    if binary and is_terminal(sys.stdout):
        raise click.UsageError("Refusing to write binary data to a terminal. Redirect the output, or name a file.")
    with TemporaryDirectory(prefix="earwitness-") as folder:
        path = Path(folder) / "stdout"
        yield path
        if sys.stdout is not None:
            with path.open("rb") as file:
                shutil.copyfileobj(file, sys.stdout.buffer)


def coroutine(function: Callable[P, Coroutine[Any, Any, R]]) -> Callable[P, R]:
    """Run a command's coroutine; Ctrl-C ends it as an interruption, whatever breaks on the way out."""

    @wraps(function)
    async def interruptible(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return await function(*args, **kwargs)
        except Exception as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise asyncio.CancelledError from error
            raise

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        return asyncio.run(interruptible(*args, **kwargs))

    return run


def emit_json(value: Any) -> None:
    """Print a value as JSON, indented."""
    import orjson

    try:
        text = orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:
        # What was recorded may hold lone surrogates or nest deeper than orjson writes; both stay as they are.
        text = json.dumps(value, indent=2)
    from ..replay.show.terminal import json_visible

    click.echo(json_visible(text))


def say(text: str, *, err: bool = False) -> None:
    """Print text in which words of a recording may be: what a terminal obeys is shown as escapes."""
    from ..replay.show.terminal import visible

    click.echo(visible(text), err=err)


def emit_json_line(value: Any) -> None:
    """Print a value as one line of JSON, at once."""
    click.echo(json.dumps(value))


_OUTCOMES: Final = {"differs": 1, "different": 1, "nothing compared": 7, "agrees": 0, "same": 0}
"""Exit codes by what a comparison says, the one that counts more first."""


def exit_code(*outcomes: str) -> int:
    """Return the exit code for what comparisons say: 1 if anything differs, else 7 if one had nothing to compare."""
    return next(code for outcome, code in _OUTCOMES.items() if outcome in outcomes)


def table(rows: list[list[str]], *, header: list[str], right: frozenset[int] = frozenset()) -> str:
    """Lay out rows in columns; columns named in ``right`` are set flush right."""
    from ..replay.show.terminal import one_line

    rows = [[one_line(cell) for cell in row] for row in rows]  # before its width is measured
    widths = [max(len(row[n]) for row in [header, *rows]) for n in range(len(header))]

    def line(row: list[str]) -> str:
        cells = (
            text.rjust(width) if n in right else text.ljust(width)
            for n, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        return "  ".join(cells).rstrip()

    return "\n".join([line(header), line(["-" * width for width in widths]), *(line(row) for row in rows)])


def is_terminal(stream: Any) -> bool:
    """Whether a standard stream is a terminal; one that was closed before the program began is None."""
    return stream is not None and stream.isatty()


def progress_stream() -> Any | None:
    """Return standard error if it is a terminal, where progress may be shown; else None."""
    return sys.stderr if is_terminal(sys.stderr) else None
