"""``earwitness db``: the journal's file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import click

from .common import (
    coroutine,
    db_option,
    emit_json,
    is_dash,
    is_terminal,
    json_option,
    progress_stream,
    say,
    session_argument,
    write_to,
)

if TYPE_CHECKING:
    from ..replay.share.erase import Erasure

__all__ = ["db"]


class _Report(Protocol):
    def to_json(self) -> dict[str, Any]: ...

    def to_text(self) -> str: ...


@click.group()
def db() -> None:
    """Inspect, back up, upgrade, repair and erase from the journal."""


@db.command()
@db_option
@json_option
@coroutine
async def upgrade(db: str, as_json: bool) -> None:
    """Upgrade the journal to this program's schema.

    An SQLite file is copied first. Refused while a recorder is writing.

    \b
    Example:
        earwitness db upgrade --db calls.db
    """
    from ..recorder.journal import upgrade as run

    _print(await run(db), as_json=as_json)


@db.command()
@db_option
@json_option
@coroutine
async def info(db: str, as_json: bool) -> None:
    """Show the journal's schema, size, sessions and ledger head.

    \b
    Example:
        earwitness db info
    """
    from ..recorder.journal import info as run

    _print(await run(db), as_json=as_json)


@db.command()
@click.argument("target", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path))
@db_option
@json_option
@coroutine
async def backup(target: Path, db: str, as_json: bool) -> None:
    """Copy the journal, even while it is being recorded.

    A plain copy of the file would miss what is still in SQLite's write-ahead log.

    \b
    Example:
        earwitness db backup calls-copy.db
    """
    from ..recorder.journal import backup as run

    with write_to(target, binary=True, as_json=as_json) as path:
        report = await run(db, path)
    if not is_dash(target):
        _print(report, as_json=as_json)


@db.command()
@session_argument
@db_option
@click.option("--all", "everything", is_flag=True, help="Erase every message of the session.")
@click.option(
    "--seq", "ranges", metavar="A[-B]", multiple=True, help="Erase these records; A- is from A on. Repeatable."
)
@click.option("--type", "types", metavar="TYPE", multiple=True, help="Erase all messages of this type. Repeatable.")
@click.option(
    "--item",
    "items",
    metavar="ID",
    multiple=True,
    help="Erase all messages that contain this item, and its audio. Repeatable.",
)
@click.option("--reason", metavar="TEXT", required=True, help="Why; this is kept in the ledger.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
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
    """Erase messages from a session that has ended, for good.

    The messages' bytes leave the file. The record keeps that they were sent, when, by whom and of which type, and your
    reason; 'earwitness verify' still finds the session intact. Options add up. Messages are erased whole: with an item
    goes the 'response.done' that repeats it, and everything else in that message. --item refuses unless it is certain
    which messages hold the item's sound, and that none of them holds sound of another item.

    Asks for confirmation; without a terminal, --yes is required. Exits with 1 if you say no. Refused while a recorder
    is writing.

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
        raise click.UsageError("Erasing cannot be undone. There is no terminal to ask on; confirm with --yes.")
    selection = Selection(
        everything=everything, ranges=tuple(parse_range(text) for text in ranges), types=types, items=items
    )
    async with await JournalReader.open(db) as reader:
        public_id = (await reader.resolve(session)).id
        plan = await plan_erasure(reader.recording(public_id), selection)
    if plan.fresh and not yes:
        say(_erasure_text(public_id, plan), err=True)
        if not click.confirm("Erase them for good?", err=True):
            click.echo("Nothing was erased.", err=True)
            ctx.exit(1)
    report = await run(db, public_id, plan.seqs, reason)
    if as_json:
        found = plan.repeated
        repeated = found and [{"seq": each.seq, "sender": each.sender, "type": each.type} for each in found]
        emit_json({**report.to_json(), "repeated": repeated, "erased_before": plan.before})
    else:
        say("\n".join((report.to_text(), *_repeated_text(plan))))


def _repeated_text(plan: Erasure) -> list[str]:
    """Say which records the erasure did not reach."""
    if plan.repeated is None:
        return ["No words of it are on record: whether other records repeat what was said is not known."]
    note: list[str] = []
    if plan.before:
        note = [f"{plan.before} of them were erased before: whether other records repeat their words is not known."]
    if not plan.repeated:
        return note
    width = len(str(plan.repeated[-1].seq))
    return [
        *note,
        f"Words of it are repeated in {len(plan.repeated)} records that stay; --seq erases messages:",
        *(f"  {frame.seq:>{width}}  {frame.sender}  {frame.type or frame.kind}" for frame in plan.repeated),
    ]


def _erasure_text(public_id: str, plan: Erasure) -> str:
    lines = [f"{plan.fresh} of the {plan.messages} messages of session {public_id}:"]
    width = len(str(max(plan.types.values())))
    lines += [f"  {count:>{width}}  {name or '(no type)'}" for name, count in plan.types.most_common()]
    return "\n".join((*lines, *_repeated_text(plan)))


@db.command()
@db_option
@json_option
@coroutine
async def rebuild(db: str, as_json: bool) -> None:
    """Rebuild the summaries that 'list' shows, from the records.

    Run it when 'earwitness verify' reports a summary that differs from its records. Refused while a recorder is
    writing.

    \b
    Example:
        earwitness db rebuild --db calls.db
    """
    from ..recorder.journal import rebuild as run

    stream = progress_stream()

    def progress(public_id: str) -> None:
        if stream is not None:
            click.echo(f"reading {public_id}", file=stream)

    _print(await run(db, progress=progress), as_json=as_json)


def _print(report: _Report, *, as_json: bool) -> None:
    if as_json:
        emit_json(report.to_json())
    else:
        click.echo(report.to_text())
