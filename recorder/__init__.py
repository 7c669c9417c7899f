"""Writing: the recording proxy, the journal, importers, verification.

The names below are imported when they are first used: some of their modules take long to load.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..schemas.lazy import lazy_names

if TYPE_CHECKING:
    from .importing import import_files
    from .journal import Journal, JournalReader, WriterSettings, erase, rebuild, verify
    from .proxy.listener import Proxy, SessionEnd, recording_proxy
    from .proxy.settings import ProxySettings
    from .proxy.upstream import parse_upstream

__all__ = [
    "Journal",
    "JournalReader",
    "Proxy",
    "ProxySettings",
    "SessionEnd",
    "WriterSettings",
    "erase",
    "import_files",
    "parse_upstream",
    "rebuild",
    "recording_proxy",
    "verify",
]

if not TYPE_CHECKING:  # an unknown name is an error for type checkers, too
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "Journal": "journal",
            "JournalReader": "journal",
            "Proxy": "proxy.listener",
            "ProxySettings": "proxy.settings",
            "SessionEnd": "proxy.listener",
            "WriterSettings": "journal",
            "erase": "journal",
            "import_files": "importing",
            "parse_upstream": "proxy.upstream",
            "rebuild": "journal",
            "recording_proxy": "proxy.listener",
            "verify": "journal",
        },
    )
