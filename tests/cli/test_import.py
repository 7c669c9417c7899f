"""``earwitness import``: bad input writes nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from earwitness.replay.open import bundled_path

from tests.cli.command import Command


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.txt", b"hello", "neither a cassette nor a capture"),
        ("b.bin", b"\xff\xfe\x00", "is not UTF-8 text"),
        ("c.ndjson", b'{"earwitness":"cassette","version":9}\n', "Update earwitness"),
        ("d.ndjson", b'{"earwitness":"cassette","version":1}\n[0,0,"client","text",{}]\n{"half\n', "line 3"),
        (
            "f.ndjson",
            b'{"earwitness":"cassette","version":1}\n[0,0,"client","text",{}]\n[1,0,"recorder","close",{}]\n',
            "line 3: the 'close' statement, 'by': Field required",
        ),
        ("e.jsonl", b'{"dir":"client","t":null,"event":{}}\n{"dir":"cl\n', "line 2"),
    ],
)
def test_a_bad_file_is_named_and_nothing_is_written(
    earwitness: Command, tmp_path: Path, name: str, content: bytes, why: str
) -> None:
    bad = tmp_path / name
    bad.write_bytes(content)
    message = earwitness.refused(6, "import", bundled_path(), bad)
    assert name in message
    assert why in message
    assert not Path(earwitness.db).exists()


def test_a_missing_file_is_named(earwitness: Command) -> None:
    assert "does not exist" in earwitness.refused(6, "import", "none.jsonl")


def test_partial_imports_what_stands_before_the_damage_and_says_so(earwitness: Command, tmp_path: Path) -> None:
    bad = tmp_path / "half.jsonl"
    bad.write_text('{"dir":"client","t":null,"event":{"type":"response.create"}}\n{"dir":"cl\n')
    earwitness.ok("import", "--partial", bad)
    shown = earwitness.ok("show", "latest", "--events", "--json").json()
    assert [row["kind"] for row in shown] == ["open", "text", "close"]
    assert shown[-1]["event"]["reason"] == "the source is damaged at line 2"


def test_a_dash_is_a_file_on_standard_input(earwitness: Command, standard_input: Callable[[bytes], None]) -> None:
    standard_input(bundled_path().read_bytes())
    (imported,) = earwitness.ok("import", "-", "--json").json()
    assert imported["file"] == "-"
    assert earwitness.ok("list", "--json").json()[0]["id"] == imported["sessions"][0]
