"""``earwitness list`` and ``earwitness show``."""

from __future__ import annotations

import click

from .common import coroutine, db_option, emit_json, json_option, session_argument, table

__all__ = ["list_command", "show"]


@click.command("list")
@db_option
@json_option
@click.option("--limit", type=click.IntRange(min=1), default=None, help="Only the newest N sessions.")
@coroutine
async def list_command(db: str, as_json: bool, limit: int | None) -> None:
    """List the recorded sessions, the newest last.

    \b
    Example:
        earwitness list --limit 10
    """
    from ..recorder.journal import JournalReader
    from ..replay.show.state import info_json, list_rows

    async with await JournalReader.open(db) as reader:
        sessions = await reader.sessions()
    sessions = sessions[-limit:] if limit else sessions
    if as_json:
        emit_json([info_json(info) for info in sessions])
        return
    if not sessions:
        click.echo("No sessions recorded yet. Record one with: earwitness record --upstream openai")
        return
    header, rows = list_rows(sessions)
    click.echo(table(rows, header=header, right=frozenset({4, 5})))


@click.command()
@session_argument
@db_option
@click.option(
    "--at",
    metavar="SEQ|MM:SS|EVENT_ID",
    default=None,
    help="The state after that record, at that time, or after that event. Default: the end.",
)
@click.option("--events", is_flag=True, help="List the records instead of the state.")
@click.option(
    "--own-dialect",
    is_flag=True,
    help="With --json: name and shape things as the session's own vocabulary does, to compare with its documentation.",
)
@click.option("--digest", is_flag=True, help="Print the state's full and content digest only.")
@json_option
@coroutine
async def show(
    session: str, db: str, at: str | None, events: bool, own_dialect: bool, digest: bool, as_json: bool
) -> None:
    """Show a conversation's state, at its end or at any point.

    \b
    Examples:
        earwitness show latest
        earwitness show latest --at 00:07.5
        earwitness show latest --at 120 --json
        earwitness show weather.ndjson --events
    """
    from ..replay.fold import fold_recording, parse_until
    from ..replay.open import open_recording
    from ..replay.show.state import event_rows, info_json, render_state, state_json

    if own_dialect and not as_json:
        raise click.UsageError("--own-dialect goes with --json.")
    if events and (digest or own_dialect):
        raise click.UsageError("--events lists the records; --digest and --own-dialect are about the state.")
    until = parse_until(at) if at is not None else None
    async with open_recording(session, db) as recording:
        if events:
            shown = [row async for row in event_rows(recording, until)]
            if as_json:
                emit_json([row.to_json() for row in shown])
            else:
                header = ["seq", "time", "from", "kind", "type", "bytes", ""]
                click.echo(table([row.cells() for row in shown], header=header, right=frozenset({0, 5})))
            return
        conversation = await fold_recording(recording, until=until)
    if digest:
        from ..replay.fold.digest import content_digest, full_digest

        full, content = full_digest(conversation), content_digest(conversation)
        if as_json:
            emit_json({"full": full, "content": content})
        else:
            click.echo(f"full     {full}\ncontent  {content}")
    elif as_json:
        if own_dialect:
            from ..replay.show.own_dialect import in_own_dialect

            conversation = in_own_dialect(conversation)
        emit_json({"session": info_json(recording.info), "state": state_json(conversation)})
    else:
        click.echo(render_state(recording.info, conversation))
