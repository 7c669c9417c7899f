r"""Rules for what to remove from a recording before it is shared, and the file that holds them.

The file is TOML (``.toml``) or JSON::

    ids = "stable"            # or "keep"
    instructions = "drop"     # or "keep"
    audio = "silence"         # or "tone", "keep"
    images = "blank"          # or "keep"
    headers = "drop"          # or "keep"
    forbid = ["Lisbon"]       # patterns that may not be left

    [[replace]]
    pattern = '\b\d{4,}\b'
    with = "0000"

    [match]                   # further rules for those who replay it
    tolerances = { "conversation.item.truncate.audio_end_ms" = 300 }
"""

from __future__ import annotations

import re
import tomllib
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from ...schemas.errors import DamagedFile, NotRecognised
from ...schemas.frame import parse_json
from ..playing.match import MatchPolicy

__all__ = ["Replacement", "ScrubRules", "read_rules"]


class _Rules(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Replacement(_Rules):
    r"""What to replace in every text, even in one that is spread over several deltas.

    ``pattern`` is a regular expression of :mod:`re`, ``with`` may refer to its groups (``\1``).
    """

    pattern: str
    by: str = Field(alias="with")
    ignore_case: bool = False

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, value: str) -> str:
        return _checked(value)

    @cached_property
    def regex(self) -> re.Pattern[str]:
        """The pattern, compiled."""
        return re.compile(self.pattern, re.IGNORECASE if self.ignore_case else 0)


class ScrubRules(_Rules):
    """What to do with a recording. The defaults keep what was said and remove what identifies the session."""

    ids: Literal["stable", "keep"] = "stable"
    """``stable``: number ids in order of appearance, so that a new recording of the same talk differs little."""
    instructions: Literal["drop", "keep"] = "drop"
    audio: Literal["silence", "tone", "keep"] = "silence"
    """What replaces all sound: in the session's format, each frame as long as before."""
    images: Literal["blank", "keep"] = "blank"
    """``blank``: replace every image with one transparent pixel."""
    headers: Literal["drop", "keep"] = "drop"
    """``drop``: keep only the headers of the handshake that a client or server acts on."""
    replace: tuple[Replacement, ...] = ()
    """Applied in order to all text: what was said, arguments, outputs, error messages, labels."""
    forbid: tuple[str, ...] = ()
    """Patterns that must not be left in any text; if one is, scrubbing fails."""
    match: MatchPolicy = Field(default_factory=MatchPolicy)
    """Added to the policy that follows from the scrubbing."""

    @field_validator("forbid")
    @classmethod
    def _compile(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_checked(pattern) for pattern in value)


def _checked(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r} is not a regular expression: {error}") from None
    return pattern


def read_rules(path: Path) -> ScrubRules:
    """Read a rules file.

    Raises:
        NotRecognised: it cannot be read as TOML or JSON.
        DamagedFile: it states something that is not a rule.
    """
    try:
        data = path.read_bytes()
        value: Any = tomllib.loads(data.decode("utf-8")) if path.suffix == ".toml" else parse_json(data)
    except OSError as error:
        raise NotRecognised(f"{path} cannot be read: {error.strerror or error}.", file=str(path)) from None
    except ValueError as error:
        kind = "TOML" if path.suffix == ".toml" else "JSON"
        raise NotRecognised(f"{path} is not {kind}: {error}.", hint="See docs/cassettes.md.", file=str(path)) from None
    try:
        return ScrubRules.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(step) for step in first["loc"])
        raise DamagedFile(
            f"{path}: {where or 'the file'}: {first['msg']}.",
            hint="docs/cassettes.md describes the rules.",
            file=str(path),
        ) from None
