"""Which sound goes into a file and where: linked sessions, items, and what there is not."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pybase64
import pytest
from earwitness.replay.audio import write_audio, write_items
from earwitness.replay.open import bundled_recording
from earwitness.schemas.errors import RequestError

from tests.events import clicks, pcm, ramp
from tests.replay.audio.files import loud, sound, tracks
from tests.sessions import OPENED, Call


async def test_linked_sessions_lie_at_their_real_distance(tmp_path: Path) -> None:
    first, second = Call(id="one"), Call(id="two", opened=OPENED + timedelta(seconds=7, microseconds=250_000))
    for call in (first, second):
        call.at(500).stream(pcm(clicks(2, 24_000, every=9)), chunk=960, every_ms=20)
    for named in ([first, second], [second, first]):
        stereo = await tracks([call.recording() for call in named], tmp_path)
        assert loud(stereo[:, 0]) == [12_000 + 2400, 12_000 + 2400 + 174_000]


async def test_sessions_without_a_wall_clock_follow_each_other(tmp_path: Path) -> None:
    calls = [Call(id=name, opened=None) for name in "ab"]
    for call in calls:
        call.at(0).stream(pcm(clicks(2, 24_000, every=9)), chunk=960, every_ms=20)
    stereo = await tracks([call.recording() for call in calls], tmp_path)
    assert loud(stereo[:, 0]) == [2400, 2400 + 48_000]


async def test_an_item_of_several_parts_is_one_file_from_its_first_to_its_last(tmp_path: Path) -> None:
    call = Call()
    response, item = call.begin()
    call.at(100).delta(response, item, pcm(ramp(2400)), index=0)
    call.at(110).delta(response, item, pcm(ramp(4800)), index=1)
    (entry,) = await write_items(call.recording(), tmp_path)
    assert (entry.samples, entry.start_ms, entry.end_ms) == (7200, 100, 400)
    assert np.array_equal(sound(tmp_path / str(entry.file)), np.concatenate([ramp(2400), ramp(4800)]))


async def test_a_cut_item_is_written_as_heard_or_as_generated(tmp_path: Path) -> None:
    recording = bundled_recording()
    item = next(frame.json() for frame in recording.frames if frame.type == "conversation.item.truncate")
    deltas = [f.json() for f in recording.frames if f.type == "response.output_audio.delta"]
    whole = b"".join(pybase64.b64decode(d["delta"]) for d in deltas if d["item_id"] == item["item_id"])
    generated = await tracks(recording, tmp_path, item=item["item_id"], as_="generated")
    assert generated.tobytes() == whole
    heard = await tracks(recording, tmp_path, item=item["item_id"])
    assert heard.tobytes() == whole[: item["audio_end_ms"] * 48]


async def test_an_item_that_was_never_heard_says_so(tmp_path: Path) -> None:
    call = Call()
    item = call.say(pcm(ramp(2400)))
    call.at(0).truncate(item, 0, ack_ms=30)
    with pytest.raises(RequestError, match="--as generated"):
        await write_audio(call.recording(), tmp_path / "a.wav", item=item)
    assert len(await tracks(call.recording(), tmp_path, item=item, as_="generated")) == 2400


async def test_unknown_items_and_items_without_sound_are_told_apart(tmp_path: Path) -> None:
    recording = bundled_recording()
    call_item = next(f.json()["item"]["id"] for f in recording.frames if f.type == "conversation.item.added"
                     and f.json()["item"]["type"] == "function_call")  # fmt: skip
    with pytest.raises(RequestError, match="There is no item nobody in demo"):
        await write_audio(recording, tmp_path / "a.wav", item="nobody")
    with pytest.raises(RequestError, match="function_call.*has no audio"):
        await write_audio(recording, tmp_path / "a.wav", item=call_item)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("track", ["both", "mono", "user", "assistant"])
async def test_a_session_without_sound_is_said_to_have_none(track: Any, tmp_path: Path) -> None:
    call = Call(id="quiet")
    with pytest.raises(RequestError, match="no audio.*quiet"):
        await write_audio(call.recording(), tmp_path / "a.wav", track=track)
    with pytest.raises(RequestError, match="no audio"):
        await write_items(call.recording(), tmp_path / "items")
    assert not list(tmp_path.iterdir())


async def test_a_side_without_sound_points_to_the_other(tmp_path: Path) -> None:
    call = Call()
    call.say(pcm(ramp(100)))
    with pytest.raises(RequestError, match="audio of the user.*--track both"):
        await write_audio(call.recording(), tmp_path / "a.wav", track="user")
