from __future__ import annotations

import pytest
from earwitness.replay.playing.core import Close, Drop
from earwitness.replay.serve.faults import Fault, FaultPoints, parse_fault, parse_faults
from earwitness.schemas.errors import RequestError
from earwitness.schemas.frame import NS_PER_MS, Frame

from tests.events import server, user_text
from tests.playbook import at
from tests.present import present
from tests.replay.serve.play import ASK, HELLO, left, play


def frame(type_: str) -> Frame:
    return Frame(1, None, "text", "server", type_, b"0123456789")


def test_a_fault_reads_as_it_is_written():
    fault = parse_fault("after:response.created#2 close:1011")
    assert fault == Fault("after", "response.created", 2, "close", 1011)
    assert str(fault) == "after:response.created#2 close:1011"
    assert parse_fault(" at:response.done   drop ") == Fault("at", "response.done", 1, "drop")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "close:1011",
        "after:response.created explode",
        "before:response.created drop",
        "at:handshake close:1011",
        "after:handshake refuse:503",
        "at:response.done refuse:503",
        "at:handshake refuse",
        "at:response.done delay",
        "at:response.done close:99",
        "at:response.done close:1004",
        "at:response.done close:5000",
        "at:handshake refuse:99",
        "at:handshake refuse:200",
    ],
)
def test_anything_else_is_refused_with_an_example(text):
    with pytest.raises(RequestError) as caught:
        parse_fault(text)
    assert "after:response.created#2 close:1011" in caught.value.hint or "needs" in caught.value.message


@pytest.mark.parametrize("code", [1000, 1005, 1006, 1011, 3000, 4999])
def test_every_code_that_a_close_can_have_is_taken(code):
    assert parse_fault(f"at:response.done close:{code}").number == code


def test_a_file_of_faults_may_have_comments_and_names_the_line_that_is_wrong():
    assert parse_faults("# two\n\nat:a drop\n  at:b stall\n") == [parse_fault("at:a drop"), parse_fault("at:b stall")]
    with pytest.raises(RequestError, match="line 2"):
        parse_faults("at:a drop\nnonsense\n")


def points(*texts: str) -> FaultPoints:
    return FaultPoints([parse_fault(text) for text in texts])


def test_frames_are_counted_by_type_and_preview_names_count_as_canonical_ones():
    faults = points("at:response.output_audio.delta#2 drop")
    results = []
    for name in ("response.audio.delta", "response.done", "response.audio.delta", "response.audio.delta"):
        results.append(faults.mangle(frame(name), b"x"))
        faults.after(name)
    assert results == [[b"x"], [b"x"], [], [b"x"]]


@pytest.mark.parametrize(
    ("action", "left"), [("drop", []), ("duplicate", [b"0123"] * 2), ("malformed", [b"01"]), ("delay:5", [b"0123"])]
)
def test_what_is_done_to_a_frame(action, left):
    assert points(f"at:a {action}").mangle(frame("a"), b"0123") == left


def test_after_means_the_next_frame():
    faults = points("after:a drop")
    assert faults.mangle(frame("a"), b"x") == [b"x"]
    faults.after("a")
    assert faults.mangle(frame("b"), b"x") == []
    assert faults.mangle(frame("c"), b"x") == [b"x"]


def test_delays_are_in_milliseconds():
    faults = points("at:a delay:20", "at:a delay:5")
    assert faults.delay_ns(frame("a")) == 25 * NS_PER_MS
    assert faults.delay_ns(frame("b")) == 0


def test_closes_and_stalls_are_told_at_their_point():
    faults = points("at:a close:1011", "after:b stall")
    assert [f.action for f in faults.at(frame("a"))] == ["close"]
    assert [f.action for f in faults.after("b")] == ["stall"]
    assert faults.after("b") == []


def test_a_refused_handshake_is_none_of_the_connections_business():
    assert not points("at:handshake refuse:503").any


# ---- in a player


def test_a_fault_closes_at_its_point():
    script = play(*HELLO, faults=["after:response.created close:1011"]) >> user_text("hello") >> ASK
    assert script << [1, 3, 5, Close(1011, "injected fault")]
    assert left(script, 1011).notes == ["fault: after:response.created#1 close:1011"]


def test_the_report_names_the_faults_that_happened_and_those_that_did_not():
    happens = ["at:session.created duplicate", "after:conversation.item.create delay:5"]
    misses = ["at:response.create drop", "after:nothing close:1000"]
    script = play(*HELLO, faults=[*happens, *misses]) << [1, 1] >> user_text("hello") >> ASK >> at(5) << [3, 5, 6]
    assert script
    report = left(script)
    assert report.complete
    assert report.notes == [
        "fault: at:session.created#1 duplicate",
        "fault: after:conversation.item.create#1 delay:5",
        "no fault: the session did not come to at:response.create#1 drop",
        "no fault: the session did not come to after:nothing#1 close:1000",
    ]


def test_a_fault_can_sit_behind_a_client_frame():
    faults = ["after:conversation.item.create close:1006"]
    assert play(*HELLO, faults=faults) << 1 >> user_text("hello") << Drop()


def test_a_stalled_session_stays_open_and_sends_nothing():
    faults = ["at:conversation.item.added stall"]
    assert play(*HELLO, faults=faults) << 1 >> user_text("hello") >> ASK << []


def test_frames_are_dropped_doubled_cut_and_late():
    lines = [server("a"), server("b"), server("c"), server("d")]
    script = play(*lines, faults=["at:a drop", "at:b duplicate", "at:c malformed", "at:d delay:30"])
    assert script << [2, 2, 3] >> at(29) << [] >> at(30) << 4
    whole = present(script.frames[3].payload)
    assert script.data[2] == whole[: len(whole) // 2]
