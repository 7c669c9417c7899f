"""What is built is what is in the tree, under one name."""

from __future__ import annotations

import re
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("schemas", "recorder", "replay", "migrations", "cli")
FRONT_DOOR = ROOT / "earwitness"


def modules_in_tree() -> set[str]:
    files = [path for part in (*PARTS, FRONT_DOOR.name) for path in (ROOT / part).rglob("*")]
    return {installed(path).as_posix() for path in files if path.is_file() and "__pycache__" not in path.parts}


def installed(path: Path) -> Path:
    """Where a file of the tree is installed: the parts in the front door's package."""
    place = path.relative_to(ROOT)
    return place if place.parts[0] == FRONT_DOOR.name else Path(FRONT_DOOR.name, place)


def test_the_wheel_holds_every_file_of_the_parts_and_nothing_else(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if not name.endswith("/")}
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"earwitness"}
    assert {name for name in names if name.startswith("earwitness/")} == modules_in_tree()


def test_the_sdist_holds_tests_docs_and_licences(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    for wanted in ("tests/test_packaging.py", "docs/dependencies.md", "LICENSE", "NOTICE", "CHANGELOG.md", "Makefile"):
        assert wanted in names


@pytest.mark.skipif(not FRONT_DOOR.is_dir(), reason="a copy without the folder that would shadow an installed wheel")
def test_every_folder_with_modules_is_a_declared_package() -> None:
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    files = [path for part in (*PARTS, FRONT_DOOR.name) for path in (ROOT / part).rglob("*.py")]
    folders = {".".join(installed(path.parent).parts): path.parent.relative_to(ROOT).as_posix() for path in files}
    assert set(tool["packages"]) == set(folders)
    assert tool["package-dir"] == folders
    assert all((ROOT / part / "py.typed").exists() for part in (*PARTS, FRONT_DOOR.name))


def test_every_dependency_is_explained() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [name for group in project["optional-dependencies"].values() for name in group]
    page = (ROOT / "docs" / "dependencies.md").read_text()
    for requirement in [*project["dependencies"], *extras]:
        name = re.split(r"[\[>=]", requirement)[0]
        assert ">=" in requirement, f"{name} has no lower bound"
        assert name in page, f"docs/dependencies.md says nothing of {name}"
