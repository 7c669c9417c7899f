"""Shared set-up: hypothesis profiles, what is built, and a look-out for modules imported under two names."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.sizes import pick

settings.register_profile("default", max_examples=pick(50, 150, 3000), deadline=None, print_blob=True)
settings.register_profile(
    "slow-machine", parent=settings.get_profile("default"), suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("slow-machine")

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Wheel and sdist, built from the sdist's own content as `pip` would."""
    target = tmp_path_factory.mktemp("dist")
    source = target / "src"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout: which files belong to the project cannot be told")
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(target), str(source)],
        check=True,
        capture_output=True,
    )
    return target


def pytest_sessionfinish(session: object, exitstatus: int) -> None:
    """A part imported as `schemas` instead of `earwitness.schemas` would be a second copy of every class."""
    doubled = sorted(name for name in ("schemas", "recorder", "replay", "migrations", "cli") if name in sys.modules)
    if doubled:
        raise RuntimeError(f"imported under two names: {', '.join(doubled)}")
