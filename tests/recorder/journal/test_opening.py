"""Opening a journal: locks, modes, damaged and foreign files, files that may not be written."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from earwitness.recorder.journal import Journal, JournalReader, backup, info, rebuild, upgrade, verify
from earwitness.recorder.journal.database.lock import WriterLock, lock_path
from earwitness.schemas.errors import RequestError, StoreBusy, StoreCorrupt, StoreError, StoreWriteFailed

from tests.recorder.journal.builders import OPENING, read_frames, write_session


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_every_file_of_a_journal_is_private(path):
    before = os.umask(0)
    try:
        async with await Journal.open(path) as journal:
            await write_session(journal)
            names = sorted(name.name for name in path.parent.iterdir())
            assert names == ["journal.db", "journal.db-shm", "journal.db-wal", "journal.db.lock"]
            assert {mode(path.parent / name) for name in names} == {0o600}
    finally:
        os.umask(before)


async def test_the_file_is_made_as_the_design_says(path):
    async with await Journal.open(path) as journal:
        await write_session(journal)
    connection = sqlite3.connect(path)
    told = {
        name: connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_size", "journal_mode", "auto_vacuum")
    }
    strict = connection.execute("SELECT name FROM pragma_table_list WHERE strict ORDER BY name").fetchall()
    connection.close()
    assert told == {"page_size": 16384, "journal_mode": "wal", "auto_vacuum": 0}
    assert strict == [("ledger",), ("records",), ("sessions",)]


async def test_a_second_recorder_is_refused_with_a_hint(path):
    async with await Journal.open(path):
        with pytest.raises(StoreBusy, match=f"process {os.getpid()}.*--db") as caught:
            await Journal.open(path)
        assert caught.value.data["holder"] == os.getpid()
        link = path.with_name("link.db")
        link.symlink_to(path)
        with pytest.raises(StoreBusy):
            await Journal.open(link)
        with pytest.raises(StoreBusy):
            await rebuild(path)
    async with await Journal.open(path):
        pass


def test_the_lock_goes_with_the_process(path):
    script = (
        "import sys, time; from pathlib import Path; from earwitness.recorder.journal.database.lock import WriterLock\n"
    )
    script += "lock = WriterLock.acquire(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", script, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(StoreBusy, match=f"process {process.pid}"):
            WriterLock.acquire(path)
        process.kill()
    WriterLock.acquire(path).release()


def test_releasing_a_lock_twice_is_releasing_it_once(path):
    lock = WriterLock.acquire(path)
    lock.release()
    lock.release()
    assert lock_path(path).exists()


@pytest.mark.parametrize("content", [b"x", b"this is no database, but long enough to look at" * 100, bytes(5000)])
async def test_a_file_that_is_no_database_is_refused_and_left_alone(path, content):
    path.write_bytes(content)
    for use in (Journal.open, JournalReader.open, verify, info):
        with pytest.raises(StoreCorrupt) as caught:
            await use(path)
        assert str(path) in str(caught.value)
        assert caught.value.hint
    assert path.read_bytes() == content


async def test_a_foreign_database_is_refused_and_left_alone(path):
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
    connection.execute("INSERT INTO alembic_version VALUES ('0001')")
    connection.commit()
    for name in ("other", None):
        for use in (Journal.open, JournalReader.open, verify, info):
            with pytest.raises(StoreCorrupt, match="not an earwitness journal"):
                await use(path)
        if name:
            connection.execute(f"CREATE TABLE {name} (x)")
            connection.execute("DROP TABLE alembic_version")
            connection.commit()
    assert connection.execute("SELECT count(*) FROM other").fetchone() == (0,)
    connection.close()


async def test_a_foreign_database_stays_as_it_is_to_the_last_byte(path):
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE other (x)")
    connection.commit()
    connection.close()
    content = path.read_bytes()
    with pytest.raises(StoreCorrupt, match="not an earwitness journal"):
        await Journal.open(path)
    assert path.read_bytes() == content
    assert sorted(file.name for file in path.parent.iterdir()) == ["journal.db", "journal.db.lock"]


async def test_a_journal_that_was_taken_out_of_wal_mode_is_recorded_into(path):
    """As a copy by other tools may be."""
    async with await Journal.open(path) as journal:
        await write_session(journal)
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA journal_mode = DELETE").fetchone() == ("delete",)
    connection.close()
    async with await Journal.open(path) as journal:
        await write_session(journal)
    assert (await verify(path)).sessions == 2


async def test_a_damaged_journal_is_named_at_the_start(path):
    async with await Journal.open(path) as journal:
        await write_session(journal)
    data = bytearray(path.read_bytes())
    data[16384:] = os.urandom(len(data) - 16384)
    path.write_bytes(bytes(data))
    with pytest.raises(StoreCorrupt):
        await Journal.open(path)
    with pytest.raises(StoreCorrupt):
        await verify(path)


async def test_a_file_that_was_cut_is_named(path):
    async with await Journal.open(path) as journal:
        await write_session(journal)
    path.write_bytes(path.read_bytes()[: 16384 * 3])
    with pytest.raises(StoreCorrupt):
        await read_frames(path, "latest")
    with pytest.raises(StoreCorrupt):
        await verify(path)


async def test_an_empty_file_becomes_a_journal_for_a_recorder_and_is_none_for_a_reader(path):
    path.touch(0o600)
    with pytest.raises(StoreCorrupt, match="is empty"):
        await JournalReader.open(path)
    async with await Journal.open(path) as journal:
        await write_session(journal)
    assert (await verify(path)).intact


@pytest.mark.parametrize(
    "location",
    ["mysql://host/db", "sqlite://", "sqlite:///:memory:", "://", "nonsense://x", "postgresql://u:p@[::bad/x"],
)
async def test_places_that_no_journal_can_be_kept_in_are_refused(location):
    for use in (Journal.open, JournalReader.open):
        with pytest.raises(RequestError, match=r"postgresql://|file path"):
            await use(location)


async def test_a_url_names_a_file_too(path):
    async with await Journal.open(f"sqlite:///{path}") as journal:
        await write_session(journal)
    assert (await verify(path)).intact


async def test_a_password_in_a_url_is_not_shown():
    with pytest.raises(StoreError) as caught:
        await Journal.open("postgresql://user:sesame@127.0.0.1:1/db")
    assert "sesame" not in str(caught.value)
    assert "127.0.0.1" in str(caught.value)


async def test_a_server_that_cannot_be_reached_is_hinted_at_as_one():
    for opening in (Journal.open, JournalReader.open):
        with pytest.raises(StoreError, match="that the database server is running"):
            await opening("postgresql://user@127.0.0.1:1/db")


async def test_a_folder_that_is_not_there_is_named(path):
    with pytest.raises(StoreWriteFailed, match="No such file"):
        await Journal.open(path.parent / "none" / "journal.db")


AS_NOBODY = """
import asyncio, os, sys, tempfile
import numpy  # loaded by a codec that only some records need
from earwitness.recorder.journal import Journal, JournalReader, verify
from earwitness.schemas.errors import EarwitnessError

async def main(path):
    async with await JournalReader.open(path) as reader:
        print("read", len(await reader.sessions()), (await verify(path)).intact)
    try:
        await Journal.open(path)
    except EarwitnessError as error:
        print(type(error).__name__, error.exit_code, error)

async def warm_up(folder):
    # What is loaded only when needed is loaded now: another user may not be able to read where it is installed.
    path = os.path.join(folder, "warm.db")
    async with await Journal.open(path):
        pass
    async with await JournalReader.open(path) as reader:
        await reader.sessions()
    await verify(path)

with tempfile.TemporaryDirectory() as folder:
    asyncio.run(warm_up(folder))
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
asyncio.run(main(sys.argv[1]))
"""


@pytest.mark.parametrize("lock_is_there", [True, False])
async def test_a_journal_that_may_only_be_read_is_read_and_not_recorded_into(tmp_path, lock_is_there):
    """Root ignores modes, so another user tries."""
    if os.getuid() != 0:
        pytest.skip("only root can become another user")
    folder = Path("/tmp") / f"earwitness-{os.getpid()}-{tmp_path.name}"
    folder.mkdir(mode=0o755)
    path = folder / "journal.db"
    try:
        async with await Journal.open(path) as journal:
            await write_session(journal)
        path.chmod(0o444)
        if lock_is_there:
            lock_path(path).chmod(0o666)
        else:
            lock_path(path).unlink()
        folder.chmod(0o555)
        done = subprocess.run(
            [sys.executable, "-c", AS_NOBODY, str(path)], capture_output=True, text=True, timeout=60, cwd="/"
        )
        assert done.returncode == 0, done.stderr
        first, second = done.stdout.splitlines()
        assert first == "read 1 True"
        assert second.startswith("StoreWriteFailed 5")
        assert "writ" in second
    finally:
        shutil.rmtree(folder)


async def test_a_live_copy_of_the_file_alone_is_why_backup_exists(path, tmp_path):
    """What is still in the write-ahead log is in a backup, and not in a copied file."""
    async with await Journal.open(path) as journal:
        writer = await journal.begin(OPENING)
        writer.append("text", "client", b"x", 1)
        await writer.commit()
        report = await backup(path, tmp_path / "backup.db")
        assert mode(tmp_path / "backup.db") == 0o600
        assert report.bytes == (tmp_path / "backup.db").stat().st_size
        assert (await verify(tmp_path / "backup.db", head=journal.head)).intact
        assert len(await read_frames(tmp_path / "backup.db", "latest")) == 2
        writer.append("text", "client", b"y", 2)
        await writer.commit()
    assert len(await read_frames(tmp_path / "backup.db", "latest")) == 2
    assert len(await read_frames(path, "latest")) == 3


async def test_an_upgrade_of_a_current_journal_does_nothing(path):
    async with await Journal.open(path) as journal:
        await write_session(journal)
        report = await upgrade(path)
    assert (report.before, report.after, report.copy) == (1, 1, None)
    assert "already" in report.to_text()


async def test_a_python_with_an_old_sqlite_says_what_it_needs(path, monkeypatch):
    async with await Journal.open(path) as journal:
        await write_session(journal)
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 34, 1))
    for use in (Journal.open, JournalReader.open):
        with pytest.raises(StoreError, match="needs 3.37.0"):
            await use(path)
