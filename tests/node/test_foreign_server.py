"""A server that we did not write, recorded through the proxy: aimock, which imitates OpenAI's GA Realtime API."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import websockets
from earwitness.recorder import JournalReader, ProxySettings, parse_upstream, recording_proxy
from earwitness.replay.compare.check import check
from earwitness.replay.fold import fold
from earwitness.replay.transcript.lines import READINGS, transcribe
from earwitness.schemas.frame import Frame

NODE = shutil.which("node")
SERVER = Path(os.environ.get("EARWITNESS_NODE_MODULES", "")) / "@copilotkit" / "aimock" / "dist" / "cli.js"
SCRIPT = Path(__file__).with_name("aimock.json")
SILENCE = base64.b64encode(bytes(4800)).decode()

pytestmark = [
    pytest.mark.skipif(NODE is None, reason="node is not installed"),
    pytest.mark.skipif(
        not SERVER.is_file(),
        reason="EARWITNESS_NODE_MODULES does not name a folder with the package @copilotkit/aimock",
    ),
]


@pytest.fixture
async def server() -> AsyncIterator[str]:
    """The address of a running aimock with the script beside this file."""
    process = await asyncio.create_subprocess_exec(
        str(NODE), str(SERVER), "--port", "0", "--fixtures", str(SCRIPT),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said = ""
    try:
        assert process.stdout is not None
        while (found := re.search(r"listening on http://(\S+)", said)) is None:
            line = await process.stdout.readline()
            assert line, f"aimock did not start: {said}"
            said += line.decode()
        yield f"ws://{found[1]}"
    finally:
        process.kill()
        await process.wait()


class Talker:
    """A client that says one thing and waits for what the server says to it."""

    def __init__(self, socket: websockets.ClientConnection) -> None:
        self._socket = socket

    async def send(self, *events: dict[str, Any]) -> None:
        for event in events:
            await self._socket.send(json.dumps(event))

    async def until(self, kind: str) -> dict[str, Any]:
        """Receive up to an event of a type."""
        while True:
            event = json.loads(await asyncio.wait_for(self._socket.recv(), 20))
            if event["type"] == kind:
                return event

    async def ask(self, *items: dict[str, Any]) -> dict[str, Any]:
        """Add items and let the model answer; return ``response.done``."""
        await self.send(*({"type": "conversation.item.create", "item": item} for item in items))
        await self.send({"type": "response.create"})
        return await self.until("response.done")


def said(text: str) -> dict[str, Any]:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}


def output(call_id: str, text: str) -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": call_id, "output": text}


async def recorded(server: str, db: Path, target: str, talk: Any) -> list[Frame]:
    """Hold a talk through the recording proxy; return what the journal has of it."""
    async with (
        recording_proxy(db, ProxySettings(upstream=parse_upstream(server)), grace=10) as proxy,
        websockets.connect(f"ws://127.0.0.1:{proxy.port}{target}") as socket,
    ):
        await talk(Talker(socket))
    async with await JournalReader.open(db) as reader:
        (info,) = await reader.sessions()
        return [frame async for batch in reader.recording(info.id).batches() for frame in batch]


async def test_a_conversation_with_tools_is_read_as_it_was_held(server: str, tmp_path: Path) -> None:
    async def talk(client: Talker) -> None:
        await client.until("session.created")
        await client.send({"type": "session.update", "session": {"type": "realtime", "instructions": "Be kind."}})
        await client.until("session.updated")
        await client.ask(said("where is the tram stop?"))
        await client.ask(said("make the light blue"))
        await client.ask(output("call_light", "on"), output("call_door", "shut"))
        assert (await client.ask(said("be busy")))["response"]["status"] == "failed"
        await client.send(
            {"type": "input_audio_buffer.append", "audio": SILENCE},
            {"type": "input_audio_buffer.commit"},
            {"type": "response.cancel"},
        )
        await client.until("response.cancelled")

    frames = await recorded(server, tmp_path / "calls.db", "/v1/realtime?model=gpt-realtime", talk)
    report = check(frames)
    assert report.statements > 80
    assert [str(difference) for difference in report.unexplained] == []
    conversation = fold(frames)
    assert [response.status for response in conversation.responses] == ["completed"] * 3 + ["failed"]
    assert conversation.session.config.get("instructions") == "Be kind."
    expected = [
        ("user", None, "where is the tram stop?"),
        ("assistant", None, "Around the corner, on your left. The next tram leaves in ten minutes."),
        ("user", None, "make the light blue"),
        ("assistant", None, "One moment."),
        ("assistant", "set_light", '{"colour":"blue"}'),
        ("assistant", "close_door", "{}"),
        ("tool", None, "on"),
        ("tool", None, "shut"),
        ("assistant", None, "It is blue now."),
        ("user", None, "be busy"),
    ]
    for reading in READINGS:
        lines = transcribe(conversation, reading).lines
        assert [
            (line.speaker, line.name if line.kind == "call" else None, line.text) for line in lines[:10]
        ] == expected


async def test_a_transcription_session_gives_the_users_words(server: str, tmp_path: Path) -> None:
    async def talk(client: Talker) -> None:
        await client.send(
            {
                "type": "session.update",
                "session": {
                    "type": "transcription",
                    "audio": {"input": {"transcription": {"model": "gpt-4o-transcribe"}}},
                },
            },
            {"type": "input_audio_buffer.append", "audio": SILENCE},
            {"type": "input_audio_buffer.commit"},
        )
        await client.until("conversation.item.input_audio_transcription.completed")

    frames = await recorded(server, tmp_path / "calls.db", "/v1/realtime?intent=transcription", talk)
    assert [str(difference) for difference in check(frames).unexplained] == []
    for reading in READINGS:
        lines = transcribe(fold(frames), reading).lines
        assert [(line.speaker, line.text) for line in lines] == [("user", "A croissant, please.")]
