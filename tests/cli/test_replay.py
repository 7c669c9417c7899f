"""``earwitness replay`` as a process: serves, runs a command, reports, and ends with the worse exit code."""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path

import pytest
from earwitness.replay.open import bundled_path

from tests.cli.command import Command
from tests.cli.test_record import command

CLIENT = """
import asyncio, os, sys
from earwitness.replay.drive.connect import drive
from earwitness.replay.open import bundled_recording
from earwitness.schemas.frame import Frame
from earwitness.schemas.recording import MemoryRecording

old, new = (sys.argv[1:] + ["", ""])[:2]
recording = bundled_recording()
frames = [
    Frame(f.seq, f.offset_ns, f.kind, f.sender, f.type, (f.body or b"").replace(old.encode(), new.encode()))
    if old and f.sender == "client" else f
    for f in recording.frames
]
url = os.environ["EARWITNESS_WEBSOCKET_BASE_URL"] + "/realtime?model=gpt-realtime"
asyncio.run(drive(MemoryRecording(recording.info, frames), url))
"""


@pytest.fixture
def client(tmp_path: Path) -> Path:
    path = tmp_path / "client.py"
    path.write_text(CLIENT)
    return path


async def test_a_client_that_behaves_as_recorded_passes(client: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    code, out, err = await command(
        "replay", bundled_path(), "--speed", "max", "--report", report, "--exec", "--", sys.executable, client
    )
    assert code == 0, (out, err)
    assert "nothing diverged" in out
    (told,) = json.loads(report.read_text())
    assert told["complete"]
    assert told["divergences"] == []


async def test_json_on_standard_output_is_the_report_alone(client: Path, tmp_path: Path) -> None:
    faults = tmp_path / "faults"
    faults.write_text("after:response.created#2 stall\n")
    code, out, err = await command(
        "replay", bundled_path(), "--speed", "max", "--json", "--faults", faults, "--exec", "--",
        sys.executable, "-c", "",
    )  # fmt: skip
    assert (code, json.loads(out)) == (1, [])
    assert "serving at" in err
    code, out, _ = await command(
        "replay", bundled_path(), "--speed", "max", "--report", "-", "--exec", "--", sys.executable, client
    )
    assert (code, json.loads(out)[0]["complete"]) == (0, True)


async def test_a_client_that_answers_the_tool_differently_fails_and_the_report_says_where(client: Path) -> None:
    code, out, _ = await command(
        "replay", bundled_path(), "--speed", "max", "--exec", "--",
        sys.executable, client, "showers from 15:00", "sunny",
    )  # fmt: skip
    assert code == 1
    assert "conversation.item.create (seq 576)" in out
    assert "item.output: from character" in out
    assert "showers from 15:00" in out


async def test_the_commands_own_failure_is_the_exit_code(client: Path) -> None:
    code, out, _ = await command("replay", bundled_path(), "--exec", "--", sys.executable, "-c", "raise SystemExit(9)")
    assert code == 9
    assert "no client connected" in out


async def test_a_port_in_use_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        code, out, err = await command("replay", bundled_path(), "--listen", address)
    assert (code, out) == (4, "")
    assert address in err


@pytest.mark.parametrize(
    ("options", "code", "why"),
    [
        (("nobody",), 5, "calls.db"),
        (("none.ndjson",), 6, "does not exist"),
        ((bundled_path(), "--speed", "fast"), 3, "fast"),
        ((bundled_path(), "--fault", "sometimes"), 3, "after:response.created"),
        ((bundled_path(), "--tolerance", "x"), 2, "PATH=NUMBER"),
        ((bundled_path(), "--exec"), 2, "needs a command"),
    ],
)
def test_bad_options_are_refused_before_anything_listens(
    earwitness: Command, options: tuple[object, ...], code: int, why: str
) -> None:
    done = earwitness("replay", *options)
    assert (done.code, done.out) == (code, ""), done.err
    assert why in done.err
    assert "Traceback" not in done.err
