"""``earwitness tail``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import click

from .common import coroutine, db_option

__all__ = ["tail"]


@click.command()
@click.argument("session", required=False)
@db_option
@coroutine
async def tail(session: str | None, db: str) -> None:
    """Follow what is being recorded: a line when something was said, called, cut or went wrong.

    Without SESSION: all that are open, and all that begin from now on, until Ctrl-C. With one: from its first record
    to its last. The recorder is not disturbed.

    \b
    Examples:
        earwitness tail
        earwitness tail latest
    """
    from ..recorder.journal import JournalReader
    from ..replay.show.tail import SessionTail, follow_sessions

    async with await JournalReader.open(db) as reader:
        if session is None:
            await follow_sessions(reader, lambda public_id, line: click.echo(f"{public_id[:8]}  {line}"), wait=_ticks)
            return
        info, lines = await reader.resolve(session), SessionTail()
        async for frames in reader.recording(info.id).follow():
            for frame in frames:
                for line in lines.lines(frame):
                    click.echo(line)


async def _ticks() -> AsyncIterator[None]:
    while True:
        yield
        await asyncio.sleep(0.5)
