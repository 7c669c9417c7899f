"""The format of audio from the server."""

from __future__ import annotations

from typing import Any

from ...schemas.dialects.normalise import audio_format
from ...schemas.state import AudioFormat, Conversation, Response
from ...schemas.values import members

__all__ = ["output_format"]


def output_format(conversation: Conversation, response: Response | None, seq: int) -> AudioFormat:
    """The format of audio from the server: as its response states it, else as the session does at that record."""
    stated = _stated(response.config) if response is not None else None
    if stated is not None:
        return stated
    found: AudioFormat | None = None
    for change in conversation.session.history:
        if change.by == "server" and (found is None or change.seq <= seq):
            found = _stated(change.config) or found
    return found or conversation.session.output_format


def _stated(config: dict[str, Any]) -> AudioFormat | None:
    known = audio_format(members(members(config, "audio"), "output").get("format"))
    return None if known is None else AudioFormat(*known)
