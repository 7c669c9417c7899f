"""Writes a recording to a cassette file."""

from __future__ import annotations

from pathlib import Path

from ...schemas.files.cassette import cassette_header, encode_header, encode_record
from ...schemas.frame import Frame
from ...schemas.recording import Recording
from ..output import new_file

__all__ = ["export_cassette"]


async def export_cassette(recording: Recording, target: Path, *, force: bool = False) -> int:
    """Write a recording as a cassette, a batch at a time; return the number of records.

    Raises:
        OutputExists: the target exists and ``force`` is false.
        CannotWrite: the target cannot be written.
    """
    last: Frame | None = None
    # The header stands first and states the end: the last record is read before the others.
    total = recording.info.frames
    async for batch in recording.batches(max(total - 1, 0), total):
        last = batch[-1]
    count = 0
    with new_file(target, force=force) as path, path.open("w", encoding="utf-8", newline="\n") as out:
        out.write(encode_header(cassette_header(recording.info, last)) + "\n")
        async for batch in recording.batches(0, total):
            out.writelines(encode_record(frame) + "\n" for frame in batch)
            count += len(batch)
    return count
