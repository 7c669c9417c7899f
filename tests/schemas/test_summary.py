"""The summary of a session: what its open record names, and what its first events add."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from earwitness.schemas.frame import Frame, Kind
from earwitness.schemas.recording import SessionInfo
from earwitness.schemas.state import Conversation
from earwitness.schemas.summary import Summary, model_of, opening_info, parse_time, statement_of, time_text


def frame(seq: int, kind: Kind, value: Any, *, ns: int | None = None) -> Frame:
    type_ = value.get("type") if kind == "text" else None
    return Frame(seq, ns, kind, "server" if kind == "text" else "recorder", type_, json.dumps(value).encode())


def opening(target: str) -> dict[str, Any]:
    return {"request": {"target": target, "headers": []}}


@pytest.mark.parametrize(
    ("target", "model"),
    [
        ("/v1/realtime?model=gpt-realtime", "gpt-realtime"),
        ("/openai/realtime?api-version=x&deployment=mine", "mine"),
        ("/v1/realtime?deployment=mine&model=gpt-realtime", "gpt-realtime"),
        ("/v1/realtime?model=", None),
        ("/v1/realtime", None),
        ("//[", None),
    ],
)
def test_the_model_is_what_the_request_names(target: str, model: str | None) -> None:
    info = opening_info(opening(target))
    assert (info.target, info.model) == (target, model)


def test_the_server_s_word_on_the_model_comes_before_the_request_s() -> None:
    summary = Summary()
    summary.apply(frame(0, "open", opening("/v1/realtime?model=asked")))
    assert summary.info("x").model == "asked"
    summary.apply(frame(1, "text", {"type": "session.created", "session": {"model": "given"}}))
    assert summary.info("x").model == "given"
    conversation = Conversation()
    assert model_of(summary.info("x"), conversation) == "given"
    conversation.session.model = "changed"
    assert model_of(summary.info("x"), conversation) == "changed"


def test_nothing_is_taken_for_granted_of_an_open_record() -> None:
    odd = {
        "opened_at": 5,
        "upstream": [],
        "request": {"target": 7, "headers": 7},
        "response": "no",
        "labels": {"a": 1, "b": "c"},
        "links": "x",
        "source": None,
        "dialect": {},
        "match": [],
    }
    info = opening_info(odd)
    assert info == SessionInfo(id="", labels={"b": "c"})
    assert statement_of(Frame(0, None, "open", "recorder", None, b"[1]")) == {}
    assert statement_of(Frame(0, None, "open", "recorder", None, None)) == {}


def test_a_refused_session_stays_refused_however_it_ends() -> None:
    for kind in ("close", "cutoff"):
        summary = Summary()
        summary.apply(frame(0, "open", {"response": {"status": 401}}))
        assert summary.info("x").status == "refused"
        summary.apply(frame(1, kind, {"code": 1000}))
        assert summary.info("x").status == "refused"


def test_a_summary_goes_on_from_what_is_known() -> None:
    frames = [
        frame(0, "open", {**opening("/v1/realtime?model=asked"), "labels": {"a": "b"}}, ns=0),
        frame(1, "text", {"type": "session.created", "session": {"model": "given"}}, ns=5),
        frame(2, "text", {"type": "response.output_audio.delta", "delta": ""}, ns=7),
        frame(3, "cutoff", {}),
    ]
    whole = Summary()
    for each in frames[:-1]:
        whole.apply(each)
    rest = Summary(whole.info("x"))
    for summary in (whole, rest):
        summary.apply(frames[-1])
    assert rest.info("x") == whole.info("x")
    assert (rest.info("x").status, rest.info("x").frames, rest.info("x").duration_ns) == ("cut off", 4, 7)


def test_the_url_is_the_upstream_and_the_target() -> None:
    assert SessionInfo(id="x", upstream="wss://a/b/", target="/c?d").url == "wss://a/b/c?d"
    assert SessionInfo(id="x", target="/c").url == "/c"
    assert SessionInfo(id="x", upstream="wss://a").url is None


def test_a_time_is_written_as_it_is_read() -> None:
    time = datetime(2026, 3, 1, 10, 0, 0, 5, tzinfo=UTC)
    assert time_text(time) == "2026-03-01T10:00:00.000005Z"
    assert parse_time(time_text(time)) == time
    assert parse_time("2026-03-01T11:00:00.000005+01:00") == time
    assert parse_time("2026-03-01T10:00:00.000005") == time
    assert (parse_time("yesterday"), parse_time(None)) == (None, None)
