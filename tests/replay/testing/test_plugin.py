"""The pytest plugin, by running pytest inside pytest."""

from __future__ import annotations

import pytest

from tests.present import present
from tests.replay.testing.inner import run, run_alone, talk, write
from tests.sizes import SIZE

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
