"""The recorded client against replayed servers, over real sockets."""

from __future__ import annotations

import asyncio
import json

import pytest
from earwitness.recorder.journal import JournalReader
from earwitness.recorder.proxy.upstream import parse_upstream
from earwitness.replay.drive.connect import Frames, drive
from earwitness.replay.drive.run import DriveOptions, drive_session
from earwitness.replay.drive.steps import FrameHash
from earwitness.replay.fold import fold_recording
from earwitness.replay.fold.digest import content_digest
from earwitness.replay.open import bundled_recording
from earwitness.replay.serve.server import serve
from earwitness.schemas.errors import StoreCorrupt, UpstreamRefused, UpstreamUnreachable
from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as listen
from websockets.typing import Subprotocol

from tests.corpus import both_ways, corpus_recordings
from tests.events import added_text, append, client, closing, server, tool_output, user_text
from tests.replay.serve.test_server import Torn
from tests.sessions import OPEN, payloads, recording
from tests.sizes import pick


def frames_of(session, sender):
    digest = FrameHash()
    for payload in payloads(session, sender):
        digest.add(payload)
    return Frames(digest.count, digest.hexdigest())


@pytest.mark.parametrize(
    "session", [bundled_recording(), *both_ways(corpus_recordings())], ids=lambda session: session.info.id
)
async def test_a_session_against_itself_matches_strictly_byte_for_byte_every_time(session):
    for _ in range(pick(5, 20, 200)):
        async with serve(session) as replay:
            result = await drive(session, replay.url)
            await replay.played()
        assert replay.complete, replay.report.text()
        assert result.sent == frames_of(session, "client")
        assert result.received == frames_of(session, "server")
        assert result.notes == ()
        assert result.stopped is None


async def test_the_recorded_close_is_repeated_by_whichever_side_closed():
    for by, code in (("client", 4001), ("client", 1005), ("server", 4002), ("server", 1006)):
        session = recording(server("session.created"), closing(by, code))
        async with serve(session) as replay:
            result = await drive(session, replay.url)
            await replay.played()
            assert result.close_code == code
            assert replay.complete


async def test_fresh_server_ids_are_used_where_the_recorded_client_used_the_old_ones():
    call = {"call_id": "call_abcdef", "name": "f", "arguments": "{}"}
    session = recording(
        server("session.created", session={"id": "sess_abcdef"}),
        client("response.create"),
        server("response.created", response={"id": "resp_abcdef"}),
        server(
            "response.output_item.added",
            response_id="resp_abcdef",
            output_index=0,
            item={"id": "item_abcdef", "type": "function_call", **call},
        ),
        server("response.function_call_arguments.done", response_id="resp_abcdef", output_index=0, **call),
        server("response.done", response={"id": "resp_abcdef", "status": "completed"}),
        tool_output("call_abcdef", "sunny"),
        client("conversation.item.delete", item_id="item_abcdef"),
        server("conversation.item.deleted", item_id="item_abcdef"),
    )
    async with serve(session, ids="fresh") as replay:
        result = await drive(session, replay.url)
        await replay.played()
    assert replay.complete, replay.report.text()
    assert result.sent.count == 3
    assert result.sent != frames_of(session, "client")


async def test_recorded_turns_wait_for_the_answers_of_a_slower_server():
    def turn(number):
        return (
            user_text(f"question {number}"),
            client("response.create"),
            added_text(f"i{number}", f"question {number}"),
            server("response.created", response={"id": f"r{number}"}),
            server("response.done", response={"id": f"r{number}"}),
        )

    session = recording(server("session.created"), *turn(1), *turn(2))
    seen: list[str] = []

    async def vendor(websocket):
        """Says no more than needed, and notes whether a question came before the answer to the one before."""
        await websocket.send(json.dumps({"type": "session.created"}))
        for number in (1, 2):
            for _ in range(2):
                event = json.loads(await websocket.recv())
                seen.append(event["type"])
            seen.append(f"answer {number}")
            await websocket.send(json.dumps({"type": "response.created", "response": {"id": f"x{number}"}}))
            await websocket.send(json.dumps({"type": "response.done", "response": {"id": f"x{number}"}}))
        await websocket.close(1000)

    async with listen(vendor, "127.0.0.1", 0) as live:
        port = next(iter(live.sockets)).getsockname()[1]
        await drive(session, f"ws://127.0.0.1:{port}/", patience=5)
    create = ["conversation.item.create", "response.create"]
    assert seen == [*create, "answer 1", *create, "answer 2"]


async def test_a_server_that_never_answers_is_not_waited_for_for_ever():
    session = recording(server("session.created"), user_text("hello"), client("response.create"), closing("client"))
    received: list[str] = []

    async def vendor(websocket):
        async for message in websocket:
            received.append(json.loads(message)["type"])

    async with listen(vendor, "127.0.0.1", 0) as live:
        port = next(iter(live.sockets)).getsockname()[1]
        result = await drive(session, f"ws://127.0.0.1:{port}/", patience=0.01)
    assert received == ["conversation.item.create", "response.create"]
    assert "session.created" in result.notes[0]
    assert result.close_code == 1000


async def test_whoever_gives_up_does_not_wait_for_the_server():
    session = recording(user_text("hello"), client("response.create"), server("response.created", response={"id": "r"}))
    heard = asyncio.Event()

    async def listening(websocket: ServerConnection) -> None:
        async for _ in websocket:
            heard.set()

    async with listen(listening, "127.0.0.1", 0) as deaf:
        url = f"ws://127.0.0.1:{next(iter(deaf.sockets)).getsockname()[1]}"
        driving = asyncio.ensure_future(drive(session, url))
        await heard.wait()
        driving.cancel()
        async with asyncio.timeout(20):
            with pytest.raises(asyncio.CancelledError):
                await driving


async def test_a_recording_that_cannot_be_read_to_its_end_is_told():
    torn = Torn(recording(client("a"), client("b")), StoreCorrupt("position 7 is damaged."))
    async with serve(recording(), match="off") as replay:
        with pytest.raises(StoreCorrupt, match="position 7"):
            await drive(torn, replay.url)


async def test_a_refused_handshake_and_a_server_that_is_not_there_are_told():
    refused = {**OPEN, "response": {"status": 403, "body": "not you"}}
    session = recording(append(1))
    async with serve(recording(opened=refused)) as replay:
        with pytest.raises(UpstreamRefused, match="403") as caught:
            await drive(session, replay.url)
        assert caught.value.data["body"] == "not you"
        url = replay.url
    with pytest.raises(UpstreamUnreachable):
        await drive(session, url)


async def test_headers_and_subprotocols_go_into_the_handshake():
    seen = {}

    async def vendor(websocket):
        seen.update(websocket.request.headers.raw_items())
        await websocket.close()

    async with listen(vendor, "127.0.0.1", 0, subprotocols=[Subprotocol("realtime")]) as live:
        port = next(iter(live.sockets)).getsockname()[1]
        await drive(
            recording(), f"ws://127.0.0.1:{port}/", headers={"Authorization": "Bearer x"}, subprotocols=["realtime"]
        )
    assert seen["Authorization"] == "Bearer x"
    assert seen["Sec-WebSocket-Protocol"] == "realtime"


@pytest.mark.parametrize(
    "session", [bundled_recording(), *both_ways(corpus_recordings())], ids=lambda session: session.info.id
)
async def test_the_new_recording_holds_the_same_conversation(session, tmp_path):
    """Driven through the recording proxy against its own replay, and read back from the journal."""
    db = tmp_path / "new.db"
    async with serve(session) as replay:
        upstream = parse_upstream(f"ws://127.0.0.1:{replay.port}")
        outcome = await drive_session(session, upstream, str(db), DriveOptions(speed="max"))
        await replay.played()
    assert replay.complete, replay.report.text()
    async with await JournalReader.open(db) as reader:
        recorded = reader.recording((await reader.resolve(outcome.session)).id)
        again = await fold_recording(recorded)
    assert content_digest(again) == content_digest(await fold_recording(session))
