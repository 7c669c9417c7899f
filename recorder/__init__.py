"""Writing: the recording proxy, the journal, importers, verification.

The names below are imported when they are first used: some of their modules take long to load.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .journal import Journal, JournalReader, verify
    from .proxy.listener import Proxy, recording_proxy
    from .proxy.settings import ProxySettings
    from .proxy.upstream import parse_upstream

__all__ = ["Journal", "JournalReader", "Proxy", "ProxySettings", "parse_upstream", "recording_proxy", "verify"]

_HOMES = {
    "Journal": "journal",
    "JournalReader": "journal",
    "Proxy": "proxy.listener",
    "ProxySettings": "proxy.settings",
    "parse_upstream": "proxy.upstream",
    "recording_proxy": "proxy.listener",
    "verify": "journal",
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
