"""What `make drift` names, and that the locks are whole."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.tools.drift import LOCK, drift_of_types, drift_of_versions, locked_versions

ROOT = LOCK.parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
LOCKS = {
    "demo": [],
    "test": EXTRAS["test"],
    "all": [*EXTRAS["test"], *EXTRAS["lint"], *EXTRAS["browser"]],
    "lowest": EXTRAS["test"],
}
PYTHONS = ("3.11", "3.12", "3.13", "3.14")


def pins(lock: str, python: str) -> dict[str, str]:
    environment = {"python_version": python, "python_full_version": f"{python}.0", "extra": ""}
    return locked_versions((LOCK.parent / f"{lock}.txt").read_text(), environment)


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_every_dependency_to_a_version_that_the_project_allows(lock: str, python: str) -> None:
    versions = pins(lock, python)
    for requirement in map(Requirement, [*PROJECT["dependencies"], *LOCKS[lock], "setuptools>=77.0.1"]):
        name = canonicalize_name(requirement.name)
        assert name in versions, f"{name} is not in requirements/{lock}.txt: run `make lock`"
        assert requirement.specifier.contains(versions[name]), f"{name} {versions[name]}: run `make lock`"


def test_the_lowest_versions_are_those_that_the_project_names() -> None:
    versions = pins("lowest", "3.11")
    named = [Requirement(each) for each in [*PROJECT["dependencies"], *EXTRAS["test"]]]
    bounds = {each.name: Version(next(iter(each.specifier)).version) for each in named}
    assert {name: Version(versions[canonicalize_name(name)]) for name in bounds} == bounds


def test_the_locks_agree_where_they_meet() -> None:
    everything = pins("all", "3.11")
    for lock in ("demo", "test"):
        assert pins(lock, "3.11").items() <= everything.items()


@pytest.mark.parametrize("path", [*LOCK.parent.glob("*.txt"), ROOT / "tests" / "node" / "package-lock.json"])
def test_a_lock_says_what_and_not_whence(path: Path) -> None:
    lines = path.read_text().splitlines()
    assert [line for line in lines if re.search(r'index-url|find-links|"resolved"|@ ?(file|http)', line)] == []


def test_a_dependency_that_the_lock_holds_back_a_major_version_is_named() -> None:
    locked = locked_versions(LOCK.read_text())
    newest = dict(locked)
    held_back = locked | {"websockets": "15.0.1"}
    assert drift_of_versions(held_back, newest, {}) == [f"websockets 15.0.1 -> {newest['websockets']} (major)"]


def test_drift_of_versions_names_what_is_newer_new_gone_and_held_at_an_older_one() -> None:
    locked = {"a": "1.0", "b": "1.2", "c": "3", "d": "4.0"}
    installed = {"a": "1.0", "b": "1.3", "d": "4.0", "e": "5", "pip": "99", "earwitness": "0.1"}
    assert drift_of_versions(locked, installed, {"d": "5.1", "pip": "100"}) == [
        "b 1.2 -> 1.3",
        "c 3 is no longer needed",
        "d 5.1 exists, but something holds it at 4.0",
        "e 5 is new: a dependency of a dependency",
    ]


def test_drift_of_types_names_what_is_new_and_what_is_gone() -> None:
    assert drift_of_types({"ga": ({"a", "b"}, {"b", "c"}), "live": ({"x"}, {"x"})}) == [
        "ga: c is new: not in schemas/dialects/vocabulary.py",
        "ga: a is gone from the package",
    ]


def test_a_lock_is_read_for_one_python() -> None:
    lock = (
        '# made==now\nA_b==1 ; python_full_version < "3.12" \\\n    --hash=sha256:00==\n'
        'A_b==2 ; python_full_version >= "3.12"\n'
    )
    assert locked_versions(lock, {"python_full_version": "3.11.4"}) == {"a-b": "1"}
    assert locked_versions(lock, {"python_full_version": "3.14.0"}) == {"a-b": "2"}
