"""The pytest plugin as it records, by running pytest inside pytest."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.replay.testing.inner import KEY, answers, run, talk, write

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
