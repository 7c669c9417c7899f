"""The command, for cases that are held by what is printed."""

from __future__ import annotations

from tests.cli.conftest import earwitness

__all__ = ["earwitness"]
