"""Over real sockets, with the client of the ``websockets`` library."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import replace

import pytest
import websockets
from earwitness.replay.open import bundled_recording
from earwitness.replay.playing.match import MatchPolicy
from earwitness.replay.serve.server import serve
from earwitness.schemas.errors import DamagedFile, ListenFailed, RequestError, StoreCorrupt
from earwitness.schemas.recording import MemoryRecording
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.corpus import both_ways, corpus_recordings
from tests.events import append, client, closing, server, user_text
from tests.present import present
from tests.replay.serve.play import HELLO
from tests.sessions import OPEN, payloads, recording


def joined(url, **options):
    return connect(url, compression=None, proxy=None, max_size=None, **options)


async def say(websocket, *lines):
    for _, event in lines:
        await websocket.send(event if isinstance(event, (str, bytes)) else json.dumps(event))


def sent_as_text(messages):
    """Give the bytes of messages that all came as text."""
    assert all(isinstance(message, str) for message in messages)
    return [message.encode() for message in messages]


async def rest(websocket):
    got = []
    with contextlib.suppress(ConnectionClosed):
        while True:
            got.append(await websocket.recv())
    return got


async def test_a_client_that_does_as_recorded_is_served_to_the_end():
    session = recording(*HELLO)
    async with serve(session) as replay:
        async with joined(replay.url) as websocket:
            got = [await websocket.recv()]
            await say(websocket, user_text("hello"))
            got.append(await websocket.recv())
            await say(websocket, client("response.create"))
            got += [await websocket.recv(), await websocket.recv()]
        await replay.played()
        assert sent_as_text(got) == payloads(session, "server")
        assert replay.complete
        assert replay.report.text().endswith("nothing diverged")


@pytest.mark.parametrize(
    "session", [bundled_recording(), *both_ways(corpus_recordings())], ids=lambda session: session.info.id
)
async def test_a_client_that_sends_everything_at_once_is_served_every_byte(session):
    """It waits for nothing and reads nothing until all is sent: neither side may block the other."""
    async with serve(session) as replay:
        async with joined(replay.url, ping_interval=None) as websocket:
            for payload in payloads(session, "client"):
                await websocket.send(payload, text=True)
            got = [await websocket.recv() for _ in payloads(session, "server")]
        await replay.played()
    assert sent_as_text(got) == payloads(session, "server")
    assert replay.complete, replay.report.text()


async def test_text_and_binary_stay_what_they_were():
    async with serve(recording(("server", b"\x00\xff"), ("server", "plain"), ("client", b"\x01"))) as replay:
        async with joined(replay.url) as websocket:
            assert await websocket.recv() == b"\x00\xff"
            assert await websocket.recv() == "plain"
            await websocket.send(b"\x01")
        await replay.played()
        assert replay.complete


async def test_strict_closes_with_4400_and_a_reason():
    async with serve(recording(*HELLO)) as replay, joined(replay.url) as websocket:
        await say(websocket, user_text("goodbye"))
        assert len(await rest(websocket)) == 1
        assert websocket.close_code == 4400
        assert present(websocket.close_reason).startswith("diverged: conversation.item.create (seq 2)")
        await replay.played()
        assert not replay.complete
        assert [found.kind for found in replay.report.divergences] == ["content"]


async def test_a_client_that_does_nothing_is_told_after_the_timeout():
    async with serve(recording(*HELLO), timeout=0.01) as replay, joined(replay.url) as websocket:
        await rest(websocket)
        assert websocket.close_code == 4400
        await replay.played()
        assert replay.report.divergences[0].kind == "timeout"


@pytest.mark.parametrize(
    ("code", "reason"),
    [(1000, "bye"), (1001, ""), (1011, "test reconnect"), (1013, ""), (3000, ""), (4999, "x" * 100)],
)
async def test_closes_come_with_code_and_reason(code, reason):
    async with serve(recording(closing("server", code, reason))) as replay, joined(replay.url) as websocket:
        await rest(websocket)
        assert (websocket.close_code, websocket.close_reason) == (code, reason)


async def test_a_close_without_code_and_no_close_at_all_are_served():
    async with serve(recording(closing("server", 1005)), recording(closing("server", 1006))) as replay:
        for code in (1005, 1006):
            async with joined(replay.url) as websocket:
                await rest(websocket)
                assert websocket.close_code == code


async def test_a_refused_handshake_is_refused_again():
    refused = {
        **OPEN,
        "response": {
            "status": 401,
            "headers": [["Content-Type", "application/json"], ["x-request-id", "req_1"], ["Set-Cookie", "secret"]],
            "body": '{"error":"no key"}',
        },
    }
    async with serve(recording(closing("server", None), opened=refused)) as replay:
        with pytest.raises(InvalidStatus) as caught:
            await joined(replay.url)
        response = caught.value.response
        assert response.status_code == 401
        assert response.body == b'{"error":"no key"}'
        assert response.headers["content-type"] == "application/json"
        assert response.headers["x-request-id"] == "req_1"
        assert "Set-Cookie" not in response.headers
        assert replay.complete


async def test_a_refused_handshake_counts_as_a_connection_that_has_come_and_gone():
    refused = {**OPEN, "response": {"status": 401, "headers": [], "body": "no"}}
    async with serve(recording(closing("server", None), opened=refused)) as replay:
        waiting = asyncio.ensure_future(replay.played(1))
        await asyncio.sleep(0)  # it waits before the client comes
        with pytest.raises(InvalidStatus):
            await joined(replay.url)
        await asyncio.wait_for(waiting, 10)


async def test_recorded_response_headers_and_subprotocol_come_back():
    opened = {
        **OPEN,
        "response": {
            "status": 101,
            "headers": [
                ["x-request-id", "req_1"],
                ["Sec-WebSocket-Protocol", "realtime"],
                ["Sec-WebSocket-Accept", "stale"],
                ["Date", "stale"],
            ],
        },
    }
    session = recording(server("session.created"), opened=opened)
    async with serve(session, session) as replay:
        async with joined(replay.url, subprotocols=["other", "realtime"]) as websocket:
            assert websocket.subprotocol == "realtime"
            assert present(websocket.response).headers["x-request-id"] == "req_1"
            assert present(websocket.response).headers.get("Date") != "stale"
        async with joined(replay.url) as websocket:
            assert websocket.subprotocol is None


async def test_another_path_is_refused_with_404_and_reported():
    async with serve(recording(*HELLO)) as replay:
        with pytest.raises(InvalidStatus) as caught:
            await joined(replay.url.replace("/v1/realtime", "/v9"))
        assert caught.value.response.status_code == 404
        assert b"/v1/realtime" in caught.value.response.body
        assert replay.report.divergences[0].kind == "refused"
        assert not replay.complete


@pytest.mark.parametrize(
    "request_head",
    [
        "GET /v1/realtime?model=gpt-realtime HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /v1/realtime?model=gpt-realtime HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    ],
)
async def test_a_request_that_is_no_handshake_uses_no_session_up(request_head):
    async with serve(recording(*HELLO)) as replay:
        reader, writer = await asyncio.open_connection("127.0.0.1", replay.port)
        writer.write(request_head.encode())
        assert (await reader.read()).startswith((b"HTTP/1.1 426", b"HTTP/1.1 400"))
        writer.close()
        await writer.wait_closed()
        async with joined(replay.url) as websocket:
            assert await websocket.recv()
        assert len(replay.reports) == 1


async def test_sessions_are_handed_out_in_order_and_then_no_more():
    sessions = [recording(server(f"hello.{number}"), name=str(number)) for number in range(2)]
    async with serve(*sessions) as replay:
        for number in range(2):
            async with joined(replay.url) as websocket:
                assert json.loads(await websocket.recv())["type"] == f"hello.{number}"
        with pytest.raises(InvalidStatus):
            await joined(replay.url)
        assert [report.session for report in replay.reports[:2]] == ["0", "1"]


async def test_a_drop_and_the_reconnect_are_played_as_two_sessions():
    dropped = recording(server("session.created"), closing("server", 1011, "drop"), name="first")
    resumed = recording(server("session.resumed"), name="second")
    async with serve(dropped, resumed) as replay:
        async with joined(replay.url) as websocket:
            await rest(websocket)
            assert websocket.close_code == 1011
        async with joined(replay.url) as websocket:
            assert json.loads(await websocket.recv())["type"] == "session.resumed"
        await replay.played(2)
        assert replay.complete


async def test_several_clients_at_once_have_sessions_of_their_own():
    session = recording(*HELLO)
    async with serve(*[session] * 8) as replay:

        async def one():
            async with joined(replay.url) as websocket:
                await say(websocket, user_text("hello"), client("response.create"))
                return [await websocket.recv() for _ in range(4)]

        results = await asyncio.gather(*(one() for _ in range(8)))
        await replay.played(8)
        assert all(result == results[0] for result in results)
        assert replay.complete


async def test_recorded_gaps_are_waited_for():
    """Only the order of waking is looked at, not how long it took."""
    session = recording(server("a"), server("b"), step_ms=2)
    async with serve(session, speed=1) as replay, joined(replay.url) as websocket:
        assert [json.loads(await websocket.recv())["type"] for _ in range(2)] == ["a", "b"]


async def test_a_refused_handshake_can_be_a_fault():
    async with serve(recording(*HELLO), faults=["at:handshake refuse:429"]) as replay:
        with pytest.raises(InvalidStatus) as caught:
            await joined(replay.url)
        assert caught.value.response.status_code == 429
        async with joined(replay.url) as websocket:
            assert await websocket.recv()


async def test_a_large_session_flows_though_the_client_reads_late():
    session = recording(*(append(30_000) for _ in range(100)), *(server("x", data="y" * 50_000) for _ in range(100)))
    async with serve(session) as replay, joined(replay.url, max_queue=1) as websocket:
        for payload in payloads(session, "client"):
            await websocket.send(payload, text=True)
        got = [await websocket.recv() for _ in range(100)]
        assert sent_as_text(got) == payloads(session, "server")


async def test_a_port_in_use_is_told_with_a_hint():
    async with serve(recording(*HELLO)) as replay:
        with pytest.raises(ListenFailed, match=str(replay.port)):
            async with serve(recording(*HELLO), port=replay.port):
                pass


async def test_nothing_to_serve_is_refused():
    with pytest.raises(RequestError, match="no recording"):
        async with serve():
            pass


async def test_addresses_follow_the_recording():
    azure = {**OPEN, "request": {"target": "/openai/realtime?api-version=1&deployment=d"}}
    async with serve(recording(opened=azure)) as replay:
        assert replay.url == f"ws://127.0.0.1:{replay.port}/openai/realtime?api-version=1&deployment=d"
        assert replay.websocket_base_url == f"ws://127.0.0.1:{replay.port}/openai"
    async with serve(recording(opened={})) as replay:
        assert replay.websocket_base_url == f"ws://127.0.0.1:{replay.port}/v1"
        assert not replay.complete
        assert replay.report.session == "talk"


class Torn(MemoryRecording):
    """A recording that can be read as a whole once, and later only in part."""

    def __init__(self, session, error):
        super().__init__(session.info, session.frames)
        self.readings, self.error = 0, error

    async def batches(self, start=0, stop=None):
        self.readings += 1
        yield list(self.frames[:2])
        if self.readings > 1:
            raise self.error
        yield list(self.frames[2:])


async def test_a_recording_that_cannot_be_read_to_its_end_is_told_and_ends_the_session():
    torn = Torn(recording(server("a"), server("b")), StoreCorrupt("position 7 is damaged."))
    async with serve(torn) as replay, joined(replay.url) as websocket:
        assert len(await rest(websocket)) == 1
        assert websocket.close_code == 1011
        await replay.played()
        assert not replay.complete
        assert "error: the recording cannot be read to its end: position 7 is damaged." in replay.report.text()


async def test_leaving_closes_what_is_open():
    async with serve(recording(*HELLO)) as replay:
        websocket = await joined(replay.url)
    await rest(websocket)
    assert websocket.close_code == 1001
    assert replay.report.ended
    await websocket.wait_closed()
    assert websocket.state is websockets.protocol.State.CLOSED


# The policy that a cassette carries


def with_policy(policy, *lines):
    session = recording(*lines)
    session.info = replace(session.info, match=policy)
    return session


async def test_a_recordings_own_policy_counts_where_nothing_else_is_stated():
    session = with_policy({"mode": "lenient", "audio": "ignore", "ignore": ["item.content"]}, *HELLO)
    async with serve(session) as replay, joined(replay.url) as websocket:
        await say(websocket, user_text("goodbye"), client("response.create"))
        assert [json.loads(await websocket.recv())["type"] for _ in range(4)][-1] == "response.done"
        assert replay.report.complete


async def test_what_is_stated_counts_before_it_and_rules_add_up():
    session = with_policy({"mode": "off", "ignore": ["item.content"]}, user_text("hello"), client("response.create"))
    async with serve(session, match=MatchPolicy(mode="strict", ignore=("response",))) as replay:
        async with joined(replay.url) as websocket:
            await say(websocket, user_text("goodbye"), client("response.create", response={"instructions": "x"}))
            await say(websocket, client("response.cancel"))
            await rest(websocket)
            assert websocket.close_code == 4400
        await replay.played()
        assert [present(found.got).type for found in replay.report.divergences] == ["response.cancel"]


async def test_a_policy_that_is_none_is_told_before_anything_is_served():
    with pytest.raises(DamagedFile, match="mode"):
        async with serve(with_policy({"mode": "harsh"}, *HELLO)):
            pass
