"""``earwitness db erase`` and ``earwitness db rebuild``: what is gone, what stays, and who is refused."""

from __future__ import annotations

import asyncio
import io
import json
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest
from earwitness.recorder.journal import Journal
from earwitness.replay.fold import fold
from earwitness.replay.open import bundled_path, bundled_recording
from earwitness.schemas.statements import OpenStatement

from tests.cli.command import Command

SPOKEN = "item_EVdi89YrxPbCkhdVipy2e"
"""The caller's first item in the bundled conversation."""

WORDS = "in Lisbon this weekend"
WHY = ("--reason", "the caller asked")


@pytest.fixture
def session(earwitness: Command) -> str:
    """The bundled conversation, in the journal."""
    return earwitness.ok("import", bundled_path(), "--json").json()[0]["sessions"][0]


def on_disk(db: str) -> bytes:
    """All that the journal's files hold."""
    path = Path(db)
    return b"".join(name.read_bytes() for name in sorted(path.parent.glob(f"{path.name}*")))


def stored(db: str, session: str, seqs: set[int]) -> list[bytes]:
    """The payloads as the journal stores them, long enough to be told from others, and their salts."""
    query = (
        "SELECT records.seq, payload, salt FROM records JOIN sessions ON sessions.id = records.session"
        " WHERE public_id = ? AND payload IS NOT NULL"
    )
    with closing(sqlite3.connect(db)) as connection:
        rows = connection.execute(query, (session,)).fetchall()
    return [blob for seq, *blobs in rows if seq in seqs for blob in blobs if len(blob) >= 16]


def erased(earwitness: Command, session: str) -> set[int]:
    return {row["seq"] for row in earwitness.ok("show", session, "--events", "--json").json() if row["erased"]}


def seqs_of(runs: list[list[int]]) -> set[int]:
    return {seq for first, last in runs for seq in range(first, last + 1)}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_an_items_words_and_sound_leave_the_file_and_the_rest_stays_intact(earwitness: Command, session: str) -> None:
    head = earwitness.ok("db", "info", "--json").json()["head"]
    every = {frame.seq for frame in bundled_recording().frames}
    assert WORDS in earwitness.ok("transcript", session).out
    before, blobs = on_disk(earwitness.db), {seq: stored(earwitness.db, session, {seq}) for seq in every}

    report = earwitness.ok("db", "erase", session, "--item", SPOKEN, *WHY, "--yes", "--json").json()

    gone = seqs_of(report["seqs"])
    assert erased(earwitness, session) == gone
    appends = {frame.seq for frame in bundled_recording().frames if frame.type == "input_audio_buffer.append"}
    assert len(gone & appends) > 20
    assert appends - gone, "the sound of the next thing that was said stays"
    after = on_disk(earwitness.db)
    findable = [blob for seq in gone for blob in blobs[seq] if blob in before]
    assert len(findable) > len(gone)
    assert not any(blob in after for blob in findable)
    assert all(blob in after for seq in every - gone for blob in blobs[seq] if blob in before)

    assert WORDS not in earwitness.ok("transcript", session).out
    done = earwitness.ok("verify", "--head", head)
    assert f"({len(gone)} erased)" in done.out
    assert report["head"] == earwitness.ok("db", "info", "--json").json()["head"] != head
    with closing(sqlite3.connect(earwitness.db)) as connection:
        ((detail,),) = connection.execute("SELECT detail FROM ledger WHERE kind = 'erased'")
    assert json.loads(detail) == {"reason": "the caller asked", "seqs": report["seqs"]}


def test_a_whole_session_goes_and_the_one_beside_it_stays(earwitness: Command, session: str) -> None:
    other = earwitness.ok("import", bundled_path(), "--json").json()[0]["sessions"][0]
    kept = earwitness.ok("show", other, "--digest").out
    out = earwitness.ok("db", "erase", session, "--all", *WHY, "--yes").out
    assert out.startswith(f"Erased from session {session}: records 1-")
    messages = {frame.seq for frame in bundled_recording().frames if frame.kind in ("text", "binary")}
    assert erased(earwitness, session) == messages
    assert earwitness.ok("show", other, "--digest").out == kept
    assert earwitness.ok("verify").out.startswith("Intact")


def test_selections_add_up(earwitness: Command, session: str) -> None:
    frames = [frame for frame in bundled_recording().frames if frame.kind == "text"]
    limits = {frame.seq for frame in frames if frame.type == "rate_limits.updated"}
    assert limits
    arguments = ("--seq", "2", "--seq", "4-6", "--type", "rate_limits.updated")
    earwitness.ok("db", "erase", session, *arguments, *WHY, "--yes")
    assert erased(earwitness, session) == {2, 4, 5, 6} | limits


@pytest.mark.parametrize(("answer", "code"), [("n\n", 1), ("\n", 1), ("y\n", 0)])
def test_it_shows_what_would_go_and_asks(
    earwitness: Command, session: str, monkeypatch: pytest.MonkeyPatch, answer: str, code: int
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    done = earwitness("db", "erase", session, "--type", "input_audio_buffer.append", *WHY)
    assert done.code == code
    appends = sum(frame.type == "input_audio_buffer.append" for frame in bundled_recording().frames)
    assert f"  {appends}  input_audio_buffer.append\n" in done.err
    assert ("Nothing was erased." in done.err) == (code == 1)
    assert len(erased(earwitness, session)) == (0 if code else appends)


def test_what_is_already_erased_needs_no_confirmation(
    earwitness: Command, session: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = earwitness.ok("db", "erase", session, "--seq", "1-9", *WHY, "--yes", "--json").json()
    monkeypatch.setattr(sys, "stdin", Terminal(""))
    again = earwitness.ok("db", "erase", session, "--seq", "1-9", *WHY, "--json").json()
    assert (first.pop("erased_before"), again.pop("erased_before")) == (0, 9)
    assert (first.pop("repeated"), again.pop("repeated")) == ([], None)  # what is gone cannot be looked for
    assert again == first


def test_what_repeats_the_erased_words_is_listed(earwitness: Command, session: str) -> None:
    state = fold(bundled_recording().frames)
    call = next(item for item in state.items if item.type == "function_call")
    done = earwitness.ok("db", "erase", session, "--item", call.id, *WHY, "--yes", "--json").json()
    assert all(each.keys() == {"seq", "sender", "type"} for each in done["repeated"])
    assert done["repeated"][0] == {"seq": 0, "sender": "recorder", "type": None}  # its labels name the city
    text = earwitness.ok("db", "erase", session, "--type", "input_audio_buffer.append", *WHY, "--yes").out
    assert "No words of it are on record" in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--all", *WHY), "--yes"),
        (("--yes", *WHY), "Say what to erase"),
        (("--all", "--yes"), "--reason"),
        (("--all", "--yes", "--reason", " "), "--reason is empty"),
    ],
)
def test_nothing_is_destroyed_by_half_a_command_line(
    earwitness: Command, session: str, arguments: tuple[str, ...], said: str
) -> None:
    done = earwitness("db", "erase", session, *arguments)
    assert done.code == 2
    assert said in done.err
    assert erased(earwitness, session) == set()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--seq", "1-99999"), "no record 99999"),
        (("--seq", "0"), "no message there. Only what crossed the wire can be erased"),
        (("--seq", "9-3"), "'9-3' is not a range"),
        (("--seq", "first"), "'first' is not a range"),
        (("--type", "made.up"), "no message of type made.up"),
        (("--item", "item_nobody"), "no item item_nobody"),
    ],
)
def test_what_is_not_there_is_named(earwitness: Command, session: str, arguments: tuple[str, ...], said: str) -> None:
    assert said in earwitness.refused(3, "db", "erase", session, *arguments, *WHY, "--yes")
    assert erased(earwitness, session) == set()


def test_an_unknown_session_and_a_missing_journal_are_named(earwitness: Command, session: str) -> None:
    assert "nobody" in earwitness.refused(3, "db", "erase", "nobody", "--all", *WHY, "--yes")
    for arguments in (("erase", session, "--all", *WHY, "--yes"), ("rebuild",)):
        assert "no journal" in earwitness.refused(5, "db", *arguments, "--db", "elsewhere.db")
    assert not Path("elsewhere.db").exists()


def test_both_are_refused_while_a_recorder_writes(earwitness: Command, session: str) -> None:
    with asyncio.Runner() as runner:
        journal = runner.run(Journal.open(earwitness.db))
        for arguments in (("erase", session, "--all", *WHY, "--yes"), ("rebuild",)):
            assert "Stop the recorder first" in earwitness.refused(5, "db", *arguments)
        runner.run(journal.aclose())
    assert erased(earwitness, session) == set()


def test_a_session_that_a_dead_recorder_left_is_marked_and_can_be_erased(earwitness: Command) -> None:
    secret = b"\x00my number is 555-0100\x00" * 8

    async def record() -> str:
        async with await Journal.open(earwitness.db) as journal:
            writer = await journal.begin(OpenStatement(origin="proxy"))
            writer.append("binary", "client", secret, 5)
            await writer.commit()
            return writer.id

    left = asyncio.run(record())
    assert secret in on_disk(earwitness.db)
    earwitness.ok("db", "erase", left, "--all", *WHY, "--yes")
    assert b"555-0100" not in on_disk(earwitness.db)
    assert earwitness.ok("list", "--json").json()[0]["status"] == "cut off"
    assert earwitness.ok("verify").out.startswith("Intact")


def test_speech_after_a_hole_in_the_sound_is_not_guessed(earwitness: Command, session: str) -> None:
    earwitness.ok("db", "erase", session, "--seq", "2-30", *WHY, "--yes")
    gone = erased(earwitness, session)
    said = earwitness.refused(3, "db", "erase", session, "--item", SPOKEN, *WHY, "--yes")
    assert "cannot tell which input audio" in said
    assert "--type input_audio_buffer.append" in said
    assert erased(earwitness, session) == gone


def test_rebuild_puts_a_summary_right_that_verify_found(earwitness: Command, session: str) -> None:
    assert earwitness.ok("db", "rebuild", "--json").json() == {"location": earwitness.db, "sessions": 1, "changed": 0}
    with closing(sqlite3.connect(earwitness.db)) as connection:
        connection.execute("UPDATE sessions SET model = 'another'")
        connection.commit()
    assert "summary" in earwitness("verify").out
    assert "summaries corrected: 1." in earwitness.ok("db", "rebuild").out
    assert earwitness.ok("verify").out.startswith("Intact")
    assert earwitness.ok("list", "--json").json()[0]["model"] != "another"


def test_backup_and_upgrade_report_in_json(earwitness: Command, session: str, tmp_path: Path) -> None:
    target = tmp_path / "copy.db"
    report = earwitness.ok("db", "backup", target, "--json").json()
    assert report == {"location": earwitness.db, "target": str(target), "bytes": target.stat().st_size}
    assert earwitness.ok("list", "--db", target, "--json").json()[0]["id"] == session
    report = earwitness.ok("db", "upgrade", "--json").json()
    assert report["before"] == report["after"]
