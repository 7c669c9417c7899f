"""``earwitness transcript``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from .common import (
    coroutine,
    db_option,
    force_option,
    is_dash,
    is_terminal,
    output_option,
    playback_choice,
    playback_options,
    progress_stream,
    reveal_option,
    say,
    session_argument,
)

if TYPE_CHECKING:
    from ..replay.audio.encode import FileFormat
    from ..replay.show.keys import Revealed
    from ..replay.transcript.lines import Reading

__all__ = ["transcript"]

_FORMATS = ["text", "markdown", "json", "jsonl", "csv", "srt", "vtt", "html"]


@click.command()
@session_argument
@db_option
@click.option(
    "--as",
    "reading",
    type=click.Choice(["generated", "delivered", "heard"]),
    default="heard",
    show_default=True,
    help="generated: what the model produced. delivered: what reached the client. heard: what can have been played "
    "before the user interrupted (an estimate from the audio position).",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(_FORMATS),
    default=None,
    help="Default: taken from the file name, else text. srt and vtt are subtitles for the file that 'earwitness audio' "
    "writes; html is a page with a player.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json; docs/state.md lists the fields.")
@output_option(required=False, text="The file to write. Default: - (standard output).")
@force_option
@click.option(
    "--sound",
    type=click.Choice(["auto", "flac", "ogg", "wav", "none"]),
    default="auto",
    show_default=True,
    help="How an HTML page embeds the sound. auto: FLAC up to about three minutes, then Ogg Opus.",
)
@playback_options
@reveal_option
@coroutine
async def transcript(
    session: str,
    db: str,
    reading: str,
    form: str | None,
    as_json: bool,
    output: Path | None,
    force: bool,
    sound: str,
    playback: str,
    out_of_band: bool,
    reveal: tuple[Revealed, ...],
) -> None:
    """Print the transcript of a session, or write it to a file.

    \b
    Examples:
        earwitness transcript latest
        earwitness transcript latest -o call.html
        earwitness transcript latest --as generated --format markdown > call.md
    """
    from ..replay.open import open_recording
    from ..replay.output import new_file
    from ..replay.transcript.write import export_transcript, format_of

    if as_json and form not in (None, "json"):
        raise click.UsageError(f"--json and --format {form} contradict each other.")
    if output is not None and is_dash(output):
        output = None
    form = format_of("json" if as_json else form, output)
    if form == "html" and output is None and is_terminal(sys.stdout):
        raise click.UsageError("An HTML page is not for a terminal: name a file with -o, or redirect the output.")
    async with open_recording(session, db) as recording:
        stream = progress_stream() if form == "html" else None
        with click.progressbar(length=1000, file=stream, label="sound", hidden=stream is None) as bar:
            done = await export_transcript(
                recording,
                form,
                cast("Reading", reading),
                sound=None if sound in ("auto", "none") else cast("FileFormat", sound),
                silent=sound == "none",
                reveal=reveal,
                choice=playback_choice(playback, out_of_band),
                progress=lambda part: bar.update(int(part * 1000) - bar.pos),
            )
    for note in done.notes:
        say(f"note: {note}", err=True)
    if output is None:
        # Bytes: the same in every locale.
        click.echo(done.data, nl=False)
        return
    with new_file(output, force=force) as path:
        path.write_bytes(done.data)
    click.echo(f"{form}, {len(done.data):,} bytes → {output}", err=True)
