"""``import`` and ``export``: what goes in comes out, and bad input writes nothing."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from earwitness.replay.open import bundled_path

from tests.cli.command import Command


def test_a_cassette_survives_import_and_export(earwitness: Command, tmp_path: Path) -> None:
    public_id = earwitness.ok("import", bundled_path()).out.split()[0]
    target = tmp_path / "again.ndjson"
    earwitness.ok("export", "latest", "--format", "cassette", "-o", target)
    first, again = bundled_path().read_text().split("\n"), target.read_text().split("\n")
    assert json.loads(again[0])["session"] == public_id
    assert [json.loads(line) for line in again[1:-1]] == [json.loads(line) for line in first[1:-1]]
    assert earwitness.ok("show", target, "--digest").out == earwitness.ok("show", bundled_path(), "--digest").out
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_export_does_not_replace_a_file_without_force(earwitness: Command, tmp_path: Path) -> None:
    target = tmp_path / "there.ndjson"
    target.write_text("precious")
    assert "--force" in earwitness.refused(3, "export", bundled_path(), "-o", target)
    assert target.read_text() == "precious"
    earwitness.ok("export", bundled_path(), "-o", target, "--force")
    assert target.read_text().startswith('{"earwitness":"cassette"')


def test_export_to_a_missing_folder_is_refused(earwitness: Command, tmp_path: Path) -> None:
    assert "No such file" in earwitness.refused(6, "export", bundled_path(), "-o", tmp_path / "no" / "x.ndjson")


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
