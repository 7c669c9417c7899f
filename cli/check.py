"""``earwitness check``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from .common import coroutine, db_option, emit_json, exit_code, json_option, say, session_arguments

if TYPE_CHECKING:
    from ..replay.compare.check import CheckReport, Difference

__all__ = ["check"]

_LONGEST = 100


@click.command()
@session_arguments
@db_option
@click.option("--explained", is_flag=True, help="Also show the differences that a rule explains.")
@json_option
@click.pass_context
@coroutine
async def check(ctx: click.Context, sessions: tuple[str, ...], db: str, explained: bool, as_json: bool) -> None:
    """Compare the reconstruction with the server's own statements.

    A server says most things twice: first in pieces, then whole. Exits with 1 if what was put together from the pieces
    differs from the whole and no rule of the protocol explains why; docs/verified.md lists the rules. Also
    compares what the server answers with what the client asked for, sums of usage with their parts, and lengths of
    audio with the sound on record. Exits with 1 as well if frames are missing in the record, and with 7 if there was
    nothing to compare.

    \b
    Example:
        earwitness check latest
    """
    from ..replay.compare.check import check_recording
    from ..replay.open import open_recording

    reports: list[tuple[str, CheckReport]] = []
    for name in sessions:
        async with open_recording(name, db) as recording:
            reports.append((recording.info.id, await check_recording(recording)))
    if as_json:
        emit_json([{"session": public_id, **report.to_json()} for public_id, report in reports])
    else:
        for public_id, report in reports:
            _print(public_id, report, explained=explained)
    ctx.exit(exit_code(*(report.outcome for _, report in reports)))


def _print(public_id: str, report: CheckReport, *, explained: bool) -> None:
    counts = ", ".join(f"{count} {name}" for name, count in report.explanations.items())
    unexplained = len(report.unexplained)
    verdict = "no unexplained difference" if not unexplained else f"{unexplained} UNEXPLAINED"
    if report.outcome == "nothing compared":
        verdict = "nothing to compare"
    if report.not_read.gaps:
        verdict += ", NOT WHOLE"
    click.echo(
        f"{public_id}  {report.statements} statements compared, {verdict}"
        + (f"; explained: {counts}" if counts else "")
    )
    for line in report.not_read.lines("check"):
        say(f"  {line}")
    for difference in report.differences if explained else report.unexplained:
        _print_difference(difference)


def _print_difference(difference: Difference) -> None:
    say(f"  record {difference.seq}, {difference.type}: {difference.subject}")
    say(f"    stated         {_short(difference.stated)}")
    say(f"    {difference.basis:<13}  {_short(difference.reconstructed)}  [{difference.seqs}]")
    if difference.note is not None:
        say(f"    note           {difference.note}")
    if difference.explanation is not None:
        say(f"    explained      {difference.explanation}")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
