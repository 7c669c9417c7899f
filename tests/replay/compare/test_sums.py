"""Sums of usage: what is stated in two ways."""

from __future__ import annotations

from typing import Any

import pytest
from earwitness.replay.compare.check import check
from earwitness.replay.compare.sums import sums_of_usage

from tests.sessions import Session

USAGE = {
    "total_tokens": 30,
    "input_tokens": 20,
    "output_tokens": 10,
    "input_token_details": {
        "text_tokens": 5,
        "audio_tokens": 15,
        "cached_tokens": 4,
        "cached_tokens_details": {"text_tokens": 1, "audio_tokens": 3},
    },
    "output_token_details": {"text_tokens": 2, "audio_tokens": 8},
}


def test_each_sum_is_read_and_adds_up() -> None:
    found = list(sums_of_usage(USAGE))
    assert [name for name, _, _ in found] == [
        "total_tokens",
        "input_tokens",
        "input_tokens cached_tokens",
        "output_tokens",
    ]
    assert all(stated == parts for _, stated, parts in found)


@pytest.mark.parametrize(
    ("usage", "wrong"),
    [
        ({**USAGE, "total_tokens": 31}, [("total_tokens", 31, 30)]),
        ({**USAGE, "output_token_details": {"text_tokens": 2, "audio_tokens": 7}}, [("output_tokens", 10, 9)]),
        ({"output_tokens": 10, "output_token_details": {"text_tokens": 6, "reasoning_tokens": 4}}, []),
        ({"output_tokens": 10, "output_token_details": {"text_tokens": 10, "reasoning_tokens": 4}}, []),
        ({"output_tokens": 10, "output_token_details": {"text_tokens": 0, "audio_tokens": 0}}, []),
        ({"total_tokens": 10, "input_tokens": "many"}, []),
        ({"input_tokens": 3, "input_token_details": None}, []),
        (None, []),
    ],
)
def test_only_what_is_stated_is_added(usage: Any, wrong: list[tuple[str, int, int]]) -> None:
    assert [(name, stated, parts) for name, stated, parts in sums_of_usage(usage) if stated != parts] == wrong


def test_check_reports_a_usage_that_does_not_add_up() -> None:
    script = Session().created().done(usage={**USAGE, "input_tokens": 21}, output=[])
    assert [(each.subject, each.basis) for each in check(script.frames).unexplained] == [
        ("response resp_1, usage input_tokens", "sum"),
        ("response resp_1, usage total_tokens", "sum"),
    ]
