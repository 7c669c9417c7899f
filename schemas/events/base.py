"""What all event models share: they accept anything and lose nothing.

Every field but ``type`` may be absent or null, because real traffic omits or nulls what the vendors' types call
required. Fields, enum values and object types that a model does not know are kept, and :meth:`Model.to_json` returns
exactly the JSON that was read: nothing added, nothing converted (``1`` stays ``1``, ``1.0`` stays ``1.0``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler
from pydantic.fields import FieldInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

__all__ = [
    "GA",
    "PREVIEW",
    "ClientEvent",
    "Failure",
    "Json",
    "Model",
    "Number",
    "Only",
    "ServerEvent",
    "UnknownEvent",
    "VendorEvent",
    "event_type",
    "known",
]

Json = Any
"""Any JSON value, kept as it is."""

Number = int | float
"""A JSON number, kept as it was written."""


def known(*values: str) -> FieldInfo:
    """Declare the documented values of a string that may have others: ``examples`` in the JSON Schema."""
    return Field(examples=list(values))


@dataclass(frozen=True, slots=True)
class Only:
    """Marks a field that only one vocabulary has.

    Attributes:
        by: ``preview``, ``ga``, or the vendor that adds it to either.
    """

    by: str

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Show the mark as ``x-only``."""
        return {**handler(schema), "x-only": self.by}


PREVIEW: Final = Only("preview")
GA: Final = Only("ga")


class Model(BaseModel):
    """An event, or an object in one."""

    model_config = ConfigDict(
        extra="allow",
        frozen=True,
        strict=True,  # a number in quotes is not the number that was sent
        use_attribute_docstrings=True,
        protected_namespaces=(),
    )

    def to_json(self) -> dict[str, Json]:
        """Return the JSON object that was read, as far as ``==`` can tell."""
        stated = self.model_fields_set
        fields = {name: _plain(getattr(self, name)) for name in type(self).model_fields if name in stated}
        return {**fields, **(self.model_extra or {})}


def _plain(value: Any) -> Json:
    if isinstance(value, Model):
        return value.to_json()
    if isinstance(value, list):
        return [_plain(element) for element in cast("list[Any]", value)]
    return value


class Failure(Model):
    """Why something did not work."""

    type: str | None = None
    code: str | None = None
    message: str | None = None


class _Event(Model):
    type: Any
    """Its name on the wire, a string; each model says which."""


class ClientEvent(_Event):
    """An event that the client sends."""

    event_id: str | None = None
    """Chosen by the client; an ``error`` names it."""


class ServerEvent(_Event):
    """An event that the server sends."""

    event_id: str | None = None
    """Chosen by the server, unique in the session."""


class VendorEvent(_Event):
    """An event of one vendor, of a type known only by name."""

    event_id: str | None = None


def event_type(data: Json) -> str | None:
    """Return the ``type`` of any JSON value; None if it has none."""
    if not isinstance(data, dict):
        return None
    name = cast("dict[str, Any]", data).get("type")
    return name if isinstance(name, str) else None


@dataclass(frozen=True, slots=True)
class UnknownEvent:
    """JSON that no model reads: an unknown type, a known type in an unknown shape, or not an event at all.

    Attributes:
        data: the JSON value as it was read.
        reason: ``not an object``, ``no type``, ``unknown type``, ``other sender``, ``unknown shape``.
        problems: for an unknown shape, what does not fit, and where.
    """

    data: Json
    reason: Literal["not an object", "no type", "unknown type", "other sender", "unknown shape"]
    problems: tuple[str, ...] = ()

    @property
    def type(self) -> str | None:
        """The event's own ``type`` string; None if it has none."""
        return event_type(self.data)

    def to_json(self) -> Json:
        """Return what was read."""
        return self.data
