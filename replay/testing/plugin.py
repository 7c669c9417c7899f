"""The pytest plugin: the fixture ``realtime`` serves a recorded session to the test's client.

::

    @pytest.mark.realtime("weather.ndjson")          # default: cassettes/<module>/<test>.ndjson
    async def test_agent_answers(realtime):
        client = AsyncOpenAI(api_key="unused", websocket_base_url=realtime.websocket_base_url)
        ...
        realtime.assert_complete()
        assert realtime.conversation.calls[0].name == "get_weather"

It is loaded in every test run of a project that has earwitness installed, so it imports nothing but pytest until a test
asks for the fixture.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any, Final, cast

import pytest

from .cassettes import RECORD_MODES, Plan, cassette_name, cassette_paths, plan_test

if TYPE_CHECKING:
    from ..serve.options import ServeArguments
    from .realtime import Realtime
    from .stage import RecordOptions

__all__ = ["pytest_addoption", "pytest_configure", "pytest_runtest_makereport", "realtime"]

_MATCH_MODES: Final = ("strict", "lenient", "off")
_MARKER_KEYS: Final = frozenset(
    ("match", "audio", "ignore", "tolerances", "speed", "ids", "timeout", "faults", "target")
)
_SECTION: Final = "realtime replay"
_KEYS: Final = {"openai": "OPENAI_API_KEY", "azure": "AZURE_OPENAI_API_KEY"}

_served: Final = pytest.StashKey["Realtime"]()
_failed: Final = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options and their ini forms; the command line goes first, then the marker, then the ini file."""
    group = parser.getgroup("realtime", "recorded Realtime sessions (earwitness)")
    group.addoption(
        "--realtime-record",
        choices=RECORD_MODES,
        help="none: replay, and never any network (default). once: record a test that has no cassette. "
        "new: replay what is there, record connections beyond it. all: record everything again.",
    )
    group.addoption(
        "--realtime-upstream",
        metavar="URL",
        help="Server to record: openai (default), azure:RESOURCE, or ws(s)://HOST[:PORT][/PREFIX].",
    )
    group.addoption(
        "--realtime-match",
        choices=_MATCH_MODES,
        help="strict: the first divergence ends the session. lenient: it is reported. off: compare event types only.",
    )
    group.addoption(
        "--realtime-key-env",
        metavar="NAME",
        help="Variable with the key to present upstream while recording (default: OPENAI_API_KEY for openai, "
        "AZURE_OPENAI_API_KEY for azure, none for others).",
    )
    parser.addini("realtime_record", "none, once, new or all; see --realtime-record", default="none")
    parser.addini("realtime_upstream", "see --realtime-upstream", default="openai")
    parser.addini("realtime_match", "strict, lenient or off; see --realtime-match", default="")
    parser.addini("realtime_key_env", "see --realtime-key-env", default="")
    parser.addini("realtime_cassettes", "folder of cassettes, beside the test module", default="cassettes")
    parser.addini("realtime_speed", "recorded seconds per second, or max", default="max")
    parser.addini("realtime_timeout", "seconds to wait for a client that does nothing", default="10")


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line(
        "markers",
        "realtime(*cassettes, match=…, audio=…, ignore=…, tolerances=…, speed=…, ids=…, timeout=…, faults=…, "
        "target=…): the recorded sessions that the fixture 'realtime' serves, one to each connection.",
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Attach what the replay server saw to a failing test."""
    report = yield
    server = item.stash.get(_served, None)
    if server is not None and report.failed:
        item.stash[_failed] = True
        if report.when == "call" and not _says_it_itself(call.excinfo):
            report.sections.append((_SECTION, server.text()))
    return report


def _says_it_itself(failure: pytest.ExceptionInfo[BaseException] | None) -> bool:
    """Whether the failure is that of ``assert_complete``, whose text is the report already."""
    from .realtime import ReplayIncomplete

    return failure is not None and isinstance(failure.value, ReplayIncomplete)


@pytest.fixture
def realtime(request: pytest.FixtureRequest) -> Iterator[Realtime]:
    """A server that plays the recorded sessions of this test, or records them; see the marker ``realtime``."""
    item = cast("pytest.Item", request.node)
    settings = _Settings(item)
    plan = settings.plan()
    if plan.missing:
        names = ", ".join(str(path) for path in plan.missing)
        pytest.fail(f"{names}: no such cassette. Record it: {settings.how_to_record(plan)}", pytrace=False)
    server = _make(settings, plan)
    item.stash[_served] = server
    item.stash[_failed] = False  # plugins that repeat a failing test run the same item again
    try:
        yield server
        if not item.stash[_failed]:
            _conclude(server, plan)
    finally:
        del item.stash[_served]
        server.stop()


def _make(settings: _Settings, plan: Plan) -> Realtime:
    from ...schemas.errors import EarwitnessError
    from ..serve.server import serve
    from .realtime import Realtime

    try:
        server = serve(*plan.replay, **settings.serving())
        record = settings.record_options() if plan.record else None
        return Realtime(server, record, settings.get("target", "/v1/realtime")).start()
    except EarwitnessError as error:
        of_marker = error.data.get("argument") == "match"
        problem = f"the marker realtime: {error}" if of_marker else str(error)
    # Outside the handler: else pytest tells the error twice, as one that came while the other was handled.
    pytest.fail(problem, pytrace=False)


def _conclude(server: Realtime, plan: Plan) -> None:
    """Judge a test that has passed: write what was recorded; fail if the client diverged and nobody noticed."""
    if plan.record:
        written = server.finish_recording(plan.target)
        if not written and not plan.replay:
            pytest.fail("nothing was recorded: no client connected to the realtime fixture.", pytrace=False)
    if not server.judged and server.strict and server.diverged:
        pytest.fail(f"the client left the recording, and the test passed all the same.\n{server.text()}", pytrace=False)


class _Settings:
    """A test's settings, from the command line, its markers and the ini file."""

    def __init__(self, item: pytest.Item) -> None:
        self._item = item
        self._config = item.config
        self._marker = item.get_closest_marker("realtime")
        stated: dict[str, Any] = dict(self._marker.kwargs) if self._marker is not None else {}
        unknown = sorted(set(stated) - _MARKER_KEYS)
        if unknown:
            known = ", ".join(sorted(_MARKER_KEYS))
            pytest.fail(f"the marker realtime has no argument {unknown[0]!r}; it has {known}.", pytrace=False)
        self._stated = stated

    def get(self, name: str, default: Any = None) -> Any:
        """Return a setting of the marker, else of the ini file, else the default."""
        if name in self._stated:
            return self._stated[name]
        return default if default is not None else self._config.getini(f"realtime_{name}")

    def _option(self, name: str) -> str:
        return str(self._config.getoption(f"realtime_{name}") or self._config.getini(f"realtime_{name}"))

    # Cassettes

    def plan(self) -> Plan:
        """Decide what is replayed and what recorded."""
        mode = self._option("record")
        if mode not in RECORD_MODES:
            pytest.fail(f"realtime_record is {mode!r}; it is one of {', '.join(RECORD_MODES)}.", pytrace=False)
        module = self._item.path
        names = [str(name) for name in self._marker.args] if self._marker is not None else []
        test = self._item.nodeid.partition("::")[2] or self._item.name
        folder = module.parent / str(self._config.getini("realtime_cassettes"))
        paths = cassette_paths(folder, names, cassette_name(module.stem, test))
        return plan_test(mode, paths)

    def how_to_record(self, plan: Plan) -> str:
        """Return the command that records what this test lacks."""
        behind = plan.replay == plan.paths[: len(plan.replay)]
        mode = "once" if not plan.replay else "new" if behind else "all"
        return f"pytest '{self._item.nodeid}' --realtime-record={mode}"

    # Serving

    def serving(self) -> ServeArguments:
        """Return how the cassettes are served, as the user states it."""
        stated: dict[str, Any] = {name: value for name, value in self._stated.items() if name != "target"}
        for name in ("speed", "timeout"):
            stated[name] = self.get(name)
        mode = self._config.getoption("realtime_match") or stated.get("match") or self._config.getini("realtime_match")
        stated["match"] = mode or None
        return cast("ServeArguments", stated)

    # Recording

    def record_options(self) -> RecordOptions:
        """Return where to record from, and the key for it."""
        from ...recorder.proxy.upstream import parse_upstream
        from .stage import RecordOptions

        upstream = parse_upstream(self._option("upstream"))
        name = self._option("key_env")
        # A key is presented only to the vendor that it is for, unless it was named.
        key = os.environ.get(name or _KEYS.get(upstream.vendor, ""), "").strip()
        if name and not key:
            pytest.fail(f"the variable {name}, which is to hold the upstream's key, is not set.", pytrace=False)
        return RecordOptions(upstream=upstream, upstream_key=key or None)
