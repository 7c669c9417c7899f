"""Event in, commands out: nothing here has a socket or a clock."""

from __future__ import annotations

import json

import msgspec
import pytest
from earwitness.replay.playing.core import Close, Drop, Need, Send
from earwitness.replay.playing.match import MatchPolicy
from earwitness.replay.serve.player import Player
from earwitness.schemas.frame import NS_PER_MS

from tests.events import added, added_text, append, client, closing, server, silence, tool_output, user_text
from tests.playbook import Playbook, at, meanwhile
from tests.present import present
from tests.replay.serve.play import ASK, HELLO, divergences, kinds, left, plan_of, play
from tests.sessions import recording

STARTED = server("input_audio_buffer.speech_started", item_id="u")


def test_frames_without_a_cause_leave_at_once_and_the_others_when_it_comes():
    script = play(*HELLO) << 1 >> user_text("hello") << 3 >> ASK << [5, 6]
    assert script
    assert script.core.report.complete


def test_frames_leave_byte_for_byte():
    script = play(*HELLO) >> user_text("hello") >> ASK
    assert script.data == [script.frames[seq].payload for seq in script.sent]


def test_a_client_that_answers_later_than_recorded_does_not_hang():
    script = play(
        ASK,
        server("response.created", response={"id": "r"}),
        server("response.function_call_arguments.done", call_id="c", name="f", arguments="{}"),
        tool_output("c", "x"),
        server("response.done", response={"id": "r"}),
        added("o", type="function_call_output", call_id="c", output="x"),
    )
    assert script >> ASK << [2, 3, 5] >> tool_output("c", "x") << 6, "response.done comes before the output"


def test_a_client_may_run_ahead():
    assert play(*HELLO) >> user_text("hello") >> ASK << [1, 3, 5, 6]


def test_parallel_tool_outputs_may_come_in_any_order():
    one, two = tool_output("c1", "1"), tool_output("c2", "2")
    assert (play(one, two, ASK) >> two >> one >> ASK).core.report.complete
    assert kinds(play(one, two, ASK) >> one >> ASK >> two) == ["order"]


def test_audio_releases_voice_detection_whatever_the_chunks():
    script = play(append(100), append(100), STARTED, append(100))
    assert script >> append(199) << [] >> append(1) << 3 >> append(100)
    assert left(script).complete


# ---- divergence


def test_strict_ends_with_4400_and_says_why():
    script = play(*HELLO) << 1 >> user_text("goodbye")
    reason = divergences(script)[0].reason()
    assert "item.content[0].text" in reason
    assert script << Close(4400, reason) >> ASK << []
    left(script, 4400)
    assert kinds(script) == ["content"], "what is missing then is no news"


def test_lenient_reports_and_goes_on_as_if_the_right_frame_had_come():
    script = play(*HELLO, policy="lenient") >> user_text("goodbye") >> ASK << [1, 3, 5, 6]
    assert script
    assert kinds(script) == ["content"]


def test_off_pairs_types_and_reports_nothing():
    script = play(*HELLO, policy="off") >> client("session.update", session={}) >> user_text("goodbye")
    assert script >> client("response.create", response={"x": 1}) << [1, 3, 5, 6]
    assert left(script).divergences == []


def test_events_in_the_wrong_order_are_told_with_what_was_due():
    (found,) = divergences(play(*HELLO) >> ASK)
    assert (found.kind, present(found.expected).seq, present(found.got).type) == ("order", 2, "response.create")
    assert found.candidates[0].failed == "order"
    assert found.candidates[0].frame.seq == 4


def test_an_event_too_many_is_unexpected():
    (found,) = divergences(play(*HELLO) >> user_text("hello") >> ASK >> ASK)
    assert (found.kind, found.expected) == ("unexpected", None)


def test_an_event_of_another_type_is_unexpected_and_the_due_one_is_named():
    (found,) = divergences(play(*HELLO) >> client("response.cancel"))
    assert (found.kind, present(found.expected).type) == ("unexpected", "conversation.item.create")
    assert {candidate.failed for candidate in found.candidates} == {"type"}


def test_the_report_tells_what_the_client_had_seen_and_what_waits():
    (found,) = divergences(play(*HELLO) >> user_text("goodbye"))
    assert found.seen.frames == 1
    assert [view.type for view in found.seen.last] == ["session.created"]
    assert (present(found.holding).seq, found.rule) == (3, "item acknowledged")
    text = "\n".join(found.lines())
    assert "expected  seq 2  conversation.item.create" in text
    assert "got       client frame 1 at 0.000 s" in text


def test_other_audio_is_found_in_the_recorded_frame():
    (found,) = divergences(play(append(10), append(10, 1)) >> append(10) >> append(10, 2))
    assert (found.kind, present(found.expected).seq) == ("audio", 2)


def test_leaving_early_is_told_with_the_first_frame_that_is_missing():
    report = left(play(*HELLO) >> user_text("hello"), 1001)
    (found,) = report.divergences
    assert (found.kind, present(found.expected).seq) == ("missing", 4)
    assert "1001" in found.message
    assert not report.complete
    assert report.notes == []  # the frames behind it did not wait for their time


def test_leaving_before_frames_that_are_only_not_due_is_complete_and_noted():
    report = left(play(server("session.created"), server("rate_limits.updated"), step_ms=1000, speed=1))
    assert report.complete
    assert "waited only for their time" in report.notes[0]


def test_audio_that_a_held_frame_needs_is_missing_and_audio_behind_it_is_not():
    lines = (append(10), STARTED, append(10))
    (found,) = left(play(*lines) >> append(4)).divergences
    assert (found.kind, "6 more bytes" in found.message) == ("missing", True)
    report = left(play(*lines) >> append(10))
    assert report.complete
    assert "10 more bytes of audio" in report.notes[0]


def test_a_frame_that_is_no_json_is_compared_by_its_bytes():
    assert (play(("client", "not json")) >> "not json").core.report.complete
    assert kinds(play(("client", "not json")) >> "not  json") == ["unexpected"]
    assert (play(("client", b"\x00\xff")) >> b"\x00\xff").core.report.complete
    assert kinds(play(("client", b"\x00\xff")) >> b"\x00") == ["unexpected"]
    assert kinds(play(ASK) >> "[]") == ["unexpected"]


def test_the_report_shows_what_came_in_place_of_json():
    assert '{\\"type\\": response.create}' in (play(ASK) >> '{"type": response.create}').core.report.text()


def test_what_crossed_in_a_recording_gap_may_come():
    script = play(("gap", {"frames": 1, "bytes": 10, "reason": "disk full"}), ASK)
    script = script >> client("session.update", session={}) >> ASK
    assert script.core.report.complete
    assert kinds(script >> client("response.cancel")) == ["unexpected"]


# ---- time


def test_a_client_that_does_nothing_ends_in_a_report_and_not_in_a_hang():
    script = play(*HELLO, timeout_ns=50 * NS_PER_MS)
    assert script.wake == 50 * NS_PER_MS
    assert kinds(script >> at(49)) == []
    (found,) = divergences(script >> at(50))
    assert script.ending == Close(4400, found.reason())
    assert (found.kind, present(found.expected).seq) == ("timeout", 2)
    assert "0.05 s" in found.message


def test_the_timeout_counts_from_the_last_thing_that_happened():
    script = play(*HELLO, timeout_ns=50 * NS_PER_MS) >> meanwhile(40) >> user_text("hello")
    assert kinds(script >> at(60)) == []
    assert kinds(script >> at(90)) == ["timeout"]


def test_a_microphone_that_runs_on_does_not_put_the_timeout_off():
    script = play(*HELLO, append(10), timeout_ns=50 * NS_PER_MS)
    for ms in range(0, 50, 10):
        script = script >> at(ms) >> append(1)
    assert kinds(script) == []
    assert kinds(script >> at(50)) == ["timeout"]


def test_sound_that_a_frame_waits_for_does():
    script = play(append(10), STARTED, timeout_ns=50 * NS_PER_MS)
    for ms in range(0, 100, 20):
        script = script >> at(ms) >> append(1)
    assert kinds(script >> at(129)) == []
    assert kinds(script >> at(130)) == ["timeout"]


def test_lenient_goes_on_without_what_did_not_come():
    script = play(*HELLO, policy="lenient", timeout_ns=50 * NS_PER_MS)
    assert script >> at(50) << [1, 3] >> at(100) << [5, 6]
    assert kinds(script) == ["timeout", "timeout"]
    assert script.core.report.matched == 0


def test_lenient_waits_for_missing_sound_once():
    stopped = server("input_audio_buffer.speech_stopped", item_id="u")
    script = play(append(10), STARTED, append(10), stopped, policy="lenient", timeout_ns=50 * NS_PER_MS)
    assert script >> at(50) << [2, 4]
    assert kinds(script) == ["timeout"]


def test_further_frames_are_asked_for_once_at_a_time():
    session = recording(*HELLO)
    player = Player(plan_of(session))
    assert player.connected(0) == [Need()]
    assert player.received(json.dumps(HELLO[1][1]), 0) == []
    assert [type(command) for command in player.feed(session.frames[:2], 0, last=False)] == [Send, Need]
    assert player.received(json.dumps(HELLO[3][1]), 0) == []


def test_client_frames_that_nothing_waits_for_time_out_too():
    script = play(server("session.created"), client("response.cancel"), timeout_ns=10 * NS_PER_MS)
    assert kinds(script >> at(10)) == ["timeout"]


def test_a_client_that_has_done_everything_may_stay():
    script = play(*HELLO) >> user_text("hello") >> ASK >> at(10**6) << [1, 3, 5, 6]
    assert script
    assert kinds(script) == []


def test_recorded_gaps_are_kept_on_top_of_causes():
    script = play(*HELLO, step_ms=100, speed=1.0) >> at(99) << [] >> at(100) << 1
    assert script >> at(5000) >> user_text("hello") >> at(5099) << [] >> at(5100) << 3


def test_speed_scales_the_gaps():
    script = play(server("a"), server("b"), server("c"), step_ms=100, speed=4.0)
    assert script >> at(24) << [] >> at(25) << 1 >> at(50) << 2 >> at(75) << 3


# ---- ids


def test_the_clients_own_ids_appear_where_the_recording_echoes_them():
    script = play(
        user_text("hello", id="old"),
        added("old", type="message"),
        added("next", previous_item_id="old"),
        client("response.create", event_id="e_old"),
        server("error", error={"event_id": "e_old", "type": "invalid_request_error"}),
    )
    script = script >> user_text("hello", id="mine") >> client("response.create", event_id="e_mine")
    assert [b'"mine"' in data for data in script.data[:2]] == [True, True]
    assert b'"event_id":"e_mine"' in script.data[2]
    assert script.core.report.complete


def test_an_id_that_only_the_live_client_chose_replaces_the_servers():
    delete = "conversation.item.delete"
    script = play(user_text("hello"), added_text("server_made", "hello"), client(delete, item_id="server_made"))
    script = script >> user_text("hello", id="mine") >> client(delete, item_id="mine")
    assert b'"id":"mine"' in script.data[0]
    assert script.core.report.complete


def test_metadata_of_the_live_client_is_echoed():
    ask = client("response.create", response={"metadata": {"run": "1"}})
    made = server("response.created", response={"id": "r", "metadata": {"run": "1"}})
    script = play(ask, made) >> client("response.create", response={"metadata": {"run": "2"}})
    assert script.data == [b'{"type":"response.created","response":{"id":"r","metadata":{"run":"2"}}}']


def test_fresh_ids_are_understood_when_they_come_back():
    call = server("response.function_call_arguments.done", call_id="call_1", name="f", arguments="{}")
    script = play(call, tool_output("call_1", "x"), ids="fresh", nonce=b"7")
    call_id = json.loads(script.data[0])["call_id"]
    assert call_id != "call_1"
    assert (script >> tool_output(call_id, "x")).core.report.complete
    assert kinds(play(call, tool_output("call_1", "x"), ids="fresh") >> tool_output("call_x", "x")) == ["content"]


def test_ids_in_settings_and_metadata_are_no_servers_and_stay_under_fresh_ids():
    settings = {"prompt": {"id": "pmpt_abc123"}, "audio": {"output": {"voice": {"id": "voice_77"}}}}
    asked = {"prompt": {"id": "pmpt_xyz789"}, "metadata": {"item_id": "job_9"}}
    script = play(
        server("session.created", session={"id": "sess_abc", "prompt": {"id": "pmpt_preset"}}),
        client("session.update", session=settings),
        server("session.updated", session={"id": "sess_abc", **settings}),
        client("response.create", response=asked),
        server("response.created", response={"id": "resp_abc", **asked}),
        ids="fresh",
    )
    script = script >> client("session.update", session=settings) >> client("response.create", response=asked)
    created, updated, begun = map(json.loads, script.data)
    assert created["session"]["prompt"] == {"id": "pmpt_preset"}
    assert updated["session"]["id"] == created["session"]["id"] != "sess_abc"
    assert {key: updated["session"][key] for key in settings} == settings
    assert begun["response"]["id"] != "resp_abc"
    assert {key: begun["response"][key] for key in asked} == asked


# ---- truncation


def cut(ms, item_id="a"):
    return client("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=ms)


SOUND = server("response.output_audio.delta", item_id="a", delta=silence(2000))


@pytest.mark.parametrize(
    ("ms", "speed", "told"),
    [(1090, 1.0, []), (1900, 1.0, ["truncation"]), (1900, 2.0, []), (2100, 2.0, ["truncation"])],
)
def test_a_truncations_place_means_something_only_at_speed_1(ms, speed, told):
    assert kinds(play(SOUND, cut(1000), speed=speed) >> cut(ms)) == told


def test_a_tolerance_of_the_user_replaces_the_rule():
    policy = MatchPolicy(tolerances={"conversation.item.truncate.audio_end_ms": 50})
    assert kinds(play(SOUND, cut(1000), policy=policy) >> cut(1050)) == []
    assert kinds(play(SOUND, cut(1000), policy=policy) >> cut(1051)) == ["truncation"]
    policy = MatchPolicy(ignore=("conversation.item.truncate.audio_end_ms",))
    assert kinds(play(cut(1000), policy=policy, speed=1.0) >> cut(9999)) == []


def test_a_truncation_of_another_item_is_found():
    assert kinds(play(SOUND, cut(1000)) >> cut(1000, item_id="b")) == ["content"]


# ---- the end


def test_the_servers_close_comes_when_all_recorded_before_it_has_come():
    script = play(server("session.created"), append(10), ASK, closing("server", 1011, "gone"))
    assert script << 1 >> ASK << [] >> append(10) << Close(1011, "gone")
    assert left(script, 1011).complete


@pytest.mark.parametrize(("code", "expected"), [(1005, Close(None)), (1006, Drop()), (4000, Close(4000, ""))])
def test_closes_are_served_as_they_were(code, expected):
    assert play(closing("server", code)) << expected


def test_a_close_by_the_client_is_waited_for():
    assert play(closing("client")) << []
    assert play(closing("recorder", None, "the source ends here")) << []


def test_an_erased_frame_is_left_out_and_noted():
    session = recording(server("session.created"), server("response.done"))
    opening, created, done = session.frames
    script = Playbook(Player(plan_of(session)), [opening, msgspec.structs.replace(created, body=None), done])
    assert script << 2
    assert "erased" in script.core.report.notes[0]
