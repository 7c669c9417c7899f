"""``drive``: yesterday's user against another server, from the command line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from earwitness.replay.open import bundled_path
from earwitness.testing import Realtime, serve

from tests.cli.command import Command


@pytest.fixture
def vendor() -> Iterator[Realtime]:
    with serve(bundled_path(), repeat=True) as served:
        yield served


def address(served: Realtime) -> str:
    return f"ws://{urlsplit(served.url).netloc}"


def test_the_same_answers_exit_with_0_and_are_recorded(earwitness: Command, vendor: Realtime) -> None:
    done = earwitness.ok("drive", bundled_path(), "--upstream", address(vendor), "--speed", "max")
    assert "No differences." in done.out
    assert done.err == f"driving {vendor.url}\n"
    (listed,) = earwitness.ok("list", "--json").json()
    assert listed["id"] in done.out
    assert list(listed["links"]) == ["drives"]
    # What was recorded can be driven in its turn, and named by its id.
    again = earwitness.ok("drive", listed["id"], "--upstream", address(vendor), "--speed", "max", "--json").json()
    assert again["diff"]["same"] is True
    assert len(again["head"]) == 64
    links = {info["id"]: info["links"] for info in earwitness.ok("list", "--json").json()}
    assert links[again["session"]] == {"drives": listed["id"]}


def test_other_answers_exit_with_1(earwitness: Command, tmp_path: Path) -> None:
    other = tmp_path / "other.ndjson"
    other.write_text(bundled_path().read_text(encoding="utf-8").replace("On Sunday, the rain", "On Monday, the rain"))
    with serve(other) as served:
        done = earwitness("drive", bundled_path(), "--upstream", address(served), "--speed", "max")
    assert done.code == 1
    assert "1 difference; the first: turn 7, assistant: transcript" in done.out


def test_some_turns_are_driven(earwitness: Command, vendor: Realtime) -> None:
    arguments = ("drive", bundled_path(), "--upstream", address(vendor), "--speed", "max", "--turns", "1", "--json")
    diff = earwitness.ok(*arguments).json()["diff"]
    assert diff["left"]["turns"] == diff["right"]["turns"] == 5


def test_a_key_comes_from_the_environment_and_nowhere_else(
    earwitness: Command, vendor: Realtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("A_KEY", raising=False)
    arguments = ("drive", bundled_path(), "--upstream", address(vendor), "--speed", "max", "--key-env", "A_KEY")
    done = earwitness(*arguments)
    assert done.code == 2
    assert "--key-env: the environment variable A_KEY is not set" in done.err
    monkeypatch.setenv("A_KEY", "sk-proj-not-a-real-key-0123456789")
    earwitness.ok(*arguments)
    assert b"not-a-real-key" not in Path(earwitness.db).read_bytes()


def test_a_target_cannot_name_another_host(earwitness: Command, vendor: Realtime) -> None:
    done = earwitness("drive", bundled_path(), "--upstream", address(vendor), "--target", ".example/v1/realtime")
    assert done.code == 2
    assert "--target: '.example/v1/realtime' does not begin with '/'" in done.err


def test_a_server_without_the_model_is_reported_in_one_paragraph(earwitness: Command, vendor: Realtime) -> None:
    done = earwitness("drive", bundled_path(), "--upstream", address(vendor), "--speed", "max", "--model", "other")
    assert done.code == 4
    assert f"{address(vendor)} refused the handshake with 404" in done.err
    assert "the recorded session has model=gpt-realtime" in done.err
    assert "Traceback" not in done.err
