"""What is newer than the lock, by name: versions, event types of the official package, and tests that fail with them.

``make drift`` makes a throw-away environment with the newest versions of everything and runs this in it. Nothing here
changes the tree. Exit code 0: nothing is new and the suite passes; 1: see the lines.
"""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

LOCK = Path(__file__).resolve().parents[2] / "requirements" / "test.txt"
NOT_LOCKED = {"earwitness", "pip"}


def locked_versions(lock: str, environment: dict[str, str] | None = None) -> dict[str, str]:
    """The version of each package that a lock names for an environment (of markers); by default this one."""
    pins: dict[str, str] = {}
    for line in lock.splitlines():
        if "==" in line and not line.lstrip().startswith(("#", "--")):
            pin = Requirement(line.removesuffix("\\").strip())
            if pin.marker is None or pin.marker.evaluate(environment):
                pins[canonicalize_name(pin.name)] = next(iter(pin.specifier)).version
    return pins


def drift_of_versions(locked: Mapping[str, str], installed: Mapping[str, str], newest: Mapping[str, str]) -> list[str]:
    """One line for each package that is not as in the lock.

    Args:
        locked: the versions of the lock.
        installed: the newest versions that go together.
        newest: for packages of which a newer version exists than is installed: that version.
    """
    lines: list[str] = []
    for name in sorted({*locked, *installed} - NOT_LOCKED):
        old, new = locked.get(name), installed.get(name)
        if old is None:
            lines.append(f"{name} {new} is new: a dependency of a dependency")
        elif new is None:
            lines.append(f"{name} {old} is no longer needed")
        elif old != new:
            major = Version(old).major != Version(new).major
            lines.append(f"{name} {old} -> {new}{' (major)' if major else ''}")
        if name in newest and newest[name] != new:
            lines.append(f"{name} {newest[name]} exists, but something holds it at {new}")
    return lines


def drift_of_types(vocabularies: Mapping[str, tuple[AbstractSet[str], AbstractSet[str]]]) -> list[str]:
    """One line for each event type that only our table or only the package has: (ours, theirs) by vocabulary."""
    lines: list[str] = []
    for vocabulary, (ours, theirs) in vocabularies.items():
        lines += [
            f"{vocabulary}: {name} is new: not in schemas/dialects/vocabulary.py" for name in sorted(theirs - ours)
        ]
        lines += [f"{vocabulary}: {name} is gone from the package" for name in sorted(ours - theirs)]
    return lines


def newest_versions() -> dict[str, str]:
    """The packages of this environment of which a newer version exists."""
    asked = [sys.executable, "-m", "pip", "--disable-pip-version-check", "list", "--outdated", "--format", "json"]
    told = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    return {canonicalize_name(row["name"]): row["latest_version"] for row in json.loads(told)}


def types_now() -> list[str]:
    """What the newest official package has and `schemas` lacks, or the reverse."""
    try:
        from tests import sdk

        unknown = sorted(sdk.unions_of_events() ^ set(sdk.OF_EVENTS))
        lines = [f"openai/types/{name}… is new or gone: see OF_EVENTS in tests/sdk.py" for name in unknown]
        return lines + drift_of_types(sdk.vocabularies())
    except (ImportError, AttributeError) as error:
        return [f"the package is arranged otherwise: {error}"]


def suite_now() -> list[str]:
    """The tests that fail with the newest versions, and the last line of the run."""
    run = [sys.executable, "-m", "pytest", "-n", "2", "-q", "-rfE", "--tb=no", "-p", "no:cacheprovider"]
    done = subprocess.run(run, cwd=LOCK.parents[1], stdout=subprocess.PIPE, text=True, check=False)
    lines = done.stdout.strip().splitlines() or [""]
    failed = [line for line in lines if line.startswith(("FAILED ", "ERROR "))]
    return [*failed, f"the suite: {lines[-1]}"] if done.returncode else []


def main() -> int:
    """Print what is new under a heading each; say so where nothing is."""
    installed: dict[str, str] = {
        canonicalize_name(each.name): each.version for each in importlib.metadata.distributions()
    }
    locked = locked_versions(LOCK.read_text(encoding="utf-8"))
    news = False
    for heading, lines in (
        (f"versions, against requirements/{LOCK.name}", drift_of_versions(locked, installed, newest_versions())),
        (f"event types of openai {installed.get('openai')}", types_now()),
        ("the suite with these versions", suite_now()),
    ):
        print(f"drift: {heading}: {'as before' if not lines else ''}".rstrip(), flush=True)
        for line in lines:
            print(f"  {line}", flush=True)
        news = news or bool(lines)
    return int(news)


if __name__ == "__main__":
    sys.exit(main())
