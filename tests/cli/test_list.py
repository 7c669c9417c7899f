"""``earwitness list``."""

from __future__ import annotations

import asyncio
from pathlib import Path

from earwitness.recorder.journal import Journal
from earwitness.replay.open import bundled_path

from tests.cli.command import Command


def test_an_empty_journal_says_how_to_record(earwitness: Command) -> None:
    async def create() -> None:
        await (await Journal.open(earwitness.db)).aclose()

    asyncio.run(create())
    assert "earwitness record" in earwitness.ok("list").out
    assert earwitness.ok("list", "--json").json() == []
    assert "has no session yet." in earwitness.refused(3, "show", "latest")


def test_list_shows_what_was_recorded(earwitness: Command) -> None:
    public_id = earwitness.ok("import", bundled_path()).out.split()[0]
    out = earwitness.ok("list").out
    assert public_id[:8] in out
    for text in ("2026-10-05 14:12:03Z", "ga", "gpt-realtime", "00:29.482", "1745", "closed 1000"):
        assert text in out
    (listed,) = earwitness.ok("list", "--json").json()
    assert listed["id"] == public_id
    assert listed["frames"] == 1745
    assert listed["status"] == "closed"
    assert listed["close_code"] == 1000


def test_a_limit_leaves_the_newest_sessions(earwitness: Command) -> None:
    first, *others = (earwitness.ok("import", bundled_path()).out.split()[0] for _ in range(3))
    listed = [info["id"] for info in earwitness.ok("list", "--limit", "2", "--json").json()]
    assert listed == others
    assert first not in listed


def test_a_missing_journal_is_named_with_what_to_do(earwitness: Command) -> None:
    message = earwitness.refused(5, "list")
    assert earwitness.db in message
    assert not Path(earwitness.db).exists()
