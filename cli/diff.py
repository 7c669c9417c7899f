"""``earwitness diff``."""

from __future__ import annotations

import click

from .common import coroutine, db_option, emit_json, exit_code, json_option, read_dash

__all__ = ["diff"]


@click.command()
@click.argument("a", metavar="A", callback=read_dash)
@click.argument("b", metavar="B", callback=read_dash)
@db_option
@click.option(
    "--ignore",
    multiple=True,
    metavar="ASPECT[.PATH]",
    help="Do not compare this: usage, configuration.instructions, call.arguments.city, … Repeatable.",
)
@click.option(
    "--latency",
    "latency_ms",
    type=click.FloatRange(min=0),
    default=None,
    metavar="MS",
    help="Report latencies further apart than this. Default: show latencies, but never as a difference.",
)
@click.option(
    "--truncation",
    "truncation_ms",
    type=click.FloatRange(min=0),
    default=200.0,
    show_default=True,
    metavar="MS",
    help="Tolerate truncations up to this far apart.",
)
@click.option("--all", "every_turn", is_flag=True, help="Also show the turns that are the same.")
@json_option
@click.pass_context
@coroutine
async def diff(
    ctx: click.Context,
    a: str,
    b: str,
    db: str,
    ignore: tuple[str, ...],
    latency_ms: float | None,
    truncation_ms: float,
    every_turn: bool,
    as_json: bool,
) -> None:
    """Compare two sessions by meaning, the old one first.

    Compares configuration, turns, tool calls and their arguments, truncations, errors and usage; not ids, times or how
    text and audio were cut into chunks. Exits with 0 if nothing differs, 1 if something does, 7 if there was nothing to
    compare, another code on trouble.

    \b
    Aspects: configuration, turn, transcript, call, output, response, truncation,
    latency, error, usage, end.

    \b
    Examples:
        earwitness diff weather.ndjson latest
        earwitness diff 0198c2 latest --ignore usage --ignore configuration.model
    """
    from ..replay.compare.diff import compare_recordings
    from ..replay.compare.diff_text import render_diff
    from ..replay.compare.result import DiffOptions
    from ..replay.open import open_recording

    options = DiffOptions(ignore=ignore, truncation_ms=truncation_ms, latency_ms=latency_ms)
    async with open_recording(a, db) as left, open_recording(b, db) as right:
        found = await compare_recordings(left, right, options)
    if as_json:
        emit_json(found.to_json())
    else:
        click.echo(render_diff(found, width=_width(), every_turn=every_turn))
    ctx.exit(exit_code(found.outcome))


def _width() -> int:
    import shutil

    return shutil.get_terminal_size((100, 24)).columns
