"""What ``list`` says of a session's end."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from earwitness.replay.show.listing import Ending, ending, list_json, list_rows
from earwitness.schemas.errors import StoreCorrupt
from earwitness.schemas.frame import Frame
from earwitness.schemas.recording import MemoryRecording, SessionInfo


def statement(seq: int, kind: Any, **fields: Any) -> Frame:
    return Frame(seq, seq, kind, "recorder", None, json.dumps(fields).encode())


def recorded(*frames: Frame, **info: Any) -> MemoryRecording:
    return MemoryRecording(SessionInfo(id="s", frames=len(frames), **info), frames)


async def test_a_refused_handshake_is_listed_with_its_status() -> None:
    recording = recorded(statement(0, "open", response={"status": 429, "body": "slow down"}), status="refused")
    end = await ending(recording)
    assert end == Ending(refused_with=429)
    assert list_rows([recording.info], [end])[1][0][6] == "refused 429"
    assert list_json(recording.info, end)["refused_with"] == 429


async def test_a_note_may_follow_the_close() -> None:
    close = statement(1, "close", code=1011, reason="keepalive ping timeout", by="server")
    recording = recorded(statement(0, "open"), close, statement(2, "note", note="x"), status="closed", close_code=1011)
    end = await ending(recording)
    assert list_rows([recording.info], [end])[1][0][6] == "closed 1011 (keepalive ping timeout)"


@pytest.mark.parametrize("code", [1000, 1005, None])
async def test_no_record_is_read_of_a_session_that_ended_in_order(code: int | None) -> None:
    class Unread(MemoryRecording):
        def batches(self, start: int = 0, stop: int | None = None) -> AsyncIterator[list[Frame]]:
            raise AssertionError

    info = SessionInfo(id="s", status="closed", close_code=code, frames=1)
    assert await ending(Unread(info, [])) == Ending()


async def test_a_damaged_record_does_not_hide_the_list() -> None:
    class Damaged(MemoryRecording):
        async def batches(self, start: int = 0, stop: int | None = None) -> AsyncIterator[list[Frame]]:
            if self.frames:
                yield []
            raise StoreCorrupt("Record 0 cannot be decoded.")

    info = SessionInfo(id="s", status="closed", close_code=4000, frames=1)
    assert await ending(Damaged(info, [])) == Ending()
