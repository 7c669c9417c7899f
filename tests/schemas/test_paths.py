"""Paths of JSON values: one notation."""

from __future__ import annotations

import pytest
from earwitness.schemas.errors import RequestError
from earwitness.schemas.paths import Path, PathRules, Pattern, parse_path, read_path, value_at, write_path
from hypothesis import example, given
from hypothesis import strategies as st

STEPS: st.SearchStrategy[str | int] = st.text() | st.integers(0, 10**6)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("session.instructions", ("session", "instructions")),
        ("item.content[1].text", ("item", "content", 1, "text")),
        ("item.content[*].text", ("item", "content", None, "text")),
        ("*.format", (None, "format")),
        ("session.*", ("session", None)),
        ("$.tools[0]", ("tools", 0)),
        ("tools.0", ("tools", "0")),
        ('headers["X.Api \\"Key\\""].a', ("headers", 'X.Api "Key"', "a")),
        ('["*"]', ("*",)),
        ("[0]", (0,)),
        ("messages.[0].role", ("messages", 0, "role")),
    ],
)
def test_a_path_is_read_as_written(text: str, path: Pattern) -> None:
    assert parse_path(text) == path


@pytest.mark.parametrize("text", ["", "$", "a[", "a[x]", "a..b[", 'a["', "a.", 'a["\\x"]'])
def test_what_is_not_a_path_is_refused(text: str) -> None:
    assert not read_path(text)
    with pytest.raises(RequestError, match="is not a JSON path"):
        parse_path(text)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), ""),
        (("a", 0, "b_c", "d-e", "Straße"), "a[0].b_c.d-e.Straße"),
        (("parameters", "$schema"), "parameters.$schema"),
        (("$schema",), '["$schema"]'),
        (("headers", "X.Api Key"), 'headers["X.Api Key"]'),
        (("a", "0"), 'a["0"]'),
        ((0, "a"), "[0].a"),
        (("content", None, "text"), "content.*.text"),
        ((None,), "*"),
    ],
)
def test_a_path_is_written_plainly_where_it_can_be(path: Pattern, text: str) -> None:
    assert write_path(path) == text


@given(st.lists(STEPS | st.none(), min_size=1).map(tuple))
@example(("$",))
@example(("a", ""))
@example(("\n", '"', "\\"))
def test_what_is_written_is_read_back(path: Pattern) -> None:
    assert parse_path(write_path(path)) == path


def test_the_value_at_a_path() -> None:
    value = {"item": {"content": [{"text": "a"}, {"text": None}]}, "0": 1}
    assert value_at(value, ("item", "content", 0, "text")) == "a"
    assert value_at(value, ()) is value
    for path in (("item", "content", 2), ("item", 0), ("item", "content", "0"), ("x", "y"), (0,), ("0", "x")):
        assert value_at(value, path, "nothing") == "nothing"
    assert value_at(value, ("item", "content", 1, "text"), "nothing") is None


# Rules


@pytest.mark.parametrize(
    ("rule", "kind", "path"),
    [
        ("session.voice", "session.update", ("session", "voice")),
        ("session.update.session.voice", "session.update", ("session", "voice")),
        ("session.update", "session.update", ("session", "voice")),
        ("session", "session.update", ("session", "voice", "name")),
        ("session.*", "session.update", ("session", "voice")),
        ("item.content[*].text", "", ("item", "content", 3, "text")),
        ("item.content.3", "", ("item", "content", 3, "text")),
        ("item.content[3]", "", ("item", "content", "3")),
        ('headers["X.A"]', "", ("headers", "X.A")),
        ("*", "", ("anything",)),
    ],
)
def test_a_rule_holds_for_its_place_and_all_below_it(rule: str, kind: str, path: Path) -> None:
    assert PathRules((rule,)).find(path, kind) == 0.0
    assert PathRules({rule: 1.5}).find(path, kind) == 1.5


@pytest.mark.parametrize(
    ("rule", "kind", "path"),
    [
        ("session.voice", "session.update", ("session",)),
        ("response.create.session", "session.update", ("session",)),
        ("session.update.session", "session.create", ("session",)),
        ("content[1]", "", ("content", 2)),
        ('["*"]', "", ("a",)),
        ("a[", "", ("a",)),
        ("", "", ("a",)),
    ],
)
def test_it_holds_nowhere_else(rule: str, kind: str, path: Path) -> None:
    assert PathRules((rule,)).find(path, kind) is None


def test_the_first_rule_counts() -> None:
    rules = PathRules({"a.b": 1, "a": 2})
    assert (rules.find(("a", "b")), rules.find(("a", "c")), rules.find(("b",))) == (1, 2, None)


def test_a_rule_can_mean_other_places_too() -> None:
    rules = PathRules(("x.voice",), aliases=lambda pattern: [("audio", *pattern)] if pattern == ("voice",) else ())
    assert rules.find(("audio", "voice"), "x") == rules.find(("voice",), "x") == 0.0
    assert rules.find(("audio", "voice"), "y") is None
