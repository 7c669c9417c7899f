"""``earwitness show``, on imported sessions and files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from earwitness.replay.open import bundled_path

from tests.cli.command import Command
from tests.corpus import capture_params, needs_corpus


def one_event(tmp_path: Path) -> Path:
    path = tmp_path / "one.jsonl"
    path.write_text('{"dir":"client","t":0,"event":{"type":"response.create"}}\n')
    return path


@pytest.mark.parametrize("option", [("--digest",), ("--own-dialect", "--json")])
def test_events_and_state_are_not_asked_for_at_once(earwitness: Command, option: tuple[str, ...]) -> None:
    done = earwitness("show", bundled_path(), "--events", *option)
    assert (done.code, done.out) == (2, "")
    assert "--events lists the records" in done.err


def test_a_lone_surrogate_is_shown_and_in_json_kept(earwitness: Command, tmp_path: Path) -> None:
    path = tmp_path / "half.jsonl"
    error = {"type": "error", "error": {"type": "t", "message": "half \ud800 letter"}}
    path.write_text(json.dumps({"dir": "server", "t": 0, "event": error}))
    assert "half \ufffd letter" in earwitness.ok("show", path).out
    assert earwitness.ok("show", path, "--json").json()["state"]["errors"][0]["message"] == "half \ud800 letter"
    assert earwitness.ok("show", path, "--events", "--json").json()[1]["event"] == error


def test_show_tells_the_conversation(earwitness: Command) -> None:
    out = earwitness.ok("show", bundled_path()).out
    for text in (
        "audio/pcmu 8 kHz in, audio/pcm 24 kHz out",
        "Will it stay dry enough for a walk on Sunday?",
        'get_forecast {"city":"Lisbon","days":2}',
        "cut at 5248 ms",
        "cancelled (turn_detected)",
        "closed 1000 by the client",
    ):
        assert text in out


def test_show_at_a_time_gives_the_state_of_that_moment(earwitness: Command) -> None:
    before = earwitness.ok("show", bundled_path(), "--at", "00:07.0", "--json").json()["state"]
    user = before["items"][0]["content"][0]
    assert user["transcription"]["status"] == "partial"
    assert earwitness.ok("show", bundled_path(), "--at", "7", "--json").json()["state"] == before
    after = earwitness.ok("show", bundled_path(), "--at", "00:07.2", "--json").json()["state"]
    assert after["items"][0]["content"][0]["transcription"]["status"] == "completed"
    assert len(after["items"]) == 2


def test_show_at_a_seq_and_at_an_event_agree(earwitness: Command) -> None:
    events = [json.loads(line) for line in bundled_path().read_text().split("\n")[1:] if line]
    event_id = events[552][4]["event_id"]
    by_seq = earwitness.ok("show", bundled_path(), "--at", "#552", "--json").out
    assert earwitness.ok("show", bundled_path(), "--at", event_id, "--json").out == by_seq


def test_a_dash_is_a_file_on_standard_input(earwitness: Command, standard_input: Callable[[bytes], None]) -> None:
    standard_input(bundled_path().read_bytes())
    assert earwitness.ok("show", "-", "--digest").out == earwitness.ok("show", bundled_path(), "--digest").out


def test_show_events_lists_every_record(earwitness: Command) -> None:
    rows = earwitness.ok("show", bundled_path(), "--events").out.splitlines()
    assert len(rows) == 1745 + 2
    assert "input_audio_buffer.append" in rows[10]
    listed = earwitness.ok("show", bundled_path(), "--events", "--at", "#2", "--json").json()
    assert [row["seq"] for row in listed] == [0, 1, 2]
    assert listed[1]["event"]["type"] == "session.created"


def test_events_can_be_limited_to_the_last_few(earwitness: Command) -> None:
    listed = earwitness.ok("show", bundled_path(), "--events", "--limit", "2", "--json").json()
    assert [row["seq"] for row in listed] == [1743, 1744]
    assert earwitness("show", bundled_path(), "--limit", "2").code == 2


def test_the_digest_is_the_same_from_file_and_journal(earwitness: Command) -> None:
    earwitness.ok("import", bundled_path())
    from_file = earwitness.ok("show", bundled_path(), "--digest").out
    assert earwitness.ok("show", "latest", "--digest").out == from_file
    shown = earwitness.ok("show", "latest", "--digest", "--json").json()
    assert shown.keys() == {"full", "content", "versions"}
    assert shown["versions"] == {"full": "earwitness/full/2", "content": "earwitness/content/2"}


def test_an_unknown_session_is_named(earwitness: Command) -> None:
    earwitness.ok("import", bundled_path())
    assert "nobody" in earwitness.refused(3, "show", "nobody")


def test_an_ambiguous_prefix_is_refused_with_the_candidates(earwitness: Command, tmp_path: Path) -> None:
    # 33 ids in an alphabet of 32: two of them begin alike.
    path = one_event(tmp_path)
    ids = earwitness.ok("import", *[path] * 33, "--json").json()
    ids = [public_id for file in ids for public_id in file["sessions"]]
    firsts = [public_id[0] for public_id in ids]
    twice = next(first for first in firsts if firsts.count(first) > 1)
    message = earwitness.refused(3, "show", twice)
    assert any(public_id in message for public_id in ids)


@pytest.mark.parametrize("at", ["#99999", "99999", "59:00", "event_none"])
def test_a_point_beyond_the_session_is_refused(earwitness: Command, at: str) -> None:
    earwitness.refused(3, "show", bundled_path(), "--at", at)


def test_a_file_with_several_sessions_asks_which(earwitness: Command, tmp_path: Path) -> None:
    path = tmp_path / "two.jsonl"
    close = '{"dir":"server","t":null,"close":{"code":1000,"reason":""}}'
    event = '{"dir":"client","t":null,"event":{"type":"response.create"}}'
    path.write_text("\n".join((event, close, event, "")))
    assert f"{path}#1" in earwitness.refused(3, "show", path)
    assert "closed 1000" in earwitness.ok("show", f"{path}#1").out
    assert "without a close" in earwitness.ok("show", f"{path}#2").out
    earwitness.refused(3, "show", f"{path}#3")


def test_show_can_use_the_sessions_own_dialect(earwitness: Command, tmp_path: Path) -> None:
    path = tmp_path / "preview.jsonl"
    event = {
        "type": "session.created",
        "session": {"id": "s", "input_audio_format": "g711_ulaw", "modalities": ["text"]},
    }
    path.write_text(json.dumps({"dir": "server", "t": 0, "event": event}) + "\n")
    own = earwitness.ok("show", path, "--json", "--own-dialect").json()["state"]["session"]["config"]
    assert own["input_audio_format"] == "g711_ulaw"
    canonical = earwitness.ok("show", path, "--json").json()["state"]["session"]["config"]
    assert canonical["audio"]["input"]["format"]["type"] == "audio/pcmu"
    assert earwitness("show", path, "--own-dialect").code == 2


@needs_corpus
@pytest.mark.parametrize("path", capture_params())
def test_every_capture_imports_lists_shows_and_folds(earwitness: Command, path: Path) -> None:
    ids = earwitness.ok("import", path, "--json").json()[0]["sessions"]
    assert len(ids) == (2 if path.name.startswith("xai-drop") else 1)
    assert {info["id"] for info in earwitness.ok("list", "--json").json()} == set(ids)
    for public_id in ids:
        shown = earwitness.ok("show", public_id, "--json").json()
        assert shown["state"]["items"]
        assert shown["state"]["responses"]
        assert sum(shown["state"]["counts"].values()) == shown["session"]["frames"] - 2
        assert earwitness.ok("show", public_id).out
        assert earwitness.ok("transcript", public_id).out
    assert earwitness.ok("verify").code == 0
