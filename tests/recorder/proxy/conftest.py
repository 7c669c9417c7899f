"""A journal to record into, and a server to record."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from earwitness.recorder.journal import Journal

from tests.recorder.harness import Upstream, running_upstream


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    """In ``calls.db``."""
    async with await Journal.open(tmp_path / "calls.db") as opened:
        yield opened


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with running_upstream() as running:
        yield running
