"""Which cassettes a test replays, and whether it records."""

from __future__ import annotations

from pathlib import Path

import pytest
from earwitness.replay.testing.cassettes import Plan, RecordMode, cassette_name, cassette_paths, plan_test


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    """Two cassettes, of which the first is there."""
    (tmp_path / "one.ndjson").touch()
    return [tmp_path / "one.ndjson", tmp_path / "two.ndjson"]


@pytest.mark.parametrize("mode", ["none", "once"])
def test_a_test_with_a_cassette_replays(mode: RecordMode, paths: list[Path]) -> None:
    assert plan_test(mode, paths[:1]) == Plan((paths[0],), (paths[0],))
    assert plan_test(mode, paths) == Plan(tuple(paths), (paths[0],), missing=(paths[1],))


def test_a_test_without_any_records_once_and_never_in_none(paths: list[Path]) -> None:
    assert plan_test("once", paths[1:]) == Plan((paths[1],), (), record=True)
    assert plan_test("none", paths[1:]) == Plan((paths[1],), (), missing=(paths[1],))


def test_new_records_what_comes_after_what_is_there(paths: list[Path]) -> None:
    plan = plan_test("new", paths)
    assert plan == Plan(tuple(paths), (paths[0],), record=True)
    assert plan.target(0) == paths[1]
    assert plan_test("new", paths[:1]).target(0) == paths[0].with_name("one-2.ndjson")


def test_new_does_not_record_before_what_is_there(paths: list[Path]) -> None:
    assert plan_test("new", paths[::-1]) == Plan(tuple(paths[::-1]), (paths[0],), missing=(paths[1],))


def test_all_records_everything_and_numbers_what_is_not_named(paths: list[Path]) -> None:
    plan = plan_test("all", paths)
    assert plan == Plan(tuple(paths), (), record=True)
    assert [plan.target(number).name for number in range(4)] == [
        "one.ndjson",
        "two.ndjson",
        "one-3.ndjson",
        "one-4.ndjson",
    ]


def test_named_cassettes_lie_in_the_folder_and_a_default_takes_those_numbered_after_it(tmp_path: Path) -> None:
    assert cassette_paths(tmp_path, ["a.ndjson", "sub/b.ndjson"], "m/t.ndjson") == [
        tmp_path / "a.ndjson",
        tmp_path / "sub" / "b.ndjson",
    ]
    assert cassette_paths(tmp_path, [], "t.ndjson") == [tmp_path / "t.ndjson"]
    for name in ("t.ndjson", "t-2.ndjson", "t-4.ndjson"):
        (tmp_path / name).touch()
    assert cassette_paths(tmp_path, [], "t.ndjson") == [tmp_path / "t.ndjson", tmp_path / "t-2.ndjson"]


@pytest.mark.parametrize(
    ("test", "name"),
    [
        ("test_x", "m/test_x.ndjson"),
        ("TestA::test_x", "m/TestA-test_x.ndjson"),
        ("test_x[one-2]", "m/test_x-one-2.ndjson"),
    ],
)
def test_a_default_name_follows_from_the_node_id(test: str, name: str) -> None:
    assert cassette_name("m", test) == name


def test_parameters_that_no_file_name_holds_are_kept_apart() -> None:
    names = {cassette_name("m", f"test_x[{value}]") for value in ("a/b", "a:b", "a b", "../../etc", "a-b", "é" * 300)}
    assert len(names) == 6
    assert all(name.count("/") == 1 and ".." not in name.split("/")[1][:3] and len(name) < 120 for name in names)
