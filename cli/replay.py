"""``earwitness replay``."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from .common import coroutine, db_option, emit_json, is_dash, json_option, or_standard_input, say, speed_option

if TYPE_CHECKING:
    from ..replay.serve.options import ServeArguments
    from ..replay.serve.report import Report
    from ..replay.serve.server import ReplayServer

__all__ = ["replay"]


@click.command()
@click.argument("sessions", metavar="SESSION... [-- COMMAND...]", nargs=-1, required=True)
@db_option
@click.option(
    "--listen",
    default="127.0.0.1:0",
    show_default=True,
    metavar="HOST:PORT",
    help="Listen on this address; port 0 picks a free port.",
)
@speed_option
@click.option(
    "--match",
    "mode",
    type=click.Choice(["strict", "lenient", "off"]),
    default=None,
    help="strict: end the session at the first divergence (default). lenient: report divergences and go on. off: "
    "compare event types only.",
)
@click.option(
    "--audio",
    type=click.Choice(["exact", "length", "ignore"]),
    default=None,
    help="Compare the input audio byte by byte (default), only its length, or not at all.",
)
@click.option("--ignore", multiple=True, metavar="PATH", help="Do not compare this value. Repeatable.")
@click.option(
    "--tolerance", multiple=True, metavar="PATH=N", help="Let the numbers at this path differ by up to N. Repeatable."
)
@click.option(
    "--ids",
    type=click.Choice(["map", "fresh", "asis"]),
    default="map",
    show_default=True,
    help="map: echo the ids that the client chose. fresh: also make new server ids. asis: send the recorded ids.",
)
@click.option(
    "--timeout",
    metavar="SECONDS",
    type=click.FloatRange(min=0, min_open=True),
    default=30.0,
    show_default=True,
    help="Give up on a client that does nothing for this long.",
)
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="FAULT",
    help="Make this go wrong, e.g. 'after:response.created#2 close:1011'. Repeatable; docs/replay.md lists the faults.",
)
@click.option("--faults", "faults_file", type=click.File(), default=None, help="Read faults from a file, one per line.")
@click.option(
    "--report",
    metavar="FILE",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    default=None,
    help="Write the reports to this file as JSON, replacing it; - is the same as --json.",
)
@json_option
@click.option("--once", is_flag=True, help="Stop when every session has been played.")
@click.option("--repeat", is_flag=True, help="Start over when all sessions have been played.")
@click.option("--exec", "has_command", is_flag=True, help="Run COMMAND against the server, then stop.")
@click.pass_context
@coroutine
async def replay(
    ctx: click.Context, *, sessions: tuple[str, ...], db: str, report: Path | None, as_json: bool, **options: Any
) -> None:
    """Serve a recording to a client, and report where it diverges.

    The server answers as the vendor did. It listens until Ctrl-C, until every session has been played (--once), or
    until COMMAND ends (--exec). COMMAND finds the address in OPENAI_BASE_URL and other environment variables.

    Exits with 0 if everything was played to the end and nothing diverged, 1 if not.

    \b
    Examples:
        earwitness replay latest --once
        earwitness replay weather.ndjson --speed max --exec -- npm test
        earwitness replay latest --fault 'after:response.created#2 close:1011'
    """
    from ..replay.open import open_recording
    from ..replay.serve.program import run_replay
    from ..replay.serve.server import serve

    names, command = _split(ctx, sessions, has_command=options["has_command"])
    as_json = as_json or is_dash(report)
    async with AsyncExitStack() as stack:
        recordings = [await stack.enter_async_context(open_recording(name, db)) for name in names]
        server = serve(*recordings, **_serve_arguments(options))
        outcome = await run_replay(
            server, command=command, once=options["once"], ready=lambda server: _ready(server, err=as_json)
        )
    if as_json:
        emit_json([each.to_json() for each in outcome.reports])
    else:
        for each in outcome.reports:
            say(each.text())
        if not outcome.reports:
            click.echo("no client connected")
    if report is not None and not is_dash(report):
        _write_report(report, outcome.reports)
    ctx.exit(outcome.exit_code)


def _split(
    ctx: click.Context, arguments: tuple[str, ...], *, has_command: bool
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Tell sessions and command apart.

    click drops the ``--`` itself, so with ``--exec`` the command is what follows the first session, and only one
    session is served; for several use ``--once`` and a second shell.
    """
    if has_command and len(arguments) == 1:
        raise click.UsageError("--exec needs a command: earwitness replay SESSION --exec -- COMMAND.")
    count = 1 if has_command else len(arguments)
    return tuple(or_standard_input(ctx, name) for name in arguments[:count]), arguments[count:]


def _serve_arguments(options: dict[str, Any]) -> ServeArguments:
    from ..recorder.program import parse_listen
    from ..replay.serve.faults import parse_faults

    host, port = parse_listen(options["listen"])
    faults = list(options["faults"])
    if options["faults_file"] is not None:
        faults += parse_faults(options["faults_file"].read())
    return {
        "host": host,
        "port": port,
        "speed": options["speed"],
        "match": options["mode"],
        "audio": options["audio"],
        "ignore": options["ignore"],
        "tolerances": dict(_tolerance(text) for text in options["tolerance"]),
        "ids": options["ids"],
        "timeout": options["timeout"],
        "faults": faults,
        "repeat": options["repeat"],
    }


def _tolerance(text: str) -> tuple[str, float]:
    path, sign, number = text.rpartition("=")
    try:
        if sign and path:
            return path, float(number)
    except ValueError:
        pass
    raise click.UsageError(f"--tolerance: expected PATH=NUMBER, got {text!r}.")


def _ready(server: ReplayServer, *, err: bool) -> None:
    click.echo(f"serving at {server.url}", err=err)
    client = f'AsyncOpenAI(api_key="unused", websocket_base_url="{server.websocket_base_url}")'
    click.echo(f"  OpenAI, Python    {client}", err=err)
    click.echo("Ctrl-C stops and reports.", err=err)


def _write_report(path: Path, reports: Sequence[Report]) -> None:
    from ..replay.output import new_file

    with new_file(path, force=True) as temporary:
        temporary.write_bytes(orjson.dumps([report.to_json() for report in reports], option=orjson.OPT_INDENT_2))
