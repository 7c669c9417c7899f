"""``earwitness import``."""

from __future__ import annotations

from pathlib import Path

import click

from .common import as_written, coroutine, db_option, emit_json, json_option, read_dash

__all__ = ["import_"]


@click.command("import")
@click.argument(
    "files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path), callback=read_dash
)
@db_option
@click.option(
    "--partial",
    is_flag=True,
    help="Import a damaged file up to the damage; a note in the recording says so.",
)
@json_option
@coroutine
async def import_(files: tuple[Path, ...], db: str, partial: bool, as_json: bool) -> None:
    """Import cassettes and captures into the journal.

    A capture has one JSON object per line: {"dir": "client", "t": 0.1, "event": {…}}. Times that
    are missing stay unknown; where they go back, the lines stay in the file's order, and 'show'
    lists it. All files are read before anything is written. FILE '-' reads standard input.

    \b
    Examples:
        earwitness import weather.ndjson capture.jsonl
        gunzip < old.ndjson.gz | earwitness import -
    """
    from ..recorder.importing import import_files

    imported = await import_files(db, files, partial=partial)
    if as_json:
        emit_json([{"file": as_written(path), "sessions": ids} for path, ids in imported])
        return
    for path, ids in imported:
        for public_id in ids:
            click.echo(f"{public_id}  {as_written(path)}")
