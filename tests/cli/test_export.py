"""``earwitness export``."""

from __future__ import annotations

import json
import stat
from pathlib import Path

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


def test_a_cassette_on_standard_output_is_the_one_in_the_file(earwitness: Command, tmp_path: Path) -> None:
    target = tmp_path / "call.ndjson"
    done = earwitness.ok("export", bundled_path(), "-o", target, "--json")
    assert done.json() == {"file": str(target), "format": "cassette", "records": 1745}
    printed = earwitness.ok("export", bundled_path(), "-o", "-")
    assert (printed.out, printed.err) == (target.read_text(), "")


def test_json_and_the_cassette_do_not_both_go_to_standard_output(earwitness: Command) -> None:
    done = earwitness("export", bundled_path(), "-o", "-", "--json")
    assert (done.code, done.out) == (2, "")
    assert "--json prints to standard output" in done.err
