"""A real browser for tests; they skip where there is none."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

__all__ = ["FLAGS", "executable", "needs_browser"]

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]


def executable() -> str | None:
    """Chromium as the system has it, or as $EARWITNESS_CHROMIUM names it."""
    named = os.environ.get("EARWITNESS_CHROMIUM")
    if named:
        return named if Path(named).exists() else None
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


needs_browser = pytest.mark.skipif(
    executable() is None, reason="no chromium on this machine (apt-get install chromium, or set EARWITNESS_CHROMIUM)"
)
