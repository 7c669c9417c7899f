"""Projects for pytest inside pytest."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import openai  # see imported_once
import openai.resources.realtime.realtime  # noqa: F401
import pytest
from earwitness.recorder.journal import Journal, JournalReader
from earwitness.schemas.recording import MemoryRecording
from earwitness.testing import Realtime, serve

from tests.replay.testing.inner import HELPERS, INI, talk, write


@pytest.fixture(scope="module")
def imported_once(tmp_path_factory: pytest.TempPathFactory) -> None:
    """pytester forgets what an inner run imports first, and some packages cannot be imported twice."""

    async def use_journal() -> None:
        database = str(tmp_path_factory.mktemp("warm") / "warm.db")
        await (await Journal.open(database)).aclose()
        await (await JournalReader.open(database)).aclose()

    asyncio.run(use_journal())
    with serve(talk()):
        pass


@pytest.fixture
def inner(imported_once: None, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project with a helper module and a cassette folder."""
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    pytester.makefile(".ini", pytest=INI)
    pytester.makepyfile(helpers=HELPERS)
    write(pytester.path / "cassettes" / "hello.ndjson", talk())
    return pytester


@pytest.fixture
def upstream() -> Iterator[Callable[..., str]]:
    """Starts a server to be recorded; gives its address."""
    running: list[Realtime] = []

    def start(*sessions: MemoryRecording) -> str:
        running.append(serve(*sessions, match="off", repeat=True).start())
        return f"ws://{urlsplit(running[-1].url).netloc}"

    yield start
    for each in running:
        each.stop()


@pytest.fixture
def alone(inner: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    return inner
