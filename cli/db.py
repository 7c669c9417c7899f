"""``earwitness db``: the journal's file."""

from __future__ import annotations

import click

from .common import coroutine, db_option, emit_json, json_option

__all__ = ["db"]


@click.group()
def db() -> None:
    """Look after the journal: its schema, its size, a copy of it."""


@db.command()
@db_option
@coroutine
async def upgrade(db: str) -> None:
    """Bring the journal's schema up to this program's; the file is copied first.

    Refused while a recorder is writing.

    \b
    Example:
        earwitness db upgrade --db calls.db
    """
    from ..recorder.journal import upgrade as run

    click.echo((await run(db)).to_text())


@db.command()
@db_option
@json_option
@coroutine
async def info(db: str, as_json: bool) -> None:
    """Tell the journal's schema, size, sessions, head, and SQLite's version.

    \b
    Example:
        earwitness db info
    """
    from ..recorder.journal import info as run

    report = await run(db)
    if as_json:
        emit_json(report.to_json())
    else:
        click.echo(report.to_text())


@db.command()
@click.argument("target", type=click.Path(dir_okay=False))
@db_option
@coroutine
async def backup(target: str, db: str) -> None:
    """Make a consistent copy of the journal, also while it is being written.

    Copying the file of a live database loses what its write-ahead log still holds.

    \b
    Example:
        earwitness db backup calls-copy.db
    """
    from ..recorder.journal import backup as run

    click.echo((await run(db, target)).to_text())
