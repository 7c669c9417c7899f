"""No script for a core is written in vain."""

from __future__ import annotations

from tests.playbook import Playbook


def pytest_runtest_teardown() -> None:
    Playbook.none_is_forgotten()
