"""Make recorded text safe for a terminal, which obeys some characters and cannot take others."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["one_line", "visible"]

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def visible(text: str) -> str:
    """Replace lone surrogates and control characters (Unicode's Cc), but for tab and line feed, with U+FFFD."""
    return _CONTROL.sub("\ufffd", text)


def one_line(text: str) -> str:
    """Make text safe and put it on one line, so that nothing said can pass for a line of the program."""
    return visible(text).replace("\n", " ")
