"""What ``/v1/live/sessions`` says of a pause. Of the live vocabulary's other events only the names are known here."""

from __future__ import annotations

from typing import Literal

from .base import ServerEvent

__all__ = ["SessionPaused", "SessionResumed"]


class _Pause(ServerEvent):
    client_event_id: str | None = None
    """The client event that this one answers, where it had an id."""


class SessionPaused(_Pause):
    """The idle timeout paused inference; connection and session persist. Live."""

    type: Literal["session.paused"]


class SessionResumed(_Pause):
    """Speech ended the pause; the session takes audio again. Live."""

    type: Literal["session.resumed"]
