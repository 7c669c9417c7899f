"""The schema as migrations make it: what it is, and how old files get there."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import nullcontext
from pathlib import Path

import pytest
from earwitness.recorder.journal import Journal, JournalReader, admin, upgrade, verify
from earwitness.recorder.journal.database import schema
from earwitness.recorder.journal.database.schema import SCHEMA_VERSION
from earwitness.recorder.journal.database.tables import metadata
from earwitness.recorder.journal.database.triggers import SQLITE_TRIGGERS
from earwitness.recorder.journal.verification.protection import SQLITE_TABLES_DIGEST, tables_digest
from earwitness.schemas.errors import StoreBusy, StoreOutdated, StoreWriteFailed

from tests.recorder.journal.builders import write_session
from tests.recorder.journal.make_golden import describe

DATA = Path(__file__).parents[1] / "data"
MIGRATIONS = Path(schema.__file__).parents[3] / "migrations"

NEXT_VERSION = """
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade():
    op.execute("CREATE TABLE later (x INTEGER NOT NULL) STRICT")
    op.execute("ALTER TABLE sessions ADD COLUMN later TEXT")
    {and_then}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


def master(path: Path) -> list[tuple[str, str, str]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    finally:
        connection.close()


async def test_migrations_make_the_tables_that_queries_expect(path):
    async with await Journal.open(path):
        pass
    connection = sqlite3.connect(path)
    for table in metadata.sorted_tables:
        made = {
            name: (kind, bool(required), bool(key))
            for _, name, kind, required, _, key in connection.execute(f"PRAGMA table_info({table.name})")
        }
        expected = {
            column.name: (
                {"BIGINT": "INTEGER", "SMALLINT": "INTEGER"}.get(str(column.type), str(column.type)),
                not column.nullable,
                column.primary_key,
            )
            for column in table.columns
        }
        assert made == expected
    connection.close()


async def test_migrations_make_what_verify_expects(path):
    async with await Journal.open(path):
        pass
    made = master(path)
    assert {name: sql for kind, name, sql in made if kind == "trigger"} == SQLITE_TRIGGERS
    assert tables_digest([(name, sql) for kind, name, sql in made if kind != "trigger"]) == SQLITE_TABLES_DIGEST


def test_there_is_a_golden_file_of_every_version():
    versions = sorted(int(name.name[:4]) for name in (MIGRATIONS / "versions").glob("[0-9]*.py"))
    assert versions == list(range(1, SCHEMA_VERSION + 1))
    for version in versions:
        assert (DATA / f"journal-{version}.sqlite").exists()


@pytest.mark.parametrize("version", range(1, SCHEMA_VERSION + 1))
async def test_a_file_of_every_version_is_upgraded_read_and_verified(path, version):
    shutil.copy(DATA / f"journal-{version}.sqlite", path)
    expected = json.loads((DATA / f"journal-{version}.json").read_text())
    report = await upgrade(path)
    assert (report.before, report.after) == (version, SCHEMA_VERSION)
    assert await describe(path) == expected["sessions"]
    verified = await verify(path, head=expected["head"])
    assert verified.intact, verified.to_text()
    assert verified.head == expected["head"]
    async with await Journal.open(path) as journal:
        assert journal.recovered == []
        assert journal.head == expected["head"]
        await write_session(journal)
    assert (await verify(path, head=expected["head"])).intact


@pytest.fixture
def next_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Let the program be of the next version; gives a function that writes its migration."""

    def write(and_then: str = "") -> None:
        scripts = tmp_path / "scripts %d"
        shutil.copytree(MIGRATIONS, scripts, ignore=shutil.ignore_patterns("__pycache__"))
        (scripts / "versions" / "0002_later.py").write_text(NEXT_VERSION.format(and_then=and_then))
        monkeypatch.setattr(schema, "_scripts", lambda: nullcontext(scripts))
        for module in (schema, admin):
            monkeypatch.setattr(module, "SCHEMA_VERSION", 2)

    return write


async def test_an_upgrade_keeps_a_copy_of_the_file_and_all_that_is_in_it(path, next_version):
    async with await Journal.open(path) as journal:
        await write_session(journal, public_id="mine")
    before = await describe(path)
    next_version()
    with pytest.raises(StoreOutdated, match="db upgrade"):
        await Journal.open(path)
    report = await upgrade(path)
    assert (report.before, report.after) == (1, 2)
    assert report.copy is not None
    assert report.copy.endswith("journal.db.schema-1.bak")
    assert "copied" in report.to_text()
    assert {name for _, name, _ in master(path)} - {name for _, name, _ in master(Path(report.copy))} == {"later"}
    assert await describe(path) == before
    assert {name: sql for kind, name, sql in master(path) if kind == "trigger"} == SQLITE_TRIGGERS


async def test_a_second_copy_goes_beside_the_first(path, next_version):
    async with await Journal.open(path):
        pass
    path.with_name("journal.db.schema-1.bak").touch()
    next_version()
    report = await upgrade(path)
    assert str(report.copy).endswith("journal.db.schema-1-1.bak")


async def test_an_upgrade_is_refused_while_a_recorder_writes(path, next_version):
    async with await Journal.open(path):
        next_version()
        with pytest.raises(StoreBusy):
            await upgrade(path)
    assert len([name for name in path.parent.iterdir() if name.suffix == ".bak"]) == 0


async def test_an_upgrade_that_fails_changes_nothing(path, next_version, monkeypatch):
    async with await Journal.open(path) as journal:
        await write_session(journal)
    before = master(path)
    next_version('op.execute("INSERT INTO later VALUES (NULL)")')
    with pytest.raises(StoreWriteFailed, match="NOT NULL"):
        await upgrade(path)
    assert master(path) == before
    monkeypatch.undo()
    assert (await verify(path)).intact


async def test_a_reader_of_this_version_refuses_the_next(path, next_version, monkeypatch):
    async with await Journal.open(path):
        pass
    next_version()
    await upgrade(path)
    monkeypatch.undo()
    for use in (JournalReader.open, upgrade, verify):
        with pytest.raises(Exception, match="Please update earwitness"):
            await use(path)


async def test_migrations_run_only_by_the_journal(tmp_path):
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    with pytest.raises(TypeError, match="db upgrade"):
        command.upgrade(config, "head")
