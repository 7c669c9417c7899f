"""``export --scrub``."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from earwitness.replay.drive.connect import drive
from earwitness.replay.open import bundled_path, bundled_recording, open_recording
from earwitness.replay.serve.server import serve

from tests.cli.command import Command


def rules(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "rules.toml"
    path.write_text(text)
    return path


def test_a_scrubbed_export_has_its_policy_in_the_header_and_still_replays(earwitness: Command, tmp_path: Path) -> None:
    path = rules(tmp_path, "[[replace]]\npattern = 'Lisbon'\nwith = 'Springfield'\n")
    out = tmp_path / "shared.ndjson"
    done = earwitness.ok("export", bundled_path(), "--scrub", path, "-o", out)
    assert "1745 records" in done.err
    text = out.read_text()
    assert "Lisbon" not in text
    assert json.loads(text.split("\n")[0])["match"]["audio"] == "length"
    # The policy goes with it into a journal, and out again.
    earwitness.ok("import", out)
    earwitness.ok("export", "latest", "-o", tmp_path / "back.ndjson")
    headers = [json.loads(path.read_text().split("\n")[0]) for path in (out, tmp_path / "back.ndjson")]
    assert headers[0]["match"] == headers[1]["match"]
    # From the journal the same comes out.
    earwitness.ok("import", bundled_path())
    earwitness.ok("export", "latest", "--scrub", path, "-o", tmp_path / "again.ndjson")
    assert (tmp_path / "again.ndjson").read_text().split("\n")[1:] == text.split("\n")[1:]


async def test_the_recorded_client_replays_it_strictly(tmp_path: Path, earwitness: Command) -> None:
    path = rules(tmp_path, "[[replace]]\npattern = 'Lisbon'\nwith = 'Springfield'\n")
    out = tmp_path / "shared.ndjson"
    await asyncio.to_thread(earwitness.ok, "export", bundled_path(), "--scrub", path, "-o", out)
    async with open_recording(str(out), "") as shared, serve(shared) as served:
        await drive(bundled_recording(), served.url)
        assert served.report.complete, served.report.text()


def test_a_forbidden_text_that_is_left_writes_nothing(earwitness: Command, tmp_path: Path) -> None:
    out = tmp_path / "shared.ndjson"
    told = earwitness.refused(
        3, "export", bundled_path(), "--scrub", rules(tmp_path, "forbid = ['Lisbon']\n"), "-o", out
    )
    assert "still has what the rules forbid: 'Lisbon'" in told
    assert not out.exists()


def test_unknown_rules_are_named(earwitness: Command, tmp_path: Path) -> None:
    path = rules(tmp_path, "idz = 'keep'\n")
    assert "idz" in earwitness.refused(6, "export", bundled_path(), "--scrub", path, "-o", tmp_path / "x.ndjson")
