"""``earwitness audio``."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from .common import (
    coroutine,
    db_option,
    emit_json,
    force_option,
    is_dash,
    json_option,
    output_option,
    playback_choice,
    playback_options,
    progress_stream,
    say,
    session_arguments,
    write_to,
)

if TYPE_CHECKING:
    from ..schemas.recording import Recording

__all__ = ["audio"]

_CLOCKS: Final[dict[str | None, str]] = {
    "buffer": "clock: the server counts the milliseconds of speech from the current buffer's first sample",
    "unknown": "clock: what the server counts the milliseconds of speech from is not known",
}


@click.command()
@session_arguments
@db_option
@output_option(required=True, text="The file to write; - for standard output. With --items: a folder.")
@click.option(
    "--track",
    type=click.Choice(["user", "assistant", "both", "mono"]),
    default="both",
    show_default=True,
    help="both: stereo, the user left and the assistant right. mono: both in one channel.",
)
@click.option("--item", metavar="ID", default=None, help="Write only this item.")
@click.option("--items", is_flag=True, help="Write each spoken item to a file of its own, plus manifest.json.")
@click.option(
    "--as",
    "reading",
    type=click.Choice(["generated", "delivered", "heard"]),
    default="heard",
    show_default=True,
    help="heard: the assistant stops where it was interrupted. The other two: it goes on to the end.",
)
@click.option(
    "--from",
    "start",
    metavar="#SEQ|TIME|EVENT_ID",
    default=None,
    help="Start at this record (#120), time (7.5, 00:07.5, 1:00:00) or event.",
)
@click.option("--to", "end", metavar="#SEQ|TIME|EVENT_ID", default=None, help="Stop here, likewise.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["wav", "flac", "ogg"]),
    default=None,
    help="Default: taken from the file name; wav for - and --items.",
)
@playback_options
@force_option
@json_option
@coroutine
async def audio(
    *, sessions: tuple[str, ...], db: str, output: Path, items: bool, as_json: bool, **options: Any
) -> None:
    """Write the sound of a call to a WAV, FLAC or Ogg file.

    User and assistant run on one clock. Several sessions are joined at the distance at which they began.

    \b
    Examples:
        earwitness audio latest -o call.wav
        earwitness audio latest -o answer.flac --item item_EVdi8…
        earwitness audio latest -o items --items --format flac
        earwitness audio latest -o - | aplay
    """
    from ..replay.open import open_recording

    if items and (any(options[name] is not None for name in ("item", "start", "end")) or is_dash(output)):
        raise click.UsageError("--items writes every item whole; it does not go with --item, --from, --to or -o -.")
    async with AsyncExitStack() as stack:
        recordings = [await stack.enter_async_context(open_recording(name, db)) for name in sessions]
        stream = progress_stream()
        path = stack.enter_context(write_to(output, binary=True, as_json=as_json))
        if is_dash(output):
            options["form"] = options["form"] or "wav"
        with click.progressbar(length=1000, file=stream, label=output.name, hidden=stream is None) as bar:
            write = _write_items if items else _write_call
            written = await write(recordings, path, options, lambda done: bar.update(int(done * 1000) - bar.pos))
    for note in written.notes:
        say(f"note: {note}", err=True)
    if as_json:
        emit_json(written.json)
    else:
        click.echo(f"{written.summary} → {'standard output' if is_dash(output) else output}", err=True)


class _Written(NamedTuple):
    json: Any
    notes: list[str]
    summary: str


async def _write_call(
    recordings: list[Recording], target: Path, options: dict[str, Any], progress: Callable[[float], None]
) -> _Written:
    from ..replay.audio import write_audio
    from ..replay.fold import offset_of, parse_until
    from ..schemas.refs import to_plain

    async def when(text: str | None) -> int | None:
        if text is None:
            return None
        until = parse_until(text)
        if until.offset_ns is None and (options["item"] is not None or len(recordings) > 1):
            raise click.UsageError(f"With --item or several sessions, --from and --to are times; {text!r} is not one.")
        return await offset_of(recordings[0], until)

    report = await write_audio(
        recordings,
        target,
        track=options["track"],
        item=options["item"],
        as_=options["reading"],
        choice=playback_choice(options["playback"], options["out_of_band"]),
        start=await when(options["start"]),
        end=await when(options["end"]),
        format=options["form"],
        force=options["force"],
        progress=progress,
    )
    return _Written(
        {**to_plain(report), "target": str(target)},
        [
            *map(str, report.problems),
            *(_CLOCKS[each.clock.counts_from] for each in report.input if each.clock.counts_from in _CLOCKS),
        ],
        f"{report.seconds:.3f} s, {report.rate} Hz, {report.channels} channel(s)",
    )


async def _write_items(
    recordings: list[Recording], folder: Path, options: dict[str, Any], progress: Callable[[float], None]
) -> _Written:
    from ..replay.audio import write_items
    from ..schemas.refs import to_plain

    form = options["form"] or "wav"
    entries = await write_items(
        recordings,
        folder,
        as_=options["reading"],
        choice=playback_choice(options["playback"], options["out_of_band"]),
        format=form,
        force=options["force"],
        progress=progress,
    )
    return _Written(
        to_plain(entries),
        [f"no file for {entry.item}: {entry.why_not}" for entry in entries if entry.why_not is not None],
        f"{sum(entry.file is not None for entry in entries)} files",
    )
