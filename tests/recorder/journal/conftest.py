"""A PostgreSQL cluster of the tests' own, where its programs are installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


def _programs() -> Path | None:
    if (found := shutil.which("pg_ctl")) is not None:
        return Path(found).parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    return installed[-1].parent if installed else None


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Host part of a URL whose databases the test may create; skips where PostgreSQL cannot run."""
    pytest.importorskip("asyncpg", reason="asyncpg is not installed")
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed")
    folder = tmp_path_factory.mktemp("postgresql")
    # The server refuses to run as root.
    user = None
    if os.getuid() == 0:
        import pwd

        names = [entry.pw_name for entry in pwd.getpwall() if entry.pw_name in ("postgres", "nobody")]
        if not names:
            pytest.skip("no unprivileged user to run PostgreSQL as")
        user = sorted(names)[-1]
        for parent in (folder, *folder.parents[:3]):
            if parent != Path("/tmp"):
                parent.chmod(0o755)
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
