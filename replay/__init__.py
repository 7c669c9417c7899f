"""Reading: fold, audio, pacing, replay server, replay client, diff, exporters, pytest plugin.

The names below are imported when they are first used: the pytest plugin loads this package in every user's test run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .fold import fold_recording
    from .open import open_recording
    from .playing.match import MatchPolicy
    from .testing.realtime import Realtime, ReplayIncomplete

__all__ = ["MatchPolicy", "Realtime", "ReplayIncomplete", "fold_recording", "open_recording"]

_HOMES = {
    "MatchPolicy": "playing.match",
    "Realtime": "testing.realtime",
    "ReplayIncomplete": "testing.realtime",
    "fold_recording": "fold",
    "open_recording": "open",
}


def __getattr__(name: str) -> Any:
    """Import a name of ``__all__`` when it is used."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
