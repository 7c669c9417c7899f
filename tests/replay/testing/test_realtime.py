"""``serve()`` outside pytest: a server for tests of every kind, with a thread of its own."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path

import pytest
from earwitness.replay import ReplayIncomplete
from earwitness.replay.drive.connect import drive
from earwitness.replay.open import bundled_path, bundled_recording
from earwitness.replay.testing.loop_thread import LoopThread
from earwitness.replay.testing.stage import Front
from earwitness.schemas.errors import NotRecognised, RequestError
from earwitness.testing import serve
from websockets.asyncio.client import connect as connect_async
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import connect

from tests.events import client, closing, server
from tests.sessions import recording

GREETING = recording(server("session.created", session={"id": "s"}), client("response.create"), closing("client"))


def earwitness_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("earwitness")]


def test_a_blocking_client_replays_beside_it() -> None:
    with serve(GREETING) as realtime:
        assert earwitness_threads() == ["earwitness-realtime"]
        with connect(realtime.url, compression=None, proxy=None) as websocket:
            assert json.loads(websocket.recv())["type"] == "session.created"
            websocket.send('{"type":"response.create"}')
        realtime.assert_complete()
        assert realtime.complete
        assert realtime.report.matched == 1
    assert earwitness_threads() == []


async def test_an_asynchronous_client_replays_beside_it() -> None:
    async with serve(bundled_path()) as realtime:
        await drive(bundled_recording(), realtime.url)
        realtime.assert_complete()
        assert [call.name for call in realtime.conversation.calls] == ["get_forecast"]
        assert realtime.report.session == "demo.ndjson"
    assert earwitness_threads() == []


async def test_it_can_be_asked_while_the_client_is_still_connected() -> None:
    with serve(GREETING) as realtime:
        async with connect_async(realtime.url, compression=None, proxy=None) as websocket:
            await websocket.recv()
            with pytest.raises(ReplayIncomplete, match="0 of 1 client frames seen"):
                await asyncio.to_thread(realtime.assert_complete)
            await websocket.send('{"type":"response.create"}')
            await asyncio.to_thread(realtime.assert_complete)


def test_a_client_that_is_still_connected_is_dropped_at_the_end() -> None:
    with serve(GREETING) as realtime, connect(realtime.url, compression=None, proxy=None) as websocket:
        websocket.recv()
        realtime.stop()
        with pytest.raises(ConnectionClosedError, match="no close frame received"):
            websocket.recv()
    assert earwitness_threads() == []


def test_addresses_follow_the_recording() -> None:
    opened = {"request": {"target": "/openai/realtime?deployment=d"}, "response": {"status": 101}}
    with serve(recording(server("session.created", session={}), opened=opened)) as realtime:
        port = realtime.url.split(":")[2].split("/")[0]
        assert realtime.url == f"ws://127.0.0.1:{port}/openai/realtime?deployment=d"
        assert realtime.websocket_base_url == f"ws://127.0.0.1:{port}/openai"
        assert realtime.environment["OPENAI_BASE_URL"] == f"http://127.0.0.1:{port}/openai"
        assert not realtime.recording


def test_files_of_one_name_are_told_apart(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "demo.ndjson").write_bytes(bundled_path().read_bytes())
    realtime = serve(tmp_path / "a" / "demo.ndjson", tmp_path / "b" / "demo.ndjson")
    with realtime, pytest.raises(ReplayIncomplete) as caught:
        realtime.assert_complete()
    assert str(caught.value).split("\n") == [
        "session demo.ndjson: no client came for it",
        f"session {tmp_path / 'b' / 'demo.ndjson'}: no client came for it",
    ]


def test_wrong_arguments_are_refused_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no recording to serve"), serve():
        pass
    with pytest.raises(NotRecognised):
        serve(tmp_path / "absent.ndjson")
    with pytest.raises(RequestError):
        serve(GREETING, speed="fast")
    with pytest.raises(RequestError, match="does not run"):
        _ = serve(GREETING).reports
    with serve(GREETING) as realtime, pytest.raises(RequestError, match="no client has connected"):
        _ = realtime.report
    assert earwitness_threads() == []


# Its parts


def test_a_loop_thread_gives_results_and_errors_and_ends_twice() -> None:
    async def fails() -> None:
        raise KeyError("x")

    async def thread() -> int:
        return threading.get_ident()

    loop = LoopThread("earwitness-test")
    assert loop.run(thread()) != threading.get_ident()
    with pytest.raises(KeyError):
        loop.run(fails())
    loop.stop()
    loop.stop()
    assert earwitness_threads() == []


def test_a_loop_thread_cancels_what_still_runs() -> None:
    cancelled = threading.Event()

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    async def start() -> asyncio.Task[None]:
        task = asyncio.ensure_future(waits())
        await asyncio.sleep(0)
        return task

    loop = LoopThread("earwitness-test")
    kept = loop.run(start())
    loop.stop()
    assert cancelled.is_set()
    assert kept.cancelled()


async def test_a_front_hands_connections_to_one_server_after_the_other() -> None:
    async def serve_letter(letter: bytes) -> asyncio.Server:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(letter + await reader.read())
            writer.close()

        return await asyncio.start_server(answer, "127.0.0.1", 0)

    async def ask(port: int) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"hello")
        writer.write_eof()
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return answer

    servers = [await serve_letter(letter) for letter in (b"a", b"b")]
    ports = [each.sockets[0].getsockname()[1] for each in servers]
    front = Front([ports[0], ports[0], ports[1]])
    port = await front.start()
    assert [await ask(port) for _ in range(4)] == [b"ahello", b"ahello", b"bhello", b"bhello"]
    for each in servers:
        each.close()
        await each.wait_closed()
    assert await ask(port) == b""
    await front.aclose()
