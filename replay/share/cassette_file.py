"""Write a recording to a cassette file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from ...schemas.files.cassette import CassetteClose, CassetteHeader, encode_record
from ...schemas.frame import Frame
from ...schemas.recording import Recording, SessionInfo
from ..output import new_file

__all__ = ["cassette_header", "export_cassette"]


def cassette_header(info: SessionInfo, close: Frame | None) -> CassetteHeader:
    """Make the header from the session's summary and its ``close`` record."""
    opened = None
    if info.opened_at is not None:
        opened = info.opened_at.isoformat(timespec="microseconds").replace("+00:00", "Z")
    url = None
    if info.target is not None:
        url = (info.upstream or "").rstrip("/") + info.target
    closed = None
    if close is not None:
        try:
            statement = cast("dict[str, Any]", close.json())
            closed = CassetteClose(code=statement.get("code"), reason=statement.get("reason") or "")
        except (ValueError, AttributeError):
            closed = None
    return CassetteHeader(
        session=info.id,
        dialect=info.dialect,
        url=url,
        opened_at=opened,
        close=closed,
        labels=dict(info.labels),
        match=dict(info.match) if info.match is not None else None,
    )


async def export_cassette(recording: Recording, target: Path, *, force: bool = False) -> int:
    """Write a recording as a cassette, a batch at a time; give the number of records.

    Raises:
        OutputExists: the target exists and ``force`` is false.
        CannotWrite: the target cannot be written.
    """
    close: Frame | None = None
    # The header stands first and tells of the end: the last record is read before the others.
    total = recording.info.frames
    async for batch in recording.batches(max(total - 1, 0), total):
        close = next((frame for frame in batch if frame.kind == "close"), close)
    count = 0
    with new_file(target, force=force) as path, path.open("w", encoding="utf-8", newline="\n") as out:
        header = cassette_header(recording.info, close)
        out.write(header.model_dump_json(exclude_none=True) + "\n")
        async for batch in recording.batches(0, total):
            out.writelines(encode_record(frame) + "\n" for frame in batch)
            count += len(batch)
    return count
