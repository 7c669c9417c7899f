"""``earwitness export``."""

from __future__ import annotations

from pathlib import Path

import click

from .common import (
    coroutine,
    db_option,
    emit_json,
    force_option,
    is_dash,
    json_option,
    output_option,
    session_argument,
    write_to,
)

__all__ = ["export"]


@click.command()
@session_argument
@db_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["cassette"]),
    default="cassette",
    show_default=True,
    help="cassette: one JSON array per record, for git and tests.",
)
@output_option(required=True, text="The file to write; - for standard output.")
@force_option
@click.option(
    "--scrub",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=None,
    metavar="RULES",
    help="Remove personal data as this rules file says (TOML or JSON; see docs/cassettes.md).",
)
@json_option
@coroutine
async def export(
    session: str, db: str, form: str, output: Path, force: bool, scrub: Path | None, as_json: bool
) -> None:
    """Write a session to a file that git and other tools can read.

    \b
    Examples:
        earwitness export latest -o weather.ndjson
        earwitness export latest --scrub rules.toml -o tests/cassettes/weather.ndjson
        earwitness export latest -o - | gzip > weather.ndjson.gz
    """
    from ..replay.open import open_recording
    from ..replay.share.cassette_file import export_cassette

    async with open_recording(session, db) as recording:
        if scrub is not None:
            from ..replay.share.rules import read_rules
            from ..replay.share.scrub import scrub_recording

            recording = await scrub_recording(recording, read_rules(scrub))
        with write_to(output, as_json=as_json) as path:
            count = await export_cassette(recording, path, force=force)
    if as_json:
        emit_json({"file": str(output), "format": form, "records": count})
    elif not is_dash(output):
        click.echo(f"{count} records → {output}", err=True)
