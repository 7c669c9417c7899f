"""``earwitness list``."""

from __future__ import annotations

import click

from .common import coroutine, db_option, emit_json, json_option, table

__all__ = ["list_"]


@click.command("list")
@db_option
@json_option
@click.option("--limit", metavar="N", type=click.IntRange(min=1), help="Show only the newest N sessions.")
@coroutine
async def list_(db: str, as_json: bool, limit: int | None) -> None:
    """List the recorded sessions, newest last.

    \b
    Example:
        earwitness list --limit 10
    """
    from ..recorder.journal import JournalReader
    from ..replay.show.listing import ending, list_json, list_rows

    async with await JournalReader.open(db) as reader:
        sessions = await reader.sessions()
        sessions = sessions[-limit:] if limit else sessions
        endings = [await ending(reader.recording(info.id)) for info in sessions]
    if as_json:
        emit_json([list_json(info, end) for info, end in zip(sessions, endings, strict=True)])
        return
    if not sessions:
        click.echo("No sessions recorded yet. Record one with: earwitness record --upstream openai")
        return
    header, rows = list_rows(sessions, endings)
    click.echo(table(rows, header=header, right=frozenset({4, 5})))
