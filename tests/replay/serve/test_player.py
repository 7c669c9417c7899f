"""Event in, commands out: nothing here has a socket or a clock."""

from __future__ import annotations

import json
from typing import Literal

import pytest
from earwitness.replay.playing.core import Close, Drop, Need, Send, WakeAt
from earwitness.replay.playing.match import MatchPolicy
from earwitness.replay.serve.faults import parse_fault
from earwitness.replay.serve.plan import Planner
from earwitness.replay.serve.player import Player

from tests.events import added, added_text, append, client, closing, server, tool_output, user_text
from tests.present import present
from tests.sessions import recording

Mode = Literal["strict", "lenient", "off"]

MS = 1_000_000


class Play:
    """A player, its recording, and what it has sent."""

    def __init__(self, *lines, step_ms=None, policy: MatchPolicy | Mode = "strict", **options):
        self.session = recording(*lines, step_ms=step_ms)
        planner = Planner(self.session.info)
        for frame in self.session.frames:
            planner.apply(frame)
        policy = policy if isinstance(policy, MatchPolicy) else MatchPolicy(mode=policy)
        faults = [parse_fault(text) for text in options.pop("faults", ())]
        self.player = Player(planner.plan(), policy=policy, faults=faults, **options)
        self.now = 0
        self.sent: list[int] = []
        self.data: list[bytes] = []
        self.others: list[object] = []
        self._do(self.player.connected(0))

    def _do(self, commands):
        for command in commands:
            if isinstance(command, Send):
                self.sent.append(command.seq)
                self.data.append(command.data)
            elif isinstance(command, Need):
                self._do(self.player.feed(self.session.frames, self.now, last=True))
            else:
                self.others.append(command)

    def client(self, *lines):
        for _, event in lines:
            self._do(self.player.received(event if isinstance(event, (str, bytes)) else json.dumps(event), self.now))
        return self

    def at(self, ms):
        self.now = ms * MS
        self._do(self.player.advance(self.now))
        return self

    @property
    def report(self):
        return self.player.report

    @property
    def kinds(self):
        return [divergence.kind for divergence in self.report.divergences]

    @property
    def ending(self):
        return next((c for c in self.others if isinstance(c, (Close, Drop))), None)


def closed_with(play):
    assert isinstance(play.ending, Close)
    return play.ending.code


HELLO = (
    server("session.created"),
    user_text("hello"),
    added_text("i", "hello"),
    client("response.create"),
    server("response.created", response={"id": "r"}),
    server("response.done", response={"id": "r"}),
)


def test_frames_without_a_cause_leave_at_once_and_the_others_when_it_comes():
    play = Play(*HELLO)
    assert play.sent == [1]
    assert play.client(user_text("hello")).sent == [1, 3]
    assert play.client(client("response.create")).sent == [1, 3, 5, 6]
    assert play.report.complete


def test_frames_leave_byte_for_byte():
    play = Play(*HELLO).client(user_text("hello"), client("response.create"))
    assert play.data == [play.session.frames[seq].payload for seq in play.sent]


def test_a_client_that_answers_later_than_recorded_does_not_hang():
    call = server("response.function_call_arguments.done", call_id="c", name="f", arguments="{}")
    lines = (
        client("response.create"),
        server("response.created", response={"id": "r"}),
        call,
        tool_output("c", "x"),
        server("response.done", response={"id": "r"}),
        added("o", type="function_call_output", call_id="c", output="x"),
    )
    play = Play(*lines).client(client("response.create"))
    assert play.sent == [2, 3, 5], "response.done came, though the output had not"
    assert play.client(tool_output("c", "x")).sent == [2, 3, 5, 6]


def test_a_client_may_run_ahead():
    play = Play(*HELLO).client(user_text("hello"), client("response.create"))
    assert play.sent == [1, 3, 5, 6]


def test_parallel_tool_outputs_may_come_in_any_order():
    lines = (tool_output("c1", "1"), tool_output("c2", "2"), client("response.create"))
    assert Play(*lines).client(lines[1], lines[0], lines[2]).report.complete
    assert Play(*lines).client(lines[0], lines[2], lines[1]).kinds == ["order"]


def test_audio_releases_voice_detection_whatever_the_chunks():
    started = server("input_audio_buffer.speech_started", item_id="u")
    play = Play(append(100), append(100), started, append(100))
    assert play.client(append(199)).sent == []
    assert play.client(append(1)).sent == [3]
    play.client(append(100))
    play.player.closed(1000)
    assert play.report.complete


# Divergence


def test_strict_ends_with_4400_and_says_why():
    play = Play(*HELLO).client(user_text("goodbye"))
    assert play.kinds == ["content"]
    reason = play.report.divergences[0].reason()
    assert play.ending == Close(4400, reason)
    assert "item.content[0].text" in reason
    assert play.client(client("response.create")).sent == [1], "nothing leaves after the end"
    play.player.closed(4400)
    assert play.kinds == ["content"], "what is missing then is no news"


def test_lenient_reports_and_goes_on_as_if_the_right_frame_had_come():
    play = Play(*HELLO, policy="lenient").client(user_text("goodbye"), client("response.create"))
    assert play.kinds == ["content"]
    assert play.sent == [1, 3, 5, 6]
    assert play.ending is None


def test_off_pairs_types_and_reports_nothing():
    play = Play(*HELLO, policy="off").client(
        client("session.update", session={}), user_text("goodbye"), client("response.create", response={"x": 1})
    )
    play.player.closed(1000)
    assert play.sent == [1, 3, 5, 6]
    assert play.kinds == []


def test_events_in_the_wrong_order_are_told_with_what_was_due():
    play = Play(*HELLO).client(client("response.create"))
    (found,) = play.report.divergences
    assert (found.kind, present(found.expected).seq, present(found.got).type) == ("order", 2, "response.create")
    assert found.candidates[0].failed == "order"
    assert found.candidates[0].frame.seq == 4


def test_an_event_too_many_is_unexpected():
    play = Play(*HELLO).client(user_text("hello"), client("response.create"), client("response.create"))
    (found,) = play.report.divergences
    assert (found.kind, found.expected) == ("unexpected", None)


def test_an_event_of_another_type_is_unexpected_and_the_due_one_is_named():
    (found,) = Play(*HELLO).client(client("response.cancel")).report.divergences
    assert (found.kind, present(found.expected).type) == ("unexpected", "conversation.item.create")
    assert {candidate.failed for candidate in found.candidates} == {"type"}


def test_the_report_tells_what_the_client_had_seen_and_what_waits():
    (found,) = Play(*HELLO).client(user_text("goodbye")).report.divergences
    assert found.seen.frames == 1
    assert [view.type for view in found.seen.last] == ["session.created"]
    assert (present(found.holding).seq, found.rule) == (3, "item acknowledged")
    text = "\n".join(found.lines())
    assert "expected  seq 2  conversation.item.create" in text
    assert "got       client frame 1 at 0.000 s" in text


def test_other_audio_is_found_in_the_recorded_frame():
    (found,) = Play(append(10), append(10, 1)).client(append(10), append(10, 2)).report.divergences
    assert (found.kind, present(found.expected).seq) == ("audio", 2)


def test_less_audio_before_a_commit_is_found_at_the_commit():
    commit = client("input_audio_buffer.commit")
    play = Play(append(10), commit).client(append(5), commit)
    assert play.kinds == ["audio"]
    assert closed_with(play) == 4400


def test_leaving_early_is_told_with_the_first_frame_that_is_missing():
    play = Play(*HELLO).client(user_text("hello"))
    play.player.closed(1001)
    (found,) = play.report.divergences
    assert (found.kind, present(found.expected).seq) == ("missing", 4)
    assert "1001" in found.message
    assert not play.report.complete
    assert play.report.notes == []  # the frames behind it did not wait for their time


def test_leaving_before_frames_that_are_only_not_due_is_complete_and_noted():
    play = Play(server("session.created"), server("rate_limits.updated"), step_ms=1000, speed=1)
    play.player.closed(1000)
    assert play.report.complete
    assert "waited only for their time" in play.report.notes[0]


def test_audio_that_a_held_frame_needs_is_missing_and_audio_behind_it_is_not():
    started = server("input_audio_buffer.speech_started", item_id="u")
    play = Play(append(10), started, append(10)).client(append(4))
    play.player.closed(1000)
    assert play.kinds == ["missing"]
    assert "6 more bytes" in play.report.divergences[0].message
    play = Play(append(10), started, append(10)).client(append(10))
    play.player.closed(1000)
    assert play.report.complete
    assert "10 more bytes of audio" in play.report.notes[0]


def test_a_frame_that_is_no_json_is_compared_by_its_bytes():
    assert Play(("client", "not json")).client(("client", "not json")).report.complete
    assert Play(("client", "not json")).client(("client", "not  json")).kinds == ["unexpected"]
    assert Play(("client", b"\x00\xff")).client(("client", b"\x00\xff")).report.complete
    assert Play(("client", b"\x00\xff")).client(("client", b"\x00")).kinds == ["unexpected"]
    assert Play(client("response.create")).client(("client", "[]")).kinds == ["unexpected"]


def test_the_report_shows_what_came_in_place_of_json():
    play = Play(client("response.create")).client(("client", '{"type": response.create}'))
    assert '{\\"type\\": response.create}' in play.report.text()


def test_what_crossed_in_a_recording_gap_may_come():
    gap = ("gap", {"frames": 1, "bytes": 10, "reason": "disk full"})
    play = Play(gap, client("response.create"))
    play.client(client("session.update", session={}), client("response.create"))
    assert play.report.complete
    assert play.client(client("response.cancel")).kinds == ["unexpected"]


# Time


def test_a_client_that_does_nothing_ends_in_a_report_and_not_in_a_hang():
    play = Play(*HELLO, timeout_ns=50 * MS)
    assert WakeAt(50 * MS) in play.others
    assert play.at(49).kinds == []
    assert play.at(50).kinds == ["timeout"]
    assert closed_with(play) == 4400
    assert present(play.report.divergences[0].expected).seq == 2
    assert "0.05 s" in play.report.divergences[0].message


def test_the_timeout_counts_from_the_last_thing_that_happened():
    play = Play(*HELLO, timeout_ns=50 * MS)
    play.now = 40 * MS
    play.client(user_text("hello"))
    assert play.at(60).kinds == []
    assert play.at(90).kinds == ["timeout"]


def test_a_microphone_that_runs_on_does_not_put_the_timeout_off():
    play = Play(*HELLO, append(10), timeout_ns=50 * MS)
    for ms in range(0, 50, 10):
        play.at(ms).client(append(1))
    assert play.kinds == []
    assert play.at(50).kinds == ["timeout"]


def test_sound_that_a_frame_waits_for_does():
    started = server("input_audio_buffer.speech_started", item_id="u")
    play = Play(append(10), started, timeout_ns=50 * MS)
    for ms in range(0, 100, 20):
        play.at(ms).client(append(1))
    assert play.at(129).kinds == []
    assert play.at(130).kinds == ["timeout"]


def test_lenient_goes_on_without_what_did_not_come():
    play = Play(*HELLO, policy="lenient", timeout_ns=50 * MS).at(50)
    assert play.sent == [1, 3]
    play.at(100)
    assert play.sent == [1, 3, 5, 6]
    assert play.kinds == ["timeout", "timeout"]
    assert play.report.matched == 0


def test_lenient_waits_for_missing_sound_once():
    started = server("input_audio_buffer.speech_started", item_id="u")
    stopped = server("input_audio_buffer.speech_stopped", item_id="u")
    play = Play(append(10), started, append(10), stopped, policy="lenient", timeout_ns=50 * MS).at(50)
    assert play.sent == [2, 4]
    assert play.kinds == ["timeout"]


def test_further_frames_are_asked_for_once_at_a_time():
    session = recording(*HELLO)
    planner = Planner(session.info)
    for frame in session.frames:
        planner.apply(frame)
    player = Player(planner.plan())
    assert player.connected(0) == [Need()]
    assert player.received(json.dumps(HELLO[1][1]), 0) == []
    assert [type(command) for command in player.feed(session.frames[:2], 0, last=False)] == [Send, Need]
    assert player.received(json.dumps(HELLO[3][1]), 0) == []


def test_client_frames_that_nothing_waits_for_time_out_too():
    play = Play(server("session.created"), client("response.cancel"), timeout_ns=10 * MS).at(10)
    assert play.kinds == ["timeout"]


def test_a_client_that_has_done_everything_may_stay():
    play = Play(*HELLO).client(user_text("hello"), client("response.create"))
    assert play.at(10**6).kinds == []
    assert play.ending is None


def test_recorded_gaps_are_kept_on_top_of_causes():
    play = Play(*HELLO, step_ms=100, speed=1.0)
    assert play.at(99).sent == []
    assert play.at(100).sent == [1]
    play.at(5000).client(user_text("hello"))
    assert play.at(5099).sent == [1]
    assert play.at(5100).sent == [1, 3]


def test_speed_scales_the_gaps():
    lines = [server("a"), server("b"), server("c")]
    play = Play(*lines, step_ms=100, speed=4.0)
    assert [len(play.at(ms).sent) for ms in (24, 25, 50, 75)] == [0, 1, 2, 3]


# Ids


def test_the_clients_own_ids_appear_where_the_recording_echoes_them():
    play = Play(
        user_text("hello", id="old"),
        added("old", type="message"),
        added("next", previous_item_id="old"),
        client("response.create", event_id="e_old"),
        server("error", error={"event_id": "e_old", "type": "invalid_request_error"}),
    )
    play.client(user_text("hello", id="mine"), client("response.create", event_id="e_mine"))
    assert [b'"mine"' in data for data in play.data[:2]] == [True, True]
    assert b'"event_id":"e_mine"' in play.data[2]
    assert play.report.complete


def test_an_id_that_only_the_live_client_chose_replaces_the_servers():
    play = Play(
        user_text("hello"),
        added_text("server_made", "hello"),
        client("conversation.item.delete", item_id="server_made"),
    )
    play.client(user_text("hello", id="mine"), client("conversation.item.delete", item_id="mine"))
    assert b'"id":"mine"' in play.data[0]
    assert play.report.complete


def test_metadata_of_the_live_client_is_echoed():
    ask = client("response.create", response={"metadata": {"run": "1"}})
    made = server("response.created", response={"id": "r", "metadata": {"run": "1"}})
    play = Play(ask, made).client(client("response.create", response={"metadata": {"run": "2"}}))
    assert play.data == [b'{"type":"response.created","response":{"id":"r","metadata":{"run":"2"}}}']


def test_fresh_ids_are_understood_when_they_come_back():
    call = server("response.function_call_arguments.done", call_id="call_1", name="f", arguments="{}")
    play = Play(call, tool_output("call_1", "x"), ids="fresh", nonce=b"7")
    call_id = json.loads(play.data[0])["call_id"]
    assert call_id != "call_1"
    assert play.client(tool_output(call_id, "x")).report.complete
    assert Play(call, tool_output("call_1", "x"), ids="fresh").client(tool_output("call_x", "x")).kinds == ["content"]


def test_ids_in_settings_and_metadata_are_no_servers_and_stay_under_fresh_ids():
    settings = {"prompt": {"id": "pmpt_abc123"}, "audio": {"output": {"voice": {"id": "voice_77"}}}}
    asked = {"prompt": {"id": "pmpt_xyz789"}, "metadata": {"item_id": "job_9"}}
    play = Play(
        server("session.created", session={"id": "sess_abc", "prompt": {"id": "pmpt_preset"}}),
        client("session.update", session=settings),
        server("session.updated", session={"id": "sess_abc", **settings}),
        client("response.create", response=asked),
        server("response.created", response={"id": "resp_abc", **asked}),
        ids="fresh",
    )
    play.client(client("session.update", session=settings), client("response.create", response=asked))
    created, updated, begun = map(json.loads, play.data)
    assert created["session"]["prompt"] == {"id": "pmpt_preset"}
    assert updated["session"]["id"] == created["session"]["id"] != "sess_abc"
    assert {key: updated["session"][key] for key in settings} == settings
    assert begun["response"]["id"] != "resp_abc"
    assert {key: begun["response"][key] for key in asked} == asked


# Truncation


def cut(ms):
    return client("conversation.item.truncate", item_id="a", content_index=0, audio_end_ms=ms)


def delta(ms):
    return server("response.output_audio.delta", item_id="a", delta=append(48 * ms)[1]["audio"])


@pytest.mark.parametrize(
    ("ms", "speed", "kinds"),
    [(1090, 1.0, []), (1900, 1.0, ["truncation"]), (1900, 2.0, []), (2100, 2.0, ["truncation"])],
)
def test_a_truncations_place_means_something_only_at_speed_1(ms, speed, kinds):
    play = Play(delta(2000), cut(1000), speed=speed)
    assert play.client(cut(ms)).kinds == kinds


def test_a_tolerance_of_the_user_replaces_the_rule():
    policy = MatchPolicy(tolerances={"conversation.item.truncate.audio_end_ms": 50})
    assert Play(delta(2000), cut(1000), policy=policy).client(cut(1050)).kinds == []
    assert Play(delta(2000), cut(1000), policy=policy).client(cut(1051)).kinds == ["truncation"]
    policy = MatchPolicy(ignore=("conversation.item.truncate.audio_end_ms",))
    assert Play(cut(1000), policy=policy, speed=1.0).client(cut(9999)).kinds == []


def test_a_truncation_of_another_item_is_found():
    other = client("conversation.item.truncate", item_id="b", content_index=0, audio_end_ms=1000)
    assert Play(delta(2000), cut(1000)).client(other).kinds == ["content"]


# The end


def test_the_servers_close_comes_when_all_recorded_before_it_has_come():
    play = Play(server("session.created"), append(10), client("response.create"), closing("server", 1011, "gone"))
    play.client(client("response.create"))
    assert play.ending is None
    assert play.client(append(10)).ending == Close(1011, "gone")
    play.player.closed(1011)
    assert play.report.complete


@pytest.mark.parametrize(("code", "expected"), [(1005, Close(None)), (1006, Drop()), (4000, Close(4000, ""))])
def test_closes_are_served_as_they_were(code, expected):
    assert Play(closing("server", code)).ending == expected


def test_a_close_by_the_client_is_waited_for():
    assert Play(closing("client")).ending is None
    assert Play(closing("recorder", None, "the source ends here")).ending is None


def test_an_erased_frame_is_left_out_and_noted():
    play = Play(server("session.created"), server("response.done"))
    frames = [*play.session.frames]
    erased = frames[1].__class__(1, None, "text", "server", "session.created", None)
    player = Player(play.player.plan)
    player.connected(0)
    commands = player.feed([frames[0], erased, frames[2]], 0, last=True)
    assert [c.seq for c in commands if isinstance(c, Send)] == [2]
    assert "erased" in player.report.notes[0]


# Faults


def test_a_fault_closes_at_its_point():
    play = Play(*HELLO, faults=["after:response.created close:1011"])
    play.client(user_text("hello"), client("response.create"))
    assert play.sent == [1, 3, 5]
    assert play.ending == Close(1011, "injected fault")
    play.player.closed(1011)
    assert play.report.notes == ["fault: after:response.created#1 close:1011"]


def test_the_report_names_the_faults_that_happened_and_those_that_did_not():
    happens = ["at:session.created duplicate", "after:conversation.item.create delay:5"]
    misses = ["at:response.create drop", "after:nothing close:1000"]
    play = Play(*HELLO, faults=[*happens, *misses])
    play.client(user_text("hello"), client("response.create")).at(5)
    play.player.closed(1000)
    assert play.sent == [1, 1, 3, 5, 6]
    assert play.report.complete
    assert play.report.notes == [
        "fault: at:session.created#1 duplicate",
        "fault: after:conversation.item.create#1 delay:5",
        "no fault: the session did not come to at:response.create#1 drop",
        "no fault: the session did not come to after:nothing#1 close:1000",
    ]


def test_a_fault_can_sit_behind_a_client_frame():
    play = Play(*HELLO, faults=["after:conversation.item.create close:1006"]).client(user_text("hello"))
    assert play.sent == [1]
    assert play.ending == Drop()


def test_a_stalled_session_stays_open_and_sends_nothing():
    play = Play(*HELLO, faults=["at:conversation.item.added stall"])
    play.client(user_text("hello"), client("response.create"))
    assert play.sent == [1]
    assert play.ending is None


def test_frames_are_dropped_doubled_cut_and_late():
    lines = [server("a"), server("b"), server("c"), server("d")]
    play = Play(*lines, faults=["at:a drop", "at:b duplicate", "at:c malformed", "at:d delay:30"])
    assert play.sent == [2, 2, 3]
    whole = present(play.session.frames[3].payload)
    assert play.data[2] == whole[: len(whole) // 2]
    assert play.at(29).sent == [2, 2, 3]
    assert play.at(30).sent == [2, 2, 3, 4]
