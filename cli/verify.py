"""``earwitness verify``."""

from __future__ import annotations

import click

from .common import coroutine, db_option, emit_json, json_option

__all__ = ["verify"]


@click.command()
@click.argument("sessions", metavar="[SESSION]...", nargs=-1)
@db_option
@click.option(
    "--head",
    metavar="HASH",
    default=None,
    help="A ledger head printed earlier; the journal must still contain that state.",
)
@json_option
@click.pass_context
@coroutine
async def verify(ctx: click.Context, sessions: tuple[str, ...], db: str, head: str | None, as_json: bool) -> None:
    """Verify that the record was not changed.

    Checks the chain of every session (or of those named), the ledger, and the triggers. Alone, it finds accidents, bit
    rot and partial edits. Against a head kept elsewhere (--head) it also finds a journal that was recomputed, cut short
    at its end, or replaced by an older copy.

    Exits with 0 if everything is intact; otherwise with 1, naming the first bad record.

    \b
    Examples:
        earwitness verify
        earwitness verify --head 5f2c…
    """
    from ..recorder.journal import verify as run

    report = await run(db, sessions=list(sessions) or None, head=head)
    if as_json:
        emit_json(report.to_json())
    else:
        click.echo(report.to_text())
    ctx.exit(0 if report.intact else 1)
