"""``earwitness show``."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import click

from .common import coroutine, db_option, emit_json, json_option, reveal_option, session_argument, table

if TYPE_CHECKING:
    from ..replay.fold import Until
    from ..replay.show.keys import Revealed
    from ..schemas.recording import Recording

__all__ = ["show"]


@click.command()
@session_argument
@db_option
@click.option(
    "--at",
    metavar="#SEQ|TIME|EVENT_ID",
    default=None,
    help="Show the state right after this record (#120), time (7.5, 00:07.5) or event. Default: the end.",
)
@click.option("--events", is_flag=True, help="List the records instead of the state.")
@click.option("--limit", metavar="N", type=click.IntRange(min=1), help="With --events: list only the last N records.")
@click.option(
    "--own-dialect",
    is_flag=True,
    help="With --json: use the names and shapes of the session's own dialect, to compare with its documentation.",
)
@click.option("--digest", is_flag=True, help="Print only the state's full and content digests.")
@reveal_option
@json_option
@coroutine
async def show(
    session: str,
    db: str,
    at: str | None,
    events: bool,
    limit: int | None,
    own_dialect: bool,
    digest: bool,
    reveal: tuple[Revealed, ...],
    as_json: bool,
) -> None:
    """Show the state of a conversation at any point in time.

    \b
    Examples:
        earwitness show latest
        earwitness show latest --at 00:07.5
        earwitness show latest --at '#120' --json
        earwitness show weather.ndjson --events --limit 20
    """
    from ..replay.fold import fold_recording, parse_until
    from ..replay.open import open_recording
    from ..replay.show.keys import masked_state
    from ..replay.show.listing import info_json
    from ..replay.show.state import render_state
    from ..replay.unread import unread
    from ..replay.usage import usage_of
    from ..schemas.refs import to_plain

    if own_dialect and not as_json:
        raise click.UsageError("--own-dialect needs --json.")
    if events and (digest or own_dialect):
        raise click.UsageError("--events lists the records; --digest and --own-dialect are about the state.")
    if limit is not None and not events:
        raise click.UsageError("--limit needs --events.")
    until = parse_until(at) if at is not None else None
    async with open_recording(session, db) as recording:
        if events:
            await _print_events(recording, until, limit, reveal, as_json=as_json)
            return
        conversation = await fold_recording(recording, until=until)
    if digest:
        from ..replay.fold.digest import CONTENT_DIGEST, FULL_DIGEST, content_digest, full_digest

        full, content = full_digest(conversation), content_digest(conversation)
        if as_json:
            emit_json({"full": full, "content": content, "versions": {"full": FULL_DIGEST, "content": CONTENT_DIGEST}})
        else:
            click.echo(f"full     {full}  {FULL_DIGEST}\ncontent  {content}  {CONTENT_DIGEST}")
    elif as_json:
        usage = usage_of(conversation)
        if own_dialect:
            from ..replay.show.own_dialect import in_own_dialect

            conversation = in_own_dialect(conversation)
        state = masked_state(to_plain(conversation), reveal)
        missing = unread(conversation).to_json("state")
        emit_json({"session": info_json(recording.info), "not_read": missing, "state": state, "usage": to_plain(usage)})
    else:
        click.echo(render_state(recording.info, conversation, reveal))


async def _print_events(
    recording: Recording, until: Until | None, limit: int | None, reveal: tuple[Revealed, ...], *, as_json: bool
) -> None:
    from ..replay.show.listing import EventRow, event_rows

    shown: deque[EventRow] = deque(maxlen=limit)
    async for row in event_rows(recording, until, reveal):
        shown.append(row)
    if as_json:
        emit_json([row.to_json() for row in shown])
        return
    header = ["seq", "time", "from", "kind", "type", "bytes", ""]
    click.echo(table([row.cells() for row in shown], header=header, right=frozenset({0, 5})))
