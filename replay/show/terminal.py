r"""Make recorded text safe to print: a terminal obeys some characters, and others make a line read as what it is not.

Control characters, and those that change the direction of the text around them (Unicode Standard Annex 9), are shown as
escapes, as JSON writes them: ``\\u001b``, ``\\u202e``. JSON output has the same escapes, where they lose nothing.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["json_visible", "one_line", "readable", "shortened", "visible"]

_BIDI: Final = "\u061c\u202a-\u202e\u2066-\u2069"
_MARKS: Final = "\u200e\u200f"
"""Marks of direction. Text in scripts that run from right to left needs them; elsewhere they only mislead."""
_CONTROL: Final = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f{_BIDI}{_MARKS}\ud800-\udfff]")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_IN_JSON: Final = re.compile(f"[\x7f-\x9f{_BIDI}{_MARKS}]")
_RIGHT_TO_LEFT: Final = frozenset(("R", "AL"))


def visible(text: str, keep: str = "") -> str:
    """Escape control characters, but for tab and line feed, and those that change the direction of text.

    A lone surrogate, which is no character, becomes U+FFFD. Marks of direction stay in a line with letters that run
    from right to left.

    Args:
        text: what was recorded, and what is printed around it.
        keep: control characters that stay.
    """
    if _CONTROL.search(text) is None:
        return text
    return "\n".join(_visible(line, keep) for line in text.split("\n"))


def _visible(line: str, keep: str) -> str:
    if any(mark in line for mark in _MARKS):
        from unicodedata import bidirectional  # a library of its own, which few lines need

        if any(bidirectional(letter) in _RIGHT_TO_LEFT for letter in line if letter not in _MARKS):
            keep += _MARKS

    def escape(found: re.Match[str]) -> str:
        letter = found[0]
        return letter if letter in keep else f"\\u{ord(letter):04x}"

    if _SURROGATE.search(line):  # two that came apart are one letter
        line = line.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return _CONTROL.sub(escape, line)


def json_visible(text: str) -> str:
    """Escape in a JSON text what a terminal obeys or misleads its reader. The value stays the same."""
    return _IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def one_line(text: str) -> str:
    """Make text safe and put it on one line, so that nothing said can pass for a line of the program."""
    return visible(text).replace("\n", " ")


def shortened(text: str, longest: int = 90) -> str:
    """Cut a text to so many characters, with an ellipsis as the last of them."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def readable(text: str) -> str:
    """Return a text that can be written as UTF-8: lone surrogates, which JSON may hold, become U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
