"""Events without the field that they cannot do without: named as a problem, and nothing else happens."""

from __future__ import annotations

from typing import Any

import pytest
from earwitness.schemas.refs import to_plain
from earwitness.schemas.state import Problem

from tests.sessions import Session

TRANSCRIPTION = "conversation.item.input_audio_transcription"
SERVER = [
    *((f"{TRANSCRIPTION}.{name}", {}, "item_id") for name in ("delta", "completed", "failed", "segment", "updated")),
    *((f"mcp_list_tools.{name}", {}, "item_id") for name in ("in_progress", "completed", "failed")),
    *((f"response.mcp_call.{name}", {}, "item_id") for name in ("in_progress", "completed", "failed")),
    *((f"conversation.item.{name}", {}, "item.id") for name in ("added", "created", "done", "retrieved")),
    *((f"response.output_item.{name}", {}, "item.id") for name in ("added", "done")),
    *((f"response.content_part.{name}", {}, "item_id") for name in ("added", "done")),
    *((f"response.output_{name}.done", {}, "item_id") for name in ("text", "audio", "audio_transcript")),
    ("conversation.created", {}, "conversation.id"),
    ("conversation.item.deleted", {}, "item_id"),
    ("conversation.item.truncated", {"audio_end_ms": 3}, "item_id"),
    ("conversation.item.truncated", {"item_id": "a"}, "audio_end_ms"),
    ("response.created", {"response": {"status": "in_progress"}}, "response.id"),
    ("response.done", {"response": {"output": []}}, "response.id"),
    ("response.output_text.delta", {"item_id": "a"}, "delta"),
    ("response.output_text.delta", {"delta": "x"}, "item_id"),
    ("response.output_audio.delta", {"delta": ""}, "item_id"),
    ("response.function_call_arguments.delta", {"delta": "x"}, "item_id"),
    ("response.function_call_arguments.done", {"arguments": "x"}, "item_id"),
    ("session.created", {}, "session"),
    ("session.updated", {"session": None}, "session"),
]
CLIENT = [
    ("conversation.item.truncate", {"item_id": "a"}, "audio_end_ms"),
    ("conversation.item.truncate", {"audio_end_ms": 5}, "item_id"),
]
UNCONCERNED = ("counts", "last_seq", "problems", "dialect", "pending")


@pytest.mark.parametrize(
    ("sender", "kind", "fields", "detail"),
    [*(("server", *case) for case in SERVER), *(("client", *case) for case in CLIENT)],
)
def test_a_missing_field_is_named_and_changes_nothing(
    sender: str, kind: str, fields: dict[str, Any], detail: str
) -> None:
    script = Session().client("response.create").reply("reply_1", "Hi")
    before = to_plain(script.fold())
    (script.server if sender == "server" else script.client)(kind, **fields)
    after = to_plain(script.fold())
    assert after["problems"] == to_plain([Problem(script.seq, "bad-field", detail)])
    for state in (before, after):
        for key in UNCONCERNED:
            del state[key]
    assert after == before


def test_a_commit_without_an_item_is_noted_in_the_buffer_all_the_same() -> None:
    script = Session().append(100).client("input_audio_buffer.commit").server("input_audio_buffer.committed")
    conversation = script.fold()
    assert [event.type for event in conversation.input_audio.events] == [
        "input_audio_buffer.commit", "input_audio_buffer.committed",
    ]  # fmt: skip
    assert conversation.input_audio.pending_from_byte == 4800
    assert [problem.detail for problem in conversation.problems] == ["item_id"]


def test_times_that_are_not_in_order_make_no_span_to_trust() -> None:
    span = Session().append(100, 20).speech("user_1", 900, 300).fold().items[0].span
    assert span is not None
    assert (span.reliable, span.why_not) == (False, "the stated times are not in order")


def test_a_list_of_outputs_may_hold_anything() -> None:
    conversation = Session().done(output=[None, 3, {"type": "message"}]).fold()
    assert [problem.detail for problem in conversation.problems] == [
        "response.output[0].id", "response.output[1].id", "response.output[2].id",
    ]  # fmt: skip


def test_content_that_is_no_object_is_named() -> None:
    item = {"id": "a", "type": "message", "role": "user", "content": ["Hi", {"type": "input_text", "text": "there"}]}
    conversation = Session().server("conversation.item.added", item=item).fold()
    assert [problem.detail for problem in conversation.problems] == ["content[0] is no object"]
    assert [(part.index, part.text) for part in conversation.items[0].content] == [(1, "there")]
