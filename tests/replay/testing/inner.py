"""Pytest inside pytest: a project of its own, what its tests use, and how it is run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from earwitness.recorder.importing import read_file
from earwitness.schemas.files.cassette import Cassette, CassetteHeader, write_cassette
from earwitness.schemas.recording import MemoryRecording

from tests.events import client, closing, server, user_text
from tests.sessions import recording

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


def run(inner: pytest.Pytester, source: str, *arguments: str, **outcomes: int) -> pytest.RunResult:
    inner.makepyfile(test_it=source)
    result = inner.runpytest_inprocess(*arguments)
    result.assert_outcomes(**(outcomes or {"passed": 1}))
    return result


def run_alone(inner: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """Run in a new process, with no other plugin."""
    inner.makefile(".ini", pytest="[pytest]\nfilterwarnings = error\n")
    return inner.runpytest_subprocess("-p", "no:cacheprovider", "-p", "earwitness.replay.testing.plugin", *arguments)
