"""Fill the page's template, with a content security policy that lets nothing but the page's own parts in."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import Final

from jinja2 import DictLoader, Environment, StrictUndefined

from ...times import clock, ms_of
from ..line import readable
from .layout import Page

__all__ = ["policy", "render"]

_READINGS: Final = {
    "heard": "As heard. Where the user cut in, the words up to the cut are an estimate from the audio position; "
    "what was produced and not heard is shown faded.",
    "delivered": "As delivered: what crossed to the client, whether or not it was heard.",
    "generated": "As generated: what the model produced, whether or not it was delivered or heard.",
}


@cache
def _asset(name: str) -> str:
    return files(__package__ or "").joinpath("assets", name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    return Environment(
        loader=DictLoader({"page": _asset("page.html.jinja")}),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def policy(style: str, script: str) -> str:
    """Return the content security policy: this very style sheet, this very script, embedded sound, and nothing else."""
    return "; ".join(
        (
            "default-src 'none'",
            f"style-src {_hash(style)}",
            f"script-src {_hash(script)}",
            "media-src data:",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
        )
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def render(page: Page) -> str:
    """Return the page's text. The template escapes everything that comes from the recording."""
    style, script = _asset("page.css"), _asset("page.js")
    text = (
        _environment()
        .get_template("page")
        .render(
            page=page,
            clock=clock,
            ms_of=ms_of,
            policy=policy(style, script),
            reading=_READINGS[page.reading],
            style=style,
            script=script,
        )
    )
    return readable(text)
