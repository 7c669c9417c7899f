"""Which cassettes a test replays, and whether it records. Pure, and imports nothing heavy: pytest loads it always."""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Final, Literal, NamedTuple, get_args

__all__ = ["RECORD_MODES", "Plan", "RecordMode", "cassette_name", "cassette_paths", "plan_test"]

RecordMode = Literal["none", "once", "new", "all"]
RECORD_MODES: Final[tuple[RecordMode, ...]] = get_args(RecordMode)
"""``none``: replay, and never any network. ``once``: record where the test has no cassette yet. ``new``: replay what is
there, and record the connections beyond it. ``all``: record everything anew."""

SUFFIX: Final = ".ndjson"
_UNSAFE: Final = re.compile(r"[^\w.-]+", re.ASCII)
_LONGEST: Final = 80


class Plan(NamedTuple):
    """What a test does with its cassettes.

    Attributes:
        replay: cassettes to serve, one to each connection, in order.
        record: whether connections beyond them go to the upstream.
        targets: where recorded sessions are written, in order; empty where nothing is recorded.
        missing: cassettes that are named and not there, where nothing is recorded.
    """

    replay: tuple[Path, ...]
    record: bool
    targets: tuple[Path, ...] = ()
    missing: tuple[Path, ...] = ()


def plan_test(mode: RecordMode, paths: Sequence[Path]) -> Plan:
    """Decide what is replayed and what recorded.

    Args:
        mode: see :data:`RECORD_MODES`.
        paths: the test's cassettes, one to each connection; there or not.
    """
    there = tuple(path for path in paths if path.exists())
    absent = tuple(path for path in paths if not path.exists())
    if mode == "all" or (mode == "once" and not there):
        return Plan((), True, tuple(paths))
    if mode == "new":
        # Recorded is what comes after the last one that is there: connections are told apart by their order.
        return Plan(there, True, absent or (_next(paths[-1], len(paths) + 1),))
    return Plan(there, False, missing=absent)


def _next(path: Path, number: int) -> Path:
    return path.with_name(f"{path.stem}-{number}{path.suffix}")


def cassette_paths(folder: Path, names: Sequence[str], default: str) -> list[Path]:
    """Give the paths of a test's cassettes.

    Args:
        folder: where cassettes are kept, beside the test's module.
        names: as the marker gives them, relative to the folder; empty for the default name and those numbered after
            it, as far as they are there.
        default: ``<module>/<test>.ndjson``.
    """
    if names:
        return [folder / name for name in names]
    paths = [folder / default]
    while (further := _next(paths[0], len(paths) + 1)).exists():
        paths.append(further)
    return paths


def cassette_name(module: str, test: str) -> str:
    """Give the default name of a test's cassette: ``<module>/<test>.ndjson``.

    Args:
        module: the test module's name, without ``.py``.
        test: what stands behind the module in the test's node id: class, function, parameters.

    A parameter may hold anything: what a file name cannot is replaced, and a digest keeps such names apart.
    """
    place, bracket, parameters = test.removesuffix("]").partition("[")
    plain = place.replace("::", "-") + (f"-{parameters}" if bracket else "")
    safe = _UNSAFE.sub("-", plain)
    if safe != plain or len(safe) > _LONGEST:
        safe = f"{safe[:_LONGEST]}-{blake2b(test.encode('utf-8', 'surrogatepass'), digest_size=4).hexdigest()}"
    return f"{module}/{safe}{SUFFIX}"
