"""JSON as it is recorded."""

from __future__ import annotations

from typing import Any

import pytest
from earwitness.schemas.frame import parse_object


@pytest.mark.parametrize(
    ("data", "expected"), [(None, None), (b"[]", None), (b"{", None), (b"\xff", None), (b'{"a":1}', {"a": 1})]
)
def test_only_an_object_is_read_as_one(data: bytes | None, expected: Any) -> None:
    assert parse_object(data) == expected
