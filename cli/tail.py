"""``earwitness tail``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import click

from .common import coroutine, db_option, emit_json_line, reveal_option

if TYPE_CHECKING:
    from ..replay.show.keys import Revealed
    from ..replay.show.tail import TailLine

__all__ = ["tail"]


@click.command()
@click.argument("session", required=False)
@db_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line; docs/json.md lists the fields.")
@reveal_option
@coroutine
async def tail(session: str | None, db: str, as_json: bool, reveal: tuple[Revealed, ...]) -> None:
    """Follow sessions while they are being recorded.

    Prints a line whenever something is said, called, cut off or goes wrong. Without SESSION, follows all sessions that
    are open and all that begin, until Ctrl-C. With SESSION, prints that one from its first record and ends with it.
    The recorder is not disturbed.

    \b
    Examples:
        earwitness tail
        earwitness tail latest
        earwitness tail --json | jq .text
    """
    from ..recorder.journal import JournalReader
    from ..replay.show.tail import SessionTail, follow_sessions

    def say(public_id: str, line: TailLine) -> None:
        if as_json:
            emit_json_line({"session": public_id, **line._asdict()})
        else:
            click.echo(str(line) if session else f"{public_id[:8]}  {line}")

    async with await JournalReader.open(db) as reader:
        if session is None:
            await follow_sessions(reader, say, wait=_ticks, reveal=reveal)
            return
        info, lines = await reader.resolve(session), SessionTail(reveal)
        async for frames in reader.recording(info.id).follow():
            for frame in frames:
                for line in lines.lines(frame):
                    say(info.id, line)


async def _ticks() -> AsyncIterator[None]:
    while True:
        yield
        await asyncio.sleep(0.5)
