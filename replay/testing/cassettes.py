"""Which cassettes a test replays, and whether it records. Pure, and imports nothing heavy: pytest loads it always."""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import blake2b
from itertools import takewhile
from pathlib import Path
from typing import Final, Literal, NamedTuple, get_args

__all__ = ["RECORD_MODES", "Plan", "RecordMode", "cassette_name", "cassette_paths", "plan_test"]

RecordMode = Literal["none", "once", "new", "all"]
RECORD_MODES: Final[tuple[RecordMode, ...]] = get_args(RecordMode)
"""``none``: replay, and never any network. ``once``: record where the test has no cassette yet. ``new``: replay what is
there, and record the connections beyond it. ``all``: record everything again."""

SUFFIX: Final = ".ndjson"
_UNSAFE: Final = re.compile(r"[^\w.-]+", re.ASCII)
_LONGEST: Final = 80


class Plan(NamedTuple):
    """What a test does with its cassettes.

    Attributes:
        paths: its cassettes, one for each connection, whether or not they exist.
        replay: those that are served: the first of ``paths``.
        record: whether the connections beyond them go to the upstream.
        missing: those that are named but do not exist, if they are not going to be recorded.
    """

    paths: tuple[Path, ...]
    replay: tuple[Path, ...]
    record: bool = False
    missing: tuple[Path, ...] = ()

    def target(self, number: int) -> Path:
        """Return where a recorded session is written.

        Args:
            number: which of the recorded ones, from 0.
        """
        index = len(self.replay) + number
        return self.paths[index] if index < len(self.paths) else _numbered(self.paths[0], index + 1)


def plan_test(mode: RecordMode, paths: Sequence[Path]) -> Plan:
    """Decide what is replayed and what recorded.

    Args:
        mode: see :data:`RECORD_MODES`.
        paths: the test's cassettes, one for each connection; they need not exist.
    """
    there = tuple(path for path in paths if path.exists())
    if mode == "all" or (mode == "once" and not there):
        return Plan(tuple(paths), (), record=True)
    begin = tuple(takewhile(Path.exists, paths))
    # Connections are told apart by their order, so what is recorded comes after all that exists.
    if mode == "new" and begin == there:
        return Plan(tuple(paths), there, record=True)
    return Plan(tuple(paths), there, missing=tuple(path for path in paths if path not in there))


def _numbered(path: Path, number: int) -> Path:
    return path.with_name(f"{path.stem}-{number}{path.suffix}")


def cassette_paths(folder: Path, names: Sequence[str], default: str) -> list[Path]:
    """Return the paths of a test's cassettes.

    Args:
        folder: where cassettes are kept, beside the test's module.
        names: as the marker states them, relative to the folder; if empty, the default name and those numbered after
            it that exist.
        default: ``<module>/<test>.ndjson``.
    """
    if names:
        return [folder / name for name in names]
    paths = [folder / default]
    while (further := _numbered(paths[0], len(paths) + 1)).exists():
        paths.append(further)
    return paths


def cassette_name(module: str, test: str) -> str:
    """Return the default name of a test's cassette: ``<module>/<test>.ndjson``.

    Args:
        module: the test module's name, without ``.py``.
        test: what follows the module in the test's node id: class, function, parameters.

    A parameter may hold anything: what a file name cannot is replaced, and a digest keeps such names apart.
    """
    place, bracket, parameters = test.removesuffix("]").partition("[")
    plain = place.replace("::", "-") + (f"-{parameters}" if bracket else "")
    safe = _UNSAFE.sub("-", plain)
    if safe != plain or len(safe) > _LONGEST:
        safe = f"{safe[:_LONGEST]}-{blake2b(test.encode('utf-8', 'surrogatepass'), digest_size=4).hexdigest()}"
    return f"{module}/{safe}{SUFFIX}"
