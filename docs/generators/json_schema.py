"""JSON Schemas of what the command prints and files hold."""

from __future__ import annotations

import json
from typing import Any

from earwitness.schemas.files.cassette import CassetteHeader
from earwitness.schemas.frame import KINDS, SENDERS
from earwitness.schemas.state import Conversation
from pydantic import TypeAdapter

__all__ = ["cassette", "conversation", "text_of"]


def text_of(schema: dict[str, Any]) -> str:
    """A schema as a file's text."""
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}, indent=2) + "\n"


def conversation() -> str:
    """The state that the fold makes of a session, as ``show --json`` prints it."""
    return text_of(TypeAdapter(Conversation).json_schema(mode="serialization"))


def cassette() -> str:
    """Give the JSON Schema of a cassette: of its header line and of each record line."""
    header = CassetteHeader.model_json_schema()
    definitions = header.pop("$defs", {})
    record = {
        "type": "array",
        "description": "One record; further lines that are objects are kept and mean nothing.",
        "prefixItems": [
            {"type": "integer", "minimum": 0, "description": "seq, dense from 0"},
            {"type": ["integer", "null"], "description": "offset_ns since the session opened; null without a clock"},
            {"enum": list(SENDERS), "description": "sender"},
            {"enum": list(KINDS), "description": "kind"},
            {
                "description": "The event of a text frame, or the recorder's statement; what JSON cannot give back "
                'without loss stands in {"$raw": …}.',
            },
            {
                "type": "object",
                "properties": {"redacted": {"type": "array", "items": {"type": "string"}}},
                "additionalProperties": True,
            },
        ],
        "minItems": 5,
    }
    return text_of(
        {
            "title": "A line of an earwitness cassette, version 1",
            "oneOf": [{"$ref": "#/$defs/Header"}, {"$ref": "#/$defs/Record"}],
            "$defs": {**definitions, "Header": header, "Record": record},
        }
    )
