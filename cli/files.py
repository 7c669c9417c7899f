"""``earwitness import`` and ``earwitness export``."""

from __future__ import annotations

from pathlib import Path

import click

from .common import coroutine, db_option, emit_json, json_option, session_argument

__all__ = ["export", "import_command"]


@click.command("import")
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
@db_option
@click.option(
    "--partial",
    is_flag=True,
    help="Of a damaged file, import the records before the damage; a note in the record says so.",
)
@json_option
@coroutine
async def import_command(files: tuple[Path, ...], db: str, partial: bool, as_json: bool) -> None:
    """Import cassettes and captures into the journal.

    A capture has one JSON object per line: {"dir": "client", "t": 0.1, "event": {…}}. Times that the source did not
    have are kept as unknown. All files are read before anything is written.

    \b
    Example:
        earwitness import weather.ndjson capture.jsonl
    """
    from ..recorder.importing import import_files

    imported = await import_files(db, files, partial=partial)
    if as_json:
        emit_json([{"file": str(path), "sessions": ids} for path, ids in imported])
        return
    for path, ids in imported:
        for public_id in ids:
            click.echo(f"{public_id}  {path}")


@click.command()
@session_argument
@db_option
@click.option("--format", "form", type=click.Choice(["cassette"]), default="cassette", show_default=True)
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The file to write.")
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
@click.option(
    "--scrub",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=None,
    metavar="RULES",
    help="Take out what the rules in this file say (TOML or JSON; see docs/cassettes.md).",
)
@coroutine
async def export(session: str, db: str, form: str, output: Path, force: bool, scrub: Path | None) -> None:
    """Write a session to a file that other tools, and git, can read.

    \b
    Examples:
        earwitness export latest --format cassette -o weather.ndjson
        earwitness export latest --scrub rules.toml -o tests/cassettes/weather.ndjson
    """
    from ..replay.open import open_recording
    from ..replay.share.cassette_file import export_cassette

    async with open_recording(session, db) as recording:
        if scrub is not None:
            from ..replay.share.rules import read_rules
            from ..replay.share.scrub import scrub_recording

            recording = await scrub_recording(recording, read_rules(scrub))
        count = await export_cassette(recording, output, force=force)
    click.echo(f"{count} records → {output}", err=True)
