"""``earwitness db``: the journal's file."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from .common import coroutine, db_option, emit_json, is_terminal, json_option, progress_stream, session_argument

if TYPE_CHECKING:
    from ..replay.share.erase import Erasure

__all__ = ["db"]


@click.group()
def db() -> None:
    """Look after the journal: its schema, its size, a copy of it; what must not be kept."""


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


@db.command()
@session_argument
@db_option
@click.option("--all", "everything", is_flag=True, help="Every message of the session.")
@click.option("--seq", "ranges", metavar="A[-B]", multiple=True, help="These records; A- for all from A on.")
@click.option("--type", "types", metavar="TYPE", multiple=True, help="All messages of this type.")
@click.option(
    "--item", "items", metavar="ID", multiple=True, help="All messages in which this item stands, with its sound."
)
@click.option("--reason", metavar="TEXT", required=True, help="Why. It stays on record.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@click.pass_context
@coroutine
async def erase(
    ctx: click.Context,
    session: str,
    db: str,
    everything: bool,
    ranges: tuple[str, ...],
    types: tuple[str, ...],
    items: tuple[str, ...],
    reason: str,
    yes: bool,
    as_json: bool,
) -> None:
    """Erase messages of a session that has ended, for good.

    Their bytes leave the file. That they crossed, when, in which direction and of which type stays on record, and so
    does the reason; 'earwitness verify' finds the session intact. Options can be repeated and add up. A message goes
    as a whole: with an item go the 'response.done' that repeats it and what else that one says.

    Refused while a recorder is writing. It asks first; without a terminal it wants --yes. Exits with 1 if the answer
    is no.

    \b
    Examples:
        earwitness db erase latest --all --reason "consent withdrawn"
        earwitness db erase 7k2m --item item_EVdi --reason "a card number was read out" --yes
        earwitness db erase 7k2m --seq 120-140 --type input_audio_buffer.append --reason "ticket 4711"
    """
    from ..recorder.journal import JournalReader
    from ..recorder.journal import erase as run
    from ..replay.share.erase import Selection, parse_range, plan_erasure

    if not (everything or ranges or types or items):
        raise click.UsageError("Say what to erase: --all, --seq, --type or --item.")
    if not reason.strip():
        raise click.UsageError("--reason is empty.")
    if not yes and not is_terminal(sys.stdin):
        raise click.UsageError(
            "What is erased cannot be had back. There is no terminal to ask on: confirm it by --yes."
        )
    selection = Selection(
        everything=everything, ranges=tuple(parse_range(text) for text in ranges), types=types, items=items
    )
    async with await JournalReader.open(db) as reader:
        public_id = (await reader.resolve(session)).id
        plan = await plan_erasure(reader.recording(public_id), selection)
    if plan.fresh and not yes:
        click.echo(_erasure_text(public_id, plan), err=True)
        if not click.confirm("Erase them for good?", err=True):
            click.echo("Nothing was erased.", err=True)
            ctx.exit(1)
    report = await run(db, public_id, plan.seqs, reason)
    if as_json:
        emit_json(report.to_json())
    else:
        click.echo(report.to_text())


def _erasure_text(public_id: str, plan: Erasure) -> str:
    lines = [f"{plan.fresh} of the {plan.messages} messages of session {public_id}:"]
    width = len(str(max(plan.types.values())))
    lines += [f"  {count:>{width}}  {name or '(no type)'}" for name, count in plan.types.most_common()]
    return "\n".join(lines)


@db.command()
@db_option
@json_option
@coroutine
async def rebuild(db: str, as_json: bool) -> None:
    """Read the summaries that 'list' shows off the records again.

    They are never consulted as truth. What 'earwitness verify' calls a summary finding is put right by this. Refused
    while a recorder is writing.

    \b
    Example:
        earwitness db rebuild --db calls.db
    """
    from ..recorder.journal import rebuild as run

    stream = progress_stream()

    def progress(public_id: str) -> None:
        if stream is not None:
            click.echo(f"reading {public_id}", file=stream)

    report = await run(db, progress=progress)
    if as_json:
        emit_json(report.to_json())
    else:
        click.echo(report.to_text())
