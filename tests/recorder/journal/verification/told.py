"""What verifying finds in a journal, and what a reader of it is told."""

from __future__ import annotations

from pathlib import Path

from earwitness.recorder.journal import JournalReader, verify
from earwitness.schemas.errors import EarwitnessError


async def findings(path: Path, head: str | None = None) -> list[tuple[str, str | None, int | None]]:
    report = await verify(path, head=head)
    return [(finding.kind, finding.session, finding.seq) for finding in report.findings]


async def what_is_read(path: Path) -> object:
    """Everything that a reader of this journal is told."""
    try:
        async with await JournalReader.open(path) as reader:
            told = []
            for info in await reader.sessions():
                recording = reader.recording(info.id)
                told.append((info, [frame async for frames in recording.batches() for frame in frames]))
            return told
    except (EarwitnessError, ValueError, TypeError) as error:
        return type(error)
