"""The replay client's core: event in, commands out."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from earwitness.replay.drive.driver import Driver
from earwitness.replay.drive.steps import FrameHash, make_drive_plan
from earwitness.replay.playing.core import Close
from earwitness.schemas.frame import NS_PER_MS

from tests.events import (
    append,
    arguments_done,
    client,
    closing,
    output_item,
    server,
    silence,
    tool_output,
    user_text,
)
from tests.playbook import Playbook, at
from tests.sessions import recording


async def drive(*lines, step_ms=None, **options) -> Playbook[Driver]:
    """A recording's client, played to a server."""
    session = recording(*lines, step_ms=step_ms)
    return Playbook(Driver(await make_drive_plan(session), **options), session.frames)


def sent(script: Playbook[Driver]) -> list[Any]:
    return [json.loads(each) for each in script.data]


CREATED = server("session.created", session={})
STARTED = server("input_audio_buffer.speech_started", item_id="u")
DONE = server("response.done", response={"id": "r", "status": "completed"})
RESPONSE = server("response.created", response={"id": "r"})
END = Close(1000)
"""What follows when all has been sent and as much has come as was recorded."""


ASK = client("response.create")


def call(item_id="i", call_id="c", arguments="{}"):
    fields: dict[str, Any] = {"call_id": call_id, "name": "f", "arguments": arguments}
    item = output_item("r", 0, item_id, type="function_call", **fields)
    return item, arguments_done("r", item_id=item_id, **fields)


async def test_a_frame_that_came_after_session_created_waits_for_it():
    script = await drive(CREATED, client("session.update", session={}))
    assert script << [] >> CREATED << [2, END]


async def test_a_frame_that_came_first_does_not():
    assert await drive(client("session.update", session={}), CREATED) << 1


async def test_a_question_waits_for_the_answer_to_the_one_before():
    script = await drive(user_text("a"), ASK, RESPONSE, DONE, user_text("b"), ASK)
    assert script << [1, 2] >> RESPONSE << [] >> DONE << [5, 6, END]


async def test_a_tool_output_waits_for_its_call_and_not_for_the_responses_end():
    item, arguments = call()
    script = await drive(RESPONSE, item, arguments, tool_output("c", "x"), DONE, ASK)
    assert script >> RESPONSE >> item << [] >> arguments << 4 >> DONE << [6, END]


async def test_ids_of_the_live_server_replace_the_recorded_ones():
    script = await drive(RESPONSE, *call(), tool_output("c", "x"), client("conversation.item.delete", item_id="i"))
    item, arguments = call("live_i", "live_c")
    output, deleted = sent(script >> RESPONSE >> item >> arguments)
    assert output["item"]["call_id"] == "live_c"
    assert deleted["item_id"] == "live_i"


async def test_ids_that_the_client_chose_stay():
    delete = client("conversation.item.delete", item_id="mine", event_id="e")
    typed, deleted = sent(await drive(user_text("a", id="mine"), delete))
    assert (typed["item"]["id"], deleted["item_id"]) == ("mine", "mine")


@pytest.mark.parametrize(("policy", "output", "stops"), [("go", [4, END], False), ("stop", [END], True)])
async def test_another_call_than_recorded_is_noted_and_may_stop(policy, output, stops):
    script = await drive(RESPONSE, *call(arguments='{"a": 1}'), tool_output("c", "x"), on_other_call=policy)
    item, arguments = call(arguments='{"a":2}')
    assert script >> RESPONSE >> item >> arguments << output
    assert '{"a":2}' in script.core.notes[0]
    assert (script.core.stopped is not None) is stops


async def test_the_same_call_spelled_otherwise_is_the_same():
    script = await drive(RESPONSE, *call(arguments='{"a": 1, "b": 2}'), tool_output("c", "x"))
    item, arguments = call(arguments='{"b":2,"a":1}')
    assert script >> RESPONSE >> item >> arguments << [4, END]
    assert script.core.notes == []


def sound(ms):
    return server("response.output_audio.delta", item_id="a", delta=silence(ms))


CUT = client("conversation.item.truncate", item_id="a", content_index=0, audio_end_ms=1000)
ITEM = server("response.output_item.added", response_id="r", output_index=0, item={"id": "a"})
SOUND_DONE = server("response.output_audio.done", item_id="a")


async def test_a_truncation_waits_for_the_audio_that_it_keeps():
    script = await drive(RESPONSE, ITEM, sound(1500), CUT)
    assert script >> RESPONSE >> ITEM >> sound(600) << [] >> sound(600) << [4, END]
    assert sent(script)[0]["audio_end_ms"] == 1000, "the recorded place, which lies within what came"


async def test_a_shorter_answer_is_cut_where_it_ends():
    script = await drive(RESPONSE, ITEM, sound(1500), CUT) >> RESPONSE >> ITEM >> sound(600) >> SOUND_DONE
    assert sent(script)[0]["audio_end_ms"] == 600


async def test_at_speed_1_it_is_cut_where_the_new_playback_is():
    lines = (RESPONSE, ITEM, sound(1500), CUT)
    script = await drive(*lines, step_ms=1000, speed=1.0) >> RESPONSE >> ITEM >> at(3100) >> sound(1500) >> at(4150)
    assert sent(script)[0]["audio_end_ms"] == 1000, "50 ms are only the clocks' jitter"
    script = await drive(*lines, step_ms=1000, speed=1.0) >> RESPONSE >> ITEM >> at(3000) >> sound(600)
    script = script >> at(3300) >> sound(900) >> at(4300)
    assert sent(script)[0]["audio_end_ms"] == 1300


async def test_a_recording_that_cut_more_than_it_had_does_not_wait_for_it():
    assert await drive(RESPONSE, ITEM, sound(10), CUT) >> RESPONSE >> ITEM << 4


async def test_a_cancel_waits_for_the_response_and_the_speech():
    script = await drive(RESPONSE, STARTED, client("response.cancel"))
    assert script >> RESPONSE << [] >> STARTED << [3, END]


async def test_a_request_after_a_turn_waits_for_its_end():
    committed = server("input_audio_buffer.committed", item_id="u")
    assert await drive(committed, ASK) << [] >> committed << [2, END]


async def test_at_full_speed_sound_waits_for_the_answers_before_it_and_with_a_clock_it_does_not():
    lines = (append(10), DONE, append(20))
    assert await drive(*lines) << 1 >> DONE << [3, END]
    assert await drive(*lines, step_ms=10, speed=1.0) >> at(9) << [] >> at(30) << [1, 3]


async def test_with_a_clock_the_microphone_does_not_wait_for_a_frame_that_does():
    script = await drive(append(1), DONE, user_text("b"), append(2), append(3), step_ms=10, speed=1.0)
    assert script >> at(50) << [1, 4, 5] >> DONE >> at(60) << [3, END]


async def test_no_frame_passes_a_commit():
    script = await drive(append(1), client("input_audio_buffer.commit"), ASK, append(2), step_ms=10, speed=1.0)
    assert script >> at(9) << [] >> at(10) << 1
    assert (script >> at(40)).sent in ([1, 2, 3, 4], [1, 2, 4, 3])


async def test_recorded_thinking_time_is_kept_after_the_answer_that_was_waited_for():
    script = await drive(CREATED, client("session.update", session={}), step_ms=10, speed=1.0)
    assert script >> at(500) >> CREATED << [] >> at(510) << [2, END]


async def test_what_never_comes_is_waited_for_so_long_and_noted():
    script = await drive(CREATED, user_text("a"), patience_ns=100 * NS_PER_MS)
    assert script.wake == 100 * NS_PER_MS
    assert script >> at(99) << [] >> at(100) << [2, END]
    assert script.core.notes[:1] == [
        "conversation.item.create (seq 2) went without session.created, which did not come"
    ]


async def test_what_never_comes_is_waited_for_once():
    lines = (DONE, append(1), append(2), user_text("a"), DONE, append(3))
    script = await drive(*lines, patience_ns=100 * NS_PER_MS)
    assert script >> at(99) << [] >> at(100) << [2, 3, 4] >> DONE << 6, "those behind it do not wait for the same again"
    assert len(script.core.notes) == 1


async def test_a_server_that_talks_on_is_not_waited_for_for_ever():
    script = await drive(CREATED, user_text("a"), patience_ns=10 * NS_PER_MS)
    for ms in range(0, 100, 5):
        script = script >> at(ms) >> server("ping")
    assert script << [] >> at(100) << [2, END]


async def test_it_closes_as_the_recorded_client_did_once_as_much_has_come():
    script = await drive(user_text("a"), RESPONSE, DONE, closing("client", 4000, "bye"))
    assert script << 1 >> RESPONSE << [] >> DONE << Close(4000, "bye")


async def test_it_leaves_the_closing_to_a_server_that_closed_itself():
    script = await drive(user_text("a"), DONE, closing("server", 1011), patience_ns=50 * NS_PER_MS)
    assert script << 1 >> DONE >> at(49) << [] >> at(50) << END


async def test_a_server_that_says_less_is_left_after_a_while():
    lines = (user_text("a"), RESPONSE, DONE, server("rate_limits.updated"))
    script = await drive(*lines, patience_ns=5000 * NS_PER_MS) << 1
    assert script >> RESPONSE >> DONE >> at(999) << [] >> at(1000) << END
    assert script.core.notes == []


async def test_an_erased_frame_is_left_out_and_noted():
    session = recording(user_text("a"), ASK)
    session.frames = [session.frames[0], msgspec.structs.replace(session.frames[1], body=None), session.frames[2]]
    script = Playbook(Driver(await make_drive_plan(session)), session.frames)
    assert script << [2, END]
    assert "erased" in script.core.notes[0]


async def test_frames_are_hashed_with_their_lengths():
    left, right = FrameHash(), FrameHash()
    left.add(b"ab")
    left.add(b"c")
    right.add(b"a")
    right.add(b"bc")
    assert (left.count, right.count) == (2, 2)
    assert left.hexdigest() != right.hexdigest()
