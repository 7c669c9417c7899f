"""Writes a recording to a cassette file."""

from __future__ import annotations

from collections import deque
from pathlib import Path

from ...schemas.files.cassette import cassette_header, encode_header, encode_record
from ...schemas.files.kept import Kept, take_kept
from ...schemas.frame import Frame
from ...schemas.recording import Recording
from ..output import new_file

__all__ = ["export_cassette"]


async def export_cassette(recording: Recording, target: Path, *, force: bool = False) -> int:
    """Write a recording as a cassette, a batch at a time; return the number of records.

    What an imported cassette held that this version does not know stands where it stood.

    Raises:
        OutputExists: the target exists and ``force`` is false.
        CannotWrite: the target cannot be written.
    """
    last: Frame | None = None
    # The header stands first and states the end: the last record is read before the others.
    total = recording.info.frames
    async for batch in recording.batches(max(total - 1, 0), total):
        last = batch[-1]
    kept = Kept()
    async for batch in recording.batches(0, 1):
        kept = take_kept(batch[0])[1]
    lines = deque(kept.lines)
    count = 0
    with new_file(target, force=force) as path, path.open("w", encoding="utf-8", newline="\n") as out:
        out.write(encode_header(kept.into(cassette_header(recording.info, last))) + "\n")
        async for batch in recording.batches(0, total):
            for frame in batch:
                while lines and lines[0][0] <= frame.seq:
                    out.write(lines.popleft()[1] + "\n")
                record = frame if frame.seq else take_kept(frame)[0]
                out.write(encode_record(record, kept.extras.get(frame.seq)) + "\n")
            count += len(batch)
        out.writelines(line + "\n" for _, line in lines)
    return count
