"""The executor of the replay cores: it must not let a test pass that says something else."""

from __future__ import annotations

import pytest
from earwitness.replay.playing.core import Close

from tests.events import closing, server
from tests.playbook import Playbook
from tests.replay.serve.play import ASK, play

LINES = (server("session.created"), ASK, server("response.created", response={"id": "r"}), closing("server", 1000))


def test_a_script_that_went_as_it_says_is_true() -> None:
    assert play(*LINES) << 1 >> ASK << [3, Close(1000)]


@pytest.mark.parametrize(
    ("script", "difference"),
    [
        (lambda: play(*LINES) << 2, "- << 2"),
        (lambda: play(*LINES) << [], "+ << 1"),
        (lambda: play(*LINES) << 1 >> ASK, "+ << 3"),
        (lambda: play(*LINES) << 1 >> ASK << 3, "+ << Close(code=1000"),
    ],
)
def test_what_else_came_and_what_did_not_is_shown(script, difference) -> None:
    with pytest.raises(AssertionError) as told:
        bool(script())
    assert difference in str(told.value)


def test_a_script_that_is_never_asserted_fails_its_test() -> None:
    _ = play(*LINES) << 2
    with pytest.raises(AssertionError, match="1 playbooks were never asserted"):
        Playbook.none_is_forgotten()
    Playbook.none_is_forgotten()
