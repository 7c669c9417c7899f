"""A recording's transcript in any format, as bytes: what ``earwitness transcript`` writes."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ...schemas.errors import RequestError
from ...schemas.recording import Recording
from ..audio.cuts import AS_RECORDED, Choice
from ..audio.encode import FileFormat
from ..audio.timeline import read_timeline
from ..output import new_file
from ..show.keys import Revealed
from ..show.terminal import json_visible, visible
from .line import readable
from .lines import Reading, Transcript, transcribe
from .subtitles import as_srt, as_vtt
from .text import FORMATS as _TEXT_FORMATS
from .timing import check_times, spoken

__all__ = ["FORMATS", "Exported", "export_transcript", "format_of", "transcribe_recording", "write_transcript"]

_SUBTITLES: Final = {"srt": as_srt, "vtt": as_vtt}
FORMATS: Final = (*_TEXT_FORMATS, *_SUBTITLES, "html")
"""The formats by name."""
_WITH_NOTES: Final = ("text", "markdown", "json")
"""Formats with a place for what is not read."""
_SUFFIXES: Final = {
    ".txt": "text",
    ".md": "markdown",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".srt": "srt",
    ".vtt": "vtt",
    ".html": "html",
    ".htm": "html",
}


@dataclass(frozen=True, slots=True)
class Exported:
    """A transcript as it is written to a file, and what its reader should be told beside it."""

    data: bytes
    notes: tuple[str, ...] = ()


def format_of(stated: str | None, target: Path | None) -> str:
    """Return the format that was asked for, else the one that the file's name ends with, else ``text``.

    Raises:
        RequestError: the name ends with something else.
    """
    if stated is not None:
        return stated
    if target is None:
        return "text"
    found = _SUFFIXES.get(target.suffix.lower())
    if found is None:
        raise RequestError(
            f"The name {target.name} does not say which format to write.",
            hint=f"End it with {', '.join(_SUFFIXES)}, or state --format.",
            file=str(target),
        )
    return found


async def transcribe_recording(
    recording: Recording,
    reading: Reading = "heard",
    choice: Choice = AS_RECORDED,
    *,
    reveal: Collection[Revealed] = (),
) -> Transcript:
    """Read a recording and transcribe it, with what was played worked out from every record's time.

    Args:
        recording: the session.
        reading: what to write.
        choice: what to take for granted where the recording does not say how it was played.
        reveal: what is shown though it is hidden by default: ``dtmf``, the keys that the caller pressed.

    Raises:
        ValueError: there is no such reading.
    """
    timeline = await read_timeline(recording, choice=choice)
    return transcribe(timeline.conversation, reading, timeline.plan, reveal=reveal)


async def export_transcript(
    recording: Recording,
    form: str,
    reading: Reading = "heard",
    *,
    sound: FileFormat | None = None,
    silent: bool = False,
    reveal: Collection[Revealed] = (),
    choice: Choice = AS_RECORDED,
    progress: Callable[[float], None] | None = None,
) -> Exported:
    """Return the transcript of a session as the bytes of a file. The same recording gives the same bytes.

    Args:
        recording: the session.
        form: one of :data:`FORMATS`.
        reading: what to write.
        sound: how to embed the sound in HTML; None decides by its length.
        silent: leave the sound out of HTML.
        reveal: what is shown though it is hidden by default: ``dtmf``, the keys that the caller pressed.
        choice: what to take for granted where the recording does not say how it was played.
        progress: is called with how much of the sound is done, from 0 to 1.

    Raises:
        ValueError: there is no such format.
        RequestError: subtitles of what has no times; sound that is too long for a page.
        CannotWrite: there is no space for temporary files.
    """
    if form == "html":
        from .page import page

        page_of = page(recording, reading, sound=sound, silent=silent, reveal=reveal, choice=choice, progress=progress)
        return _encoded(visible(await page_of))
    timeline = await read_timeline(recording, choice=choice)
    transcript = transcribe(timeline.conversation, reading, timeline.plan, reveal=reveal)
    subtitles = _SUBTITLES.get(form)
    if subtitles is None:
        text = transcript.text(form)
        notes = () if form in _WITH_NOTES else transcript.not_read
        return _encoded(json_visible(text) if form.startswith("json") else visible(text, keep="\r"), notes)
    utterances = spoken(timeline, transcript)
    check_times(utterances)
    guessed = sum(each.timing == "records" for each in utterances)
    note = (
        f"{guessed} of {len(utterances)} utterances stand where their records came: nothing says when they were spoken"
    )
    return _encoded(visible(subtitles(utterances)), (*transcript.not_read, *((note,) if guessed else ())))


async def write_transcript(
    recording: Recording,
    target: str | Path,
    reading: Reading = "heard",
    *,
    format: str | None = None,  # noqa: A002  (the command's own word)
    sound: FileFormat | None = None,
    silent: bool = False,
    reveal: Collection[Revealed] = (),
    choice: Choice = AS_RECORDED,
    force: bool = False,
    progress: Callable[[float], None] | None = None,
) -> Exported:
    """Write the transcript of a session to a file; arguments as for :func:`export_transcript`.

    Args:
        recording: the session.
        target: the file; its suffix names the format unless ``format`` does.
        reading: what to write.
        format: one of :data:`FORMATS`.
        sound: how to embed the sound in HTML.
        silent: leave the sound out of HTML.
        reveal: what is shown though it is hidden by default.
        choice: what to take for granted where the recording does not say how it was played.
        force: overwrite an existing file.
        progress: is called with how much of the sound is done, from 0 to 1.

    Raises:
        OutputExists: the target exists and ``force`` is false.
        ValueError, RequestError, CannotWrite: as for :func:`export_transcript`; the target cannot be written.
    """
    target = Path(target)
    form = format_of(format, target)
    done = await export_transcript(
        recording, form, reading, sound=sound, silent=silent, reveal=reveal, choice=choice, progress=progress
    )
    with new_file(target, force=force) as path:
        path.write_bytes(done.data)
    return done


def _encoded(text: str, notes: tuple[str, ...] = ()) -> Exported:
    # No lines at all are an empty file, in JSON Lines.
    ended = text if text.endswith("\n") or not text else f"{text}\n"
    return Exported(readable(ended).encode(), notes)
