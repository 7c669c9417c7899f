"""The cassette format: lossless in content, tolerant of what it does not know, clear about damage."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from earwitness.schemas.errors import DamagedFile, NotRecognised
from earwitness.schemas.files.cassette import (
    Cassette,
    CassetteHeader,
    cassette_header,
    decode_record,
    encode_header,
    encode_record,
    read_cassette,
    write_cassette,
)
from earwitness.schemas.frame import Frame
from earwitness.schemas.recording import SessionInfo
from hypothesis import given
from hypothesis import strategies as st

HEADER = '{"earwitness":"cassette","version":1}'


def text(payload: bytes | str, seq: int = 0, *, type_: str | None = None, redacted: tuple[str, ...] = ()) -> Frame:
    body = payload.encode() if isinstance(payload, str) else payload
    return Frame(seq, 5, "text", "client", type_, body, redacted=redacted)


def back(frame: Frame) -> Frame:
    return decode_record(json.loads(encode_record(frame)))


def test_an_event_is_kept_as_json_that_a_person_can_read() -> None:
    line = encode_record(text('{"type": "response.create",  "event_id":null}', type_="response.create"))
    assert line == '[0,5,"client","text",{"type":"response.create","event_id":null}]'


@pytest.mark.parametrize(
    "payload",
    ["", "no json", '{"a":1', "NaN", '{"n": 1e999}', '{"$raw": {"text": "x"}}', '{"s": "\\ud800"}', "[1e400]"],
)
def test_text_that_json_cannot_give_back_is_kept_to_the_letter(payload: str) -> None:
    assert back(text(payload)).payload == payload.encode()


def test_an_integer_over_64_bits_survives() -> None:
    assert back(text('{"n": 123456789012345678901234567890}')).payload == b'{"n":123456789012345678901234567890}'


def test_binary_and_undecodable_frames_are_kept_as_base64() -> None:
    assert back(Frame(0, None, "binary", "server", None, b"\xff\x00")).payload == b"\xff\x00"
    assert back(text(b"\xff\xfe")).payload == b"\xff\xfe"


def test_an_erased_frame_stays_erased() -> None:
    assert back(Frame(3, None, "text", "client", "x", None)).erased


def test_audio_held_apart_is_written_in_its_place() -> None:
    frame = Frame(0, 1, "text", "client", "t", b'{"type":"t","audio":""}', audio=b"\x00\x01\x02", cut=21)
    assert back(frame).json() == {"type": "t", "audio": "AAEC"}


def test_redacted_paths_are_kept() -> None:
    assert back(text("{}", redacted=("session.tools[0].authorization",))).redacted == (
        "session.tools[0].authorization",
    )


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


@given(json_values, st.booleans())
def test_any_json_value_survives_in_content(value: Any, ascii_only: bool) -> None:
    payload = json.dumps(value, ensure_ascii=ascii_only)
    again = back(text(payload))
    assert json.loads(again.payload or b"") == json.loads(payload)
    assert (again.seq, again.offset_ns, again.sender, again.kind) == (0, 5, "client", "text")


@given(st.binary(max_size=200), st.sampled_from(["text", "binary"]))
def test_any_bytes_that_are_not_json_survive_exactly(payload: bytes, kind: Any) -> None:
    frame = Frame(0, None, kind, "server", None, payload)
    try:
        parsed = orjson.loads(payload)
    except ValueError:
        assert back(frame).payload == payload
    else:
        assert kind == "binary" or back(frame).json() == parsed


def test_the_path_of_a_redacted_value_may_hold_a_lone_surrogate() -> None:
    frame = text("{}", redacted=("a.\ud800", "ü"))
    assert back(frame) == frame
    encode_record(frame).encode("utf-8")


def test_unknown_header_keys_lines_and_elements_survive_a_round_trip() -> None:
    lines = [
        '{"earwitness":"cassette","version":1,"dialect":"ga","labels":{},"mood":"calm"}',
        '{"comment":"first"}',
        '[0,null,"client","text",{"type":"a"},{"redacted":["x"],"mine":1},"seventh"]',
        '[1,7,"server","text",{"type":"b"}]',
        '{"comment":"last"}',
    ]
    assert list(write_cassette(read_cassette(lines))) == [line.replace('{"redacted"', '{"redacted"') for line in lines]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{", "line 3"),
        ("7", "neither a record"),
        ('[1,0,"client","text"]', "a record has 5 elements, this has 4"),
        ('["1",0,"client","text",{}]', "not an integer"),
        ('[1,0.5,"client","text",{}]', "offset_ns"),
        ('[1,0,"nobody","text",{}]', "the sender"),
        ('[1,0,"client","song",{}]', "the kind"),
        ('[2,0,"client","text",{}]', "its seq is 2, but 1 is next"),
        ('[1,0,"client","text",{"$raw":{}}]', "holds neither"),
        ('[1,0,"client","text",{"$raw":{"base64":"?"}}]', "does not hold valid base64"),
        ('[1,0,"client","text",{},{"redacted":"x"}]', "not a list of strings"),
        ('[1,9223372036854775808,"client","text",{}]', "more than 64 bits"),
        (f'[1,0,"client","text",{"[" * 100_000}{"]" * 100_000}]', "nested deeper than 100 levels"),
        ('[1,0,"recorder","open",{}]', "only the first record can be 'open'"),
        ('[1,0,"recorder","close",{"code":"x","by":"client"}]', "'close' statement, 'code'"),
        ('[1,0,"recorder","close",7]', "'close' statement: "),
        ('[1,0,"recorder","cutoff",{"$raw":{"erased":true}}]', "cannot be erased"),
        ('[1,0,"recorder","cutoff",{"$raw":{"text":"no JSON"}}]', "line 3"),
    ],
)
def test_a_damaged_line_is_named_and_what_was_read_is_kept(line: str, why: str) -> None:
    with pytest.raises(DamagedFile, match=r"c\.ndjson, line 3") as caught:
        read_cassette([HEADER, '[0,null,"client","text",{}]', line], name="c.ndjson")
    assert why in str(caught.value)
    kept = caught.value.data["cassette"]
    assert isinstance(kept, Cassette)
    assert len(kept.frames) == 1


@pytest.mark.parametrize(
    ("ending", "statement"), [("close", '{"by":"client"}'), ("cutoff", '{"reason":"","found_at":""}')]
)
def test_nothing_follows_the_end_of_a_session(ending: str, statement: str) -> None:
    lines = [HEADER, f'[0,0,"recorder","{ending}",{statement}]', '[1,0,"client","text",{}]']
    with pytest.raises(DamagedFile, match=f"line 3: it follows the '{ending}' record"):
        read_cassette(lines)


def test_an_open_record_of_wrong_shape_is_damage_and_names_the_field() -> None:
    with pytest.raises(DamagedFile, match="line 2: the 'open' statement, 'labels': "):
        read_cassette([HEADER, '[0,0,"recorder","open",{"labels":[]}]'])


@pytest.mark.parametrize("lines", [[], [""], ["{}"], ["[]"], ['{"dir":"client","event":{}}']])
def test_a_file_without_the_header_is_not_a_cassette(lines: list[str]) -> None:
    with pytest.raises(NotRecognised, match="not a cassette"):
        read_cassette(lines)


def test_a_newer_cassette_is_refused_with_what_to_do() -> None:
    with pytest.raises(NotRecognised, match="version 2; this program reads versions up to 1. Update earwitness"):
        read_cassette(['{"earwitness":"cassette","version":2}'])


def test_a_header_of_wrong_shape_is_damage_and_names_the_field() -> None:
    with pytest.raises(DamagedFile, match="'labels'"):
        read_cassette(['{"earwitness":"cassette","version":1,"labels":[1]}'])


def test_the_written_header_says_what_it_is() -> None:
    first = next(write_cassette(Cassette(CassetteHeader(session="abc"))))
    assert first == '{"earwitness":"cassette","version":1,"session":"abc","dialect":"unknown","labels":{}}'


def test_the_header_of_a_recording_tells_where_it_went_when_and_how_it_ended() -> None:
    info = SessionInfo(
        id="abc",
        opened_at=datetime(2026, 3, 1, 10, tzinfo=UTC),
        dialect="ga",
        upstream="wss://api.example.com/",
        target="/v1/realtime?model=m",
        labels={"case": "x"},
        match={"mode": "strict"},
    )
    closed = Frame(5, 1, "close", "recorder", None, b'{"code":1000,"reason":"bye","by":"client"}')
    assert json.loads(encode_header(cassette_header(info, closed))) == {
        "earwitness": "cassette",
        "version": 1,
        "session": "abc",
        "dialect": "ga",
        "url": "wss://api.example.com/v1/realtime?model=m",
        "opened_at": "2026-03-01T10:00:00.000000Z",
        "close": {"code": 1000, "reason": "bye"},
        "labels": {"case": "x"},
        "match": {"mode": "strict"},
    }


@pytest.mark.parametrize(
    "last",
    [
        None,
        Frame(5, 1, "cutoff", "recorder", None, b'{"reason":"","found_at":""}'),
        Frame(5, 1, "close", "recorder", None, b'{"code":"x"}'),
    ],
)
def test_the_header_says_nothing_of_an_end_that_is_not_on_record(last: Frame | None) -> None:
    header = cassette_header(SessionInfo(id="abc"), last)
    assert (header.close, header.url, header.opened_at, header.match) == (None, None, None, None)
