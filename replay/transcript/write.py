"""A recording's transcript in any format, as bytes: what ``earwitness transcript`` writes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ...schemas.errors import RequestError
from ...schemas.recording import Recording
from ..audio.encode import FileFormat
from ..audio.timeline import read_timeline
from .lines import Reading, Transcript, readable, transcribe
from .subtitles import as_srt, as_vtt
from .text import FORMATS as _TEXT_FORMATS
from .timing import check_times, playbacks_by_part, spoken

__all__ = ["FORMATS", "Exported", "export_transcript", "format_of", "transcribe_recording"]

_SUBTITLES: Final = {"srt": as_srt, "vtt": as_vtt}
FORMATS: Final = (*_TEXT_FORMATS, *_SUBTITLES, "html")
"""The formats by name."""
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
    """The format that was asked for, else the one that the file's name ends with, else ``text``.

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
            f"The name {target.name} does not say which format is wanted.",
            hint=f"End it with {', '.join(_SUFFIXES)}, or state --format.",
            file=str(target),
        )
    return found


async def transcribe_recording(recording: Recording, reading: Reading = "heard") -> Transcript:
    """Read a recording and transcribe it, with what was played worked out from every record's time.

    Raises:
        ValueError: there is no such reading.
    """
    timeline = await read_timeline(recording)
    return transcribe(timeline.conversation, reading, playbacks=playbacks_by_part(timeline))


async def export_transcript(
    recording: Recording,
    form: str,
    reading: Reading = "heard",
    *,
    sound: FileFormat | None = None,
    silent: bool = False,
    progress: Callable[[float], None] | None = None,
) -> Exported:
    """Write the transcript of a session. The same recording gives the same bytes.

    Args:
        recording: the session.
        form: one of :data:`FORMATS`.
        reading: what to write.
        sound: how to embed the sound in HTML; by its length where None.
        silent: leave the sound out of HTML.
        progress: is told how much of the sound is done, from 0 to 1.

    Raises:
        ValueError: there is no such format.
        RequestError: subtitles of what has no times; sound that is too long for a page.
        CannotWrite: there is no space for temporary files.
    """
    if form == "html":
        from .page import page

        return _encoded(await page(recording, reading, sound=sound, silent=silent, progress=progress))
    subtitles = _SUBTITLES.get(form)
    if subtitles is None:
        return _encoded((await transcribe_recording(recording, reading)).text(form))
    utterances = spoken(await read_timeline(recording), reading)
    check_times(utterances)
    guessed = sum(each.timing == "records" for each in utterances)
    note = (
        f"{guessed} of {len(utterances)} utterances stand where their records came: nothing says when they were spoken"
    )
    return _encoded(subtitles(utterances), (note,) if guessed else ())


def _encoded(text: str, notes: tuple[str, ...] = ()) -> Exported:
    # No lines at all are an empty file, in JSON Lines.
    ended = text if text.endswith("\n") or not text else f"{text}\n"
    return Exported(readable(ended).encode(), notes)
