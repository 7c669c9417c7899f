"""A recording's client side against another server: recorded again, linked, and compared."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest
from earwitness.recorder.journal import JournalReader
from earwitness.recorder.proxy.upstream import Upstream, parse_upstream
from earwitness.replay.compare.diff import compare_recordings
from earwitness.replay.drive.run import DriveOptions, DriveOutcome, Prefix, drive_session, first_turns, handshake
from earwitness.replay.drive.steps import FrameHash
from earwitness.replay.fold import fold_recording
from earwitness.replay.open import bundled_recording
from earwitness.replay.serve.server import serve
from earwitness.schemas.errors import RequestError, UpstreamRefused, UpstreamUnreachable
from earwitness.schemas.recording import MemoryRecording
from earwitness.schemas.statements import OpenStatement
from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as listen

from tests.corpus import both_ways, corpus_recordings
from tests.events import client, closing, server, user_text
from tests.replay.compare.test_diff import changed, told
from tests.sessions import OPEN, read_frames, recording

KEY = "sk-proj-not-a-real-key-0123456789"


@asynccontextmanager
async def vendor(recording: MemoryRecording, **options: Any) -> AsyncIterator[Upstream]:
    """A server that answers as in a recording."""
    async with serve(recording, **options) as served:
        yield parse_upstream(f"ws://{urlsplit(served.url).netloc}")
        assert served.reports


async def driven(
    old: MemoryRecording, answers: MemoryRecording, db: Path, match: str = "strict", **options: Any
) -> DriveOutcome:
    async with vendor(answers, match=match) as upstream:
        return await drive_session(old, upstream, str(db), DriveOptions(speed="max", patience=2.0, **options))


async def test_against_a_replay_of_itself_the_conversation_is_the_same(tmp_path: Path) -> None:
    old = bundled_recording()
    outcome = await driven(old, old, tmp_path / "new.db")
    assert told(outcome.diff) == []
    assert outcome.driven.notes == ()
    async with await JournalReader.open(tmp_path / "new.db") as reader:
        info = await reader.resolve(outcome.session)
        assert info.links == {"drives": "demo"}
        frames = await read_frames(reader.recording(info.id))
    assert orjson.loads(frames[0].payload or b"")["origin"] == "drive"
    kept = FrameHash()
    for frame in frames:
        if frame.sender == "client":
            kept.add(frame.payload or b"")
    assert (kept.count, kept.hexdigest()) == (outcome.driven.sent.count, outcome.driven.sent.sha256)


@pytest.mark.parametrize(
    "old",
    [pytest.param(old, id=old.info.id) for old in both_ways(corpus_recordings())]
    or [pytest.param(None, marks=pytest.mark.skip(reason="the corpus of real captures is not beside this checkout"))],
)
async def test_every_capture_driven_against_itself_is_the_same(old: MemoryRecording, tmp_path: Path) -> None:
    outcome = await driven(old, old, tmp_path / "new.db")
    assert told(outcome.diff) == []


async def test_a_model_that_calls_with_other_arguments_is_told_by_path(tmp_path: Path) -> None:
    old = bundled_recording()
    other = changed(old, r"\"days\":2", r"\"days\":3", sender="server")
    outcome = await driven(old, other, tmp_path / "new.db")
    assert told(outcome.diff) == [("call arguments.days", 2, 3)]
    assert ["answers get_forecast" in note for note in outcome.driven.notes] == [True]


async def test_driving_stops_at_another_call_where_told_so(tmp_path: Path) -> None:
    old = bundled_recording()
    other = changed(old, r"\"days\":2", r"\"days\":3", sender="server")
    outcome = await driven(old, other, tmp_path / "new.db", match="lenient", on_other_call="stop")
    assert outcome.driven.stopped == outcome.driven.notes[0]
    assert outcome.diff.right.turns < outcome.diff.left.turns


PREVIEW_OPEN = {**OPEN, "request": {"target": "/v1/realtime?model=gpt-4o-realtime-preview"}}


def asked(text: str, *answer: tuple[str, Any], opened: dict[str, Any] = OPEN) -> MemoryRecording:
    return recording(
        server("session.created", session={"id": "sess_1", "model": "gpt-realtime"}),
        user_text(text, id="item_1"),
        client("response.create"),
        *answer,
        closing("client"),
        opened=opened,
    )


def ga(text: str) -> list[tuple[str, Any]]:
    item = {"id": "item_2", "type": "message", "role": "assistant", "status": "completed"}
    done = {**item, "content": [{"type": "output_text", "text": text}]}
    return [
        server("conversation.item.added", item={"id": "item_1", "type": "message", "role": "user"}),
        server("response.created", response={"id": "resp_1", "status": "in_progress", "output": []}),
        server("conversation.item.added", item={**item, "content": []}),
        server("response.output_text.done", response_id="resp_1", item_id="item_2", content_index=0, text=text),
        server("conversation.item.done", item=done),
        server("response.done", response={"id": "resp_1", "status": "completed", "output": [done]}),
    ]


def preview(text: str) -> list[tuple[str, Any]]:
    item = {"id": "item_X", "type": "message", "role": "assistant", "status": "completed", "object": "realtime.item"}
    done = {**item, "content": [{"type": "text", "text": text}]}
    return [
        server("conversation.item.created", previous_item_id=None, item={"id": "item_1", "type": "message"}),
        server("response.created", response={"id": "resp_X", "status": "in_progress", "output": []}),
        server("response.output_item.added", response_id="resp_X", output_index=0, item={**item, "content": []}),
        server("conversation.item.created", previous_item_id="item_1", item={**item, "content": []}),
        server("response.text.done", response_id="resp_X", item_id="item_X", content_index=0, text=text),
        server("response.done", response={"id": "resp_X", "status": "completed", "output": [done]}),
    ]


async def test_a_server_of_another_dialect_that_says_the_same_is_the_same(tmp_path: Path) -> None:
    old = asked("How much is two and two?", *ga("Four."))
    outcome = await driven(old, asked("…", *preview("Four."), opened=PREVIEW_OPEN), tmp_path / "new.db", match="off")
    assert told(outcome.diff) == []
    assert outcome.diff.left.turns == 2


async def test_a_server_of_another_dialect_that_says_something_else_is_told_apart(tmp_path: Path) -> None:
    old = asked("How much is two and two?", *ga("Four."))
    outcome = await driven(old, asked("…", *preview("Five."), opened=PREVIEW_OPEN), tmp_path / "new.db", match="off")
    assert told(outcome.diff) == [("transcript", "Four.", "Five.")]


async def test_only_the_first_turns_are_played_and_compared(tmp_path: Path) -> None:
    old = bundled_recording()
    begin = await first_turns(old, 1)
    assert isinstance(begin, Prefix)
    outcome = await driven(old, old, tmp_path / "new.db", turns=1)
    assert told(outcome.diff) == []
    assert (outcome.diff.left.turns, outcome.diff.right.turns) == (5, 5)
    assert begin.info.frames < old.info.frames


async def test_more_turns_than_there_are_is_the_whole() -> None:
    old = bundled_recording()
    assert await first_turns(old, 2) is old
    with pytest.raises(RequestError):
        await first_turns(old, 0)


async def test_a_beginning_gives_no_frame_behind_its_end() -> None:
    begin = Prefix(bundled_recording(), 7)
    assert [frame.seq for frame in await read_frames(begin, 3)] == [3, 4, 5, 6]
    assert [frame.seq for frame in await read_frames(begin, 0, 2)] == [0, 1]
    assert (await compare_recordings(begin, begin)).same
    assert (await fold_recording(begin)).last_seq == 6


# The handshake


def test_the_recorded_handshake_goes_again_without_credentials() -> None:
    target = "/openai/realtime?api-version=2024-10-01-preview&deployment=gpt-4o"
    opened = OpenStatement.model_validate(
        {
            "request": {
                "target": f"{target}&api-key=redacted:hmac-sha256:00",
                "headers": [
                    ["Host", "old.example"],
                    ["Authorization", "redacted:hmac-sha256:0123456789abcdef"],
                    ["OpenAI-Beta", "realtime=v1"],
                    ["X-Custom", "redacted:hmac-sha256:0123456789abcdef"],
                    ["Sec-WebSocket-Protocol", "realtime, openai-insecure-api-key.redacted:hmac-sha256:01"],
                    ["Sec-WebSocket-Key", "x"],
                ],
            }
        }
    )
    asked, headers, subprotocols = handshake(opened)
    assert asked == target
    assert headers == [("OpenAI-Beta", "realtime=v1")]
    assert subprotocols == ["realtime"]
    assert handshake(opened, model="gpt-5")[0] == "/openai/realtime?api-version=2024-10-01-preview&deployment=gpt-5"


def test_target_and_model_can_be_others() -> None:
    assert handshake(None)[0] == "/v1/realtime"
    assert handshake(None, model="gpt-realtime-mini")[0] == "/v1/realtime?model=gpt-realtime-mini"
    assert handshake(None, target="/v1/realtime?model=a&x=1", model="b")[0] == "/v1/realtime?x=1&model=b"


async def test_the_key_reaches_the_upstream_and_no_record(tmp_path: Path) -> None:
    seen: list[str] = []

    async def answer(websocket: ServerConnection) -> None:
        assert websocket.request is not None
        seen.append(websocket.request.headers["Authorization"])
        await websocket.send('{"type":"session.created","session":{"id":"sess_1"}}')
        async for _ in websocket:
            pass

    old = recording(server("session.created", session={"id": "sess_1"}), closing("client"))
    async with listen(answer, "127.0.0.1", 0) as upstream:
        port = next(iter(upstream.sockets)).getsockname()[1]
        options = DriveOptions(speed="max", upstream_key=KEY)
        outcome = await drive_session(old, parse_upstream(f"ws://127.0.0.1:{port}"), str(tmp_path / "new.db"), options)
    assert seen == [f"Bearer {KEY}"]
    assert outcome.diff.outcome == "nothing compared"  # it has an id and nothing else
    everything = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert KEY.encode() not in everything
    assert KEY[-12:].encode() not in everything


async def test_a_refusal_names_the_upstream_and_not_the_proxy_between(tmp_path: Path) -> None:
    refused = recording(opened={**OPEN, "response": {"status": 401, "headers": [], "body": "no such key"}})
    async with serve(refused) as served:
        base = f"ws://{urlsplit(served.url).netloc}"
        with pytest.raises(UpstreamRefused) as caught:
            await drive_session(
                bundled_recording(), parse_upstream(base), str(tmp_path / "new.db"), DriveOptions(speed="max")
            )
    assert f"{base} refused the handshake with 401" in str(caught.value)
    assert "no such key" in caught.value.hint


async def test_an_upstream_that_is_not_there_is_said_to_be_unreachable(tmp_path: Path) -> None:
    async with listen(lambda _: None, "127.0.0.1", 0) as gone:  # type: ignore[arg-type]  # never called
        port = next(iter(gone.sockets)).getsockname()[1]
    with pytest.raises((UpstreamUnreachable, UpstreamRefused)) as caught:
        await drive_session(
            bundled_recording(),
            parse_upstream(f"ws://127.0.0.1:{port}"),
            str(tmp_path / "new.db"),
            DriveOptions(speed="max"),
        )
    assert str(port) in str(caught.value)
