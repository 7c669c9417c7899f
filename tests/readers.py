"""Everything that reads a recording, in one go: for properties that hold of every reader."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from earwitness.replay.audio.export import write_audio, write_items
from earwitness.replay.compare.check import check_recording
from earwitness.replay.compare.diff import compare_recordings
from earwitness.replay.fold import fold_recording
from earwitness.replay.playing.pacing import Pacer
from earwitness.replay.serve.plan import make_plan
from earwitness.replay.share.cassette_file import export_cassette
from earwitness.replay.show.listing import event_rows, info_json, list_rows
from earwitness.replay.show.state import render_state
from earwitness.replay.show.tail import SessionTail
from earwitness.replay.transcript.write import FORMATS, export_transcript
from earwitness.schemas.errors import RequestError
from earwitness.schemas.recording import MemoryRecording

__all__ = ["read_everything"]


async def read_everything(session: MemoryRecording, folder: Path) -> dict[str, Any]:
    """What each reader makes of a recording: its result, or the :class:`RequestError` with which it refuses."""

    async def show() -> str:
        return render_state(session.info, await fold_recording(session))

    async def events() -> list[Any]:
        return [(row.cells(), row.to_json()) async for row in event_rows(session)]

    async def listed() -> Any:
        return list_rows([session.info]), info_json(session.info)

    async def tail() -> list[str]:
        told = SessionTail()
        return [str(line) for frame in session.frames for line in told.lines(frame)]

    async def paced() -> int:
        pacer, due = Pacer(1.0, 0), 0
        for frame in session.frames:
            due = pacer.due(frame.offset_ns)
            pacer.sent(frame.offset_ns, due)
        return due

    readers: dict[str, Callable[[], Awaitable[Any]]] = {
        "show": show,
        "events": events,
        "list": listed,
        "tail": tail,
        "check": lambda: check_recording(session),
        "diff": lambda: compare_recordings(session, session),
        "plan": lambda: make_plan(session),
        "pacing": paced,
        "audio": lambda: write_audio(session, folder / "call.wav", force=True),
        "items": lambda: write_items(session, folder / "items", force=True),
        "cassette": lambda: export_cassette(session, folder / "call.ndjson", force=True),
    }
    for form in FORMATS:
        readers[form] = lambda form=form: export_transcript(session, form)
    made: dict[str, Any] = {}
    for name, read in readers.items():
        try:
            made[name] = await read()
        except RequestError as error:
            made[name] = error
    return made
