"""The pages that come from code are current, complete and made the same way twice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from earwitness.schemas.dialects.shapes import LOSSES, REQUEST_FIELDS, SESSION_FIELDS
from earwitness.schemas.dialects.vocabulary import EVENT_TYPES
from earwitness.schemas.events import MODELS

from docs.generate import DOCS, PAGES, main, outdated, write


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_current(name: str) -> None:
    assert name not in outdated(), "run: python -m docs.generate"


def test_what_is_not_current_is_named_and_written_once(tmp_path: Path) -> None:
    assert outdated(tmp_path) == list(PAGES)
    assert write(tmp_path) == list(PAGES)
    assert outdated(tmp_path) == []
    assert write(tmp_path) == []
    (tmp_path / "dialects.md").write_text("something else", encoding="utf-8")
    assert outdated(tmp_path) == ["dialects.md"]


def test_the_check_says_by_exit_code_whether_pages_are_current(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("docs.generate.outdated", lambda: ["dialects.md"])
    assert main(["--check"]) == 1
    assert "docs/dialects.md is out of date" in capsys.readouterr().err
    monkeypatch.setattr("docs.generate.outdated", list)
    assert main(["--check"]) == 0


def test_the_dialects_page_names_every_event_field_and_loss() -> None:
    page = (DOCS / "dialects.md").read_text(encoding="utf-8")
    rows = [line.split(" | ")[0] for line in page.splitlines() if line.startswith("| ")]
    for name in EVENT_TYPES:
        assert f"`{name}`" in page
    for name in {field for model in MODELS.values() for field in model.model_fields} - {"type", "event_id"}:
        assert f"| `{name}`" in rows
    for rule in (*SESSION_FIELDS, *REQUEST_FIELDS):
        assert f"| `{rule.preview}` | `{'.'.join(rule.ga)}` |" in page
    for loss in LOSSES:
        assert f"| {loss.what} |" in page


def test_the_dialects_page_links_only_to_its_own_headings() -> None:
    page = (DOCS / "dialects.md").read_text(encoding="utf-8")
    headings = {line.lstrip("# ").lower() for line in page.splitlines() if line.startswith("#")}
    linked = {part.partition(")")[0] for part in page.split("](#")[1:]}
    assert linked
    assert linked <= headings


def test_the_conversations_schema_describes_its_parts() -> None:
    schema = json.loads((DOCS / "schema" / "conversation.json").read_text(encoding="utf-8"))
    assert schema["title"] == "Conversation"
    assert {"Item", "Part", "Response", "Call"} <= set(schema["$defs"])
