"""Write the sound of recordings to files: tracks, the whole call in stereo, single items."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

import numpy as np
import orjson

from ...schemas.errors import CannotWrite, RequestError
from ...schemas.recording import Recording
from ...schemas.refs import to_plain
from ...schemas.state import Item
from ..output import new_file
from ..unread import UnreadSound, sound_not_read
from .audio_report import AudioReport, InputReport
from .cuts import AS_RECORDED, Choice
from .encode import FileFormat, file_format, file_rate, refuse_too_long, sound_file
from .formats import NS, Samples, ns_to_samples
from .long_silence import refuse_long_silence
from .mix import Mixer, Track, render
from .pieces import AudioProblem, Interval
from .playback import READINGS, Reading
from .timeline import Timeline, read_timeline
from .tracks import (
    TRACKS,
    TrackChoice,
    in_a_row,
    inexact_spans,
    item_pieces,
    item_tracks,
    nothing_to_hear,
    timeline_tracks,
)

__all__ = ["AudioReport", "InputReport", "ItemFile", "Sound", "read_audio", "write_audio", "write_items"]

Progress = Callable[[float], None]

_KEPT: Final = 100
"""Characters of an item's id, or role, in the name of its file. The number in front of them tells files apart."""


async def write_audio(
    recordings: Recording | Sequence[Recording],
    target: str | Path,
    *,
    track: TrackChoice = "both",
    item: str | None = None,
    as_: Reading = "heard",
    choice: Choice = AS_RECORDED,
    start: int | None = None,
    end: int | None = None,
    format: str | None = None,  # noqa: A002  (the command's own word)
    force: bool = False,
    progress: Progress | None = None,
) -> AudioReport:
    """Write the sound of a session, or of several linked ones, to one file.

    The file's clock is the session's: its first sample is the moment when the session opened (or ``start``). Several
    sessions follow each other at the distance at which they opened.

    Args:
        recordings: one, or several in any order; in order of time if one of them does not say when it opened.
        target: the file; its suffix names the format unless ``format`` does.
        track: ``both`` is stereo, the user left and the assistant right; ``mono`` the sum of the two.
        item: the id of an item: its sound alone, from its first sample; ``track`` does not count then.
        as_: ``heard`` cuts the assistant's items where they were truncated or cleared; ``generated`` and
            ``delivered`` write everything that arrived.
        choice: what to take for granted where the recording does not say how it was played.
        start: nanoseconds on that clock; leaves out what comes before.
        end: nanoseconds on that clock; leaves out what comes after.
        format: ``wav``, ``flac`` or ``ogg`` (Opus).
        force: overwrite an existing file.
        progress: is called with how much is done, from 0 to 1.

    Raises:
        RequestError: no such item, no audio, an impossible choice.
        OutputExists: the target exists and ``force`` is false.
        CannotWrite: the target cannot be written, or a WAV file cannot be that long.
    """
    target = Path(target)
    kind = file_format(target, format)
    mix = await _mix(recordings, kind, track, item, as_, choice, start, end, _part_of(progress, 0.0, 0.5))
    writing = _part_of(progress, 0.5, 1.0)
    await _write(mix.sources, mix.mixer, target, kind, mix.rate, mix.channels, force=force, progress=writing)
    problems = mix.problems + mix.mixer.problems
    return AudioReport(target, kind, mix.rate, mix.channels, mix.mixer.samples, start or 0, problems, mix.input)


class Sound(NamedTuple):
    """Sound in memory.

    Attributes:
        samples: 16-bit integers (int16), ``(n, 2)`` in stereo, the user left and the assistant right, else ``(n,)``.
        rate: samples per second.
    """

    samples: Samples
    rate: int


async def read_audio(
    recordings: Recording | Sequence[Recording],
    *,
    track: TrackChoice = "both",
    item: str | None = None,
    as_: Reading = "heard",
    choice: Choice = AS_RECORDED,
    start: int | None = None,
    end: int | None = None,
) -> Sound:
    """Return the sound that :func:`write_audio` writes to a WAV file; all of it in memory.

    Raises:
        RequestError: no such item, no audio, an impossible choice.
    """
    mix = await _mix(recordings, "wav", track, item, as_, choice, start, end, None)
    samples = np.zeros((mix.mixer.samples, mix.channels), np.int16)
    at = 0

    def keep(block: Samples) -> None:
        nonlocal at
        samples[at : at + len(block)] = block
        at += len(block)

    await render(mix.sources, mix.mixer, keep)
    return Sound(samples if mix.channels == 2 else samples[:, 0], mix.rate)


@dataclass(frozen=True, slots=True)
class _Mix:
    """What is to be heard of recordings, ready to be rendered."""

    sources: Sequence[Recording]
    mixer: Mixer
    rate: int
    channels: int
    problems: list[AudioProblem]
    input: list[InputReport]


async def _mix(
    recordings: Recording | Sequence[Recording],
    kind: FileFormat,
    track: TrackChoice,
    item: str | None,
    as_: Reading,
    choice: Choice,
    start: int | None,
    end: int | None,
    progress: Progress | None,
) -> _Mix:
    sources = _in_order(recordings) if isinstance(recordings, Sequence) else [recordings]
    _check(track, as_, start, end)
    timelines = await _read(sources, choice, progress)
    if item is not None:
        tracks, channels = item_tracks(sources, timelines, item, as_), 1
    else:
        tracks, channels = timeline_tracks(sources, timelines, track, as_), 2 if track == "both" else 1
    if not tracks:
        raise nothing_to_hear(sources, timelines, track, item, await _not_read(sources, timelines))
    refuse_long_silence(tracks, start, end)
    rate = file_rate(max(each.piece.format.rate for each in tracks), kind)
    first, last = _bounds(tracks, rate, start or 0, end)
    mixer = Mixer(tracks, rate, channels, start=first, end=last)
    # Timelines and tracks of a long call are large; what is needed of them is in the mixer.
    problems = [problem for timeline in timelines for problem in timeline.problems]
    if item is not None:
        problems += inexact_spans(timelines, item)
    inputs = [
        InputReport(source.info.id, timeline.conversation.input_audio.clock, timeline.stream.pace)
        for source, timeline in zip(sources, timelines, strict=True)
    ]
    return _Mix(sources, mixer, rate, channels, problems, inputs)


async def _not_read(sources: Sequence[Recording], timelines: Sequence[Timeline]) -> UnreadSound | None:
    unknown = {name for timeline in timelines for name in timeline.conversation.unknown}
    return await sound_not_read(sources, unknown)


def _in_order(recordings: Sequence[Recording]) -> list[Recording]:
    """Recordings by the time at which they opened; as they stand where that is not known of all."""
    opened = [recording.info.opened_at for recording in recordings]
    known = [moment for moment in opened if moment is not None]
    if len(known) < len(opened):
        return list(recordings)
    return [recordings[index] for index in sorted(range(len(known)), key=known.__getitem__)]


def _check(track: str, as_: str, start: int | None, end: int | None) -> None:
    if track not in TRACKS:
        raise RequestError(f"{track!r} is not a track.", hint=f"Choose one of {', '.join(TRACKS)}.")
    if as_ not in READINGS:
        raise RequestError(f"{as_!r} is not a reading of the audio.", hint=f"Choose one of {', '.join(READINGS)}.")
    if (start or 0) < 0 or (end is not None and end <= (start or 0)):
        raise RequestError("The part of the session to write is empty.", hint="It ends before it starts.")


def _bounds(tracks: Sequence[Track], rate: int, start: int, end: int | None) -> tuple[int, int | None]:
    """First and last sample of the part that was asked for; None for the end of all."""
    first = ns_to_samples(start, rate)
    everything = max(ns_to_samples(each.end_ns, rate) for each in tracks)
    if first >= everything:
        raise RequestError(
            f"There is no sound from {start / NS:.3f} s on: it ends at {everything / rate:.3f} s.",
            hint="Start earlier.",
        )
    return first, None if end is None else min(ns_to_samples(end, rate), everything)


def _part_of(progress: Progress | None, start: float, end: float) -> Progress | None:
    """Report a part of the work as that part of the whole."""
    return None if progress is None else lambda done: progress(start + done * (end - start))


async def _read(sources: Sequence[Recording], choice: Choice, progress: Progress | None) -> list[Timeline]:
    return [
        await read_timeline(
            recording,
            with_text=False,
            choice=choice,
            progress=_part_of(progress, number / len(sources), (number + 1) / len(sources)),
        )
        for number, recording in enumerate(sources)
    ]


async def _write(
    sources: Sequence[Recording],
    mixer: Mixer,
    target: Path,
    kind: FileFormat,
    rate: int,
    channels: int,
    *,
    force: bool,
    progress: Progress | None = None,
) -> None:
    try:
        refuse_too_long(target, kind, mixer.samples, channels)
        with new_file(target, force=force) as path, sound_file(path, kind, rate, channels, mixer.samples) as write:
            await render(sources, mixer, write, progress)
    finally:
        mixer.close()


@dataclass(frozen=True, slots=True)
class ItemFile:
    """One entry of the manifest of :func:`write_items`.

    Times are milliseconds on the session's clock; ``why_not`` says why an item with speech has no file, and
    ``within_ms`` how far its part of the input may be off (None: nothing tells).
    """

    item: str
    session: str
    role: str | None
    file: str | None
    rate: int | None = None
    samples: int | None = None
    sha256: str | None = None
    start_ms: float | None = None
    end_ms: float | None = None
    cut: str | None = None
    why_not: str | None = None
    within_ms: float | None = 0.0


async def write_items(
    recordings: Recording | Sequence[Recording],
    folder: str | Path,
    *,
    as_: Reading = "heard",
    choice: Choice = AS_RECORDED,
    format: str = "wav",  # noqa: A002  (the command's own word)
    force: bool = False,
    progress: Progress | None = None,
) -> list[ItemFile]:
    """Write every spoken item to a file of its own, and ``manifest.json`` beside them.

    Files are named by order, role and item id. The manifest is written last: where it is, all files are.

    Raises:
        RequestError: nobody speaks in the recording.
        OutputExists: a file exists and ``force`` is false.
        CannotWrite: the folder or a file in it cannot be written.
    """
    sources = list(recordings) if isinstance(recordings, Sequence) else [recordings]
    folder = Path(folder)
    kind = file_format(folder, format)
    _check("both", as_, None, None)
    timelines = await _read(sources, choice, _part_of(progress, 0.0, 0.5))
    spoken = [
        (source, timeline, item)
        for source, timeline in enumerate(timelines)
        for item in (*timeline.conversation.items, *timeline.conversation.deleted, *timeline.conversation.out_of_band)
        if _speaks(item)
    ]
    if not spoken:
        raise nothing_to_hear(sources, timelines, "both", None, await _not_read(sources, timelines))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotWrite(f"{folder} cannot be created: {error.strerror}.", file=str(folder)) from error
    intervals = [_by_item(timeline) for timeline in timelines]
    entries: list[ItemFile] = []
    writing = _part_of(progress, 0.5, 1.0)
    for number, (source, timeline, item) in enumerate(spoken, 1):
        name = f"{number:03d}-{_file_name(item.role or 'assistant')}-{_file_name(item.id)}.{kind}"
        interval = intervals[source].get(item.id)
        entries.append(
            await _write_item(sources[source], timeline, item, interval, folder / name, kind, as_, force=force)
        )
        if writing is not None:
            writing(number / len(spoken))
    manifest = orjson.dumps(to_plain(entries), option=orjson.OPT_INDENT_2) + b"\n"
    with new_file(folder / "manifest.json", force=force) as path:
        path.write_bytes(manifest)
    return entries


def _file_name(stated: str) -> str:
    """An id or a role as part of a file name: what every file system takes, in characters and length."""
    return re.sub(r"[^0-9A-Za-z_-]", "_", stated)[:_KEPT]


def _by_item(timeline: Timeline) -> dict[str | None, Interval]:
    """When each item was spoken, from its first part to its last."""
    found: dict[str | None, Interval] = {}
    for each in timeline.intervals():
        before = found.get(each.item_id)
        found[each.item_id] = each if before is None else replace(before, end_ns=max(before.end_ns, each.end_ns))
    return found


def _speaks(item: Item) -> bool:
    return item.span is not None or any(part.audio.total for part in item.content)


async def _write_item(
    recording: Recording,
    timeline: Timeline,
    item: Item,
    interval: Interval | None,
    target: Path,
    kind: FileFormat,
    as_: Reading,
    *,
    force: bool,
) -> ItemFile:
    session = recording.info.id
    start = None if interval is None else round(interval.start_ns / 1e6, 3)
    end = None if interval is None else round(interval.end_ns / 1e6, 3)
    cut = next((playback.cut for playback in timeline.plan.of_item(item.id) if playback.cut), None)
    within = 0.0 if item.span is None else item.span.within_ms
    entry: dict[str, Any] = {"start_ms": start, "end_ms": end, "cut": cut, "within_ms": within}
    try:
        tracks = in_a_row(item_pieces(timeline, item, as_), 0)
    except RequestError as error:
        why = cast("str", error.data.get("why") or error.message)
        return ItemFile(item.id, session, item.role, None, why_not=why, **entry)
    rate = file_rate(max(each.piece.format.rate for each in tracks), kind)
    mixer = Mixer(tracks, rate, 1)
    await _write([recording], mixer, target, kind, rate, 1, force=force)
    return ItemFile(item.id, session, item.role, target.name, rate, mixer.samples, _digest(target), **entry)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
