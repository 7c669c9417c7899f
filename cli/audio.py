"""``earwitness audio``."""

from __future__ import annotations

import re
from contextlib import AsyncExitStack
from pathlib import Path

import click

from .common import coroutine, db_option, progress_stream

__all__ = ["audio"]

_TIME = re.compile(r"(?:(\d+):)?(\d+(?:\.\d{1,9})?)")


@click.command()
@click.argument("sessions", metavar="SESSION...", nargs=-1, required=True)
@db_option
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="The file to write; with --items a folder."
)
@click.option(
    "--track",
    type=click.Choice(["user", "assistant", "both", "mono"]),
    default="both",
    show_default=True,
    help="both is stereo: the user left, the assistant right.",
)
@click.option("--item", metavar="ID", default=None, help="The sound of this item alone.")
@click.option("--items", is_flag=True, help="Every spoken item in a file of its own, and manifest.json.")
@click.option(
    "--as",
    "reading",
    type=click.Choice(["generated", "delivered", "heard"]),
    default="heard",
    show_default=True,
    help="heard cuts the assistant where it was interrupted.",
)
@click.option("--from", "start", metavar="MM:SS", default=None, help="Leave out what lies before.")
@click.option("--to", "end", metavar="MM:SS", default=None, help="Leave out what lies behind.")
@click.option(
    "--format", "form", type=click.Choice(["wav", "flac", "ogg"]), default=None, help="Default: by the file's ending."
)
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
@coroutine
async def audio(
    sessions: tuple[str, ...],
    db: str,
    output: Path,
    track: str,
    item: str | None,
    items: bool,
    reading: str,
    start: str | None,
    end: str | None,
    form: str | None,
    force: bool,
) -> None:
    """Write the sound of a call: user and assistant on one clock, cut where the user cut in.

    Several linked sessions are joined with their real gaps.

    \b
    Examples:
        earwitness audio latest -o call.wav
        earwitness audio latest -o answer.flac --item item_EVdi8…
        earwitness audio latest -o items --items --format flac
    """
    from ..replay.audio import write_audio, write_items
    from ..replay.open import open_recording

    if items and (item is not None or start is not None or end is not None):
        raise click.UsageError("--items writes whole items, all of them: it goes without --item, --from and --to.")
    async with AsyncExitStack() as stack:
        recordings = [await stack.enter_async_context(open_recording(name, db)) for name in sessions]
        stream = progress_stream()
        with click.progressbar(length=1000, file=stream, label=output.name, hidden=stream is None) as bar:
            if items:
                entries = await write_items(
                    recordings,
                    output,
                    as_=reading,  # pyright: ignore[reportArgumentType]  # click has checked the choice
                    format=form or "wav",
                    force=force,
                    progress=lambda done: bar.update(int(done * 1000) - bar.pos),
                )
                for entry in entries:
                    if entry.why_not is not None:
                        click.echo(f"note: no file for {entry.item}: {entry.why_not}", err=True)
                click.echo(f"{sum(entry.file is not None for entry in entries)} files → {output}", err=True)
                return
            report = await write_audio(
                recordings,
                output,
                track=track,  # pyright: ignore[reportArgumentType]  # click has checked the choice
                item=item,
                as_=reading,  # pyright: ignore[reportArgumentType]  # the same
                start=_nanoseconds(start),
                end=_nanoseconds(end),
                format=form,
                force=force,
                progress=lambda done: bar.update(int(done * 1000) - bar.pos),
            )
    for problem in report.problems:
        click.echo(f"note: {problem}", err=True)
    click.echo(f"{report.seconds:.3f} s, {report.rate} Hz, {report.channels} channel(s) → {output}", err=True)


def _nanoseconds(text: str | None) -> int | None:
    if text is None:
        return None
    match = _TIME.fullmatch(text)
    if match is None:
        raise click.UsageError(f"{text!r} is no time; write MM:SS or MM:SS.mmm.")
    minutes, seconds = match.groups()
    whole, _, fraction = seconds.partition(".")
    return (int(minutes or 0) * 60 + int(whole)) * 1_000_000_000 + int(fraction.ljust(9, "0") or 0)
