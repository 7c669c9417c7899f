"""A PostgreSQL cluster of the tests' own, where its programs are installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.register_assert_rewrite("tests.recorder.journal.contract", "tests.recorder.journal.care_contract")


def _programs() -> Path | None:
    if (found := shutil.which("pg_ctl")) is not None:
        return Path(found).parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    return installed[-1].parent if installed else None


def _unprivileged() -> str:
    import pwd

    names = [entry.pw_name for entry in pwd.getpwall() if entry.pw_name in ("postgres", "nobody")]
    if not names:
        pytest.skip("there is no unprivileged user to run PostgreSQL as")
    return max(names)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """Host part of a URL whose databases the test may create; skips where PostgreSQL cannot run."""
    pytest.importorskip("asyncpg", reason="asyncpg is not installed")
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed")
    # The server refuses to run as root.
    user = _unprivileged() if os.getuid() == 0 else None
    # Not below pytest's own folder: that one is closed to other users at the start of every run.
    folder = Path(tempfile.mkdtemp(prefix="earwitness-postgresql-"))
    if user is not None:
        shutil.chown(folder, user)
    data = folder / "data"
    environment = {"PATH": f"{programs}:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}

    def run(*command: str) -> None:
        subprocess.run(command, check=True, capture_output=True, user=user, cwd=folder, env=environment, timeout=60)

    run(str(programs / "initdb"), "-D", str(data), "-A", "trust", "-U", "tester", "-E", "UTF8", "--no-sync")
    options = f"-c listen_addresses='' -c unix_socket_directories='{folder}' -c fsync=off -c max_connections=30"
    run(str(programs / "pg_ctl"), "-D", str(data), "-w", "-o", options, "-l", str(folder / "log"), "start")
    try:
        yield str(folder)
    finally:
        run(str(programs / "pg_ctl"), "-D", str(data), "-w", "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)
