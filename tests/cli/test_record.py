"""``earwitness record`` as a process of its own: addresses, heads, signals, kill -9, a second recorder, --exec."""

from __future__ import annotations

import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from earwitness.recorder.journal import JournalReader, verify
from earwitness.replay.drive.connect import drive
from earwitness.replay.open import bundled_recording
from earwitness.replay.serve.server import serve
from websockets.asyncio.client import connect

from tests.cli.command import Command
from tests.cli.processes import command, echo_server, recorder


def target(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


async def test_a_session_is_recorded_and_its_head_printed(tmp_path: Path) -> None:
    db = tmp_path / "calls.db"
    async with serve(bundled_recording()) as vendor:
        upstream = f"ws://{urlsplit(vendor.url).netloc}"
        async with recorder(upstream, db) as running:
            result = await drive(bundled_recording(), running.url + target(vendor.url))
            line = await running.line("ledger head")
            head = line.rsplit(" ", 1)[1]
            code, out, _ = await command("verify", "--db", db, "--head", head)
            assert code == 0, out
            assert await running.stop() == 0
    assert "websocket_base_url" in "\n".join(running.said)
    assert result.received.count == sum(frame.sender == "server" for frame in bundled_recording().frames)
    assert (await verify(db, head=head)).intact
    assert oct(db.stat().st_mode)[-3:] == "600"


async def test_readers_beside_a_live_recorder_disturb_and_mark_nothing(tmp_path: Path) -> None:
    db = tmp_path / "calls.db"
    async with echo_server() as upstream, recorder(upstream, db) as running:
        async with connect(f"{running.url}/v1/realtime", compression=None, proxy=None) as client:
            await client.send('{"type":"response.create"}')
            assert await client.recv() == '{"type":"response.create"}'
            for arguments in (("list",), ("show", "latest"), ("verify",), ("db", "info")):
                code, out, err = await command(*arguments, "--db", db)
                assert code == 0, (out, err)
            _, out, _ = await command("list", "--db", db, "--json")
            assert '"status": "open"' in out
            await client.send('{"type":"response.cancel"}')
            assert await client.recv() == '{"type":"response.cancel"}'
        await running.line(r"closed 1000 by the client.*ledger head")
        assert await running.stop() == 0
    async with await JournalReader.open(db) as reader:
        (info,) = await reader.sessions()
        frames = [frame async for batch in reader.recording(info.id).batches() for frame in batch]
    assert [frame.kind for frame in frames] == ["open", "text", "text", "text", "text", "close"]


async def test_a_second_recorder_is_refused_with_a_hint(tmp_path: Path) -> None:
    db = tmp_path / "calls.db"
    async with echo_server() as upstream, recorder(upstream, db):
        code, out, err = await command("record", "--upstream", upstream, "--listen", "127.0.0.1:0", "--db", db)
    assert (code, out) == (5, "")
    assert err.startswith("earwitness: ")
    assert str(db) in err
    assert "PostgreSQL" in err


def test_a_refused_journal_leaves_no_redaction_key_behind(earwitness: Command, tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.db"
    foreign.write_bytes(b"something else")
    earwitness.refused(5, "record", "--upstream", "openai", "--listen", "127.0.0.1:0", "--db", foreign)
    assert list(tmp_path.glob("*.redaction-key")) == []


async def test_after_kill_9_the_next_recorder_marks_the_session_and_loses_nothing_committed(tmp_path: Path) -> None:
    db = tmp_path / "calls.db"
    async with echo_server() as upstream:
        async with recorder(upstream, db, "--durability", "strict") as running:
            client = await connect(f"{running.url}/v1/realtime", compression=None, proxy=None)
            for number in range(20):
                await client.send(f'{{"type":"response.create","event_id":"{number}"}}')
                await client.recv()
            assert await running.stop(signal.SIGKILL) == -signal.SIGKILL
            with suppress(Exception):
                await client.close()
        _, out, _ = await command("list", "--db", db, "--json")
        assert '"status": "open"' in out, "reading marks nothing"
        async with recorder(upstream, db) as running:
            assert any("was cut off" in line for line in running.said)
            assert await running.stop() == 0
    async with await JournalReader.open(db) as reader:
        (info,) = await reader.sessions()
        assert info.status == "cut off"
        frames = [frame async for batch in reader.recording(info.id).batches() for frame in batch]
    assert [frame.seq for frame in frames] == list(range(len(frames)))
    assert frames[-1].kind == "cutoff"
    # Strict: what the client got back had been committed, both ways.
    assert sum(frame.kind == "text" for frame in frames) == 40
    assert (await verify(db)).intact


async def test_sigterm_lets_running_sessions_finish_and_then_closes_them_with_1001(tmp_path: Path) -> None:
    db = tmp_path / "calls.db"
    async with echo_server() as upstream, recorder(upstream, db, "--grace", "0") as running:
        async with connect(f"{running.url}/v1/realtime", compression=None, proxy=None) as client:
            await client.send("hello")
            await client.recv()
            running.process.send_signal(signal.SIGTERM)
            await client.wait_closed()
            assert client.close_code == 1001
        await running.process.communicate()
        assert running.process.returncode == 0
    assert (await verify(db)).intact


@pytest.mark.parametrize(("script", "code"), [("raise SystemExit(0)", 0), ("raise SystemExit(7)", 7)])
async def test_exec_runs_a_command_against_the_proxy_and_ends_with_its_code(
    tmp_path: Path, script: str, code: int
) -> None:
    program = f"import os; assert os.environ['EARWITNESS_WEBSOCKET_BASE_URL'].startswith('ws://127.0.0.1:'); {script}"
    done, out, err = await command(
        "record", "--upstream", "ws://127.0.0.1:9", "--listen", "127.0.0.1:0", "--db", tmp_path / "x.db",
        "--exec", "--", sys.executable, "-c", program,
    )  # fmt: skip
    assert done == code, (out, err)


async def test_an_upstream_that_is_not_there_reaches_the_client_and_the_record(tmp_path: Path) -> None:
    db = tmp_path / "calls.db"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = f"ws://127.0.0.1:{free.getsockname()[1]}"
        async with recorder(nobody, db) as running:
            with pytest.raises(Exception, match="HTTP 502"):
                await connect(f"{running.url}/v1/realtime", compression=None, proxy=None)
            assert "refused with 502" in await running.line("^session")
            assert await running.stop() == 0
    code, out, _ = await command("list", "--db", db, "--json")
    assert code == 0
    assert '"status": "refused"' in out


@pytest.mark.parametrize(
    ("options", "code", "why"),
    [
        (("--upstream", "nonsense"), 3, "azure:RESOURCE"),
        (("--upstream", "openai", "--listen", "127.0.0.1:port"), 3, "HOST:PORT"),
        (("--upstream", "openai", "--listen", "::1:80"), 3, "brackets"),
        (("--upstream", "openai", "--db", "no/such/folder/x.db"), 5, "no/such/folder"),
        (("--upstream", "openai", "--label", "x"), 2, "KEY=VALUE"),
        (("--upstream", "openai", "--upstream-key-env", "EARWITNESS_NO_SUCH_VARIABLE"), 2, "is not set"),
        (("--upstream", "openai", "python"), 2, "--exec --"),
        ((), 2, "--upstream"),
    ],
)
def test_bad_options_are_refused_before_anything_listens(
    earwitness: Command, options: tuple[str, ...], code: int, why: str
) -> None:
    done = earwitness("record", *options)
    assert (done.code, done.out) == (code, ""), done.err
    assert why in done.err
    assert "Traceback" not in done.err


async def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        code, out, err = await command("record", "--upstream", "openai", "--listen", address, "--db", tmp_path / "x.db")
    assert (code, out) == (4, "")
    assert address in err
