"""A point in a session: seq, time or event."""

from __future__ import annotations

from typing import Any

import pytest
from earwitness.replay.fold import Until, fold, fold_recording, offset_of, parse_until
from earwitness.schemas.errors import RequestError
from earwitness.schemas.recording import MemoryRecording, SessionInfo
from msgspec import structs

from tests.sessions import Session


def script() -> Session:
    return Session().at(0).statement("open").at(1000).item("a").at(2500).item("b").at(61_000).item("c")


@pytest.mark.parametrize(
    ("text", "until"),
    [
        ("#42", Until(seq=42)),
        (" #0 ", Until(seq=0)),
        ("42", Until(offset_ns=42_000_000_000)),
        ("1.5", Until(offset_ns=1_500_000_000)),
        ("0", Until(offset_ns=0)),
        ("00:00", Until(offset_ns=0)),
        ("01:02", Until(offset_ns=62_000_000_000)),
        ("01:02.5", Until(offset_ns=62_500_000_000)),
        ("01:02.345", Until(offset_ns=62_345_000_000)),
        ("75:00", Until(offset_ns=4_500_000_000_000)),
        ("1:15:00.001", Until(offset_ns=4_500_001_000_000)),
        ("event_abc", Until(event_id="event_abc")),
        ("39d78772-b853-498f-89d2-f9484dfdbffa", Until(event_id="39d78772-b853-498f-89d2-f9484dfdbffa")),
    ],
)
def test_a_point_is_read_as_written(text: str, until: Until) -> None:
    assert parse_until(text) == until


@pytest.mark.parametrize("text", ["", " ", "-1", "1:2:3:4", "12:345", "1.", "00:61", "#", "#x", "#-1", "#1.5"])
def test_what_is_not_a_point_is_refused(text: str) -> None:
    with pytest.raises(RequestError, match="is not a point in a session") as caught:
        parse_until(text)
    for form in ("'#42'", "7.5", "1:23.500", "1:00:00", "event id"):
        assert form in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("#0", []),
        ("#1", ["a"]),
        ("#2", ["a", "b"]),
        ("#3", ["a", "b", "c"]),
        ("0", []),
        ("1", ["a"]),
        ("2.5", ["a", "b"]),
        ("61", ["a", "b", "c"]),
        ("00:00.999", []),
        ("00:01", ["a"]),
        ("00:02.500", ["a", "b"]),
        ("01:00.999", ["a", "b"]),
        ("01:01", ["a", "b", "c"]),
        ("event_2", ["a", "b"]),
    ],
)
async def test_the_state_at_a_point_is_that_after_its_last_record(text: str, items: list[str]) -> None:
    until = parse_until(text)
    at_once = fold(script().frames, until=until)
    assert [item.id for item in at_once.items] == items
    recording = MemoryRecording(SessionInfo(id="x"), script().frames)
    assert await fold_recording(recording, until=until) == at_once


@pytest.mark.parametrize("point", [2, "#2", "2.5", "00:02.500", "event_2", Until(seq=2)])
def test_a_point_may_be_given_in_any_form(point: Until | int | str) -> None:
    assert [item.id for item in fold(script().frames, until=point).items] == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("#4", "There is no record 4: the last one is 3"),
        ("01:01.001", "The session ends at 01:01.000, before 01:01.001"),
        ("event_9", "No event of the session has the id event_9"),
        ("event", "No event of the session has the id event"),
    ],
)
async def test_a_point_behind_the_end_is_an_error(text: str, words: str) -> None:
    with pytest.raises(RequestError, match=words):
        fold(script().frames, until=parse_until(text))
    with pytest.raises(RequestError, match=words):
        await fold_recording(MemoryRecording(SessionInfo(id="x"), script().frames), until=parse_until(text))


async def test_a_time_in_a_session_without_times_is_an_error() -> None:
    frames = Session().item("a").frames
    with pytest.raises(RequestError, match="has no times"):
        fold(frames, until=Until(offset_ns=5))
    with pytest.raises(RequestError, match="has no times"):
        await offset_of(MemoryRecording(SessionInfo(id="x"), frames), Until(seq=0))


@pytest.mark.parametrize(
    ("text", "ms"), [("#0", 0), ("#2", 2500), ("event_2", 2500), ("#3", 61_000), ("3", 3000), ("2:00", 120_000)]
)
async def test_a_point_has_a_time(text: str, ms: int) -> None:
    recording = MemoryRecording(SessionInfo(id="x"), script().frames)
    assert await offset_of(recording, parse_until(text)) == ms * 1_000_000


async def test_a_record_without_a_time_has_that_of_the_one_before_it() -> None:
    frames = script().frames
    frames[2] = structs.replace(frames[2], offset_ns=None)
    assert await offset_of(MemoryRecording(SessionInfo(id="x"), frames), Until(seq=2)) == 1_000_000_000


async def test_there_is_no_time_of_a_record_beyond_the_end() -> None:
    with pytest.raises(RequestError, match="There is no record 4"):
        await offset_of(MemoryRecording(SessionInfo(id="x"), script().frames), Until(seq=4))


def test_the_end_as_it_is_printed_is_a_point() -> None:
    frames = script().frames
    frames[3] = structs.replace(frames[3], offset_ns=61_000_500_000)  # printed as 01:01.001
    assert [item.id for item in fold(frames, until="01:01.001").items] == ["a", "b", "c"]
    with pytest.raises(RequestError, match="before 01:01.002"):
        fold(frames, until="01:01.002")


def test_an_empty_session_has_no_points() -> None:
    with pytest.raises(RequestError, match="the session is empty"):
        fold([], until=Until(seq=0))


def test_frames_without_a_time_go_with_those_before_them() -> None:
    frames = script().frames
    frames.insert(2, Session().item("x").frames[0])
    assert [item.id for item in fold(frames, until=Until(offset_ns=2_000_000_000)).items] == ["a", "x"]


@pytest.mark.parametrize("fields", [{}, {"seq": 1, "offset_ns": 2}])
def test_exactly_one_point_is_meant(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="exactly one"):
        Until(**fields)


def test_an_id_that_only_stands_in_a_text_is_not_found() -> None:
    frames = Session().item("a", text='"event_id": "event_77"').frames
    with pytest.raises(RequestError):
        fold(frames, until=Until(event_id="event_77"))
