"""Errors carry facts and tell a person what to do."""

from __future__ import annotations

import inspect

import pytest
from earwitness.schemas import errors
from earwitness.schemas.errors import EarwitnessError, SessionNotFound


@pytest.mark.parametrize(
    ("message", "hint", "text"),
    [
        ("No session abc.", "List them.", "No session abc. List them."),
        ("No session abc", "List them.", "No session abc. List them."),
        ("No session abc", "", "No session abc"),
    ],
)
def test_message_and_hint_read_as_sentences(message: str, hint: str, text: str) -> None:
    assert str(SessionNotFound(message, hint=hint)) == text


def test_the_facts_are_kept_by_name() -> None:
    assert SessionNotFound("x", session="abc").data == {"session": "abc"}


def test_every_error_is_public_and_has_a_documented_exit_code() -> None:
    found = [value for _, value in inspect.getmembers(errors, inspect.isclass) if issubclass(value, Exception)]
    classes = [value for value in found if issubclass(value, EarwitnessError)]
    assert classes == found
    assert {value.__name__ for value in classes} == set(errors.__all__)
    assert {value.exit_code for value in classes if value is not EarwitnessError} == {3, 4, 5, 6}
    assert all(value.__name__ in (errors.__doc__ or "") for value in classes)
