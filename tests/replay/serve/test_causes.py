from __future__ import annotations

from pathlib import Path
from typing import get_args

from earwitness.replay.serve.causes import RULES, RuleName, rules_as_markdown

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "replay.md"


def test_every_rule_has_a_name_of_its_own_and_a_reason():
    assert [rule.name for rule in RULES] == list(dict.fromkeys(get_args(RuleName)))
    assert all(all(field.strip() for field in rule) for rule in RULES)


def test_the_documentation_has_the_table_as_it_is():
    assert rules_as_markdown() in DOCUMENT.read_text(encoding="utf-8")
