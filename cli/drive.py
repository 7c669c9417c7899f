"""``earwitness drive``."""

from __future__ import annotations

import os
from typing import Any

import click

from .common import coroutine, db_option, emit_json, json_option, session_argument

__all__ = ["drive"]


@click.command()
@session_argument
@click.option(
    "--upstream", required=True, metavar="URL", help="openai, azure:RESOURCE, or ws(s)://HOST[:PORT][/PREFIX]."
)
@db_option
@click.option("--key-env", metavar="NAME", help="Variable with the key to present upstream. It is never recorded.")
@click.option(
    "--speed", default="1", show_default=True, metavar="N|max", help="Recorded seconds per second; max never waits."
)
@click.option("--turns", type=click.IntRange(min=1), default=None, help="Play only the user's first N turns.")
@click.option("--model", default=None, help="Ask for this model instead of the recorded one.")
@click.option("--target", default=None, metavar="PATH?QUERY", help="Ask for this instead of the recorded target.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=30.0,
    show_default=True,
    help="Seconds to wait for something that this server may never do.",
)
@click.option(
    "--on-other-call",
    type=click.Choice(["go", "stop"]),
    default="go",
    show_default=True,
    help="Where the model makes another call than the recorded output answers: send the output, or stop.",
)
@click.option("--ignore", multiple=True, metavar="ASPECT[.PATH]", help="As for diff. Repeatable.")
@json_option
@click.pass_context
@coroutine
async def drive(ctx: click.Context, *, session: str, db: str, as_json: bool, **options: Any) -> None:
    """Play yesterday's user against a live or other server, record it, and compare the two conversations.

    The recorded client frames are sent again, each when what it depended on has happened; ids that the server makes
    are mapped. The new session is recorded into the journal and linked to the old one.

    Exits with 0 where the two mean the same, 1 where they differ.

    \b
    Examples:
        earwitness drive weather.ndjson --upstream openai --key-env OPENAI_API_KEY --model gpt-realtime-mini
        earwitness drive latest --upstream ws://127.0.0.1:9000 --speed max --turns 2
    """
    from ..recorder.proxy.upstream import parse_upstream
    from ..replay.compare.diff import DiffOptions
    from ..replay.compare.diff_text import render_diff
    from ..replay.drive.run import DriveOptions, drive_session
    from ..replay.open import open_recording

    if options["target"] is not None and not options["target"].startswith("/"):
        # It is put behind the upstream's host: without the slash it would name another one.
        raise click.UsageError(f"--target: {options['target']!r} does not begin with '/'.")
    chosen = DriveOptions(
        speed=options["speed"],
        turns=options["turns"],
        target=options["target"],
        model=options["model"],
        upstream_key=_key(options["key_env"]),
        patience=options["timeout"],
        on_other_call=options["on_other_call"],
        diff=DiffOptions(ignore=options["ignore"]),
    )
    upstream = parse_upstream(options["upstream"])
    async with open_recording(session, db) as recording:
        outcome = await drive_session(
            recording, upstream, db, chosen, connecting=lambda url: click.echo(f"driving {url}", err=True)
        )
    if as_json:
        notes = list(outcome.driven.notes)
        emit_json({"session": outcome.session, "head": outcome.head, "notes": notes, "diff": outcome.diff.to_json()})
    else:
        driven = outcome.driven
        click.echo(f"session {outcome.session}: {driven.sent.count} frames sent, {driven.received.count} received")
        for note in driven.notes:
            click.echo(f"note: {note}")
        click.echo("")
        click.echo(render_diff(outcome.diff))
    ctx.exit(0 if outcome.diff.same else 1)


def _key(name: str | None) -> str | None:
    if name is None:
        return None
    key = os.environ.get(name, "").strip()
    if not key:
        raise click.UsageError(f"--key-env: the variable {name} is not set.")
    return key
