"""What several commands share: options, arguments, output."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, Final, ParamSpec, TypeVar

import click
import orjson

__all__ = [
    "DEFAULT_DB",
    "coroutine",
    "db_option",
    "emit_json",
    "is_terminal",
    "json_option",
    "progress_stream",
    "session_argument",
    "table",
]

P = ParamSpec("P")
R = TypeVar("R")

DEFAULT_DB: Final = "earwitness.db"

db_option = click.option(
    "--db",
    envvar="EARWITNESS_DB",
    default=DEFAULT_DB,
    show_default=True,
    metavar="PATH_OR_URL",
    help="The journal: path of a SQLite file, or an SQLAlchemy URL. Also $EARWITNESS_DB.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON (documented in docs/json.md).")
session_argument = click.argument("session")


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
    try:
        text = orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:
        # What was recorded may hold lone surrogates or nest deeper than orjson writes; both stay as they are.
        text = json.dumps(value, indent=2)
    click.echo(text)


def table(rows: list[list[str]], *, header: list[str], right: frozenset[int] = frozenset()) -> str:
    """Lay out rows in columns; columns named in ``right`` are set flush right."""
    from ..replay.show.terminal import one_line

    widths = [max(len(row[n]) for row in [header, *rows]) for n in range(len(header))]

    def line(row: list[str]) -> str:
        cells = (
            text.rjust(width) if n in right else text.ljust(width)
            for n, (text, width) in enumerate(zip(map(one_line, row), widths, strict=True))
        )
        return "  ".join(cells).rstrip()

    return "\n".join([line(header), line(["-" * width for width in widths]), *(line(row) for row in rows)])


def is_terminal(stream: Any) -> bool:
    """Whether a standard stream is a terminal; one that was closed before the program began is None."""
    return stream is not None and stream.isatty()


def progress_stream() -> Any | None:
    """Where progress may be shown: standard error if it is a terminal, else nowhere."""
    return sys.stderr if is_terminal(sys.stderr) else None
