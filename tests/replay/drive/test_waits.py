"""The table of what client frames wait for: it runs, and it is what the documentation says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from earwitness.replay.drive.driver import Driver
from earwitness.replay.drive.positions import LANDMARKS
from earwitness.replay.drive.steps import make_drive_plan
from earwitness.replay.drive.waits import CLIENT_RULES

from docs.generators.replay import page
from tests.events import append, arguments_done, client, output_item, server, silence, tool_output
from tests.playbook import Playbook
from tests.sessions import recording

RESPONSE = server("response.created", response={"id": "r"})
CALL: dict[str, Any] = {"call_id": "c", "name": "f", "arguments": "{}"}
SOUND = server("response.output_audio.delta", response_id="r", item_id="a", content_index=0, delta=silence(100))
UPDATE = client("session.update", session={"instructions": "Sing."})
DELETE = client("conversation.item.delete", item_id="other")

EXAMPLES = {
    0: ([server("session.created", session={}), DELETE], 1),
    1: ([UPDATE, server("session.updated", session={"instructions": "Sing."}), DELETE], 1),
    2: ([server("input_audio_buffer.committed", item_id="u"), client("response.create")], 1),
    3: (
        [
            RESPONSE,
            output_item("r", 0, "i", type="function_call", **CALL),
            arguments_done("r", **CALL),
            tool_output("c", "x"),
        ],
        3,
    ),
    4: (
        [RESPONSE, output_item("r", 0, "a", type="message"), client("conversation.item.retrieve", item_id="a")],
        2,
    ),
    5: ([RESPONSE, client("response.cancel")], 1),
    6: (
        [
            RESPONSE,
            output_item("r", 0, "a", type="message"),
            SOUND,
            client("conversation.item.truncate", item_id="a", content_index=0, audio_end_ms=80),
        ],
        3,
    ),
    7: ([RESPONSE, server("response.done", response={"id": "r"}), append(10)], 2),
}
"""For each row a session whose last frame waits by it for the frame before, and how many frames are the server's."""


@pytest.mark.parametrize("row", range(len(CLIENT_RULES)))
async def test_each_row_holds_its_frame_until_the_last_frame_before_it(row: int) -> None:
    lines, servers = EXAMPLES[row]
    session = recording(*lines)
    script = Playbook(Driver(await make_drive_plan(session)), session.frames)
    *before, last = [line for line in lines if line[0] == "server"]
    for line in before:
        script = script >> line
    held = [json.loads(each)["type"] for each in script.data]
    assert lines[-1][1]["type"] not in held
    script = script >> last
    assert [json.loads(each)["type"] for each in script.data][-1] == lines[-1][1]["type"]
    assert len(before) + 1 == servers


async def test_an_update_that_the_live_server_refuses_has_its_answer() -> None:
    lines, _ = EXAMPLES[1]
    session = recording(*lines)
    script = Playbook(Driver(await make_drive_plan(session)), session.frames)
    script = script >> server("error", error={"type": "invalid_request_error", "param": "session.instructions"})
    assert [json.loads(each)["type"] for each in script.data] == ["session.update", "conversation.item.delete"]


def test_what_is_counted_is_a_landmark() -> None:
    assert {name for rule in CLIENT_RULES for name in rule.counts} <= LANDMARKS


def test_the_documentation_has_the_table_as_it_is() -> None:
    text = page()
    for rule in CLIENT_RULES:
        assert f"| {rule.frames} | {rule.waits_for} | {rule.reason} |" in text
