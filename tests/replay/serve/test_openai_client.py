"""The official SDK against the replay server: a program of its own, not our client against our server."""

from __future__ import annotations

import base64
import json
from copy import deepcopy
from typing import Any

import pytest
from earwitness.replay.open import bundled_recording
from earwitness.replay.serve.server import serve

from tests.corpus import both_ways, corpus_recordings
from tests.events import append, client, server
from tests.present import present
from tests.replay.agent import Agent, script_of
from tests.sessions import recording
from tests.sizes import SIZE, pick

SESSIONS = [bundled_recording(), *both_ways(corpus_recordings())]
by_id = pytest.mark.parametrize("session", SESSIONS, ids=lambda session: session.info.id)


async def play(session, agent, **options: Any):
    options.setdefault("timeout", 60)
    async with serve(session, **options) as replay:
        await agent.call(replay.websocket_base_url)
        await replay.played()
    return replay


@by_id
@pytest.mark.parametrize("chunk", [997, 4096])
async def test_a_program_of_its_own_plays_every_recorded_conversation(session, chunk):
    for _ in range(pick(1, 5, 50)):
        agent = Agent(script_of(session), chunk=chunk)
        replay = await play(session, agent)
        assert replay.complete, replay.report.text()
        served = [f.type for f in session.frames if f.sender == "server" and f.kind == "text"]
        assert agent.seen == served[: len(agent.seen)]
        assert agent.done == served.count("response.done")


@by_id
async def test_it_plays_with_fresh_ids_too(session):
    replay = await play(session, Agent(script_of(session)), ids="fresh")
    assert replay.complete, replay.report.text()


@pytest.mark.skipif(SIZE != "soak", reason="half a minute of real time; `make soak` runs it")
async def test_in_real_time_it_truncates_by_its_own_playback_clock():
    session = bundled_recording()
    agent = Agent(script_of(session), chunk=320, realtime=True)
    replay = await play(session, agent, speed=1, timeout=30)
    assert replay.complete, replay.report.text()


# Mutations: the same program with one thing changed


def bundled():
    session = bundled_recording()
    return session, script_of(session)


async def diverged(session, agent, **options):
    """Give the one divergence that a strict session ends with."""
    replay = await play(session, agent, **options)
    assert not replay.complete
    (found,) = replay.report.divergences
    return found, replay


def seq_of(session, type_, nth=0):
    return [frame.seq for frame in session.frames if frame.sender == "client" and frame.type == type_][nth]


async def test_another_tool_output_is_found():
    session, script = bundled()
    output = json.loads(script.outputs[0])
    output["city"] = "Porto"
    script.outputs = [json.dumps(output)]
    found, replay = await diverged(session, Agent(script))
    assert found.kind == "content"
    assert present(found.expected).seq == seq_of(session, "conversation.item.create")
    assert "item.output" in found.message
    assert "Porto" in replay.report.text()


async def test_a_missing_truncation_is_found():
    session, script = bundled()
    script.responses -= 1  # the last one is held behind the truncation, so the program hangs up after the one before
    found, _ = await diverged(session, Agent(script, truncates=False))
    assert found.kind == "missing"
    assert present(found.expected).seq == seq_of(session, "conversation.item.truncate")
    assert present(found.holding).type == "conversation.item.truncated"


async def test_a_changed_session_setting_is_found():
    session, script = bundled()
    script.settings = deepcopy(present(script.settings))
    script.settings["audio"]["output"]["voice"] = "verse"
    found, _ = await diverged(session, Agent(script))
    assert (found.kind, present(found.expected).seq) == ("content", seq_of(session, "session.update"))
    assert found.candidates[0].differences[0].path == "session.audio.output.voice"


async def test_other_audio_is_found_in_the_frame_that_it_replaces():
    session, script = bundled()
    audio = bytearray(script.audio)
    audio[1000] ^= 0x55
    script.audio = bytes(audio)
    found, _ = await diverged(session, Agent(script))
    assert found.kind == "audio"
    appended = [f for f in session.frames if f.type == "input_audio_buffer.append"]
    size = len(base64.b64decode(appended[0].json()["audio"]))
    assert present(found.expected).seq == appended[1000 // size].seq


@pytest.mark.parametrize(("off", "kinds"), [(90, []), (900, ["truncation"])])
async def test_at_speed_1_a_truncation_900_ms_off_is_found_and_one_90_ms_off_is_not(off, kinds):
    """Three seconds of speech arrive at once; the recorded client cut them after one."""
    sound = append(48 * 3000)[1]["audio"]
    session = recording(
        server("session.created", session={}),
        server("response.output_audio.delta", item_id="a", response_id="r", delta=sound),
        server("input_audio_buffer.speech_started", item_id="u", audio_start_ms=0),
        client("conversation.item.truncate", item_id="a", content_index=0, audio_end_ms=3000),
        server("conversation.item.truncated", item_id="a", content_index=0, audio_end_ms=3000),
        server("response.done", response={"id": "r", "status": "cancelled", "output": []}),
        step_ms=1,
    )
    replay = await play(session, Agent(script_of(session), cut_off_by_ms=-off), speed=1)
    assert [found.kind for found in replay.report.divergences] == kinds
    assert replay.complete is (not kinds)
