"""Make the pages of this folder that are made from code.

``python -m docs.generate`` writes them. With ``--check`` it writes nothing, names those that are out of date, and exits
with 1 if there are any. A new page is a row in ``PAGES``: its path below this folder, and a function that returns its
text.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from .generators import (
    architecture,
    architecture_picture,
    closing,
    command_line,
    dialects,
    json_schema,
    replay,
    verified,
)

DOCS: Final = Path(__file__).resolve().parent

PAGES: Final[dict[str, Callable[[], str]]] = {
    "architecture.md": architecture.page,
    "cli.md": command_line.page,
    "closing.md": closing.page,
    "dialects.md": dialects.page,
    "pictures/architecture.svg": architecture_picture.picture,
    "replay.md": replay.page,
    "schema/cassette.json": json_schema.cassette,
    "schema/conversation.json": json_schema.conversation,
    "schema/usage.json": json_schema.usage,
    "verified.md": verified.page,
}


def outdated(folder: Path = DOCS) -> list[str]:
    """Return the pages in a folder that are missing, or differ from what the code says."""
    return [
        name
        for name, make in PAGES.items()
        if not (folder / name).is_file() or (folder / name).read_text(encoding="utf-8") != make()
    ]


def write(folder: Path = DOCS) -> list[str]:
    """Write the pages that are out of date; return their names."""
    names = outdated(folder)
    for name in names:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(PAGES[name](), encoding="utf-8")
    return names


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m docs.generate", description="Make the pages that are made from code."
    )
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a page is out of date")
    if parser.parse_args(arguments).check:
        names = outdated()
        for name in names:
            print(f"docs/{name} is out of date: run python -m docs.generate", file=sys.stderr)
        return 1 if names else 0
    for name in write():
        print(f"docs/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
