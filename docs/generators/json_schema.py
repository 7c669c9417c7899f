"""JSON Schemas of what the command prints and files hold."""

from __future__ import annotations

import json
from typing import Any

from earwitness.schemas.state import Conversation
from pydantic import TypeAdapter

__all__ = ["conversation", "text_of"]


def text_of(schema: dict[str, Any]) -> str:
    """A schema as a file's text."""
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}, indent=2) + "\n"


def conversation() -> str:
    """The state that the fold makes of a session, as ``show --json`` prints it."""
    return text_of(TypeAdapter(Conversation).json_schema(mode="serialization"))
