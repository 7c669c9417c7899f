"""What a path or URL opens, and what is said of those that hold no calls."""

from __future__ import annotations

from pathlib import Path

import earwitness
import pytest
from earwitness.testing import bundled_path

from tests.replay.library.places import talk, write


def ids(place: str | Path, **filters: str) -> list[str]:
    with earwitness.open(place) as calls:
        return [call.id for call in calls.sessions(**filters)]


def test_a_journal_is_opened_by_path_and_by_url_oldest_call_first(db: Path) -> None:
    found = ids(db)
    assert len(found) == 2
    assert found == ids(str(db)) == ids(f"sqlite:///{db}")
    with earwitness.open(db) as calls:
        assert [call.info.model for call in calls] == ["gpt-realtime", "gpt-realtime-mini"]


def test_a_folder_holds_its_cassettes_and_those_below_it_but_nothing_hidden(folder: Path) -> None:
    write(folder / ".venv" / "demo.ndjson", talk("hidden"))
    (folder / "notes.json").write_text("{}")
    assert ids(folder) == ["first.ndjson", "more/second.ndjson"]
    assert ids(folder, model="gpt-realtime-mini") == ["more/second.ndjson"]
    assert ids(folder, model="gpt-9") == []


def test_a_capture_with_several_connections_holds_several_calls(tmp_path: Path) -> None:
    event = '{"dir":"server","t":0.1,"event":{"type":"session.created","session":{}}}\n'
    close = '{"dir":"server","t":0.2,"close":{"code":1000}}\n'
    path = tmp_path / "two.jsonl"
    path.write_text((event + close) * 2)
    assert ids(path) == ["two.jsonl#1", "two.jsonl#2"]
    with earwitness.open(path) as calls:
        assert calls.session("two.jsonl#2").info.frames == 3
        with pytest.raises(earwitness.RequestError, match=r"several sessions. Name one, such as 'two.jsonl#1'"):
            calls.session()
        with pytest.raises(earwitness.SessionNotFound, match=r"no session 'two.jsonl#3'.*#N is the N-th"):
            calls.session("two.jsonl#3")


def test_a_cassette_is_known_by_its_content_whatever_its_name(tmp_path: Path) -> None:
    path = tmp_path / "call.txt"
    path.write_bytes(bundled_path().read_bytes())
    assert ids(path) == ["call.txt"]


def test_a_journal_is_known_by_its_content_whatever_its_name(db: Path) -> None:
    assert len(ids(db.rename(db.with_name("calls.json")))) == 2


def test_a_call_of_a_journal_is_found_by_the_beginning_of_its_id_and_as_the_latest(db: Path) -> None:
    first, second = ids(db)
    with earwitness.open(db) as calls:
        assert calls.session(first[:8]).id == first
        assert calls.session("latest").id == second
        with pytest.raises(earwitness.SessionNotFound, match="no session 'zz'"):
            calls.session("zz")


def test_the_only_call_needs_no_name() -> None:
    with earwitness.open(bundled_path()) as calls:
        assert calls.session().id == "demo.ndjson"


@pytest.mark.parametrize(
    ("name", "content", "error", "says"),
    [
        ("absent.db", None, earwitness.StoreNotFound, "no journal at"),
        ("absent.ndjson", None, earwitness.NotRecognised, "does not exist"),
        ("empty.db", b"", earwitness.StoreCorrupt, "empty.db"),
        ("empty.ndjson", b"", earwitness.NotRecognised, "neither a cassette nor a capture"),
        ("notes.txt", b"hello", earwitness.StoreCorrupt, "notes.txt"),
        ("other.json", b'{"a": 1}', earwitness.NotRecognised, "neither a cassette nor a capture"),
        ("folder/notes.md", b"hello", earwitness.NotRecognised, "holds no cassettes"),
        ("folder/bad.ndjson", b"{}", earwitness.NotRecognised, "bad.ndjson is neither"),
    ],
)
def test_what_holds_no_calls_is_told_by_name(
    tmp_path: Path, name: str, content: bytes | None, error: type[earwitness.EarwitnessError], says: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    with pytest.raises(error, match=says):
        ids(path.parent if path.parent != tmp_path else path)


def test_an_unknown_database_is_told() -> None:
    with pytest.raises(earwitness.RequestError, match="mysql://host/calls cannot hold a journal"):
        ids("mysql://host/calls")


def test_a_journal_without_calls_says_so(tmp_path: Path) -> None:
    with earwitness.record("ws://127.0.0.1:9", tmp_path / "new.db"):
        pass
    with earwitness.open(tmp_path / "new.db") as calls:
        assert list(calls.sessions()) == []
        with pytest.raises(earwitness.RequestError, match=r"new\.db holds no session yet"):
            calls.session()
        with pytest.raises(earwitness.SessionNotFound):
            calls.session("latest")
