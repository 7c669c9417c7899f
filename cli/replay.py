"""``earwitness replay``."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from .common import coroutine, db_option

if TYPE_CHECKING:
    from ..replay.serve.options import ServeArguments
    from ..replay.serve.server import ReplayServer

__all__ = ["replay"]


@click.command()
@click.argument("sessions", metavar="SESSION... [-- COMMAND...]", nargs=-1, required=True)
@db_option
@click.option("--listen", default="127.0.0.1:0", show_default=True, metavar="HOST:PORT", help="Port 0 is any free one.")
@click.option(
    "--speed", default="1", show_default=True, metavar="N|max", help="Recorded seconds per second; max never waits."
)
@click.option(
    "--match",
    "mode",
    type=click.Choice(["strict", "lenient", "off"]),
    default=None,
    help="strict: the first divergence ends the session (default). lenient: it is reported. off: types are paired.",
)
@click.option(
    "--audio", type=click.Choice(["exact", "length", "ignore"]), default=None, help="How input audio is compared."
)
@click.option("--ignore", multiple=True, metavar="PATH", help="A value that does not count. Repeatable.")
@click.option("--tolerance", multiple=True, metavar="PATH=N", help="How far two numbers may lie apart. Repeatable.")
@click.option(
    "--ids",
    type=click.Choice(["map", "fresh", "asis"]),
    default="map",
    show_default=True,
    help="map: put ids that the client chose where the recording echoes them. fresh: new server ids as well.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=30.0,
    show_default=True,
    help="Seconds to wait for a client that does nothing.",
)
@click.option("--fault", "faults", multiple=True, metavar="FAULT", help="E.g. 'after:response.created#2 close:1011'.")
@click.option(
    "--faults",
    "faults_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=None,
    help="A file with one fault a line.",
)
@click.option(
    "--report", type=click.Path(dir_okay=False, path_type=Path), default=None, help="Write the report as JSON."
)
@click.option("--once", is_flag=True, help="Stop when every session has been played.")
@click.option("--repeat", is_flag=True, help="Begin again when all sessions have been played.")
@click.option("--exec", "has_command", is_flag=True, help="Run the COMMAND after -- against the server, then stop.")
@click.pass_context
@coroutine
async def replay(ctx: click.Context, *, sessions: tuple[str, ...], db: str, **options: Any) -> None:
    """Serve recordings to a client, as the vendor would; tell the first place where it behaves differently.

    Exits with 0 where everything was played to the end and nothing diverged, 1 where not.

    \b
    Examples:
        earwitness replay latest --once
        earwitness replay weather.ndjson --speed max --exec -- npm test
        earwitness replay latest --fault 'after:response.created#2 close:1011'
    """
    from ..replay.open import open_recording
    from ..replay.serve.program import run_replay
    from ..replay.serve.server import serve

    names, command = _split(sessions, has_command=options["has_command"])
    async with AsyncExitStack() as stack:
        recordings = [await stack.enter_async_context(open_recording(name, db)) for name in names]
        server = serve(*recordings, **_serve_arguments(options))
        outcome = await run_replay(server, command=command, once=options["once"], ready=_ready)
    for report in outcome.reports:
        click.echo(report.text())
    if not outcome.reports:
        click.echo("no client came")
    if options["report"] is not None:
        _write_report(options["report"], outcome.reports)
    ctx.exit(outcome.exit_code)


def _split(arguments: tuple[str, ...], *, has_command: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Tell sessions and command apart; click drops the ``--`` itself, so the command is what follows the first session.

    With ``--exec`` one session is served; a list of them is a matter of ``--once`` or a second shell.
    """
    if not has_command:
        return arguments, ()
    if len(arguments) == 1:
        raise click.UsageError("--exec needs a command: earwitness replay SESSION --exec -- COMMAND.")
    return arguments[:1], arguments[1:]


def _serve_arguments(options: dict[str, Any]) -> ServeArguments:
    from ..recorder.program import parse_listen
    from ..replay.serve.faults import parse_faults

    host, port = parse_listen(options["listen"])
    faults = list(options["faults"])
    if options["faults_file"] is not None:
        faults += parse_faults(options["faults_file"].read_text())
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
    raise click.UsageError(f"--tolerance: {text!r} is not PATH=NUMBER.")


def _ready(server: ReplayServer) -> None:
    click.echo(f"serving at {server.url}")
    click.echo(f'  OpenAI, Python    AsyncOpenAI(api_key="unused", websocket_base_url="{server.websocket_base_url}")')
    click.echo("Ctrl-C stops and reports.")


def _write_report(path: Path, reports: Any) -> None:
    from ..replay.output import new_file

    with new_file(path, force=True) as temporary:
        temporary.write_bytes(orjson.dumps([report.to_json() for report in reports], option=orjson.OPT_INDENT_2))
