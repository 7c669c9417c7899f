"""Calls on the running event loop."""

from __future__ import annotations

from pathlib import Path

import pytest
from earwitness import RequestError, aio
from earwitness.replay import bundled_recording, fold_recording
from earwitness.replay.drive.connect import drive
from earwitness.testing import ReplayIncomplete, bundled_path


async def test_everything_is_read_on_the_callers_own_loop() -> None:
    async with aio.open(bundled_path()) as calls:
        found = [call async for call in calls.sessions(model="gpt-realtime")]
        call = await calls.session()
        assert [each.id for each in found] == [call.id] == ["demo.ndjson"]
        assert await call.conversation() == await fold_recording(bundled_recording())
        assert len([frame async for frame in call.frames()]) == call.info.frames
        assert (await call.transcript("heard")).text().startswith("Transcript as heard")
        samples, rate = await call.audio("mono")
        assert samples.ndim == 1
        assert len(samples) > 20 * rate
        assert (await call.check()).unexplained == []
        with pytest.raises(RequestError, match="no chain"):
            await call.verify()
        assert (await aio.diff(call, bundled_path())).same


async def test_calls_are_readable_only_while_their_place_is_open(db: Path) -> None:
    calls = aio.open(db)
    with pytest.raises(RequestError, match=r"calls\.db is not open"):
        await calls.session("latest")
    async with calls:
        call = await calls.session("latest")
    with pytest.raises(RequestError, match="not open"):
        await call.conversation()


async def test_a_recording_is_served_and_judged_without_blocking() -> None:
    async with aio.serve(bundled_path()) as server:
        await drive(bundled_recording(), server.url)
        await server.assert_complete()
        assert server.environment["EARWITNESS_URL"] == server.origin
    async with aio.serve(bundled_path()) as server:
        with pytest.raises(ReplayIncomplete, match=r"session demo\.ndjson: no client came for it"):
            await server.assert_complete()
