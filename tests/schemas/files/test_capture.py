"""Capture lines become sessions; nothing is invented for what they do not say."""

from __future__ import annotations

import json
from typing import Any

import pytest
from earwitness.schemas.errors import DamagedFile
from earwitness.schemas.files.capture import is_capture, read_capture


def line(side: str, event: Any, t: float | None = None) -> str:
    return json.dumps({"dir": side, "t": t, "event": event})


CLOSE = '{"dir":"server","t":null,"close":{"code":1011,"reason":"gone","ok":false}}'


def test_times_are_nanoseconds_and_unknown_where_the_source_has_none() -> None:
    (session,) = read_capture([line("client", {"type": "a"}, 0.072), line("server", {"type": "b"})], name="x")
    assert [frame.offset_ns for frame in session.frames] == [72_000_000, 72_000_000, None, 72_000_000]


def test_a_session_is_dense_from_an_open_record_and_says_where_it_came_from() -> None:
    (session,) = read_capture([line("client", {"type": "a"})], name="x.jsonl")
    assert [frame.seq for frame in session.frames] == [0, 1, 2]
    assert [frame.kind for frame in session.frames] == ["open", "text", "close"]
    assert session.opening.source is not None
    assert (session.opening.origin, session.opening.source.name) == ("import", "x.jsonl")
    assert session.opening.opened_at is None


def test_a_missing_close_is_noted_not_invented() -> None:
    (session,) = read_capture([line("client", {"type": "a"})], name="x")
    assert session.frames[-1].json() == {
        "reason": "the source ends here, without a close",
        "by": "recorder",
        "handed": {},
    }


def test_what_follows_a_close_is_the_next_session() -> None:
    first, second = read_capture([line("server", {"type": "a"}), CLOSE, line("server", {"type": "b"})], name="x")
    assert first.frames[-1].kind == "close"
    assert first.frames[-1].json() == {"code": 1011, "reason": "gone", "by": "server", "handed": {}}
    assert second.opening.source is not None
    assert second.opening.source.part == 2
    assert second.frames[1].type == "b"


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ("{", ""),
        ("[]", "not a JSON object"),
        ('{"dir":"up","event":{}}', "neither 'client' nor 'server'"),
        ('{"dir":"client","t":"1","event":{}}', "number of seconds"),
        ('{"dir":"client","t":true,"event":{}}', "number of seconds"),
        ('{"dir":"client","event":' + "[" * 101 + "]" * 101 + "}", "nested deeper than 100 levels"),
        ('{"dir":"client","event":' + "[" * 90_000 + "]" * 90_000 + "}", "nested deeper than 100 levels"),
        ('{"dir":"client","t":null}', "'close' is not a JSON object"),
    ],
)
def test_a_damaged_line_is_named_and_what_was_read_is_kept(bad: str, why: str) -> None:
    with pytest.raises(DamagedFile, match="x, line 2") as caught:
        read_capture([line("client", {"type": "a"}, 2.0), bad], name="x")
    assert why in str(caught.value)
    assert "Lines before it that can be read: 1;" in str(caught.value)
    (session,) = caught.value.data["sessions"]  # type: ignore[misc]  # data is typed as object
    assert [frame.kind for frame in session.frames] == ["open", "text", "close"]
    assert "damaged at line 2" in session.frames[-1].json()["reason"]


@pytest.mark.parametrize("text", ["", "x", "[]", '{"dir":"client"}', '{"dir":"up","event":{}}'])
def test_other_files_are_not_captures(text: str) -> None:
    assert not is_capture(text)
