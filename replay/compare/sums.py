"""Whether the numbers of a usage add up: the total against input and output, details against what they are of.

Details overlap where they are about something else than the kind of token: ``cached_tokens`` and ``reasoning_tokens``
are among the others (API reference, ``response.done``, ``usage``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, cast

from ...schemas.values import Json, integer, members

__all__ = ["Sum", "sums_of_usage"]

Sum = tuple[str, int, int]
"""A name, what is stated under it, and what its parts add up to."""

_KINDS: Final = ("text_tokens", "audio_tokens", "image_tokens")
_DETAILS: Final = (
    ("input_tokens", ("input_token_details", "input_tokens_details")),
    ("output_tokens", ("output_token_details", "output_tokens_details")),
)


def sums_of_usage(usage: Any) -> Iterator[Sum]:
    """Yield the sums that a usage states in two ways.

    Details count if they give a number for a kind of token, and one of the numbers is not 0: vendors that do not tell
    the kinds apart give zeros.
    """
    if not isinstance(usage, dict):
        return
    stated = cast("Json", usage)
    total, ours, theirs = (integer(stated, name) for name in ("total_tokens", "input_tokens", "output_tokens"))
    if total is not None and ours is not None and theirs is not None:
        yield "total_tokens", total, ours + theirs
    for name, places in _DETAILS:
        whole = integer(stated, name)
        details = members(stated, next((place for place in places if place in stated), places[0]))
        if whole is not None:
            yield from _of_details(name, whole, details)
        cached, of_cached = integer(details, "cached_tokens"), members(details, "cached_tokens_details")
        if cached is not None:
            yield from _of_details(f"{name} cached_tokens", cached, of_cached)


def _of_details(name: str, whole: int, details: Json) -> Iterator[Sum]:
    kinds = [count for kind in _KINDS if (count := integer(details, kind)) is not None]
    if not any(kinds):
        return
    found = sum(kinds)
    apart = integer(details, "reasoning_tokens") or 0  # some count reasoning among the text, some beside it
    yield name, whole, whole if whole == found + apart else found
