"""Fold events that a program has at hand: frames, or events with who sent them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ...schemas.errors import RequestError
from ...schemas.frame import Frame, sniff_type
from ...schemas.state import Conversation
from .. import fold as folding
from ..fold.until import Point

__all__ = ["Sent", "fold"]

Event = Mapping[str, Any] | str | bytes
Sent = tuple[str, Event] | tuple[str, Event, float | None]
"""``client`` or ``server``, what it sent, and seconds since the session opened if known. A text is the JSON as sent."""


def fold(events: Iterable[Frame | Sent], *, until: Point | None = None) -> Conversation:
    """Fold a session's events, in order, into its conversation.

    ``fold([("client", {"type": "response.create"}), ("server", {"type": "response.created", …})])``

    Args:
        events: frames; or pairs ``("client" | "server", event)``, whose seqs are their places in the list, from 0. With
            seconds since the session opened as a third, the state has times.
        until: how far: a record's seq, a time, or an event's id; to the end if None.

    Raises:
        RequestError: something is not an event with its sender; or there is no such point.
    """
    return folding.fold(_frames(events), until=until)


def _frames(events: Iterable[Frame | Sent]) -> Iterator[Frame]:
    for seq, event in enumerate(events):
        yield event if isinstance(event, Frame) else _frame(seq, event)


def _frame(seq: int, sent: Sent) -> Frame:
    values: tuple[Any, ...] = sent if isinstance(sent, tuple) else ()  # pyright: ignore[reportUnnecessaryIsInstance]
    if len(values) not in (2, 3) or values[0] not in ("client", "server"):
        raise RequestError(
            f"event {seq} is {type(sent).__name__}, not an event with its sender.",
            hint='Write ("client", {"type": …}) or ("server", {"type": …}).',
            seq=seq,
        )
    event, seconds = values[1], values[2] if len(values) == 3 else None
    try:
        body = event if isinstance(event, bytes) else (event if isinstance(event, str) else json.dumps(event)).encode()
        offset_ns = None if seconds is None else round(float(seconds) * 1_000_000_000)
    except (TypeError, ValueError, OverflowError) as error:
        raise RequestError(f"event {seq} cannot be written as JSON: {error}.", seq=seq) from error
    if offset_ns is not None and not -(1 << 63) <= offset_ns < 1 << 63:
        raise RequestError(f"event {seq} has a time that no recording can hold: {seconds} s.", seq=seq)
    return Frame(seq, offset_ns, "text", values[0], sniff_type(body), body)
