"""``earwitness transcript``."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import click

from .common import coroutine, db_option, session_argument

if TYPE_CHECKING:
    from ..replay.transcript import Reading

__all__ = ["transcript"]


@click.command()
@session_argument
@db_option
@click.option(
    "--as",
    "reading",
    type=click.Choice(["generated", "delivered", "heard"]),
    default="heard",
    show_default=True,
    help="generated: what the model produced; delivered: what crossed to the client; heard: what can have been "
    "played when the user cut in (an estimate from the audio position).",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown", "json"]),
    default="text",
    show_default=True,
)
@coroutine
async def transcript(session: str, db: str, reading: str, form: str) -> None:
    """Print the transcript of a session.

    \b
    Examples:
        earwitness transcript latest
        earwitness transcript latest --as generated --format markdown > call.md
    """
    from ..replay.fold import fold_recording
    from ..replay.source import open_recording
    from ..replay.transcript import render, transcribe

    async with open_recording(session, db) as recording:
        conversation = await fold_recording(recording)
    click.echo(render(transcribe(conversation, cast("Reading", reading)), form))
