"""``earwitness record`` on a store that fails: what the command says, its exit code, and what it leaves behind."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from earwitness.recorder.journal import Journal, JournalReader, verify
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.cli.command import Command
from tests.cli.processes import Recorder, echo_server, recorder
from tests.recorder.journal.builders import write_session
from tests.recorder.journal.faults import locked_by_another_process
from tests.sizes import pick

IMPATIENT = """
import functools, json, sys
import earwitness.recorder.journal as journal
journal.WriterSettings = functools.partial(journal.WriterSettings, **json.loads(sys.argv[1]))
from earwitness.cli import main
main(sys.argv[2:])
"""
"""The command with other times and sizes of the writer than the options can give it."""


def impatient(**settings: float) -> list[str]:
    times = {"busy_timeout": 0.05, "retry_seconds": 0.02, "close_retry_seconds": 0.1, **settings}
    return [sys.executable, "-c", IMPATIENT, json.dumps(times)]


@asynccontextmanager
async def call(running: Recorder) -> AsyncIterator[ClientConnection]:
    async with connect(f"{running.url}/v1/realtime", compression=None, proxy=None) as client:
        yield client


async def logged(running: Recorder, event: str) -> dict[str, Any]:
    """Read the log until an event; return its line."""
    assert running.process.stderr is not None
    while line := await running.process.stderr.readline():
        entry = json.loads(line)
        if entry["event"] == event:
            return entry
    raise AssertionError(f"ended without {event}: {running.said}")


async def refuses_connections(running: Recorder) -> None:
    """Wait until a recorder that was told to stop does not listen any more."""
    address = urlsplit(running.url)
    while True:
        try:
            _, writer = await asyncio.open_connection(address.hostname, address.port)
        except ConnectionRefusedError:
            return
        except ConnectionResetError:  # it stopped between taking the connection and accepting it
            continue
        writer.close()
        await asyncio.sleep(0.001)


REASONS = {
    "full": ("database or disk is full", "Free space on the disk."),
    "locked": ("database is locked", "Another program holds the database locked; close it."),
    "removed": ("file removed", "Put the file back, or restart the recorder to begin a new one."),
}


async def committed(db: Path) -> int:
    async with await JournalReader.open(db) as reader:
        return (await reader.resolve("latest")).frames


CELLS = [("full", "batch"), ("locked", "strict"), ("removed", "batch")]
OTHERS = [("full", "strict"), ("locked", "batch"), ("removed", "strict")]
"""The proxy within is tried with all of them in any case: `tests/recorder/test_store_faults.py`."""


@pytest.mark.parametrize(("fault", "durability"), pick(CELLS, CELLS + OTHERS, CELLS + OTHERS))
async def test_a_store_that_fails_to_the_end_is_reported_with_what_is_lost(
    fault: str, durability: str, tmp_path: Path
) -> None:
    """The policies are the defaults: a call goes on with batch, and ends with strict."""
    folder = tmp_path / "folder"
    folder.mkdir()
    db = folder / "calls.db"
    reason, hint = REASONS[fault]
    program = impatient(max_page_count=40) if fault == "full" else impatient()
    options = ("--log-json", "--durability", durability)
    async with echo_server() as upstream, recorder(upstream, db, *options, program=program) as running:  # noqa: SIM117
        async with call(running) as client:
            await client.send("before")
            assert await client.recv() == "before"
            while await committed(db) < 3:
                await asyncio.sleep(0.01)
            if fault == "removed":
                shutil.rmtree(folder)
            with locked_by_another_process(db) if fault == "locked" else nullcontext():
                await client.send(os.urandom(700_000))
                assert (await logged(running, "store_failed"))["store"] == reason
                if durability == "batch":
                    assert len(await client.recv()) == 700_000
                    await client.send("goes on")
                    assert await client.recv() == "goes on"
                    async with call(running) as other:
                        await other.send("so do others")
                        assert await other.recv() == "so do others"
                    await client.close()
                else:
                    with pytest.raises(ConnectionClosed):
                        await client.recv()
                    assert client.close_code == 1011
                    assert client.close_reason == f"earwitness: the recording failed: {reason}"
                    with pytest.raises(InvalidStatus, match="503"):
                        async with call(running):
                            raise AssertionError("not reached")
                await running.line(
                    r"^session \w+ closed \d+ .* its end is not recorded yet: the journal cannot be written$"
                )
                code = await running.stop()
    last = running.err.rstrip("\n").split("\n")[-1]
    assert code == 5
    lost = re.fullmatch(
        rf"earwitness: {re.escape(str(db))}: the last (\d+) records could not be written \({reason}\)\. {hint}", last
    )
    assert lost, running.err
    assert "Traceback" not in running.err
    if fault == "removed":
        assert not folder.exists()
        return
    report = await verify(db)
    assert report.intact, report.to_text()
    async with await JournalReader.open(db) as reader:
        (info,) = await reader.sessions()
        frames = [frame async for batch in reader.recording(info.id).batches() for frame in batch]
    assert [frame.payload for frame in frames if frame.kind == "text"] == [b"before"] * 2
    # What crossed afterwards: the large message and its echo (with `batch` also two short ones), and the close record;
    # with `batch` another session of four records too.
    assert int(lost[1]) == (9 if durability == "batch" else 2)
    async with await Journal.open(db) as journal:
        assert journal.recovered == [info.id]


async def test_a_store_that_comes_back_while_the_recorder_stops_gets_everything(tmp_path: Path) -> None:
    db = tmp_path / "calls.db"
    program = impatient(close_retry_seconds=60)
    async with echo_server() as upstream, recorder(upstream, db, "--log-json", program=program) as running:  # noqa: SIM117
        async with call(running) as client:
            await client.send("before")
            await client.recv()
            with locked_by_another_process(db):
                await client.send("meanwhile")
                await client.recv()
                await logged(running, "store_failed")
                await client.close(4001)
                await running.line("its end is not recorded yet")
                running.process.send_signal(signal.SIGTERM)
                await refuses_connections(running)
            await running.process.communicate()
    assert running.process.returncode == 0
    async with await JournalReader.open(db) as reader:
        (info,) = await reader.sessions()
        frames = [frame async for batch in reader.recording(info.id).batches() for frame in batch]
    assert (info.status, info.close_code) == ("closed", 4001)
    said = [b"before", b"before", b"meanwhile", b"meanwhile"]
    assert [frame.payload for frame in frames if frame.kind == "text"] == said
    assert (await verify(db)).intact


async def test_a_stop_during_a_handshake_answers_the_client_and_commits_everything(tmp_path: Path) -> None:
    db = tmp_path / "calls.db"
    asked = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    upstream = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, recorder(upstream, db, "--grace", "0.05") as running:
        dialling = asyncio.create_task(connect(f"{running.url}/v1/realtime", compression=None, proxy=None).__aenter__())
        await asked.wait()
        assert await running.stop() == 0
        with pytest.raises(InvalidStatus, match="503"):
            await dialling
    report = await verify(db)
    assert report.intact, report.to_text()
    assert report.sessions == 0


AS_NOBODY = """
import asyncio, contextlib, io, json, os, sys, tempfile
import earwitness.cli.record, earwitness.recorder.logs, earwitness.recorder.program, earwitness.replay.show.terminal
from earwitness.cli import main
from earwitness.recorder.journal import Journal

async def warm_up(folder):
    # What is loaded only when needed is loaded now: another user may not be able to read where it is installed.
    async with await Journal.open(os.path.join(folder, "warm.db")):
        pass

def record(db):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(["record", "--upstream", "ws://127.0.0.1:9", "--listen", "127.0.0.1:0", "--db", db])
        except SystemExit as end:
            return end.code, out.getvalue(), err.getvalue()

with tempfile.TemporaryDirectory() as folder:
    asyncio.run(warm_up(folder))
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
print(json.dumps([record(db) for db in sys.argv[1:]]))
"""

NO_LOCK = "the lock file calls.db.lock cannot be opened (Permission denied)"
READ_ONLY = {
    "file": "the journal cannot be written (",
    "folder": "the journal cannot be written (",
    "lock": NO_LOCK,
    "folder of a new journal": NO_LOCK,
}


async def test_what_may_not_be_written_is_not_recorded_into(tmp_path: Path) -> None:
    """Root ignores modes, so another user tries."""
    if os.getuid() != 0:
        pytest.skip("only root can become another user")
    # Not below pytest's own folder, which other users cannot reach.
    root = Path("/tmp") / f"earwitness-{os.getpid()}-{tmp_path.name}"
    places = {what: root / what / "calls.db" for what in READ_ONLY}
    root.mkdir(mode=0o755)
    try:
        for what, db in places.items():
            lock = db.with_name("calls.db.lock")
            db.parent.mkdir()
            if what != "folder of a new journal":
                async with await Journal.open(db) as journal:
                    await write_session(journal)
                db.chmod(0o444 if what == "file" else 0o666)
                lock.chmod(0o444 if what == "lock" else 0o666)
            db.parent.chmod(0o777 if what in ("file", "lock") else 0o555)
        before = [db.read_bytes() if db.exists() else None for db in places.values()]
        done = subprocess.run(
            [sys.executable, "-c", AS_NOBODY, *map(str, places.values())],
            capture_output=True, text=True, timeout=60, cwd="/",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        for (what, db), (code, out, err) in zip(places.items(), json.loads(done.stdout), strict=True):
            assert (code, out) == (5, ""), (what, err)
            assert err.startswith(f"earwitness: {db}: {READ_ONLY[what]}")
            assert err.count("\n") == 1
            assert not db.with_name("calls.db.redaction-key").exists()
        assert [db.read_bytes() if db.exists() else None for db in places.values()] == before
    finally:
        shutil.rmtree(root)


def damaged_pages(db: Path) -> None:
    data = db.read_bytes()
    db.write_bytes(data[:16384] + os.urandom(len(data) - 16384))


def newer_schema(db: Path) -> None:
    connection = sqlite3.connect(db)
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()


def foreign_tables(db: Path) -> None:
    db.unlink()
    connection = sqlite3.connect(db)
    connection.execute("CREATE TABLE other (x)")
    connection.commit()
    connection.close()


DAMAGES = {
    "no database at all": (
        lambda db: db.write_bytes(b"not a database, but a text of some length\n" * 999),
        "not an earwitness journal",
    ),
    "damaged pages": (damaged_pages, "damaged"),
    "cut short": (lambda db: db.write_bytes(db.read_bytes()[:20_000]), "damaged"),
    "a foreign database": (foreign_tables, "not an earwitness journal"),
    "a newer schema": (newer_schema, "Please update earwitness"),
}


@pytest.mark.parametrize("damage", list(DAMAGES))
def test_a_damaged_journal_is_named_at_the_start_and_left_as_it_is(
    damage: str, earwitness: Command, tmp_path: Path
) -> None:
    db = Path(earwitness.db)

    async def write() -> None:
        async with await Journal.open(db) as journal:
            await write_session(journal)

    asyncio.run(write())
    spoil, words = DAMAGES[damage]
    spoil(db)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir() if file.suffix != ".lock"}
    said = earwitness.refused(5, "record", "--upstream", "ws://127.0.0.1:9", "--listen", "127.0.0.1:0", "--db", db)
    assert str(db) in said
    assert words in said
    assert {name: (tmp_path / name).read_bytes() for name in before} == before
    # Older versions of SQLAlchemy may leave the write-ahead log beside it, with nothing in it.
    log = db.with_name(f"{db.name}-wal")
    assert not log.exists() or log.stat().st_size == 0
