"""The fold's table: canonical event type → reducer. Adding an event is adding a row."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Final

from ...schemas.values import Json
from .reducers import call_items, client, items, responses, session
from .reducers import input as input_
from .working import State

__all__ = ["CLIENT", "REQUESTS", "SERVER", "WITHOUT_EFFECT", "Reducer"]

Reducer = Callable[[State, Json], None]

CLIENT: Final[MappingProxyType[str, Reducer]] = MappingProxyType(
    {
        "conversation.item.create": client.create_item,
        "conversation.item.delete": client.ask,
        "conversation.item.retrieve": client.ask,
        "conversation.item.truncate": client.truncate,
        "input_audio_buffer.append": client.append,
        "input_audio_buffer.clear": client.buffer_request,
        "input_audio_buffer.commit": client.buffer_request,
        "output_audio_buffer.clear": client.clear_playback,
        "response.cancel": client.cancel,
        "response.create": client.ask,
        "session.update": client.update_session,
    }
)
"""Reducers of the client's events."""

REQUESTS: Final = frozenset(CLIENT) - {"input_audio_buffer.append"}
"""Client events that the server answers: they are pending until it does."""

SERVER: Final[MappingProxyType[str, Reducer]] = MappingProxyType(
    {
        "conversation.created": session.conversation_created,
        "conversation.item.added": items.item_added,
        "conversation.item.created": items.item_added,
        "conversation.item.deleted": items.item_deleted,
        "conversation.item.done": items.item_done,
        "conversation.item.input_audio_transcription.completed": input_.transcription_completed,
        "conversation.item.input_audio_transcription.delta": input_.transcription_delta,
        "conversation.item.input_audio_transcription.failed": input_.transcription_failed,
        "conversation.item.input_audio_transcription.segment": input_.transcription_segment,
        "conversation.item.input_audio_transcription.updated": input_.transcription_updated,
        "conversation.item.retrieved": items.item_retrieved,
        "conversation.item.truncated": items.item_truncated,
        "error": session.error,
        "input_audio_buffer.cleared": input_.cleared,
        "input_audio_buffer.committed": input_.committed,
        "input_audio_buffer.dtmf_event_received": input_.dtmf_received,
        "input_audio_buffer.speech_started": input_.speech_started,
        "input_audio_buffer.speech_stopped": input_.speech_stopped,
        "input_audio_buffer.timeout_triggered": input_.timeout_triggered,
        "mcp_list_tools.completed": items.mcp_list_tools_completed,
        "mcp_list_tools.failed": items.mcp_list_tools_failed,
        "mcp_list_tools.in_progress": items.mcp_list_tools_in_progress,
        "output_audio_buffer.cleared": responses.playback,
        "output_audio_buffer.started": responses.playback,
        "output_audio_buffer.stopped": responses.playback,
        "rate_limits.updated": session.rate_limits_updated,
        "response.audio_timestamp.delta": responses.word_timed,
        "response.content_part.added": responses.content_part_added,
        "response.content_part.done": responses.content_part_done,
        "response.created": responses.response_created,
        "response.done": responses.response_done,
        "response.function_call_arguments.delta": call_items.arguments_delta,
        "response.function_call_arguments.done": call_items.arguments_done,
        "response.mcp_call.completed": call_items.mcp_call_status,
        "response.mcp_call.failed": call_items.mcp_call_status,
        "response.mcp_call.in_progress": call_items.mcp_call_status,
        "response.mcp_call_arguments.delta": call_items.arguments_delta,
        "response.mcp_call_arguments.done": call_items.arguments_done,
        "response.output_audio.delta": responses.audio_delta,
        "response.output_audio.done": responses.audio_done,
        "response.output_audio_transcript.delta": responses.transcript_delta,
        "response.output_audio_transcript.done": responses.transcript_done,
        "response.output_item.added": responses.output_item_added,
        "response.output_item.done": responses.output_item_done,
        "response.output_text.delta": responses.text_delta,
        "response.output_text.done": responses.text_done,
        "session.created": session.session_created,
        "session.updated": session.session_updated,
    }
)
"""Reducers of the server's events."""

WITHOUT_EFFECT: Final[MappingProxyType[str, str]] = MappingProxyType({})
"""Known event types that change nothing but counts, with the reason. None: a client's request that has no effect of
its own is pending until it is answered."""
