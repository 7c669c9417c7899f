"""`@openai/agents-realtime` for node through the proxy: it sees what it sees without, and runs its tools."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from earwitness.recorder.journal import Journal, JournalReader, verify

from tests.recorder.harness import TEXT, Peer, header, running_proxy, running_upstream

MODULES = os.environ.get("EARWITNESS_NODE_MODULES", "")
NODE = shutil.which("node")
OLDEST = 22
"""The first version of node that its documentation names."""

KEY = "sk-not-a-real-key-0123456789"


def node_version() -> int:
    if NODE is None:
        return 0
    told = subprocess.run([NODE, "--version"], capture_output=True, text=True, check=True, timeout=60).stdout
    return int(told.removeprefix("v").partition(".")[0])


VERSION = node_version()

pytestmark = [
    pytest.mark.skipif(NODE is None, reason="node is not installed"),
    pytest.mark.skipif(VERSION < OLDEST, reason=f"@openai/agents-realtime needs node {OLDEST}; this is {VERSION}"),
    pytest.mark.skipif(
        not (Path(MODULES) / "@openai" / "agents-realtime").is_dir() if MODULES else True,
        reason="EARWITNESS_NODE_MODULES does not name a folder with the package @openai/agents-realtime",
    ),
]


def item(number: int, **fields: Any) -> dict[str, Any]:
    return {"id": f"item_{number}", "object": "realtime.item", "status": "completed", **fields}


def response(number: int, status: str, *output: dict[str, Any]) -> dict[str, Any]:
    response = {"id": f"resp_{number}", "object": "realtime.response", "status": status, "output": list(output)}
    return {"type": f"response.{'done' if status == 'completed' else 'created'}", "response": response}


CALL = item(2, type="function_call", call_id="call_1", name="get_weather", arguments='{"city":"Lisbon"}')
ANSWER = item(4, type="message", role="assistant", content=[{"type": "output_text", "text": "Sunny."}])


async def vendor(peer: Peer) -> None:
    """A model that calls the tool before it answers."""
    number = 0
    calls = 0

    def say(event: dict[str, Any]) -> None:
        nonlocal number
        number += 1
        peer.text(json.dumps({"event_id": f"event_{number}", **event}))

    # Not at once: what the SDK does depends on whether this comes with the 101 or a moment later.
    first = await peer.read_until(TEXT)
    say({"type": "session.created", "session": {"type": "realtime", "id": "sess_1", "model": "gpt-realtime"}})
    say({"type": "session.updated", "session": json.loads(first.payload)["session"]})
    while (frame := await peer.read()) is not None:
        if frame.opcode != TEXT:
            await peer.finish()
            return
        event = json.loads(frame.payload)
        if event["type"] == "session.update":
            say({"type": "session.updated", "session": event["session"]})
        elif event["type"] == "conversation.item.create":
            added = item(1 if event["item"]["type"] == "message" else 3, **event["item"])
            say({"type": "conversation.item.added", "previous_item_id": None, "item": added})
            say({"type": "conversation.item.done", "previous_item_id": None, "item": added})
        elif event["type"] == "response.create":
            calls += 1
            said = CALL if calls == 1 else ANSWER
            say(response(calls, "in_progress"))
            place = {"response_id": f"resp_{calls}", "output_index": 0}
            begun = {**said, "status": "in_progress", **({"arguments": ""} if said is CALL else {"content": []})}
            say({"type": "response.output_item.added", **place, "item": begun})
            say({"type": "response.output_item.done", **place, "item": said})
            say(response(calls, "completed", said))


async def hold(url: str) -> list[dict[str, Any]]:
    process = await asyncio.create_subprocess_exec(
        str(NODE), str(Path(__file__).with_name("agents.mjs")), f"{url}/v1/realtime?model=gpt-realtime",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return json.loads(out)


async def test_the_agents_sdk_sees_through_the_proxy_what_it_sees_without(tmp_path: Path) -> None:
    db = tmp_path / "calls.db"
    async with running_upstream() as upstream, await Journal.open(db) as journal:
        upstream.script = vendor
        async with running_proxy(upstream.url, journal) as (proxy, ends):
            direct = await hold(upstream.url)
            seen = await hold(proxy.url)
            end = await ends.next()
    assert seen == direct
    assert [event["type"] for event in seen].count("response.done") == 2
    without, through = upstream.peers
    assert header(through.head, "Authorization") == header(without.head, "Authorization") == f"Bearer {KEY}"
    said = [[frame.payload for frame in peer.seen if frame.opcode == TEXT] for peer in (without, through)]
    assert [json.loads(payload)["type"] for payload in said[0]] == [json.loads(payload)["type"] for payload in said[1]]
    output = next(json.loads(p)["item"] for p in said[1] if b"function_call_output" in p)
    assert "sunny in Lisbon" in output["output"]
    assert (end.by, end.target) == ("client", "/v1/realtime?model=gpt-realtime")
    report = await verify(db)
    assert report.intact, report.to_text()
    async with await JournalReader.open(db) as reader:
        info = await reader.resolve(end.id)
        frames = [frame async for batch in reader.recording(info.id).batches() for frame in batch]
    assert [frame.payload for frame in frames if frame.sender == "client"] == said[1]
    assert KEY.encode() not in b"".join(path.read_bytes() for path in tmp_path.glob("calls.db*"))
