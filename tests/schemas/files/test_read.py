"""A file is read as what its first line says it is; what it does not show is completed and marked."""

from __future__ import annotations

from pathlib import PurePath

import pytest
from earwitness.schemas.errors import DamagedFile, NotRecognised
from earwitness.schemas.files.read import read_sessions

CASSETTE = '{"earwitness":"cassette","version":1}'
EVENT = '[0,null,"client","text",{"type":"a"}]'
LINE = '{"dir":"client","t":null,"event":{"type":"a"}}'
NAME = PurePath("folder/x.ndjson")


@pytest.mark.parametrize("lines", [(CASSETTE, EVENT), (LINE,), ("", LINE)])
def test_the_first_line_tells_a_cassette_from_a_capture(lines: tuple[str, ...]) -> None:
    (session,) = read_sessions("\n".join(lines), NAME)
    assert [frame.kind for frame in session.frames] == ["open", "text", "close"]
    assert session.frames[1].json() == {"type": "a"}
    assert session.opening.source is not None
    assert session.opening.source.name == "x.ndjson"
    assert session.frames[-1].json()["reason"] == "the source ends here, without a close"


def test_a_text_of_no_known_kind_is_refused_by_its_path() -> None:
    with pytest.raises(NotRecognised, match="^folder/x.ndjson is neither a cassette nor a capture"):
        read_sessions("hello", NAME)


@pytest.mark.parametrize(("lines", "number"), [((CASSETTE, EVENT, "{"), 3), ((LINE, "{"), 2)])
def test_partial_returns_what_stands_before_the_damage(lines: tuple[str, ...], number: int) -> None:
    text = "\n".join(lines)
    with pytest.raises(DamagedFile, match=f"x.ndjson, line {number}"):
        read_sessions(text, NAME)
    (session,) = read_sessions(text, NAME, partial=True)
    assert [frame.kind for frame in session.frames] == ["open", "text", "close"]
    assert session.frames[-1].json()["reason"] == f"the source is damaged at line {number}"


def test_a_cassette_without_a_handshake_has_it_from_its_header() -> None:
    stated = '"dialect":"preview","opened_at":"2026-03-01T10:00:00Z","labels":{"a":"b"}'
    header = f"{CASSETTE[:-1]},{stated}}}"
    (session,) = read_sessions(f"{header}\n{EVENT}", NAME)
    info = session.recording("id").info
    assert (info.id, info.dialect, info.labels, info.source) == ("id", "preview", {"a": "b"}, "x.ndjson")
    assert info.opened_at is not None
    assert info.opened_at.year == 2026
    (session,) = read_sessions(f"{CASSETTE}\n{EVENT}", NAME)
    assert session.opening.dialect is None


def test_the_header_decides_on_the_match_policy_not_the_record_of_the_session_it_was_made_from() -> None:
    record = '[0,0,"recorder","open",{"match":{"mode":"strict"}}]'
    (session,) = read_sessions(f"{CASSETTE}\n{record}", NAME)
    assert session.recording("id").info.match is None
    (session,) = read_sessions(f'{CASSETTE[:-1]},"match":{{"mode":"off"}}}}\n{record}', NAME)
    assert session.recording("id").info.match == {"mode": "off"}
