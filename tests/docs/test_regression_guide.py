"""The guide to regression tests: its example runs, turns red as described, and prints what the page shows."""

from __future__ import annotations

import asyncio
import re
import shutil
from pathlib import Path

import openai  # pytester forgets what an inner run imports first; these must be imported once only
import openai.resources.realtime.realtime  # noqa: F401
import pytest
from earwitness.recorder.proxy.upstream import parse_upstream
from earwitness.replay.compare.diff_text import render_diff
from earwitness.replay.drive.run import DriveOptions, drive_session
from earwitness.replay.open import load_recordings
from earwitness.replay.share.rules import ScrubRules
from earwitness.replay.share.scrub import scrub_recording
from earwitness.testing import serve

from tests.sessions import read_frames

DOCS = Path(__file__).resolve().parents[2] / "docs"
EXAMPLE = DOCS / "examples" / "weather"
CASSETTE = EXAMPLE / "cassettes" / "weather.ndjson"
GUIDE = (DOCS / "regression-testing.md").read_text(encoding="utf-8")
INI = "[pytest]\naddopts = -p no:cacheprovider\nasyncio_default_fixture_loop_scope = function\nfilterwarnings = error\n"


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    shutil.copytree(EXAMPLE, pytester.path, dirs_exist_ok=True)
    pytester.makefile(".ini", pytest=INI)
    monkeypatch.syspath_prepend(pytester.path)
    with serve(CASSETTE):
        pass
    return pytester


def shown(line: str) -> bool:
    """Whether the guide shows a line, or as much of it as it has room for."""
    return any(
        bool(quoted) and (line == quoted or (quoted.endswith("[…]") and line.startswith(quoted[:-3])))
        for quoted in GUIDE.split("\n")
    )


def test_the_guide_shows_the_files_of_the_example() -> None:
    blocks = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    agent = (EXAMPLE / "agent.py").read_text()
    assert blocks[0] == agent[agent.index("async def ask") :]
    assert blocks[1] == (EXAMPLE / "test_agent.py").read_text()


def test_the_example_passes(project: pytest.Pytester) -> None:
    project.runpytest_inprocess().assert_outcomes(passed=1)


def test_the_example_turns_red_as_the_guide_tells(project: pytest.Pytester) -> None:
    agent = project.path / "agent.py"
    source = agent.read_text()
    assert '"degrees": 12' in source
    agent.write_text(source.replace('"degrees": 12', '"temperature": 12'))
    result = project.runpytest_inprocess("--tb=short")
    result.assert_outcomes(failed=1)
    lines = result.outlines
    start = lines.index("session weather.ndjson: 1 divergence")
    report = [re.sub(r"client frame 4 at [\d.]+ s", "client frame 4 at 0.197 s", line) for line in lines[start:]]
    end = next(number for number, line in enumerate(report) if line.startswith("="))
    assert [line for line in report[:end] if not shown(line)] == []


def test_a_missing_cassette_is_reported_as_in_the_guide(project: pytest.Pytester) -> None:
    (project.path / "cassettes" / "weather.ndjson").unlink()
    result = project.runpytest_inprocess()
    result.assert_outcomes(errors=1)
    told = next(line for line in result.outlines if "no such cassette" in line)
    assert shown(told.replace(str(project.path), "/home/you/weather"))


def test_another_model_is_compared_as_in_the_guide(tmp_path: Path) -> None:
    other = tmp_path / "tomorrow.ndjson"
    other.write_text(CASSETTE.read_text().replace("foggy", "sunny").replace("12 degrees", "21 degrees"))
    (old,) = load_recordings([CASSETTE])
    with serve(other) as served:
        upstream = parse_upstream(served.url.partition("/v1")[0])
        outcome = asyncio.run(drive_session(old, upstream, str(tmp_path / "new.db"), DriveOptions(speed="max")))
        served.assert_complete()
    text = render_diff(outcome.diff).split("\n")
    body = [line for line in text if line and not line.startswith(("A  ", "B  ", "median"))]
    assert [line for line in body if not shown(line)] == []


def test_the_cassette_is_scrubbed_as_the_page_on_cassettes_tells() -> None:
    rules = {
        "instructions": "keep",
        "forbid": ["London"],
        "replace": [{"pattern": "London", "with": "Springfield"}],
    }
    (old,) = load_recordings([CASSETTE])

    async def scrub() -> tuple[object, int]:
        shared = await scrub_recording(old, ScrubRules.model_validate(rules))
        return shared.info.match, len(await read_frames(shared))

    match, count = asyncio.run(scrub())
    assert match == {
        "ignore": ["conversation.item.create.item.content.*.text", "conversation.item.create.item.output"],
        "audio": "length",
    }
    page = (DOCS / "cassettes.md").read_text(encoding="utf-8")
    assert f"{count} records → shared.ndjson" in page
    assert '"match":{"ignore":["conversation.item.create.item.content.*.text",' in page
