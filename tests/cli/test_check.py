"""``earwitness check``: what the server stated against what was reconstructed."""

from __future__ import annotations

from pathlib import Path

import pytest
from earwitness.replay.open import bundled_path

from tests.cli.command import Command
from tests.corpus import capture_params, needs_corpus


def test_the_bundled_conversation_agrees_with_its_server(earwitness: Command) -> None:
    out = earwitness.ok("check", bundled_path()).out
    assert "no unexplained difference" in out
    (report,) = earwitness.ok("check", bundled_path(), "--json").json()
    assert report["statements"] > 30
    assert report["unexplained"] == 0


def test_a_statement_that_was_changed_is_found_and_both_values_shown(earwitness: Command, tmp_path: Path) -> None:
    changed = tmp_path / "changed.ndjson"
    text = bundled_path().read_text()
    whole = '"transcript":"Sure, one moment. Let me look up the forecast for Lisbon."'
    assert text.count(whole) >= 3
    changed.write_text(text.replace(whole, whole.replace("Lisbon", "London"), 1))
    done = earwitness("check", changed)
    assert done.code == 1
    assert "London" in done.out
    assert "Lisbon" in done.out
    assert "UNEXPLAINED" in done.out


@needs_corpus
@pytest.mark.parametrize("path", capture_params())
def test_no_capture_has_an_unexplained_difference(earwitness: Command, path: Path) -> None:
    ids = earwitness.ok("import", path, "--json").json()[0]["sessions"]
    reports = earwitness.ok("check", *ids, "--json").json()
    assert all(report["statements"] > 5 for report in reports)
