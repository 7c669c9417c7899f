"""Figures, timings, remarks, origin."""

from __future__ import annotations

from earwitness.replay.audio.pieces import AudioProblem, Interval
from earwitness.replay.audio.playback import PlaybackPlan
from earwitness.replay.fold import fold
from earwitness.replay.fold.digest import full_digest
from earwitness.replay.transcript.page.facts import about, figures, remarks, replies
from earwitness.schemas.frame import Frame
from earwitness.schemas.recording import SessionInfo
from earwitness.schemas.state import Conversation, Gap, Pending, Response

from tests.replay.transcript.spoken import spoken_in
from tests.sessions import Call

NOTHING = PlaybackPlan([], [])


def span(side: str, start: float, end: float) -> Interval:
    return Interval(side, None, round(start * 1e9), round(end * 1e9), "audio")  # type: ignore[arg-type]


def response(wait_ms: int | None, **fields: object) -> Response:
    first = None if wait_ms is None else 1_000_000_000 + wait_ms * 1_000_000
    stated = {"status": "completed", "trigger_ns": 1_000_000_000, "first_audio_ns": first} | fields
    return Response("resp_1", **stated)  # type: ignore[arg-type]


def test_who_spoke_how_long_counts_what_overlaps_once() -> None:
    intervals = [span("user", 0, 2), span("user", 1, 3), span("assistant", 2, 7), span("user", 5, 6)]
    found = dict(figures(Conversation(), NOTHING, intervals, [], 10_000))
    assert found == {"length": "10.0 s", "user spoke": "4.00 s", "assistant heard": "5.00 s"}


def test_the_wait_is_the_median_and_responses_without_a_known_wait_do_not_count() -> None:
    waits = [response(200), response(900), response(300), response(None), response(-5)]
    found = dict(figures(Conversation(responses=waits), NOTHING, [], [], 0))
    assert found == {"median wait for a reply": "0.30 s"}


def test_a_wait_for_text_counts_where_there_is_no_sound() -> None:
    found = dict(figures(Conversation(responses=[response(None, first_text_ns=1_500_000_000)]), NOTHING, [], [], 0))
    assert found["median wait for a reply"] == "0.50 s"


def test_interruptions_and_what_they_left_unheard_are_counted() -> None:
    call = Call()
    first = call.at(0).assistant(2000, "The first answer.")
    call.at(100).assistant(500, "What waits behind it.")
    call.at(1000).truncate(first, 1000, ack_ms=1040)
    timeline = call.timeline()
    found = dict(figures(timeline.conversation, timeline.plan, [], [], 0))
    assert found == {"interruptions": "1", "produced, not heard": "1.50 s"}


def test_each_response_has_its_timing() -> None:
    call = Call()
    call.user(1000, 2000, "Hello.")
    call.at(2500).assistant(1000, "Hi.")
    timeline = call.timeline()
    (reply,) = replies(timeline.conversation, spoken_in(timeline))
    assert (reply.at, reply.start, reply.wait, reply.status) == ("0:02.5", 2500, "0.50 s", "completed")
    assert reply.trigger == "the user stopped speaking"
    assert reply.lasted == "0.11 s"
    assert reply.tokens == ""


def test_why_a_response_ended_is_said_however_it_was_stated() -> None:
    stated = [{"type": "cancelled", "reason": "turn_detected"}, "busy", {"error": {"message": "no"}}, None, 7]
    found = replies(Conversation(responses=[response(1, status_details=each) for each in stated]), [])
    assert [each.status for each in found] == [
        "completed (turn_detected)", "completed (busy)", "completed (no)", "completed", "completed",
    ]  # fmt: skip


def test_tokens_are_those_of_the_usage() -> None:
    (reply,) = replies(Conversation(responses=[response(1, usage={"input_tokens": 5, "output_tokens": 7})]), [])
    assert reply.tokens == "12 tokens (5 in, 7 out)"


def test_everything_that_went_wrong_is_named_with_its_record() -> None:
    call = Call()
    call.at(1500).server("error", error={"type": "invalid_request_error", "code": "bad", "message": "No such item."})
    call.at(1600).server("vendor.unheard_of")
    call.frames.append(Frame(len(call.frames), 1_700_000_000, "text", "server", None, b"{"))
    conversation = fold(call.recording().frames)
    conversation.gaps.append(Gap(9, 3, 400, "disk full"))
    conversation.pending.append(Pending(7, None, "response.create"))
    found = remarks(conversation, [AudioProblem(12, "odd-bytes", "left out")])
    assert found == [
        (
            "throughout",
            (
                "The session speaks a vocabulary that is not known. It is not folded, so what was said cannot be told: "
                "1 event not read: vendor.unheard_of (1)."
            ),
        ),
        ("0:01.5, record 2", "The server reports bad: No such item."),
        ("record 9", "3 messages (400 bytes) crossed here that could not be stored: disk full"),
        ("record 4", "invalid json"),
        ("record 12", "odd-bytes: left out"),
        ("record 7", "response.create was never answered"),
        ("throughout", "Events that mean nothing to this program: vendor.unheard_of (1)"),
    ]


def test_an_ordinary_call_has_no_remarks() -> None:
    call = Call()
    call.user(1000, 2000, "Hello.")
    assert remarks(call.timeline().conversation, []) == []


def test_the_page_says_where_it_comes_from_and_the_digest_of_what_it_shows() -> None:
    call = Call()
    body = b'{"code":1000,"reason":"bye","by":"client"}'
    frames = [*call.recording().frames, Frame(2, 1, "close", "recorder", None, body)]
    conversation = fold(frames)
    info = SessionInfo(
        id="s1", upstream="wss://a.example/", target="/v1", labels={"title": "T", "b": "2", "a": "1"},
        links={"previous": "s0"}, source="x.har",
    )  # fmt: skip
    found = about(info, conversation, None)
    assert found == [
        ("session", "s1"),
        ("server", "wss://a.example/v1"),
        ("model", "gpt-realtime"),
        ("vocabulary", "ga"),
        ("audio", "audio/pcm 24 kHz in, audio/pcm 24 kHz out"),
        ("records", "3"),
        ("end", "closed with 1000 (bye) by the client"),
        ("a", "1"),
        ("b", "2"),
        ("previous session", "s0"),
        ("imported from", "x.har"),
        ("digest of the state", f"sha256:{full_digest(conversation)} (earwitness/full/2)"),
    ]


def test_how_a_session_ended_is_said_in_words() -> None:
    def end(kind: str, body: bytes) -> str:
        conversation = fold([Frame(0, 0, kind, "recorder", None, body)])  # type: ignore[arg-type]
        return dict(about(SessionInfo(id="s"), conversation, None))["end"]

    assert dict(about(SessionInfo(id="s"), Conversation(), None))["end"] == "still open at this point"
    assert end("cutoff", b"{}") == "cut off: the recorder ended first"
    assert end("close", b'{"reason":"gone"}') == "closed (gone)"
