"""The language: frames, dialects, event models, conversation state, file formats. No I/O.

The names below, but for the errors, are imported when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import errors
from .errors import *  # noqa: F403 - each of them is public
from .lazy import lazy_names

if TYPE_CHECKING:
    from .dialects.denormalise import denormalise
    from .dialects.detect import detect
    from .dialects.normalise import normalise
    from .events import parse_event
    from .frame import Frame
    from .recording import MemoryRecording, Recording, SessionInfo
    from .state import Conversation

__all__ = [
    "Conversation",
    "Frame",
    "MemoryRecording",
    "Recording",
    "SessionInfo",
    "denormalise",
    "detect",
    "normalise",
    "parse_event",
]
__all__ += errors.__all__

_HOMES = {
    "Conversation": "state",
    "Frame": "frame",
    "MemoryRecording": "recording",
    "Recording": "recording",
    "SessionInfo": "recording",
    "denormalise": "dialects.denormalise",
    "detect": "dialects.detect",
    "normalise": "dialects.normalise",
    "parse_event": "events",
}

if not TYPE_CHECKING:  # an unknown name is an error for type checkers, too
    __getattr__, __dir__ = lazy_names(__name__, _HOMES)
