"""Bits that flipped: found, or they change nothing that a read would show."""

from __future__ import annotations

import random
import sqlite3

import pytest
from earwitness.recorder.journal import verify
from earwitness.recorder.journal.database.tables import ledger, records, sessions
from earwitness.schemas.errors import EarwitnessError

from tests.recorder.journal.builders import tamper
from tests.recorder.journal.verification.told import findings, what_is_read
from tests.sizes import pick

COLUMNS = {table.name: [column.name for column in table.columns] for table in (records, ledger, sessions)}
COLUMNS["sessions"].remove("recorder")
COLUMNS["sessions"].remove("summary_version")


def flip(value: object, choice: random.Random) -> object:
    """Flip one bit of a value, as bit rot would."""
    if isinstance(value, int):
        return value ^ 1 << choice.randrange(0, 20)
    if isinstance(value, str):
        data = bytearray(value.encode() or b"\x00")
        data[choice.randrange(len(data))] ^= 1 << choice.randrange(7)
        return data.decode("utf-8", "replace")
    if isinstance(value, bytes):
        data = bytearray(value or b"\x00")
        data[choice.randrange(len(data))] ^= 1 << choice.randrange(8)
        return bytes(data)
    return None


@pytest.mark.parametrize("seed", range(pick(60, 300, 3000)))
async def test_a_flipped_bit_anywhere_is_found_or_changes_nothing(journal_file, original, seed):
    choice = random.Random(seed)
    table = choice.choice(["records", "records", "records", "ledger", "sessions"])
    column = choice.choice(COLUMNS[table])
    connection = sqlite3.connect(journal_file)
    rows = connection.execute(f"SELECT rowid, {column} FROM {table} WHERE {column} IS NOT NULL").fetchall()
    connection.close()
    if not rows:
        return
    row, value = choice.choice(rows)
    before = await what_is_read(journal_file)
    try:
        tamper(journal_file, f"UPDATE {table} SET {column} = ? WHERE rowid = {row}", values=(flip(value, choice),))
    except sqlite3.IntegrityError:
        return  # a unique column: SQLite itself would call the file damaged
    found = await findings(journal_file)
    assert found or await what_is_read(journal_file) == before, (table, column, row)
    if table == "ledger":
        assert found, (column, row)


@pytest.mark.parametrize("seed", range(pick(40, 200, 2000)))
async def test_a_flipped_bit_in_the_file_is_found_or_changes_nothing(journal_file, seed):
    choice = random.Random(seed)
    before = await what_is_read(journal_file)
    data = bytearray(journal_file.read_bytes())
    data[choice.randrange(len(data))] ^= 1 << choice.randrange(8)
    journal_file.write_bytes(bytes(data))
    try:
        report = await verify(journal_file)
    except EarwitnessError:
        return
    if report.intact:
        assert await what_is_read(journal_file) == before


@pytest.mark.parametrize("name", ["sessions", "records", "ledger", "ledger_session"])
async def test_a_destroyed_page_is_reported_even_where_sqlites_own_check_gives_up(journal_file, name):
    connection = sqlite3.connect(journal_file)
    ((page,),) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (name,))
    ((size,),) = connection.execute("PRAGMA page_size")
    connection.close()
    with journal_file.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * 200)
    assert ("file", None, None) in await findings(journal_file)
