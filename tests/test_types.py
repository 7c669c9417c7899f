"""What an editor sees of the installed wheel: a strict type checker on a file of somebody else's."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

OUTSIDE = Path(__file__).parent / "data" / "outside.py.in"
PYRIGHT = shutil.which("pyright", path=str(Path(sys.executable).parent))


@pytest.fixture(scope="module")
def python(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel, and with our own for what it depends on."""
    place = tmp_path_factory.mktemp("installed")
    venv.create(place, with_pip=False)
    packages = Path(sysconfig.get_path("purelib", "venv", {"base": str(place), "platbase": str(place)}))
    (wheel,) = built.glob("*.whl")
    shutil.unpack_archive(wheel, packages, "zip")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return place / "bin" / "python"


@pytest.mark.skipif(PYRIGHT is None, reason="pyright is not installed; `make lint` and the CI have it")
def test_a_strict_type_checker_sees_every_type_and_refuses_what_is_wrong(python: Path, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_bytes(OUTSIDE.read_bytes())
    done = subprocess.run(
        [str(PYRIGHT), "--pythonpath", str(python), "--outputjson", str(program)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = program.read_text().splitlines()
    found = json.loads(done.stdout)["generalDiagnostics"]
    told = {each["range"]["start"]["line"]: each["message"] for each in found}
    expected = {number for number, line in enumerate(lines) if line.endswith("# refused")}
    assert {number: message for number, message in told.items() if number not in expected} == {}
    assert {lines[number] for number in expected - set(told)} == set()
