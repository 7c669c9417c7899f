"""Capture lines become sessions; nothing is invented for what they do not say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from earwitness.recorder.importing import read_file
from earwitness.schemas.errors import DamagedFile, NotRecognised
from earwitness.schemas.files.capture import is_capture, read_capture

from tests.corpus import capture_params, needs_corpus


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
        ("[]", "no JSON object"),
        ('{"dir":"up","event":{}}', "neither 'client' nor 'server'"),
        ('{"dir":"client","t":"1","event":{}}', "number of seconds"),
        ('{"dir":"client","t":1.0,"event":{}}', "goes back"),
        ('{"dir":"client","t":null}', "'close' is no JSON object"),
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
def test_other_files_are_no_captures(text: str) -> None:
    assert not is_capture(text)


def test_a_file_of_no_known_kind_is_refused_with_what_is_known(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_text("hello")
    with pytest.raises(NotRecognised, match="neither a cassette nor a capture"):
        read_file(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(NotRecognised, match="no text in UTF-8"):
        read_file(path)
    with pytest.raises(NotRecognised, match="does not exist"):
        read_file(tmp_path / "none")
    with pytest.raises(NotRecognised, match="is a folder"):
        read_file(tmp_path)


def test_partial_gives_what_stands_before_the_damage(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(line("client", {"type": "a"}) + "\n{\n")
    with pytest.raises(DamagedFile):
        read_file(path)
    (session,) = read_file(path, partial=True)
    assert len(session.frames) == 3
    path.write_text('{"earwitness":"cassette","version":1}\n[0,null,"client","text",{"type":"a"}]\n{\n')
    (session,) = read_file(path, partial=True)
    assert [frame.kind for frame in session.frames] == ["open", "text", "close"]


@needs_corpus
@pytest.mark.parametrize("path", capture_params())
def test_every_capture_is_read_whole(path: Path) -> None:
    lines = [json.loads(text) for text in path.read_text().split("\n") if text]
    sessions = read_file(path)
    assert len(sessions) == (2 if path.name.startswith("xai-drop") else 1)
    events = [frame for session in sessions for frame in session.frames if frame.kind == "text"]
    assert [frame.json() for frame in events] == [value["event"] for value in lines if "event" in value]
    assert [frame.type for frame in events] == [value["event"]["type"] for value in lines if "event" in value]
