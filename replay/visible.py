"""Text of a recording for a terminal: what was said may hold anything, and a terminal obeys some of it."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["visible"]

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def visible(text: str) -> str:
    """The text with U+FFFD in place of control characters (Unicode's Cc) other than tab and line feed."""
    return _CONTROL.sub("\ufffd", text)
