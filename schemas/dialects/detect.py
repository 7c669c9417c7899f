"""Detect which dialect a session speaks.

Nothing is ever refused or left out because of the answer. Evidence of a higher rank replaces evidence of a lower one;
within a rank, the first counts:

1. the handshake: path, ``OpenAI-Beta`` header, subprotocols;
2. the shape of a session object: flat, or ``audio`` and ``output_modalities``;
3. event types that only one vocabulary has;
4. the names of the model's output: ``response.audio.…`` or ``response.output_audio.…``. This settles it: a vendor that
   mixes dialects (Azure Voice Live with ``conversation.item.done``, xAI with flat sessions) is read by its output.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, cast
from urllib.parse import urlsplit

from .shapes import SESSION_FIELDS
from .vocabulary import GA_CLIENT, GA_SERVER, LIVE, PREVIEW_CLIENT, PREVIEW_NAMES, PREVIEW_SERVER, TRANSLATION, Dialect

__all__ = ["DialectReading", "detect"]

_HANDSHAKE, _SHAPE, _NAME, _OUTPUT = 1, 2, 3, 4


def detect(
    target: str | None = None,
    headers: Iterable[tuple[str, str]] = (),
    events: Iterable[Mapping[str, Any]] = (),
) -> Dialect:
    """Detect the dialect from a handshake, events, or both; ``unknown`` if nothing says.

    Args:
        target: path and query of the request.
        headers: of the request, names in any case.
        events: parsed events of either side, in order.
    """
    reading = DialectReading(target, headers)
    for event in events:
        reading.observe(event)
        if reading.settled:
            break
    return reading.dialect


class DialectReading:
    """Detects the dialect of a session as it grows.

    Attributes:
        dialect: what the evidence so far says.
        settled: whether no later event can change that.
    """

    __slots__ = ("_rank", "dialect", "settled")

    def __init__(self, target: str | None = None, headers: Iterable[tuple[str, str]] = ()) -> None:
        self.dialect: Dialect = "unknown"
        self.settled = False
        self._rank = 0
        found = _of_handshake(target, headers)
        if found is not None:
            self._take(_HANDSHAKE, found)

    def observe(self, event: Mapping[str, Any]) -> None:
        """Take one more event into account, as it was on the wire."""
        name = event.get("type")
        if not isinstance(name, str):
            return
        marker = _MARKERS.get(name)
        if marker is not None:
            self._take(*marker)
        elif name in _WITH_SESSION and self._rank < _SHAPE:
            shape = _of_shape(event.get("session"))
            if shape is not None:
                self._take(_SHAPE, shape)

    def _take(self, rank: int, dialect: Dialect) -> None:
        if rank > self._rank:
            self._rank, self.dialect, self.settled = rank, dialect, rank == _OUTPUT


def _of_handshake(target: str | None, headers: Iterable[tuple[str, str]]) -> Dialect | None:
    try:
        path = urlsplit(target or "").path.rstrip("/")
    except ValueError:  # "//[" and the like
        return None
    if "/realtime/translations" in path:
        return "translation"
    if "/live/sessions" in path:
        return "live"
    beta = any(_is_beta(name.lower(), value) for name, value in headers)
    if beta or path.endswith(("/openai/realtime", "/voice-live/realtime")):
        return "preview"
    return "ga" if path.endswith("/v1/realtime") else None


def _is_beta(name: str, value: str) -> bool:
    """``OpenAI-Beta: realtime=v1``, or from a browser, which cannot set headers, the subprotocol for it."""
    offered = [part.strip() for part in value.split(",")]
    return (name == "openai-beta" and "realtime=v1" in offered) or (
        name == "sec-websocket-protocol" and "openai-beta.realtime-v1" in offered
    )


def _of_shape(session: Any) -> Dialect | None:
    """Tell flat from nested; None for neither, and for both at once."""
    if not isinstance(session, dict):
        return None
    fields = cast("dict[str, Any]", session)
    flat = not _FLAT.isdisjoint(fields)
    nested = isinstance(fields.get("audio"), dict) or "output_modalities" in fields
    return None if flat == nested else "preview" if flat else "ga"


_FLAT: Final = frozenset(rule.preview for rule in SESSION_FIELDS)
_WITH_SESSION: Final = frozenset(("session.created", "session.update", "session.updated"))


def _markers() -> dict[str, tuple[int, Dialect]]:
    """Return the event types that only one vocabulary has, with the rank of that evidence."""
    words: dict[Dialect, frozenset[str]] = {
        "preview": PREVIEW_CLIENT | PREVIEW_SERVER | {"transcription_session.created"},
        "ga": GA_CLIENT | GA_SERVER,
        "translation": TRANSLATION,
        "live": LIVE,
    }
    outputs = {name for pair in PREVIEW_NAMES.items() for name in pair if ".item." not in name}
    return {
        name: (_OUTPUT if name in outputs else _NAME, dialect)
        for dialect, own in words.items()
        for name in own - frozenset[str]().union(*(other for key, other in words.items() if key != dialect))
    }


_MARKERS: Final = _markers()
