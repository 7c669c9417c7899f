"""``earwitness drive``."""

from __future__ import annotations

from typing import Any

import click

from .common import (
    coroutine,
    db_option,
    emit_json,
    exit_code,
    json_option,
    key_from_environment,
    say,
    session_argument,
    speed_option,
)

__all__ = ["drive"]


@click.command()
@session_argument
@click.option(
    "--upstream",
    required=True,
    metavar="URL",
    help="Server to drive: openai, azure:RESOURCE, or ws(s)://HOST[:PORT][/PREFIX].",
)
@db_option
@click.option(
    "--key-env", metavar="NAME", help="Send the key in this environment variable upstream. It is never recorded."
)
@speed_option
@click.option(
    "--turns", metavar="N", type=click.IntRange(min=1), default=None, help="Play only the user's first N turns."
)
@click.option("--model", metavar="NAME", default=None, help="Request this model instead of the recorded one.")
@click.option(
    "--target", default=None, metavar="PATH?QUERY", help="Request this path and query instead of the recorded ones."
)
@click.option(
    "--timeout",
    metavar="SECONDS",
    type=click.FloatRange(min=0, min_open=True),
    default=30.0,
    show_default=True,
    help="Wait this long for an event that the server may never send, then go on.",
)
@click.option(
    "--on-other-call",
    type=click.Choice(["go", "stop"]),
    default="go",
    show_default=True,
    help="What to do when the model calls another tool, or with other arguments, than in the recording. go: send the "
    "recorded output anyway. stop: end the session.",
)
@click.option("--ignore", multiple=True, metavar="ASPECT[.PATH]", help="Do not compare this; as for diff. Repeatable.")
@json_option
@click.pass_context
@coroutine
async def drive(ctx: click.Context, *, session: str, db: str, as_json: bool, **options: Any) -> None:
    """Play a recorded user against another server, and compare.

    Sends the recorded client's frames again, each once the events that it depended on have happened; ids made by the
    server are replaced by the new server's. The new session is recorded into the journal, linked to the old one, and
    compared with it as 'earwitness diff' does.

    Exits with 0 if nothing differs, 1 if something does, 7 if there was nothing to compare.

    \b
    Examples:
        earwitness drive weather.ndjson --upstream openai --key-env OPENAI_API_KEY
        earwitness drive latest --upstream ws://127.0.0.1:9000 --speed max --turns 2
    """
    from ..recorder.proxy.upstream import parse_upstream
    from ..replay.compare.diff_text import render_diff
    from ..replay.compare.result import DiffOptions
    from ..replay.drive.run import DriveOptions, drive_session
    from ..replay.open import open_recording

    if options["target"] is not None and not options["target"].startswith("/"):
        # It follows the upstream's host: without the slash it would name another host.
        raise click.UsageError(f"--target: {options['target']!r} does not begin with '/'.")
    key = options["key_env"]
    chosen = DriveOptions(
        speed=options["speed"],
        turns=options["turns"],
        target=options["target"],
        model=options["model"],
        upstream_key=None if key is None else key_from_environment("--key-env", key),
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
            say(f"note: {note}")
        click.echo("")
        click.echo(render_diff(outcome.diff))
    ctx.exit(exit_code(outcome.diff.outcome))
