"""The pytest plugin, by running pytest inside pytest."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import openai  # see _imported_once
import openai.resources.realtime.realtime  # noqa: F401
import pytest
from earwitness.recorder.importing import read_file
from earwitness.recorder.journal import Journal, JournalReader
from earwitness.schemas.files.cassette import Cassette, CassetteHeader, write_cassette
from earwitness.schemas.recording import MemoryRecording
from earwitness.testing import Realtime, serve

from tests.events import client, closing, server, user_text
from tests.present import present
from tests.sessions import recording
from tests.sizes import SIZE

KEY = "sk-proj-not-a-real-key-0123456789"

INI = """
[pytest]
addopts = -p no:cacheprovider -p no:hypothesispytest
asyncio_mode = auto
asyncio_default_fixture_loop_scope = function
filterwarnings =
    error
    ignore:connect\\(\\) must be used as a context manager:DeprecationWarning
"""

HELPERS = '''
import json
from websockets.sync.client import connect


def hello(realtime, text="Hello", key="unused"):
    """A client that says one thing and reads what it is answered."""
    headers = {"Authorization": f"Bearer {key}"}
    with connect(realtime.url, additional_headers=headers, compression=None, proxy=None) as websocket:
        assert json.loads(websocket.recv())["type"] == "session.created"
        item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
        websocket.send(json.dumps({"type": "conversation.item.create", "item": item}))
        websocket.send(json.dumps({"type": "response.create"}))
        while True:
            event = json.loads(websocket.recv())
            if event["type"] == "response.done":
                return event["response"]["output"][0]["content"][0]["text"]
'''


def talk(question: str = "Hello", answer: str = "Hi there") -> MemoryRecording:
    said = {"id": "item_1", "type": "message", "role": "user", "content": [{"type": "input_text", "text": question}]}
    done = {"id": "item_2", "type": "message", "role": "assistant", "status": "completed"}
    done = {**done, "content": [{"type": "output_text", "text": answer}]}
    return recording(
        server("session.created", event_id="e1", session={"id": "sess_1", "type": "realtime", "model": "gpt-realtime"}),
        user_text(question),
        server("conversation.item.added", event_id="e2", item=said),
        client("response.create"),
        server("response.created", event_id="e3", response={"id": "resp_1", "status": "in_progress", "output": []}),
        server("conversation.item.added", event_id="e4", item={**done, "content": []}),
        server("conversation.item.done", event_id="e5", item=done),
        server("response.done", event_id="e6", response={"id": "resp_1", "status": "completed", "output": [done]}),
        closing("client"),
    )


def write(path: Path, session: MemoryRecording, **header: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    cassette = Cassette(CassetteHeader.model_validate({"dialect": "ga", **header}), list(session.frames))
    path.write_text("".join(f"{line}\n" for line in write_cassette(cassette)))
    return path


def answers(path: Path) -> list[str]:
    """What the model says in a cassette."""
    (session,) = read_file(path)
    events = [json.loads(frame.payload or b"") for frame in session.frames if frame.type == "response.done"]
    return [event["response"]["output"][0]["content"][0]["text"] for event in events]


@pytest.fixture(scope="module", autouse=True)
def _imported_once(tmp_path_factory: pytest.TempPathFactory) -> None:
    """pytester forgets what an inner run imports first, and some packages cannot be imported twice."""

    async def use_journal() -> None:
        database = str(tmp_path_factory.mktemp("warm") / "warm.db")
        await (await Journal.open(database)).aclose()
        await (await JournalReader.open(database)).aclose()

    asyncio.run(use_journal())
    with serve(talk()):
        pass


@pytest.fixture
def inner(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
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


def run(inner: pytest.Pytester, source: str, *arguments: str, **outcomes: int) -> pytest.RunResult:
    inner.makepyfile(test_it=source)
    result = inner.runpytest_inprocess(*arguments)
    result.assert_outcomes(**(outcomes or {"passed": 1}))
    return result


def run_alone(inner: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """Run in a new process, with no other plugin."""
    inner.makefile(".ini", pytest="[pytest]\nfilterwarnings = error\n")
    return inner.runpytest_subprocess("-p", "no:cacheprovider", "-p", "earwitness.replay.testing.plugin", *arguments)


# Replaying


def test_synchronous_and_asynchronous_sdk_clients_replay_a_cassette(inner: pytest.Pytester) -> None:
    run(
        inner,
        """
        import pytest
        from openai import AsyncOpenAI, OpenAI

        pytestmark = pytest.mark.realtime("hello.ndjson")
        ITEM = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello"}]}

        def test_sync(realtime):
            client = OpenAI(api_key="unused", websocket_base_url=realtime.websocket_base_url)
            with client.realtime.connect(model="gpt-realtime") as connection:
                connection.conversation.item.create(item=ITEM)
                connection.response.create()
                for event in connection:
                    if event.type == "response.done":
                        break
            client.close()
            assert event.response.output[0].content[0].text == "Hi there"
            realtime.assert_complete()
            assert realtime.report.matched == 2

        async def test_async(realtime):
            async with AsyncOpenAI(api_key="unused", websocket_base_url=realtime.websocket_base_url) as client:
                async with client.realtime.connect(model="gpt-realtime") as connection:
                    await connection.conversation.item.create(item=ITEM)
                    await connection.response.create()
                    async for event in connection:
                        if event.type == "response.done":
                            break
            assert event.response.output[0].content[0].text == "Hi there"
            realtime.assert_complete()
            assert [item.role for item in realtime.conversation.items] == ["user", "assistant"]
        """,
        passed=2,
    )


def test_it_works_in_unittest_classes_and_on_other_event_loops(inner: pytest.Pytester) -> None:
    run(
        inner,
        """
        import asyncio
        import unittest
        import pytest
        from helpers import hello

        @pytest.mark.realtime("hello.ndjson")
        class TestPlain(unittest.TestCase):
            @pytest.fixture(autouse=True)
            def _serve(self, realtime):
                self.realtime = realtime

            def test_hello(self):
                self.assertEqual(hello(self.realtime), "Hi there")
                self.realtime.assert_complete()

        @pytest.mark.realtime("hello.ndjson")
        class TestAsync(unittest.IsolatedAsyncioTestCase):
            @pytest.fixture(autouse=True)
            def _serve(self, realtime):
                self.realtime = realtime

            async def test_hello(self):
                self.assertEqual(await asyncio.to_thread(hello, self.realtime), "Hi there")
                self.realtime.assert_complete()

        @pytest.mark.realtime("hello.ndjson")
        def test_own_loop(realtime):
            async def main():
                return await asyncio.to_thread(hello, realtime)

            with asyncio.Runner() as runner:
                assert runner.run(main()) == "Hi there"
            realtime.assert_complete()
        """,
        passed=3,
    )


def test_a_client_that_says_something_else_fails_with_the_divergence_report(inner: pytest.Pytester) -> None:
    result = run(
        inner,
        """
        import pytest
        from helpers import hello
        from websockets.exceptions import ConnectionClosedError

        @pytest.mark.realtime("hello.ndjson")
        def test_goodbye(realtime):
            with pytest.raises(ConnectionClosedError, match="4400"):
                hello(realtime, "Goodbye")
            realtime.assert_complete()
        """,
        failed=1,
    )
    result.stdout.fnmatch_lines(
        [
            "*ReplayIncomplete: session * 1 divergence",
            "*1. content: conversation.item.create (seq 2) came * item.content*text: expected 'Hello', got 'Goodbye'*",
        ]
    )
    assert "realtime replay" not in result.stdout.str(), "the same report twice"


def test_the_report_is_attached_to_a_test_that_fails_otherwise(inner: pytest.Pytester) -> None:
    result = run(
        inner,
        """
        import pytest
        from helpers import hello

        @pytest.mark.realtime("hello.ndjson")
        def test_goodbye(realtime):
            hello(realtime, "Goodbye")

        def test_other():
            assert False
        """,
        failed=2,
    )
    result.stdout.fnmatch_lines(["*- realtime replay -*", "session * 1 divergence", "1. content: *'Goodbye'*"])
    assert result.stdout.str().count("- realtime replay -") == 1


def test_a_test_that_passes_though_its_client_diverged_is_an_error(inner: pytest.Pytester) -> None:
    source = """
        import contextlib
        import pytest
        from helpers import hello

        @pytest.mark.realtime("hello.ndjson")
        def test_swallows(realtime):
            with contextlib.suppress(Exception):
                hello(realtime, "Goodbye")

        @pytest.mark.realtime("hello.ndjson")
        def test_looks(realtime):
            with contextlib.suppress(Exception):
                hello(realtime, "Goodbye")
            assert realtime.report.divergences[0].kind == "content"
        """
    result = run(inner, source, passed=2, errors=1)
    result.stdout.fnmatch_lines(["*ERROR at teardown of test_swallows*", "the client left the recording,*"])


def test_a_recording_that_nobody_asked_for_is_not_complete(inner: pytest.Pytester) -> None:
    source = """
        import pytest

        @pytest.mark.realtime("hello.ndjson")
        def test_idle(realtime):
            realtime.assert_complete()
        """
    run(inner, source, failed=1).stdout.fnmatch_lines(["*session hello.ndjson: no client came for it"])


def test_several_cassettes_are_served_to_several_connections(inner: pytest.Pytester) -> None:
    write(inner.path / "cassettes" / "again.ndjson", talk("More", "Sure"))
    source = """
        import pytest
        from helpers import hello

        @pytest.mark.realtime("hello.ndjson", "again.ndjson")
        def test_two(realtime):
            assert hello(realtime) == "Hi there"
            assert hello(realtime, "More") == "Sure"
            realtime.assert_complete()
            assert len(realtime.conversations) == len(realtime.reports) == 2
        """
    run(inner, source)


def test_matching_is_stated_by_command_line_before_marker_before_ini_before_cassette(inner: pytest.Pytester) -> None:
    ignore = ["conversation.item.create.item.content"]
    write(inner.path / "cassettes" / "loose.ndjson", talk(), match={"ignore": ignore})
    write(inner.path / "cassettes" / "off.ndjson", talk(), match={"mode": "off"})
    source = """
        import pytest
        from helpers import hello

        @pytest.mark.realtime("loose.ndjson")
        def test_cassette(realtime):
            hello(realtime, "Goodbye")
            realtime.assert_complete()

        @pytest.mark.realtime("hello.ndjson", match="off")
        def test_marker(realtime):
            hello(realtime, "Goodbye")
            assert not realtime.report.divergences

        @pytest.mark.realtime("off.ndjson")
        def test_mode(realtime):
            hello(realtime, "Goodbye")
            assert not realtime.report.divergences
        """
    run(inner, source, passed=3)
    run(inner, source, "--realtime-match=lenient", passed=1, failed=2)
    run(inner, source, "-o", "realtime_match=strict", "-k", "not mode", passed=2)
    run(inner, source, "-o", "realtime_match=strict", "-k", "mode", failed=1)


def test_wrong_settings_are_told_in_one_line(inner: pytest.Pytester) -> None:
    source = """
        import pytest

        @pytest.mark.realtime("hello.ndjson", sped=1)
        def test_unknown(realtime): ...

        @pytest.mark.realtime("hello.ndjson", audio="loud")
        def test_audio(realtime): ...

        @pytest.mark.realtime("hello.ndjson", speed="fast")
        def test_speed(realtime): ...

        @pytest.mark.realtime("hello.ndjson", ids="new")
        def test_ids(realtime): ...

        @pytest.mark.realtime("hello.ndjson", timeout="soon")
        def test_timeout(realtime): ...

        @pytest.mark.realtime("hello.ndjson", timeout=0)
        def test_no_timeout(realtime): ...

        @pytest.mark.realtime("absent.ndjson")
        def test_absent(realtime): ...
        """
    result = run(inner, source, errors=7)
    result.stdout.fnmatch_lines(
        [
            "the marker realtime has no argument 'sped'; *",
            "the marker realtime: audio: *",
            "*fast*",
            "ids is 'new'; it is one of map, fresh, asis.",
            "timeout is 'soon'; it is a number of seconds above 0.",
            "timeout is 0; it is a number of seconds above 0.",
            "*absent.ndjson: no such cassette. Record it: pytest 'test_it.py::test_absent' --realtime-record=once",
        ]
    )
    assert "Traceback" not in result.stdout.str()
    assert "During handling" not in result.stdout.str()


def test_a_test_that_is_run_again_after_a_failure_is_judged_like_any_other(inner: pytest.Pytester) -> None:
    inner.makeconftest(
        """
        from _pytest.runner import runtestprotocol

        def pytest_runtest_protocol(item, nextitem):
            runtestprotocol(item, nextitem=nextitem, log=False)
            item._initrequest()  # as pytest-rerunfailures does
        """
    )
    source = """
        import pytest
        from helpers import hello

        runs = []

        @pytest.mark.realtime("hello.ndjson")
        def test_again(realtime):
            runs.append(1)
            assert len(runs) > 1
            with pytest.raises(Exception):
                hello(realtime, "Goodbye")
        """
    result = run(inner, source, passed=1, errors=1)
    result.stdout.fnmatch_lines("*the client left the recording, and the test passed all the same.*")


# Recording

ONE = """
    from helpers import hello

    def test_hello(realtime):
        assert hello(realtime, key="{key}") == "{answer}"
        realtime.assert_complete()
        assert len(realtime.conversation.responses) == 1
    """


def test_once_records_what_is_missing_and_replays_it_from_then_on(
    inner: pytest.Pytester, upstream: Callable[..., str]
) -> None:
    source = ONE.format(key=KEY, answer="Hi there")
    run(inner, source, errors=1)
    run(inner, source, "--realtime-record=once", f"--realtime-upstream={upstream(talk())}")
    made = inner.path / "cassettes" / "test_it" / "test_hello.ndjson"
    assert answers(made) == ["Hi there"]
    assert KEY not in made.read_text()
    assert KEY[:12] not in made.read_text()
    written = made.read_bytes()
    run(inner, source, "--realtime-record=once", "--realtime-upstream=ws://127.0.0.1:1")
    run(inner, source)
    assert made.read_bytes() == written


def test_all_records_anew(inner: pytest.Pytester, upstream: Callable[..., str]) -> None:
    made = write(inner.path / "cassettes" / "test_it" / "test_hello.ndjson", talk(answer="old"))
    source = ONE.format(key=KEY, answer="new")
    run(inner, source, failed=1)
    run(inner, source, "--realtime-record=all", f"--realtime-upstream={upstream(talk(answer='new'))}")
    assert answers(made) == ["new"]
    run(inner, source)


def test_new_replays_what_is_there_and_records_the_connections_beyond(
    inner: pytest.Pytester, upstream: Callable[..., str]
) -> None:
    made = write(inner.path / "cassettes" / "test_it" / "test_two.ndjson", talk())
    source = """
        from helpers import hello

        def test_two(realtime):
            assert hello(realtime) == "Hi there"
            assert hello(realtime, "More") == "Sure"
            realtime.assert_complete()
            assert len(realtime.conversations) == 2
        """
    before = made.read_bytes()
    run(inner, source, failed=1)
    run(inner, source, "--realtime-record=new", f"--realtime-upstream={upstream(talk('More', 'Sure'))}")
    assert made.read_bytes() == before
    assert answers(made.with_name("test_two-2.ndjson")) == ["Sure"]
    run(inner, source)


def test_a_test_that_fails_while_recording_leaves_no_cassette(
    inner: pytest.Pytester, upstream: Callable[..., str]
) -> None:
    source = ONE.format(key=KEY, answer="something else")
    run(inner, source, "--realtime-record=once", f"--realtime-upstream={upstream(talk())}", failed=1)
    assert not (inner.path / "cassettes" / "test_it").exists()


def test_a_recording_without_a_client_is_an_error(inner: pytest.Pytester, upstream: Callable[..., str]) -> None:
    source = "def test_idle(realtime): ..."
    address = upstream(talk())
    result = run(inner, source, "--realtime-record=all", f"--realtime-upstream={address}", passed=1, errors=1)
    result.stdout.fnmatch_lines(["*nothing was recorded: no client connected*"])


def test_the_key_of_the_environment_reaches_the_upstream_in_the_clients_place(
    inner: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner.makeconftest(
        """
        import json, threading
        import pytest
        from websockets.sync.server import serve

        seen = []

        def answer(websocket):
            seen.append(websocket.request.headers["Authorization"])
            websocket.send(json.dumps({"type": "session.created", "session": {"id": "sess_1"}}))
            websocket.recv()
            websocket.recv()
            done = {"id": "i", "type": "message", "content": [{"type": "output_text", "text": "Hi there"}]}
            websocket.send(json.dumps({"type": "response.done", "response": {"id": "r", "output": [done]}}))

        def pytest_configure(config):
            config.server = serve(answer, "127.0.0.1", 0)
            threading.Thread(target=config.server.serve_forever).start()
            port = config.server.socket.getsockname()[1]
            config.option.realtime_upstream = f"ws://127.0.0.1:{port}"

        def pytest_unconfigure(config):
            config.server.shutdown()

        @pytest.fixture(scope="session", autouse=True)
        def check():
            yield
            assert seen == ["Bearer THE_KEY"]
        """.replace("THE_KEY", KEY)
    )
    source = ONE.format(key="unused", answer="Hi there")
    missing = run(inner, source, "--realtime-record=all", "--realtime-key-env=A_KEY", errors=2)
    missing.stdout.fnmatch_lines(["the variable A_KEY, which is to hold the upstream's key, is not set."])
    monkeypatch.setenv("A_KEY", KEY)
    run(inner, source, "--realtime-record=all", "--realtime-key-env=A_KEY")
    assert KEY not in (inner.path / "cassettes" / "test_it" / "test_hello.ndjson").read_text()


def test_connections_beyond_the_named_cassettes_are_numbered_and_found_again(
    inner: pytest.Pytester, upstream: Callable[..., str]
) -> None:
    source = """
        from helpers import hello

        def test_three(realtime):
            assert [hello(realtime) for _ in range(3)] == ["Hi there"] * 3
            realtime.assert_complete()
        """
    run(inner, source, "--realtime-record=once", f"--realtime-upstream={upstream(talk())}")
    made = sorted(path.name for path in (inner.path / "cassettes" / "test_it").iterdir())
    assert made == ["test_three-2.ndjson", "test_three-3.ndjson", "test_three.ndjson"]
    run(inner, source)


# What it must not do

WATCH = """
    import sys

    def watch(event, arguments):
        if event in ("socket.connect", "socket.bind", "socket.sendto"):
            host = arguments[1][0] if isinstance(arguments[1], tuple) else arguments[1]
        elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
            host = arguments[0]
        else:
            return
        if host not in ("127.0.0.1", "localhost", "::1", b"127.0.0.1", None):
            raise RuntimeError(f"{event} beyond loopback: {host}")
        hosts.append(host)

    hosts = []
    sys.addaudithook(watch)

    def pytest_sessionfinish(session):
        assert hosts, "the watch saw nothing at all"
    """


@pytest.fixture
def alone(inner: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    return inner


def test_replaying_opens_no_socket_beyond_loopback(alone: pytest.Pytester) -> None:
    alone.makeconftest(WATCH)
    alone.makepyfile(
        test_it="""
        import pytest
        from helpers import hello

        @pytest.mark.realtime("hello.ndjson")
        def test_hello(realtime):
            assert hello(realtime) == "Hi there"
            realtime.assert_complete()

        def test_missing(realtime): ...
        """
    )
    result = run_alone(alone, "--realtime-upstream=openai", "--realtime-record=none")
    result.assert_outcomes(passed=1, errors=1)
    assert "beyond loopback" not in result.stdout.str() + result.stderr.str()


def test_the_watch_over_sockets_sees_what_goes_beyond_loopback(alone: pytest.Pytester) -> None:
    alone.makeconftest(WATCH)
    alone.makepyfile(
        test_it="""
        import socket

        def test_bound(): socket.create_server(("127.0.0.1", 0)).close()
        def test_outside(): socket.create_connection(("192.0.2.1", 9), timeout=0.1)
        """
    )
    result = run_alone(alone)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*beyond loopback: 192.0.2.1*"])


def test_a_run_that_does_not_use_it_imports_nothing_heavy(alone: pytest.Pytester) -> None:
    alone.makeconftest(
        """
        import sys

        def pytest_sessionfinish(session):
            heavy = {"numpy", "sqlalchemy", "websockets", "pydantic", "orjson", "msgspec", "soundfile", "alembic"}
            ours = {name.removeprefix("earwitness.") for name in sys.modules if name.startswith("earwitness.")}
            print("heavy:", sorted(heavy & set(sys.modules)))
            print("ours:", *sorted(ours))
        """
    )
    alone.makepyfile(test_it="def test_nothing(): ...\n")
    result = run_alone(alone, "-s")
    result.stdout.fnmatch_lines(["*heavy: [[][]]"])
    ours = "replay replay.testing replay.testing.cassettes replay.testing.plugin schemas schemas.errors schemas.lazy"
    result.stdout.fnmatch_lines([f"ours: {ours}"])


def test_it_is_found_by_pytest_without_being_named(pytestconfig: pytest.Config) -> None:
    assert present(pytestconfig.pluginmanager.get_plugin("earwitness")).__name__ == "earwitness.replay.testing.plugin"


@pytest.mark.skipif(SIZE == "small", reason="several processes take seconds; `make test` leaves it to the CI")
def test_tests_run_beside_one_another_in_several_processes(inner: pytest.Pytester) -> None:
    inner.makepyfile(
        test_it="""
        import pytest
        from helpers import hello

        @pytest.mark.parametrize("number", range(6))
        @pytest.mark.realtime("hello.ndjson")
        def test_hello(realtime, number):
            assert hello(realtime) == "Hi there"
            realtime.assert_complete()
        """
    )
    inner.runpytest_subprocess("-n", "2").assert_outcomes(passed=6)
