from __future__ import annotations

import orjson
from earwitness.replay.playing.match import Difference
from earwitness.replay.serve.report import Candidate, Divergence, FrameView, Report, Seen, view_event

FOUND = Divergence(
    kind="content",
    message="conversation.item.create (seq 7) came with another content: item.output: expected 'a', got 'b'",
    expected=FrameView("conversation.item.create", 7, 1_500_000_000, {"type": "conversation.item.create"}),
    got=FrameView("conversation.item.create", 3, 250_000_000, {"type": "conversation.item.create"}),
    candidates=(
        Candidate(
            FrameView("conversation.item.create", 7, 1_500_000_000),
            "content",
            "differs at item.output",
            tuple(Difference(f"item.output[{n}]", "a", "b") for n in range(7)),
        ),
    ),
    holding=FrameView("conversation.item.added", 9, None),
    rule="item acknowledged",
    seen=Seen(2, (FrameView("session.created", 1, 0), FrameView("session.updated", 2, 1000)), {"session.created": 1}),
)


def test_the_text_names_what_was_due_what_came_and_why_it_is_not_that():
    assert "\n".join(FOUND.lines()) == (
        "content: conversation.item.create (seq 7) came with another content: item.output: expected 'a', got 'b'\n"
        "  expected  seq 7 at 1.500 s  conversation.item.create\n"
        "  got       client frame 3 at 0.250 s  conversation.item.create\n"
        "  not       seq 7 at 1.500 s  conversation.item.create: differs at item.output\n"
        "              item.output[0]: expected 'a', got 'b'\n"
        "              item.output[1]: expected 'a', got 'b'\n"
        "              item.output[2]: expected 'a', got 'b'\n"
        "              item.output[3]: expected 'a', got 'b'\n"
        "              item.output[4]: expected 'a', got 'b'\n"
        "              and 2 more\n"
        "  waiting   seq 9  conversation.item.added (item acknowledged)\n"
        "  the client had been sent 2 frames, last: session.created (seq 1), session.updated (seq 2)"
    )


def test_without_differences_the_events_themselves_are_shown_in_one_line_each():
    found = Divergence(kind="unexpected", message="m", got=FrameView("x", 1, None, {"text": "y" * 400}))
    lines = list(found.lines())
    assert lines[1:3] == ["  got       client frame 1  x", '              {"text":"' + "y" * 150 + "…"]
    assert lines[-1] == "  the client had been sent nothing yet"


def test_a_close_reason_fits_into_a_close_frame():
    found = Divergence(kind="unexpected", message="ü" * 200)
    assert len(found.reason().encode()) <= 123
    assert found.reason().startswith("diverged: üü")


def test_the_json_holds_the_same():
    value = orjson.loads(orjson.dumps(FOUND.to_json()))
    assert value["kind"] == "content"
    assert value["expected"]["seq"] == 7
    assert value["candidates"][0]["differences"][0] == {"path": "item.output[0]", "expected": "a", "got": "b"}
    assert value["holding"]["type"] == "conversation.item.added"
    assert value["seen"]["counts"] == {"session.created": 1}


def test_a_report_is_complete_when_everything_was_asked_for_and_nothing_diverged():
    report = Report("s", server_frames=2, expected=1)
    assert not report.complete
    assert report.text() == "session s: not played to the end: 0 of 2 server frames sent, 0 of 1 client frames seen"
    report.sent, report.matched = 2, 1
    assert report.complete
    assert report.text() == "session s: replayed to the end, 2 server frames sent, nothing diverged"
    report.divergences.append(FOUND)
    report.notes.append("hm")
    assert not report.complete
    assert report.text().splitlines()[:2] == ["session s: 1 divergence", f"1. content: {FOUND.message}"]
    assert report.text().endswith("\nnote: hm")
    assert report.to_json()["complete"] is False


def test_long_strings_are_shortened_wherever_they_stand():
    shown = view_event({"a": ["x" * 301, "y" * 300], "n": 5})
    assert shown == {"a": [f"{'x' * 100}… (301 characters)", "y" * 300], "n": 5}
