"""What a transcript says beside the words of items: keys pressed, and how responses ended. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from ...schemas.failures import outcome
from ...schemas.refs import Seqs
from ...schemas.state import Conversation, Response
from ..show.keys import Revealed, key_presses
from .line import Line, readable

__all__ = ["with_keys", "with_outcomes"]


def with_keys(lines: Sequence[Line], conversation: Conversation, reveal: Collection[Revealed]) -> list[Line]:
    """Put in a line for each key that the caller pressed, where it came among the records."""
    presses = [
        Line("user", "key", press.key, None, Seqs([(press.seq, press.seq)]), start_ns=press.offset_ns)
        for press in key_presses(conversation, reveal)
    ]
    return _put_in(lines, presses)


def with_outcomes(lines: Sequence[Line], responses: Sequence[Response]) -> list[Line]:
    """Say how responses ended that failed or stayed incomplete: on the last line of each, else on a line of its own."""
    told = list(lines)
    alone: list[Line] = []
    for response in responses:
        ended = outcome(response)
        if ended is None or response.status == "cancelled":  # that is an interruption
            continue
        last = next((at for at in reversed(range(len(told))) if told[at].response_id == response.id), None)
        if last is not None:
            told[last] = replace(told[last], outcome=readable(ended))
        else:
            alone.append(_without_items(response, readable(ended)))
    return _put_in(told, alone)


def _without_items(response: Response, ended: str) -> Line:
    return Line(
        "assistant", "response", "", None, response.seqs, response_id=response.id,
        start_ns=response.created_ns, end_ns=response.done_ns, outcome=ended,
    )  # fmt: skip


def _put_in(lines: Sequence[Line], others: Sequence[Line]) -> list[Line]:
    """Put lines that are no items before the first line that begins later."""
    merged = list(lines)
    for line in others:
        at = next((at for at, each in enumerate(merged) if _begin(each) > _begin(line)), len(merged))
        merged.insert(at, line)
    return merged


def _begin(line: Line) -> int:
    return -1 if line.seqs.first is None else line.seqs.first
