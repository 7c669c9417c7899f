"""What each event type changes in the state: one row for each row of the fold's table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from earwitness.replay.fold import fold
from earwitness.replay.fold.table import CLIENT, SERVER
from earwitness.schemas.refs import to_plain

from tests.events import silence
from tests.sessions import Session

ITEM = {"id": "item_1", "type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}
REPLY = {"id": "reply_1", "type": "message", "role": "assistant", "status": "completed"}
PLACE = {"response_id": "resp_1", "item_id": "reply_1", "output_index": 0, "content_index": 0}
CALL = {"response_id": "resp_1", "item_id": "call_item", "output_index": 0, "call_id": "call_1"}
TOOLS = {"item_id": "tools_1"}
ALAW_OUT = {"output": {"format": {"type": "audio/pcma"}}}
HEARD = {"item_id": "user_1", "content_index": 0}


def empty(script: Session) -> Session:
    return script


def one_item(script: Session) -> Session:
    return script.item("item_1", text="Hi")


def utterance(script: Session) -> Session:
    return script.session().append(100, 20).speech("user_1", 0, 1500)


def reply(script: Session) -> Session:
    return script.created().output("reply_1")


def spoken(script: Session) -> Session:
    return script.reply("reply_1", "One two", 1000)


def function_call(script: Session) -> Session:
    return script.created().output("call_item", type="function_call", role=None, name="look_up", call_id="call_1")


def mcp_call(script: Session) -> Session:
    return script.created().output("call_item", type="mcp_call", role=None, name="look_up", server_label="docs")


class Case(NamedTuple):
    """A session so far, an event's fields, and what stands at which paths of the state afterwards and not before."""

    before: Callable[[Session], Session]
    fields: dict[str, Any]
    changes: dict[str, Any]


CLIENT_CASES: dict[str, Case] = {
    "conversation.item.create": Case(
        empty,
        {"item": {"type": "function_call_output", "call_id": "call_1", "output": "9"}},
        {"pending.0.type": "conversation.item.create"},
    ),
    "conversation.item.delete": Case(one_item, {"item_id": "item_1"}, {"pending.0.item_id": "item_1"}),
    "conversation.item.retrieve": Case(one_item, {"item_id": "item_1"}, {"pending.0.item_id": "item_1"}),
    "conversation.item.truncate": Case(
        spoken,
        {"item_id": "reply_1", "content_index": 0, "audio_end_ms": 400},
        {"truncations.0.status": "requested", "truncations.0.audio_end_ms": 400, "interruptions.0.unheard_ms": 600},
    ),
    "input_audio_buffer.append": Case(empty, {"audio": silence(100)}, {"input_audio.audio": [[0, 4800]]}),
    "input_audio_buffer.clear": Case(empty, {}, {"input_audio.events.0.type": "input_audio_buffer.clear"}),
    "input_audio_buffer.commit": Case(empty, {}, {"input_audio.events.0.type": "input_audio_buffer.commit"}),
    "output_audio_buffer.clear": Case(empty, {}, {"playback.0.type": "output_audio_buffer.clear"}),
    "response.cancel": Case(reply, {}, {"responses.0.cancel_seq": 2}),
    "response.create": Case(empty, {"response": {}}, {"pending.0.type": "response.create"}),
    "session.update": Case(
        empty,
        {"session": {"instructions": "Be brief."}},
        {"session.requested": {"instructions": "Be brief."}, "session.history.0.by": "client"},
    ),
}

_TRANSCRIPTION = "items.0.content.0.transcription"

SERVER_CASES: dict[str, Case] = {
    "conversation.created": Case(empty, {"conversation": {"id": "conv_9"}}, {"conversation_id": "conv_9"}),
    "conversation.item.added": Case(
        empty,
        {"previous_item_id": None, "item": ITEM},
        {"items.0.id": "item_1", "items.0.content.0.text": "Hi", "items.0.role": "user"},
    ),
    "conversation.item.created": Case(empty, {"previous_item_id": None, "item": ITEM}, {"items.0.id": "item_1"}),
    "conversation.item.deleted": Case(one_item, {"item_id": "item_1"}, {"items": [], "deleted.0.deleted_seq": 1}),
    "conversation.item.done": Case(
        reply,
        {"previous_item_id": None, "item": {**REPLY, "content": [{"type": "output_text", "text": "Hi"}]}},
        {"items.0.status": "completed", "items.0.content.0.text": "Hi", "items.0.on_record": True},
    ),
    "conversation.item.input_audio_transcription.completed": Case(
        utterance,
        {**HEARD, "transcript": "Hello.", "usage": {"type": "duration", "seconds": 2}, "logprobs": [{"token": "H"}]},
        {
            f"{_TRANSCRIPTION}.status": "completed",
            f"{_TRANSCRIPTION}.usage": {"type": "duration", "seconds": 2},
            f"{_TRANSCRIPTION}.logprobs": [{"token": "H"}],
            "items.0.content.0.transcript": "Hello.",
        },
    ),
    "conversation.item.input_audio_transcription.delta": Case(
        utterance,
        {**HEARD, "delta": "Hel"},
        {f"{_TRANSCRIPTION}.status": "partial", "items.0.content.0.transcript": "Hel"},
    ),
    "conversation.item.input_audio_transcription.failed": Case(
        utterance,
        {**HEARD, "error": {"code": "audio_unintelligible"}},
        {f"{_TRANSCRIPTION}.status": "failed", f"{_TRANSCRIPTION}.error": {"code": "audio_unintelligible"}},
    ),
    "conversation.item.input_audio_transcription.segment": Case(
        utterance,
        {**HEARD, "id": "seg_1", "text": "hello", "speaker": "spk_1", "start": 0.0, "end": 0.4},
        {
            f"{_TRANSCRIPTION}.segments": [
                {"id": "seg_1", "text": "hello", "speaker": "spk_1", "start": 0.0, "end": 0.4}
            ]
        },
    ),
    "conversation.item.input_audio_transcription.updated": Case(
        utterance, {**HEARD, "transcript": "Hello?"}, {"items.0.content.0.transcript": "Hello?"}
    ),
    "conversation.item.retrieved": Case(
        empty, {"item": ITEM}, {"items.0.id": "item_1", "items.0.content.0.text": "Hi"}
    ),
    "conversation.item.truncated": Case(
        spoken,
        {"item_id": "reply_1", "content_index": 0, "audio_end_ms": 400},
        {"truncations.0.status": "done", "truncations.0.by": "server", "interruptions.0.unheard_ms": 600},
    ),
    "error": Case(
        empty,
        {"error": {"type": "server_error", "code": "oops", "message": "Sorry", "param": None, "event_id": None}},
        {"errors.0.code": "oops", "errors.0.message": "Sorry"},
    ),
    "input_audio_buffer.cleared": Case(
        lambda script: script.append(100, 3),
        {},
        {"input_audio.pending_from_byte": 14400, "input_audio.events.0.type": "input_audio_buffer.cleared"},
    ),
    "input_audio_buffer.committed": Case(
        lambda script: script.append(100, 3),
        {"item_id": "user_1", "previous_item_id": None},
        {"items.0.created_by": "speech", "items.0.span.end_ms": 300, "items.0.role": "user"},
    ),
    "input_audio_buffer.dtmf_event_received": Case(
        empty,
        {"event": "9", "received_at": 1763605109},
        {"input_audio.events.0.fields": {"event": "9", "received_at": 1763605109}},
    ),
    "input_audio_buffer.speech_started": Case(
        empty, {"item_id": "user_1", "audio_start_ms": 120}, {"input_audio.speech.0.start_ms": 120}
    ),
    "input_audio_buffer.speech_stopped": Case(
        empty, {"item_id": "user_1", "audio_end_ms": 950}, {"input_audio.speech.0.end_ms": 950}
    ),
    "input_audio_buffer.timeout_triggered": Case(
        lambda script: script.append(1000, 6),
        {"item_id": "user_1", "audio_start_ms": 500, "audio_end_ms": 5500},
        {
            "input_audio.events.0.type": "input_audio_buffer.timeout_triggered",
            "out_of_band.0.span.source": "timeout",
            "out_of_band.0.span.end_ms": 5500,
        },
    ),
    "mcp_list_tools.in_progress": Case(empty, TOOLS, {"mcp.0.status": "in_progress"}),
    "mcp_list_tools.completed": Case(
        lambda script: script.server("mcp_list_tools.in_progress", **TOOLS), TOOLS, {"mcp.0.status": "completed"}
    ),
    "mcp_list_tools.failed": Case(
        lambda script: script.server("mcp_list_tools.in_progress", **TOOLS), TOOLS, {"mcp.0.status": "failed"}
    ),
    "output_audio_buffer.cleared": Case(
        spoken,
        {"response_id": "resp_1"},
        {"playback.0.type": "output_audio_buffer.cleared", "interruptions.0.response_id": "resp_1"},
    ),
    "output_audio_buffer.started": Case(
        spoken, {"response_id": "resp_1"}, {"playback.0.type": "output_audio_buffer.started"}
    ),
    "output_audio_buffer.stopped": Case(
        spoken, {"response_id": "resp_1"}, {"playback.0.type": "output_audio_buffer.stopped"}
    ),
    "rate_limits.updated": Case(
        empty, {"rate_limits": [{"name": "tokens", "limit": 3}]}, {"rate_limits.limits.0.limit": 3}
    ),
    "response.audio_timestamp.delta": Case(
        reply,
        {**PLACE, "audio_offset_ms": 125, "audio_duration_ms": 100, "text": "code", "timestamp_type": "word"},
        {"items.0.content.0.words": [{"text": "code", "start_ms": 125, "end_ms": 225}]},
    ),
    "response.content_part.added": Case(
        reply, {**PLACE, "part": {"type": "audio", "transcript": ""}}, {"items.0.content.0.type": "output_audio"}
    ),
    "response.content_part.done": Case(
        lambda script: reply(script).speak("reply_1", "Hi"),
        {**PLACE, "part": {"type": "audio", "transcript": "Hi"}},
        {"items.0.content.0.status": "completed"},
    ),
    "response.created": Case(
        empty,
        {"response": {"id": "resp_1", "status": "in_progress", "metadata": {"a": "b"}, "max_output_tokens": 9}},
        {
            "responses.0.id": "resp_1",
            "responses.0.metadata": {"a": "b"},
            "responses.0.config": {"max_output_tokens": 9},
            "responses.0.created_seq": 0,
        },
    ),
    "response.done": Case(
        reply,
        {
            "response": {
                "id": "resp_1",
                "status": "failed",
                "status_details": {"type": "failed", "error": {"code": "server_error"}},
                "usage": {"total_tokens": 5},
                "output": [REPLY],
            }
        },
        {
            "responses.0.status": "failed",
            "responses.0.status_details.error.code": "server_error",
            "responses.0.usage.total_tokens": 5,
            "responses.0.done_seq": 2,
            "items.0.status": "completed",
        },
    ),
    "response.function_call_arguments.delta": Case(
        function_call, {**CALL, "delta": '{"a'}, {"calls.0.arguments": '{"a', "items.0.arguments": '{"a'}
    ),
    "response.function_call_arguments.done": Case(
        function_call, {**CALL, "arguments": "{}"}, {"calls.0.arguments": "{}", "calls.0.done_seq": 2}
    ),
    "response.mcp_call.in_progress": Case(
        empty, {"item_id": "call_item", "output_index": 0}, {"out_of_band.0.type": "mcp_call"}
    ),
    "response.mcp_call.completed": Case(mcp_call, {"item_id": "call_item"}, {"items.0.status": "completed"}),
    "response.mcp_call.failed": Case(mcp_call, {"item_id": "call_item"}, {"items.0.status": "failed"}),
    "response.mcp_call_arguments.delta": Case(mcp_call, {**CALL, "delta": "{"}, {"items.0.arguments": "{"}),
    "response.mcp_call_arguments.done": Case(mcp_call, {**CALL, "arguments": "{}"}, {"items.0.arguments": "{}"}),
    "response.output_audio.delta": Case(
        reply, {**PLACE, "delta": silence(50)}, {"items.0.content.0.audio": [[2, 2400]]}
    ),
    "response.output_audio.done": Case(
        lambda script: reply(script).speak("reply_1", "Hi", 100), PLACE, {"items.0.content.0.audio_done": True}
    ),
    "response.output_audio_transcript.delta": Case(
        reply,
        {**PLACE, "delta": "Hi", "obfuscation": "q8"},
        {"items.0.content.0.transcript": "Hi", "items.0.content.0.text_deltas": [[2, 2]]},
    ),
    "response.output_audio_transcript.done": Case(
        reply, {**PLACE, "transcript": "Hi"}, {"items.0.content.0.transcript": "Hi"}
    ),
    "response.output_item.added": Case(
        lambda script: script.created(),
        {"response_id": "resp_1", "output_index": 0, "item": {**REPLY, "status": "in_progress", "phase": "final"}},
        {"items.0.id": "reply_1", "responses.0.output": ["reply_1"], "items.0.fields": {"phase": "final"}},
    ),
    "response.output_item.done": Case(
        reply,
        {"response_id": "resp_1", "output_index": 0, "item": REPLY},
        {"items.0.status": "completed"},
    ),
    "response.output_text.delta": Case(reply, {**PLACE, "delta": "Hi"}, {"items.0.content.0.text": "Hi"}),
    "response.output_text.done": Case(reply, {**PLACE, "text": "Hi"}, {"items.0.content.0.text": "Hi"}),
    "session.created": Case(
        empty,
        {
            "session": {
                "id": "sess_1",
                "model": "m",
                "expires_at": 7,
                "audio": {"output": {"format": {"type": "audio/pcma"}}},
            }
        },
        {"session.id": "sess_1", "session.model": "m", "session.expires_at": 7, "session.output_format.rate": 8000},
    ),
    "session.updated": Case(
        lambda script: script.client("session.update", session={"instructions": "Be brief."}),
        {"session": {"instructions": "Be brief."}},
        {"session.config": {"instructions": "Be brief."}, "session.requested": {}, "pending": []},
    ),
}

CASES = [
    *(pytest.param("client", kind, case, id=f"client-{kind}") for kind, case in CLIENT_CASES.items()),
    *(pytest.param("server", kind, case, id=f"server-{kind}") for kind, case in SERVER_CASES.items()),
]

MISSING = object()


def at(state: Any, path: str) -> Any:
    for step in path.split("."):
        if isinstance(state, list):
            if int(step) >= len(state):
                return MISSING
            state = state[int(step)]
        elif isinstance(state, dict):
            state = state.get(step, MISSING)
        else:
            return MISSING
    return state


def test_every_row_of_the_table_has_a_case() -> None:
    assert set(CLIENT_CASES) == set(CLIENT)
    assert set(SERVER_CASES) == set(SERVER)


@pytest.mark.parametrize(("sender", "kind", "case"), CASES)
def test_the_event_changes_the_state_as_stated(sender: str, kind: str, case: Case) -> None:
    script = case.before(Session())
    before = to_plain(script.fold())
    (script.client if sender == "client" else script.server)(kind, **case.fields)
    after = to_plain(script.fold())
    assert after["problems"] == []
    for path, expected in case.changes.items():
        assert at(after, path) == expected, path
        assert at(before, path) != expected, f"{path} was so before"


@pytest.mark.parametrize(("sender", "kind", "case"), CASES)
def test_the_same_event_from_the_other_side_is_unknown_and_changes_nothing(sender: str, kind: str, case: Case) -> None:
    script = case.before(Session())
    before = to_plain(script.fold())
    (script.server if sender == "client" else script.client)(kind, **case.fields)
    after = to_plain(fold(script.frames))
    assert after["unknown"] == {kind: 1}
    for state in (before, after):
        for key in ("counts", "unknown", "last_seq", "dialect"):
            del state[key]
    assert after == before
