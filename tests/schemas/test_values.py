"""JSON values: fields that may hold anything, sameness, differences."""

from __future__ import annotations

import json
from typing import Any

import pytest
from earwitness.schemas.paths import write_path
from earwitness.schemas.values import (
    DEEPEST,
    Comparison,
    integer,
    members,
    number,
    objects,
    same_json,
    same_scalar,
    string,
    too_deep,
)
from hypothesis import given

from tests.schemas.strategies import JSON

FIELDS: dict[str, Any] = {
    "s": "x",
    "i": 3,
    "f": 3.0,
    "half": 0.5,
    "b": True,
    "o": {"a": 1},
    "l": [{"a": 1}, 2],
    "n": None,
}


def test_a_field_is_read_only_as_what_it_is() -> None:
    def readable(read: Any) -> dict[str, Any]:
        return {key: value for key in (*FIELDS, "none") if (value := read(FIELDS, key))}

    assert readable(string) == {"s": "x"}
    assert readable(integer) == {"i": 3, "f": 3}
    assert readable(number) == {"i": 3, "f": 3.0, "half": 0.5}
    assert readable(members) == {"o": {"a": 1}}
    assert readable(objects) == {"l": [{"a": 1}, None]}
    assert (string(FIELDS, "i"), integer(FIELDS, "b"), number(FIELDS, "b")) == (None, None, None)
    assert (members(FIELDS, "l"), objects(FIELDS, "o")) == ({}, [])


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        (0.8, 0.800000011920929, True),
        (1, 1.0, True),
        (16777216, 16777217, False),  # the same in single precision, but integers are exact
        (1e300, 1e301, False),
        (10**400, 1.0, False),
        (1, True, False),
        (True, True, True),
        (0, None, False),
        ("1", 1, False),
        ("a", "a", True),
        (None, None, True),
    ],
)
def test_numbers_are_the_same_in_single_precision(left: Any, right: Any, same: bool) -> None:
    assert same_scalar(left, right) is same
    assert same_scalar(right, left) is same


def places(left: Any, right: Any, comparison: Comparison | None = None) -> list[tuple[str, Any, Any]]:
    found = (comparison or Comparison()).differences(left, right)
    return [(write_path(path), ours, theirs) for path, ours, theirs in found]


def test_each_smallest_place_is_named_in_the_order_of_the_left_value() -> None:
    left = {"b": [1, {"x": 1, "y": 2}], "a": "s", "null": None}
    right = {"new": 0, "a": 1, "b": [1, {"y": 3, "x": 1.0}, "more"]}
    assert places(left, right) == [
        ("b[1].y", 2, 3),
        ("b[2]", None, "more"),
        ("a", "s", 1),
        ("new", None, 0),
    ]


def test_values_of_two_kinds_differ_as_a_whole() -> None:
    assert places({"a": [1]}, {"a": {"b": 1}}) == [("a", [1], {"b": 1})]
    assert places([1], None) == [("", [1], None)]


def test_an_empty_value_is_absent_only_if_asked_for() -> None:
    left, right = {"tools": [], "format": {"rate": None}}, {"voice": None}
    assert places(left, right) == [("tools", [], None), ("format", {"rate": None}, None)]
    loose = Comparison(empty_is_absent=True)
    assert places(left, right, loose) == []
    assert places(right, {"tools": [1], "o": {"a": {"b": 1}}}, loose) == [("tools[0]", None, 1), ("o.a.b", None, 1)]
    assert places([{}], 1, loose) == [("", [{}], 1)]


def test_what_counts_can_be_decided_by_place() -> None:
    comparison = Comparison(
        members=lambda path, left, right: ({}, {}) if path == ("free",) else (left, right),
        same=lambda path, left, right: path[-1:] == ("id",) or left == right,
    )
    assert places({"free": {"x": 1}, "id": 1, "x": 1}, {"free": {"x": 2}, "id": 2, "x": 2}, comparison) == [("x", 1, 2)]


@given(JSON)
def test_every_value_is_the_same_as_itself(value: Any) -> None:
    assert same_json(value, value)
    assert places(value, json.loads(json.dumps(value))) == []


@given(JSON, JSON)
def test_sameness_is_symmetric(left: Any, right: Any) -> None:
    assert same_json(left, right) == same_json(right, left)


@given(JSON, JSON)
def test_values_differ_in_the_same_places_from_both_sides(left: Any, right: Any) -> None:
    assert sorted(map(repr, places(left, right))) == sorted(repr((p, b, a)) for p, a, b in places(right, left))


@pytest.mark.parametrize("inner", ["[{}]", '{{"a":{}}}'])
def test_nesting_is_too_deep_beyond_the_limit(inner: str) -> None:
    text = "1"
    for _ in range(DEEPEST):
        text = inner.format(text)
    assert not too_deep(json.loads(text))
    assert too_deep(json.loads(inner.format(text)))
    assert not too_deep("[" * 500)
