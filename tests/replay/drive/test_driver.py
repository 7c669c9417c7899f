"""The replay client's core: event in, commands out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from earwitness.replay.drive.driver import Driver
from earwitness.replay.drive.steps import FrameHash, make_drive_plan
from earwitness.replay.playing.core import Close, Need, Send, WakeAt

from tests.events import append, arguments_done, client, closing, output_item, server, tool_output, user_text
from tests.sessions import recording

MS = 1_000_000


class Drive:
    """A driver, its recording, and what it has sent."""

    def __init__(self, session, plan, **options):
        self.session = session
        self.driver = Driver(plan, **options)
        self.now = 0
        self.sent: list[int] = []
        self.data: list[dict] = []
        self.others: list[object] = []
        self._do(self.driver.connected(0))

    def _do(self, commands):
        for command in commands:
            if isinstance(command, Send):
                self.sent.append(command.seq)
                self.data.append(json.loads(command.data))
            elif isinstance(command, Need):
                self._do(self.driver.feed(self.session.frames, self.now, last=True))
            else:
                self.others.append(command)

    def server(self, *lines):
        for _, event in lines:
            self._do(self.driver.received(json.dumps(event), self.now))
        return self

    def at(self, ms):
        self.now = ms * MS
        self._do(self.driver.advance(self.now))
        return self

    @property
    def ending(self):
        return next((command for command in self.others if isinstance(command, Close)), None)


async def driving(*lines, step_ms=None, **options):
    session = recording(*lines, step_ms=step_ms)
    return Drive(session, await make_drive_plan(session), **options)


CREATED = server("session.created", session={})
STARTED = server("input_audio_buffer.speech_started", item_id="u")
DONE = server("response.done", response={"id": "r", "status": "completed"})
RESPONSE = server("response.created", response={"id": "r"})


def call(item_id="i", call_id="c", name="f", arguments="{}"):
    fields: dict[str, Any] = {"call_id": call_id, "name": name, "arguments": arguments}
    return (
        output_item("r", 0, item_id, type="function_call", **fields),
        arguments_done("r", item_id=item_id, **fields),
    )


async def test_a_frame_that_came_after_session_created_waits_for_it():
    drive = await driving(CREATED, client("session.update", session={}))
    assert drive.sent == []
    assert drive.server(CREATED).sent == [2]


async def test_a_frame_that_came_first_does_not():
    drive = await driving(client("session.update", session={}), CREATED)
    assert drive.sent == [1]


async def test_a_question_waits_for_the_answer_to_the_one_before():
    drive = await driving(
        user_text("a"), client("response.create"), RESPONSE, DONE, user_text("b"), client("response.create")
    )
    assert drive.sent == [1, 2]
    assert drive.server(RESPONSE).sent == [1, 2]
    assert drive.server(DONE).sent == [1, 2, 5, 6]


async def test_a_tool_output_waits_for_its_call_and_not_for_the_responses_end():
    drive = await driving(RESPONSE, *call(), tool_output("c", "x"), DONE, client("response.create"))
    assert drive.server(RESPONSE, call()[0]).sent == []
    assert drive.server(call()[1]).sent == [4]
    assert drive.server(DONE).sent == [4, 6]


async def test_ids_of_the_live_server_replace_the_recorded_ones():
    drive = await driving(RESPONSE, *call(), tool_output("c", "x"), client("conversation.item.delete", item_id="i"))
    drive.server(RESPONSE, *call("live_i", "live_c"))
    assert drive.data[0]["item"]["call_id"] == "live_c"
    assert drive.data[1]["item_id"] == "live_i"


async def test_ids_that_the_client_chose_stay():
    drive = await driving(user_text("a", id="mine"), client("conversation.item.delete", item_id="mine", event_id="e"))
    assert [event.get("item_id") for event in drive.data] == [None, "mine"]
    assert drive.data[0]["item"]["id"] == "mine"


@pytest.mark.parametrize(("policy", "sent", "stops"), [("go", [4], False), ("stop", [], True)])
async def test_another_call_than_recorded_is_noted_and_may_stop(policy, sent, stops):
    drive = await driving(RESPONSE, *call(arguments='{"a": 1}'), tool_output("c", "x"), on_other_call=policy)
    drive.server(RESPONSE, *call(arguments='{"a":2}'))
    assert drive.sent == sent
    assert '{"a":2}' in drive.driver.notes[0]
    assert (drive.driver.stopped is not None) is stops


async def test_the_same_call_spelled_otherwise_is_the_same():
    drive = await driving(RESPONSE, *call(arguments='{"a": 1, "b": 2}'), tool_output("c", "x"))
    drive.server(RESPONSE, *call(arguments='{"b":2,"a":1}'))
    assert drive.sent == [4]
    assert drive.driver.notes == []


def sound(ms, item_id="a"):
    return server("response.output_audio.delta", item_id=item_id, delta=append(48 * ms)[1]["audio"])


CUT = client("conversation.item.truncate", item_id="a", content_index=0, audio_end_ms=1000)
ITEM = server("response.output_item.added", response_id="r", output_index=0, item={"id": "a"})
SOUND_DONE = server("response.output_audio.done", item_id="a")


async def test_a_truncation_waits_for_the_audio_that_it_keeps():
    drive = await driving(RESPONSE, ITEM, sound(1500), CUT)
    drive.server(RESPONSE, ITEM, sound(600))
    assert drive.sent == []
    drive.server(sound(600))
    assert drive.sent == [4]
    assert drive.data[0]["audio_end_ms"] == 1000, "the recorded place, which lies within what came"


async def test_a_shorter_answer_is_cut_where_it_ends():
    drive = await driving(RESPONSE, ITEM, sound(1500), CUT)
    drive.server(RESPONSE, ITEM, sound(600), SOUND_DONE)
    assert drive.data[0]["audio_end_ms"] == 600


async def test_at_speed_1_it_is_cut_where_the_new_playback_is():
    drive = await driving(RESPONSE, ITEM, sound(1500), CUT, step_ms=1000, speed=1.0)
    drive.server(RESPONSE, ITEM).at(3100).server(sound(1500))
    assert drive.at(4150).data[0]["audio_end_ms"] == 1000, "50 ms are only the clocks' jitter"
    drive = await driving(RESPONSE, ITEM, sound(1500), CUT, step_ms=1000, speed=1.0)
    drive.server(RESPONSE, ITEM).at(3000).server(sound(600)).at(3300).server(sound(900))
    assert drive.at(4300).data[0]["audio_end_ms"] == 1300


async def test_a_recording_that_cut_more_than_it_had_does_not_wait_for_it():
    drive = await driving(RESPONSE, ITEM, sound(10), CUT)
    assert drive.server(RESPONSE, ITEM).sent == [4]


async def test_a_cancel_waits_for_the_response_and_the_speech():
    drive = await driving(RESPONSE, STARTED, client("response.cancel"))
    assert drive.server(RESPONSE).sent == []
    assert drive.server(STARTED).sent == [3]


async def test_a_request_after_a_turn_waits_for_its_end():
    committed = server("input_audio_buffer.committed", item_id="u")
    drive = await driving(committed, client("response.create"))
    assert drive.sent == []
    assert drive.server(committed).sent == [2]


async def test_at_full_speed_sound_waits_for_the_answers_before_it_and_with_a_clock_it_does_not():
    lines = (append(10), DONE, append(20))
    drive = await driving(*lines)
    assert drive.sent == [1]
    assert drive.server(DONE).sent == [1, 3]
    drive = await driving(*lines, step_ms=10, speed=1.0)
    assert drive.at(9).sent == []
    assert drive.at(30).sent == [1, 3]


async def test_with_a_clock_the_microphone_does_not_wait_for_a_frame_that_does():
    drive = await driving(append(1), DONE, user_text("b"), append(2), append(3), step_ms=10, speed=1.0)
    assert drive.at(50).sent == [1, 4, 5]
    assert drive.server(DONE).at(60).sent == [1, 4, 5, 3]


async def test_no_frame_passes_a_commit():
    commit = client("input_audio_buffer.commit")
    drive = await driving(append(1), commit, client("response.create"), append(2), step_ms=10, speed=1.0)
    assert drive.at(9).sent == []
    assert drive.at(10).sent == [1]
    assert drive.at(40).sent == [1, 2, 3, 4] or drive.sent == [1, 2, 4, 3]


async def test_recorded_thinking_time_is_kept_after_the_answer_that_was_waited_for():
    drive = await driving(CREATED, client("session.update", session={}), step_ms=10, speed=1.0)
    drive.at(500).server(CREATED)
    assert drive.sent == []
    assert drive.at(510).sent == [2]


async def test_what_never_comes_is_waited_for_so_long_and_noted():
    drive = await driving(CREATED, user_text("a"), patience_ns=100 * MS)
    assert WakeAt(100 * MS) in drive.others
    assert drive.at(99).sent == []
    assert drive.at(100).sent == [2]
    assert drive.driver.notes[:1] == [
        "conversation.item.create (seq 2) went without session.created, which did not come"
    ]


async def test_what_never_comes_is_waited_for_once():
    lines = (DONE, append(1), append(2), user_text("a"), DONE, append(3))
    drive = await driving(*lines, patience_ns=100 * MS)
    assert drive.at(99).sent == []
    assert drive.at(100).sent == [2, 3, 4], "the frames behind it do not wait for the same again"
    assert drive.server(DONE).sent == [2, 3, 4, 6]
    assert len(drive.driver.notes) == 1


async def test_a_server_that_talks_on_is_not_waited_for_for_ever():
    drive = await driving(CREATED, user_text("a"), patience_ns=10 * MS)
    for ms in range(0, 100, 5):
        drive.at(ms).server(server("ping"))
    assert drive.sent == []
    drive.at(100)
    assert drive.sent == [2]


async def test_it_closes_as_the_recorded_client_did_once_as_much_has_come():
    drive = await driving(user_text("a"), RESPONSE, DONE, closing("client", 4000, "bye"))
    assert drive.server(RESPONSE).ending is None
    assert drive.server(DONE).ending == Close(4000, "bye")


async def test_it_leaves_the_closing_to_a_server_that_closed_itself():
    drive = await driving(user_text("a"), DONE, closing("server", 1011), patience_ns=50 * MS)
    drive.server(DONE)
    assert drive.at(49).ending is None
    assert drive.at(50).ending == Close(1000, "")


async def test_a_server_that_says_less_is_left_after_a_while():
    drive = await driving(user_text("a"), RESPONSE, DONE, server("rate_limits.updated"), patience_ns=5000 * MS)
    drive.server(RESPONSE, DONE)
    assert drive.at(999).ending is None
    assert drive.at(1000).ending == Close(1000, "")
    assert drive.driver.notes == []


async def test_an_erased_frame_is_left_out_and_noted():
    session = recording(user_text("a"), client("response.create"))
    frames = [*session.frames]
    frames[1] = frames[1].__class__(1, None, "text", "client", frames[1].type, None)
    session.frames = frames
    drive = Drive(session, await make_drive_plan(session))
    assert drive.sent == [2]
    assert "erased" in drive.driver.notes[0]


async def test_frames_are_hashed_with_their_lengths():
    left, right = FrameHash(), FrameHash()
    left.add(b"ab")
    left.add(b"c")
    right.add(b"a")
    right.add(b"bc")
    assert (left.count, right.count) == (2, 2)
    assert left.hexdigest() != right.hexdigest()
