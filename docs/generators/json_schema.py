"""JSON Schemas of what commands print and of files."""

from __future__ import annotations

import json
from typing import Any

from earwitness.schemas.files.cassette import CassetteHeader
from earwitness.schemas.frame import KINDS, SENDERS
from earwitness.schemas.state import Conversation
from earwitness.schemas.usage import Usage
from pydantic import TypeAdapter

__all__ = ["cassette", "conversation", "text_of", "usage"]


def text_of(schema: dict[str, Any]) -> str:
    """Write a schema as a file's text."""
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}, indent=2) + "\n"


def conversation() -> str:
    """The state that the fold makes of a session, as ``show --json`` prints it."""
    return text_of(TypeAdapter(Conversation).json_schema(mode="serialization"))


def usage() -> str:
    """What a session cost, as ``show --json`` prints it beside the state."""
    return text_of(TypeAdapter(Usage).json_schema(mode="serialization"))


def cassette() -> str:
    """The JSON Schema of a cassette: of its header line and of each record line."""
    header = CassetteHeader.model_json_schema()
    definitions = header.pop("$defs", {})
    record = {
        "type": "array",
        "description": "One record; other lines that are objects are kept, but have no meaning.",
        "prefixItems": [
            {"type": "integer", "minimum": 0, "description": "seq, dense from 0"},
            {"type": ["integer", "null"], "description": "offset_ns since the session opened; null without a clock"},
            {"enum": list(SENDERS), "description": "sender"},
            {"enum": list(KINDS), "description": "kind"},
            {
                "description": "The event of a text frame, or the recorder's statement; what JSON cannot represent "
                'without loss is wrapped in {"$raw": …}.',
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
