"""Reading: fold, audio, pacing, replay server, replay client, diff, exporters, pytest plugin.

The names exported here are loaded when they are first used: pytest imports this package in every run, for its plugin.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from .driving import drive
    from .serving import serve

__all__ = ["drive", "serve"]

_HOMES: Final = {"drive": ".driving", "serve": ".serving"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name], __name__), name)
