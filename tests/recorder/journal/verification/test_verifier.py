"""Every change that a read would show is found, wherever it is."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest
from earwitness.recorder.journal import Journal, JournalReader, verify
from earwitness.recorder.journal.database.triggers import SQLITE_TRIGGERS

from tests.recorder.journal.builders import MESSAGES, OPENING, tamper, write_session
from tests.recorder.journal.verification.told import findings


def row_id(path: Path, public_id: str) -> int:
    connection = sqlite3.connect(path)
    try:
        return connection.execute("SELECT id FROM sessions WHERE public_id = ?", (public_id,)).fetchone()[0]
    finally:
        connection.close()


async def test_an_untouched_copy_is_intact(journal_file, original):
    report = await verify(journal_file, head=original[1])
    assert report.intact
    assert (report.sessions, report.open, report.erased) == (4, 1, 2)
    assert report.to_json()["intact"] is True
    assert report.to_text().startswith("Intact: 4 sessions (1 open)")


@pytest.mark.parametrize(
    ("change", "value"),
    [
        ("payload", "x'00'"),
        ("codec", "2"),
        ("codec", "99"),
        ("salt", "zeroblob(16)"),
        ("digest", "zeroblob(32)"),
        ("chain", "zeroblob(32)"),
        ("offset_ns", "offset_ns + 1"),
        ("offset_ns", "NULL"),
        ("kind", "'binary'"),
        ("kind", "'close'"),
        ("sender", "'client'"),
        ("type", "'made.u0'"),
        ("type", "NULL"),
        ("redacted", "'[\"x\"]'"),
        ("redacted", "'not json'"),
        ("redacted", "'5'"),
        ("seq", "1000"),
        ("session", "(SELECT id FROM sessions WHERE public_id = 'open')"),
        ("position", "position + 1000"),
        ("payload", "NULL, salt = NULL"),
        ("payload", "NULL"),
        ("salt", "NULL"),
    ],
)
async def test_a_changed_column_of_a_record_is_found(journal_file, change, value):
    plain = row_id(journal_file, "plain")
    tamper(journal_file, f"UPDATE records SET {change} = {value} WHERE session = {plain} AND seq = 4")
    found = await findings(journal_file)
    assert any(session == "plain" for _, session, _ in found), found
    assert min(seq for _, session, seq in found if seq is not None and session == "plain") in (4, 5)


@pytest.mark.parametrize("column", ["session", "kind", "at", "frames", "head", "detail", "chain", "id"])
@pytest.mark.parametrize("row", [2, 3, 6])
async def test_a_changed_column_of_the_ledger_is_found(journal_file, column, row):
    other = {"kind": "'opened'", "session": "'plain'", "frames": "frames + 1", "id": "id + 100"}
    if column in ("head", "chain"):
        value = "zeroblob(32)"
    else:
        value = other.get(column, f"{column} || ' '")
    if (column, row) == ("kind", 3):
        value = "'erased'"
    if (column, row) == ("session", 3):
        value = "'partly'"
    tamper(journal_file, f"UPDATE ledger SET {column} = {value} WHERE id = {row}")
    assert any(kind == "ledger" for kind, _, _ in await findings(journal_file))


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("public_id", "'plaim'"),
        ("id", "id + 77"),
        ("opened_at", "'2020-01-01T00:00:00Z'"),
        ("status", "'open'"),
        ("dialect", "'live'"),
        ("target", "NULL"),
        ("upstream", "'wss://else'"),
        ("model", "'gpt'"),
        ("frames", "frames - 1"),
        ("frames", "NULL"),
        ("duration_ns", "0"),
        ("close_code", "1001"),
        ("labels", "'{}'"),
        ("labels", "'[]'"),
        ("links", '\'{"previous": "x"}\''),
        ("source", "'file'"),
    ],
)
async def test_a_changed_column_of_a_session_is_found(journal_file, column, value):
    tamper(journal_file, f"UPDATE sessions SET {column} = {value} WHERE public_id = 'plain'")
    assert await findings(journal_file)


@pytest.mark.parametrize("seq", range(len(MESSAGES) + 2))
async def test_a_deleted_record_is_found(journal_file, seq):
    tamper(journal_file, f"DELETE FROM records WHERE session = {row_id(journal_file, 'plain')} AND seq = {seq}")
    found = await findings(journal_file)
    assert min(at for kind, session, at in found if session == "plain" and at is not None) == seq


async def test_swapped_records_are_found(journal_file):
    plain = row_id(journal_file, "plain")
    tamper(
        journal_file,
        f"UPDATE records SET seq = 1000 WHERE session = {plain} AND seq = 2",
        f"UPDATE records SET seq = 2 WHERE session = {plain} AND seq = 3",
        f"UPDATE records SET seq = 3 WHERE session = {plain} AND seq = 1000",
    )
    assert min(seq for _, _, seq in await findings(journal_file) if seq is not None) == 2


async def test_a_record_copied_over_another_is_found(journal_file):
    plain, partly = row_id(journal_file, "plain"), row_id(journal_file, "partly")
    columns = ("kind", "sender", "type", "payload", "codec", "salt", "digest", "chain")
    source = f"FROM records AS r WHERE r.session = {partly} AND r.seq = 4"
    values = ", ".join(f"{name} = (SELECT r.{name} {source})" for name in columns)
    tamper(journal_file, f"UPDATE records SET {values} WHERE session = {plain} AND seq = 4")
    assert ("record", "plain", 4) in await findings(journal_file)


async def test_a_record_put_in_behind_the_end_is_found(journal_file):
    plain = row_id(journal_file, "plain")
    names = "offset_ns, kind, sender, type, redacted, payload, codec, salt, digest, chain"
    tamper(
        journal_file,
        f"INSERT INTO records (session, seq, {names}) SELECT session, 9, {names} FROM records"
        f" WHERE session = {plain} AND seq = 8",
    )
    assert ("record", "plain", 9) in await findings(journal_file)


async def test_an_erasure_that_the_ledger_does_not_know_is_found(journal_file):
    plain = row_id(journal_file, "plain")
    tamper(journal_file, f"UPDATE records SET payload = NULL, salt = NULL WHERE session = {plain} AND seq = 4")
    assert await findings(journal_file) == [("erasure", "plain", 4)]


async def test_a_payload_that_came_back_is_found(journal_file):
    partly, plain = row_id(journal_file, "partly"), row_id(journal_file, "plain")
    source = f"FROM records AS r WHERE r.session = {plain} AND r.seq = 2"
    tamper(
        journal_file,
        f"UPDATE records SET payload = (SELECT r.payload {source}), salt = (SELECT r.salt {source})"
        f" WHERE session = {partly} AND seq = 2",
    )
    assert ("record", "partly", 2) in await findings(journal_file)


@pytest.mark.parametrize("name", sorted(SQLITE_TRIGGERS))
async def test_a_dropped_or_altered_trigger_is_found(journal_file, name):
    connection = sqlite3.connect(journal_file)
    connection.execute(f"DROP TRIGGER {name}")
    connection.commit()
    report = await verify(journal_file)
    assert [finding.message for finding in report.findings] == [f"trigger {name} is missing"]
    connection.execute(SQLITE_TRIGGERS[name].replace("BEGIN SELECT", "BEGIN SELECT 1; SELECT"))
    connection.commit()
    connection.close()
    report = await verify(journal_file)
    assert [finding.message for finding in report.findings] == [f"trigger {name} was changed"]


async def test_a_foreign_trigger_and_a_changed_table_are_found(journal_file):
    connection = sqlite3.connect(journal_file)
    connection.execute("CREATE TRIGGER spy AFTER INSERT ON records BEGIN SELECT 1; END")
    connection.execute("ALTER TABLE sessions ADD COLUMN extra TEXT")
    connection.commit()
    connection.close()
    report = await verify(journal_file)
    assert {finding.kind for finding in report.findings} == {"schema"}
    assert len(report.findings) == 2


@pytest.mark.parametrize("public_id", ["cut", "plain", "partly", "open"])
async def test_a_removed_session_is_found(journal_file, public_id):
    row = row_id(journal_file, public_id)
    tamper(journal_file, f"DELETE FROM records WHERE session = {row}", f"DELETE FROM sessions WHERE id = {row}")
    assert ("session", public_id, None) in await findings(journal_file)


async def test_a_session_removed_with_its_ledger_rows_in_the_middle_is_found(journal_file):
    row = row_id(journal_file, "plain")
    tamper(
        journal_file,
        f"DELETE FROM records WHERE session = {row}",
        "DELETE FROM ledger WHERE session = 'plain'",
        f"DELETE FROM sessions WHERE id = {row}",
    )
    assert "ledger" in {kind for kind, _, _ in await findings(journal_file)}


async def test_a_session_whose_row_alone_is_gone_is_found(journal_file):
    tamper(journal_file, "DELETE FROM sessions WHERE public_id = 'plain'")
    assert len([kind for kind, _, _ in await findings(journal_file) if kind == "session"]) == 2


async def test_only_a_head_kept_elsewhere_finds_a_cut_tail(journal_file, original):
    """The last session goes with its ledger rows: by itself the rest is a journal like any other."""
    row = row_id(journal_file, "open")
    tamper(
        journal_file,
        f"DELETE FROM records WHERE session = {row}",
        "DELETE FROM ledger WHERE session = 'open'",
        f"DELETE FROM sessions WHERE id = {row}",
    )
    assert await findings(journal_file) == []
    assert await findings(journal_file, original[1]) == [("head", None, None)]


async def test_a_head_finds_a_session_whose_end_was_cut(journal_file):
    async with await Journal.open(journal_file) as journal:
        await write_session(journal, public_id="last")
        head = journal.head
    assert await findings(journal_file, head) == []
    row = row_id(journal_file, "last")
    tamper(
        journal_file,
        f"DELETE FROM records WHERE session = {row} AND seq > 3",
        "DELETE FROM ledger WHERE session = 'last' AND kind = 'closed'",
        f"UPDATE sessions SET status = 'open', frames = NULL, duration_ns = NULL, close_code = NULL WHERE id = {row}",
    )
    assert await findings(journal_file) == []
    assert await findings(journal_file, head) == [("head", None, None)]


async def test_a_head_finds_an_older_copy_put_back(journal_file, tmp_path):
    older = Path(shutil.copy(journal_file, tmp_path / "older.db"))
    async with await Journal.open(journal_file) as journal:
        await write_session(journal)
        head = journal.head
    assert await findings(older) == []
    assert await findings(older, head) == [("head", None, None)]


async def test_sessions_in_another_order_are_found(journal_file):
    cut, plain = row_id(journal_file, "cut"), row_id(journal_file, "plain")
    steps = [(cut, 500), (plain, cut), (500, plain)]
    tamper(
        journal_file,
        *(f"UPDATE sessions SET id = {new} WHERE id = {old}" for old, new in steps),
        *(f"UPDATE records SET session = {new} WHERE session = {old}" for old, new in steps),
    )
    assert ("session", None, None) in await findings(journal_file)


async def test_verifying_beside_a_recorder_disturbs_and_marks_nothing(journal_file):
    async with await Journal.open(journal_file) as journal:
        writer = await journal.begin(OPENING)
        for number in range(200):
            writer.append("text", "client", b"x" * number, number)
            if number % 20 == 0:
                report = await verify(journal_file)
                assert report.intact, report.to_text()
                assert report.open == 1
    async with await JournalReader.open(journal_file) as reader:
        assert (await reader.resolve("latest")).status == "open"


async def test_a_report_names_the_first_bad_record(journal_file):
    plain = row_id(journal_file, "plain")
    tamper(journal_file, f"UPDATE records SET offset_ns = 5 WHERE session = {plain} AND seq IN (3, 6)")
    report = await verify(journal_file)
    assert report.first is not None
    assert (report.first.session, report.first.seq) == ("plain", 3)
    assert "First bad record: session plain, seq 3." in report.to_text()
    assert [finding["seq"] for finding in report.to_json()["findings"]] == [3, 6]
