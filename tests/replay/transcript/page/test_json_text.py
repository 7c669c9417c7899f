"""JSON texts laid out for reading."""

from __future__ import annotations

import json
from typing import Any

import pytest
from earwitness.replay.transcript.page.json_text import pretty
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    "given",
    ["not json", '"a string"', "42", '{"a": 1.10}', '{"a": 1, "a": 2}', "[1e400]", "{", "[" * 5000 + "]" * 5000],
)
def test_what_would_change_by_laying_it_out_is_left_alone(given: str) -> None:
    assert pretty(given) == given


def test_json_is_laid_out_in_short_lines() -> None:
    value = {"city": "Lisbon", "days": [{"day": "Saturday", "sky": "sunny " * 5, "wind": "light"}] * 2, "none": []}
    assert pretty(json.dumps(value)).splitlines() == [
        "{",
        '  "city": "Lisbon",',
        '  "days": [',
        '    {"day": "Saturday", "sky": "sunny sunny sunny sunny sunny ", "wind": "light"},',
        '    {"day": "Saturday", "sky": "sunny sunny sunny sunny sunny ", "wind": "light"}',
        "  ],",
        '  "none": []',
        "}",
    ]


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=15,
)


@given(values)
def test_laying_out_never_changes_the_value(value: Any) -> None:
    assert json.loads(pretty(json.dumps(value))) == value
