from __future__ import annotations

import json
from typing import Literal

import pytest
from earwitness.replay.playing.ids import IdMap
from earwitness.replay.playing.match import MatchPolicy
from earwitness.replay.serve.expected import Judge
from earwitness.replay.serve.plan import Planner

from tests.events import added_text, append, client, server, tool_output, user_text
from tests.present import present
from tests.sessions import recording


def judging(*lines, mode: Literal["strict", "lenient", "off"] = "strict", speed=float("inf"), **policy):
    session = recording(*lines)
    planner = Planner(session.info)
    for frame in session.frames:
        planner.apply(frame)
    ids = IdMap()
    return Judge(planner.plan(), MatchPolicy(mode=mode, **policy), speed, ids), ids


def give(judge, line):
    event = line[1]
    return judge.frame(event.get("type"), json.dumps(event), last_sent=99)


def diverge(judge, line):
    return present(give(judge, line))


def test_frames_are_taken_in_order_and_counted():
    judge, _ = judging(user_text("a"), client("response.create"))
    assert give(judge, user_text("a")) is None
    assert give(judge, client("response.create")) is None
    assert (judge.pending, judge.taken, judge.matched) == ([], {1, 2}, 2)


MODES: tuple[tuple[Literal["strict", "lenient"], int], ...] = (("strict", 1), ("lenient", 0))


def test_a_strict_judge_leaves_the_due_frame_pending_and_a_lenient_one_takes_it():
    for mode, pending in MODES:
        judge, _ = judging(user_text("a"), mode=mode)
        found = diverge(judge, user_text("b"))
        assert (found.kind, present(found.expected).seq) == ("content", 1)
        assert len(judge.pending) == pending


def test_of_several_tool_outputs_that_are_due_the_nearest_is_named():
    judge, _ = judging(tool_output("c1", "sun"), tool_output("c2", "rain"))
    found = diverge(judge, tool_output("c2", "snow"))
    assert (found.kind, present(found.expected).seq) == ("content", 2)
    assert found.candidates[0].differences[0].path == "item.output"


def test_a_frame_that_comes_too_early_is_told_from_one_that_is_unknown():
    judge, _ = judging(user_text("a"), client("response.create"))
    assert diverge(judge, client("response.create")).kind == "order"
    assert diverge(judge, client("response.create", response={"instructions": "x"})).kind == "unexpected"


def test_lenient_takes_a_frame_that_came_too_early_and_then_the_one_before():
    judge, _ = judging(user_text("a"), client("response.create"), mode="lenient")
    assert diverge(judge, client("response.create")).kind == "order"
    assert give(judge, user_text("a")) is None
    assert judge.pending == []


def test_frames_of_other_types_are_candidates_only_where_there_is_none_of_the_same():
    judge, _ = judging(client("response.create"), user_text("a"))
    assert [c.frame.seq for c in diverge(judge, user_text("b")).candidates] == [2]
    assert [c.failed for c in diverge(judge, client("response.cancel")).candidates] == ["type", "type"]


def test_what_was_given_up_is_not_waited_for_and_does_not_count():
    judge, _ = judging(user_text("a"), client("response.create"))
    judge.give_up([1])
    assert (judge.taken, judge.matched) == ({1}, 0)
    assert give(judge, client("response.create")) is None


def test_the_items_new_id_stands_for_the_one_that_the_recorded_server_chose():
    judge, ids = judging(user_text("a"), added_text("server_made", "a"))
    give(judge, user_text("a", id="mine"))
    assert ids.to_live("server_made") == "mine"


def test_event_ids_are_bound_only_where_the_recording_repeats_them():
    judge, ids = judging(
        client("response.cancel", event_id="seen"),
        client("response.cancel", event_id="unseen"),
        server("error", error={"event_id": "seen"}),
    )
    for _ in range(2):
        give(judge, client("response.cancel", event_id="live"))
    assert (ids.to_live("seen"), ids.to_live("unseen")) == ("live", "unseen")


@pytest.mark.parametrize("mode", ["strict", "lenient", "off"])
def test_erased_frames_match_any_frame_of_their_turn(mode):
    session = recording(user_text("a"))
    erased = session.frames[1].__class__(1, None, "text", "client", "conversation.item.create", None)
    planner = Planner(session.info)
    for frame in (session.frames[0], erased):
        planner.apply(frame)
    judge = Judge(planner.plan(), MatchPolicy(mode=mode), 1.0, IdMap())
    assert give(judge, user_text("anything")) is None
    assert judge.matched == 1


def test_a_commit_ends_the_stretch_and_tells_what_is_missing_of_it():
    judge, _ = judging(append(10), client("input_audio_buffer.commit"))
    judge.audio.feed(bytes(4))
    found = diverge(judge, client("input_audio_buffer.commit"))
    assert (found.kind, present(found.expected).seq) == ("audio", 1)
    assert "bytes 4 to 10 are missing" in found.message
