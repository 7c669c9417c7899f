"""The language: frames, dialects, event models, conversation state, file formats. No I/O.

The names below are imported when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .lazy import lazy_names

if TYPE_CHECKING:
    from .dialects.denormalise import denormalise
    from .dialects.detect import detect
    from .dialects.normalise import normalise
    from .errors import (
        AmbiguousSession,
        CannotWrite,
        ClientDiverged,
        DamagedFile,
        EarwitnessError,
        FileError,
        ListenFailed,
        NotRecognised,
        OutputExists,
        PeerError,
        RequestError,
        SessionNotFound,
        StoreBusy,
        StoreCorrupt,
        StoreError,
        StoreNewer,
        StoreNotFound,
        StoreOutdated,
        StoreWriteFailed,
        UpstreamRefused,
        UpstreamUnreachable,
    )
    from .events import parse_event
    from .frame import Frame
    from .recording import MemoryRecording, Recording, SessionInfo
    from .state import Conversation

__all__ = [
    "AmbiguousSession",
    "CannotWrite",
    "ClientDiverged",
    "Conversation",
    "DamagedFile",
    "EarwitnessError",
    "FileError",
    "Frame",
    "ListenFailed",
    "MemoryRecording",
    "NotRecognised",
    "OutputExists",
    "PeerError",
    "Recording",
    "RequestError",
    "SessionInfo",
    "SessionNotFound",
    "StoreBusy",
    "StoreCorrupt",
    "StoreError",
    "StoreNewer",
    "StoreNotFound",
    "StoreOutdated",
    "StoreWriteFailed",
    "UpstreamRefused",
    "UpstreamUnreachable",
    "denormalise",
    "detect",
    "normalise",
    "parse_event",
]

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

__getattr__, __dir__ = lazy_names(__name__, dict.fromkeys(__all__, "errors") | _HOMES)
