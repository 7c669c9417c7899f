"""Text of a recording for a terminal: it may hold anything, and a terminal obeys some of it and cannot take all."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["one_line", "visible"]

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def visible(text: str) -> str:
    """The text with U+FFFD for lone surrogates and for control characters (Unicode's Cc) but tab and line feed."""
    return _CONTROL.sub("\ufffd", text)


def one_line(text: str) -> str:
    """The same on a line of its own, whatever lines it had: nothing that was said can pass for a line of ours."""
    return visible(text).replace("\n", " ")
