"""``diff``: exit codes as ``diff`` has them, text and JSON."""

from __future__ import annotations

from pathlib import Path

import pytest
from earwitness.replay.open import bundled_path

from tests.cli.command import Command


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """The bundled conversation with another argument of its tool call."""
    path = tmp_path / "other.ndjson"
    lines = bundled_path().read_text(encoding="utf-8").split("\n")
    changed = [line.replace(r"\"days\":2", r"\"days\":3") if '"server"' in line[:40] else line for line in lines]
    assert changed != lines
    path.write_text("\n".join(changed), encoding="utf-8")
    return path


def test_the_same_conversation_exits_with_0(earwitness: Command) -> None:
    imported = earwitness.ok("import", bundled_path()).out.split()[0]
    done = earwitness.ok("diff", bundled_path(), imported)
    assert "No differences." in done.out
    assert imported in done.out


def test_another_conversation_exits_with_1_and_says_where(earwitness: Command, other: Path) -> None:
    done = earwitness("diff", bundled_path(), other)
    assert (done.code, done.err) == (1, "")
    assert "1 difference; the first: turn 3, assistant: call arguments.days" in done.out
    assert "turns the same" in done.out
    assert "turns the same" not in earwitness("diff", bundled_path(), other, "--all").out


def test_json_says_the_same(earwitness: Command, other: Path) -> None:
    done = earwitness("diff", bundled_path(), other, "--json")
    assert done.code == 1
    first = done.json()["first"]
    assert (first["aspect"], first["path"], first["left"], first["right"]) == ("call", "arguments.days", 2, 3)


def test_json_has_the_documented_fields(earwitness: Command, other: Path) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "json.md").read_text(encoding="utf-8")
    section = page.partition("## `earwitness diff --json`")[2].partition("\n## ")[0]
    value = earwitness("diff", bundled_path(), other, "--json").json()
    pair = value["turns"][0]
    names = {*value, *value["first"], *value["left"], *pair, *pair["left"], *value["turns"][4]["left"]["cuts"][0]}
    assert [name for name in names if f"`{name}`" not in section] == []


def test_what_is_ignored_does_not_count(earwitness: Command, other: Path) -> None:
    assert earwitness("diff", bundled_path(), other, "--ignore", "call.arguments.days").code == 0
    assert earwitness("diff", bundled_path(), other, "--ignore", "output").code == 1


def test_latency_counts_when_asked_for(earwitness: Command, tmp_path: Path) -> None:
    slow = tmp_path / "slow.ndjson"
    head, *records = bundled_path().read_text(encoding="utf-8").rstrip("\n").split("\n")
    stretched = []
    for line in records:
        seq, offset, rest = line.split(",", 2)
        stretched.append(f"{seq},{int(offset) * 3},{rest}")
    slow.write_text("\n".join([head, *stretched]) + "\n", encoding="utf-8")
    assert earwitness("diff", bundled_path(), slow).code == 0
    done = earwitness("diff", bundled_path(), slow, "--latency", "100")
    assert done.code == 1
    assert "latency" in done.out


def test_trouble_exits_with_more_than_1(earwitness: Command, tmp_path: Path) -> None:
    assert "does not exist" in earwitness.refused(6, "diff", bundled_path(), tmp_path / "absent.ndjson")
    earwitness.ok("import", bundled_path())
    assert "has no session" in earwitness.refused(3, "diff", bundled_path(), "nobody")
    assert earwitness("diff", bundled_path()).code == 2
