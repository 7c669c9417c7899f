"""The event types of each dialect, who sends them, and their canonical names.

The tables are closed. A type in none of them is unknown: the fold keeps it and lists it by name. The canonical name of
an event is its GA name if it has one, else its own. Source for the two main vocabularies: the unions
``RealtimeClientEvent`` and ``RealtimeServerEvent`` of the ``openai`` package, in ``types.beta.realtime`` (preview)
and ``types.realtime`` (GA); a test compares them with these tables and names what is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from types import MappingProxyType
from typing import Final, Literal, NamedTuple, get_args

__all__ = [
    "CANONICAL",
    "DIALECTS",
    "EVENT_TYPES",
    "GA_CLIENT",
    "GA_SERVER",
    "LIVE",
    "PREVIEW_CLIENT",
    "PREVIEW_NAMES",
    "PREVIEW_SERVER",
    "TRANSLATION",
    "VENDOR_CLIENT",
    "VENDOR_SERVER",
    "Dialect",
    "EventType",
    "canonical_type",
    "is_known",
]

Dialect = Literal["preview", "ga", "translation", "live", "unknown"]
DIALECTS: Final[tuple[Dialect, ...]] = get_args(Dialect)

_SHARED_CLIENT: Final = (
    "conversation.item.create",
    "conversation.item.delete",
    "conversation.item.retrieve",
    "conversation.item.truncate",
    "input_audio_buffer.append",
    "input_audio_buffer.clear",
    "input_audio_buffer.commit",
    "output_audio_buffer.clear",
    "response.cancel",
    "response.create",
    "session.update",
)

_SHARED_SERVER: Final = (
    "conversation.created",
    "conversation.item.created",
    "conversation.item.deleted",
    "conversation.item.input_audio_transcription.completed",
    "conversation.item.input_audio_transcription.delta",
    "conversation.item.input_audio_transcription.failed",
    "conversation.item.retrieved",
    "conversation.item.truncated",
    "error",
    "input_audio_buffer.cleared",
    "input_audio_buffer.committed",
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "output_audio_buffer.cleared",
    "output_audio_buffer.started",
    "output_audio_buffer.stopped",
    "rate_limits.updated",
    "response.content_part.added",
    "response.content_part.done",
    "response.created",
    "response.done",
    "response.function_call_arguments.delta",
    "response.function_call_arguments.done",
    "response.output_item.added",
    "response.output_item.done",
    "session.created",
    "session.updated",
)

_RENAMED_SERVER: Final = {
    "response.audio.delta": "response.output_audio.delta",
    "response.audio.done": "response.output_audio.done",
    "response.audio_transcript.delta": "response.output_audio_transcript.delta",
    "response.audio_transcript.done": "response.output_audio_transcript.done",
    "response.text.delta": "response.output_text.delta",
    "response.text.done": "response.output_text.done",
}

_GA_ONLY_SERVER: Final = (
    "conversation.item.added",
    "conversation.item.done",
    "conversation.item.input_audio_transcription.segment",
    "input_audio_buffer.dtmf_event_received",
    "input_audio_buffer.timeout_triggered",
    "mcp_list_tools.completed",
    "mcp_list_tools.failed",
    "mcp_list_tools.in_progress",
    "response.mcp_call.completed",
    "response.mcp_call.failed",
    "response.mcp_call.in_progress",
    "response.mcp_call_arguments.delta",
    "response.mcp_call_arguments.done",
)

PREVIEW_CLIENT: Final = frozenset((*_SHARED_CLIENT, "transcription_session.update"))
PREVIEW_SERVER: Final = frozenset((*_SHARED_SERVER, *_RENAMED_SERVER, "transcription_session.updated"))
GA_CLIENT: Final = frozenset(_SHARED_CLIENT)
GA_SERVER: Final = frozenset((*_SHARED_SERVER, *_RENAMED_SERVER.values(), *_GA_ONLY_SERVER))

VENDOR_CLIENT: Final[MappingProxyType[str, str]] = MappingProxyType(
    {
        "input_audio.clear": "Azure Voice Live",
        "input_audio.turn.append": "Azure Voice Live",
        "input_audio.turn.cancel": "Azure Voice Live",
        "input_audio.turn.end": "Azure Voice Live",
        "input_audio.turn.start": "Azure Voice Live",
        "mcp_approval_response": "Azure Voice Live",
        "session.avatar.connect": "Azure Voice Live",
    }
)
"""Client events outside the two vocabularies, and the vendor of each."""

VENDOR_SERVER: Final[MappingProxyType[str, str]] = MappingProxyType(
    {
        "conversation.item.input_audio_transcription.text": "Qwen (DashScope)",
        "conversation.item.input_audio_transcription.updated": "xAI",
        "output_audio_buffer.audio_cleared": "OpenAI over WebRTC, early preview",
        "output_audio_buffer.audio_started": "OpenAI over WebRTC, early preview",
        "output_audio_buffer.audio_stopped": "OpenAI over WebRTC, early preview",
        "ping": "xAI",
        "response.animation_blendshapes.delta": "Azure Voice Live",
        "response.animation_blendshapes.done": "Azure Voice Live",
        "response.animation_viseme.delta": "Azure Voice Live",
        "response.animation_viseme.done": "Azure Voice Live",
        "response.audio_timestamp.delta": "Azure Voice Live",
        "response.audio_timestamp.done": "Azure Voice Live",
        "response.cancelled": "older servers",
        "response.video.delta": "Azure Voice Live",
        "session.avatar.connecting": "Azure Voice Live",
        "session.avatar.switch_to_idle": "Azure Voice Live",
        "session.avatar.switch_to_speaking": "Azure Voice Live",
        "transcription_session.created": "OpenAI preview, documented; not in the package",
        "warning": "Azure Voice Live",
    }
)
"""Server events outside the two vocabularies, and the vendor of each."""

CANONICAL: Final[MappingProxyType[str, str]] = MappingProxyType(
    {
        **_RENAMED_SERVER,
        "conversation.item.input_audio_transcription.text": "conversation.item.input_audio_transcription.updated",
        "output_audio_buffer.audio_cleared": "output_audio_buffer.cleared",
        "output_audio_buffer.audio_started": "output_audio_buffer.started",
        "output_audio_buffer.audio_stopped": "output_audio_buffer.stopped",
        "response.cancelled": "response.done",
        "transcription_session.created": "session.created",
        "transcription_session.update": "session.update",
        "transcription_session.updated": "session.updated",
    }
)
"""Event types whose canonical name differs from their own.

``conversation.item.created`` is not among them: it stands for both ``.added`` and ``.done``, and the event does not say
which of the two it means.
"""

PREVIEW_NAMES: Final[MappingProxyType[str, str]] = MappingProxyType(
    {
        **{ga: preview for preview, ga in _RENAMED_SERVER.items()},
        "conversation.item.added": "conversation.item.created",
    }
)
"""Canonical types whose preview name differs.

Types unknown to preview keep their canonical name, as in Azure Voice Live, a preview dialect. Events of a
transcription session become ``transcription_session.*`` again because of the ``type`` of the session in them.
"""

TRANSLATION: Final = frozenset(
    (
        "error",
        "session.close",
        "session.closed",
        "session.created",
        "session.input_audio_buffer.append",
        "session.input_transcript.delta",
        "session.output_audio.delta",
        "session.output_transcript.delta",
        "session.update",
        "session.updated",
    )
)
"""Event types of ``/v1/realtime/translations``: a separate vocabulary, recognised but not normalised."""

LIVE: Final = frozenset(
    (
        "decision.create",
        "decision.event",
        "decision.item.create",
        "decision.item.created",
        "decision.item.delete",
        "decision.item.deleted",
        "error",
        "info",
        "response.create",
        "response.event",
        "response.item.create",
        "session.close",
        "session.closed",
        "session.commentary.append",
        "session.commentary.appended",
        "session.delegation.created",
        "session.input_audio.append",
        "session.input_audio.mute",
        "session.input_audio.muted",
        "session.input_audio.unmute",
        "session.input_audio.unmuted",
        "session.input_transcript.delta",
        "session.instructions.append",
        "session.instructions.appended",
        "session.output_audio.delta",
        "session.output_audio.fixture.play",
        "session.output_audio.fixture.played",
        "session.output_audio.fixture.playing",
        "session.output_transcript.delta",
        "session.paused",
        "session.resumed",
        "session.start",
        "session.started",
        "session.thinking.append",
        "session.thinking.appended",
        "session.update",
        "session.updated",
        "session.usage.updated",
        "transport.answered",
        "transport.dtmf.received",
        "transport.dtmf.send",
        "transport.dtmf.sent",
        "transport.failed",
        "transport.ringing",
    )
)
"""Event types of ``/v1/live/sessions``: a separate vocabulary, recognised but not normalised."""


class EventType(NamedTuple):
    """One event type of the conversation vocabularies.

    Attributes:
        name: its name on the wire.
        sender: ``client`` or ``server``.
        preview: whether the preview vocabulary has it.
        ga: whether the GA vocabulary has it.
        vendor: whose event it is, if neither vocabulary has it.
        canonical: its name in the fold.
    """

    name: str
    sender: Literal["client", "server"]
    preview: bool
    ga: bool
    vendor: str | None
    canonical: str


def _rows(
    sender: Literal["client", "server"], preview: AbstractSet[str], ga: AbstractSet[str], vendor: Mapping[str, str]
) -> dict[str, EventType]:
    return {
        name: EventType(name, sender, name in preview, name in ga, vendor.get(name), CANONICAL.get(name, name))
        for name in sorted({*preview, *ga, *vendor})
    }


EVENT_TYPES: Final[MappingProxyType[str, EventType]] = MappingProxyType(
    _rows("client", PREVIEW_CLIENT, GA_CLIENT, VENDOR_CLIENT)
    | _rows("server", PREVIEW_SERVER, GA_SERVER, VENDOR_SERVER)
)
"""Every known event type of the conversation vocabularies, by its name on the wire. No name has two senders."""


def canonical_type(name: str) -> str:
    """Return the canonical name of an event type; for an unknown type, the type itself."""
    return CANONICAL.get(name, name)


def is_known(name: str) -> bool:
    """Whether a conversation vocabulary has this event type."""
    return name in EVENT_TYPES
