"""What a cassette holds that this version does not know, and where an imported session keeps it.

Unknown header keys, lines that are no records and what follows a record's event have no place among the records. They
are kept in the session's ``open`` record, under ``kept``, and go back to their places when the session is exported.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, cast

import msgspec

from ..frame import Frame
from ..summary import statement_of
from ..values import Json, members
from .cassette import Cassette, CassetteHeader

__all__ = ["KEPT", "Kept", "kept_of", "take_kept"]

KEPT = "kept"
"""Its key in the ``open`` record."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept.

    Attributes:
        header: keys of the header.
        close: keys of the header's ``close``.
        lines: lines that are no records, each with the seq of the record that follows it.
        extras: by seq, what follows a record's event: elements from the sixth on.
    """

    header: Json = field(default_factory=dict[str, Any])
    close: Json = field(default_factory=dict[str, Any])
    lines: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    extras: dict[int, list[Any]] = field(default_factory=dict[int, list[Any]])

    def into(self, header: CassetteHeader) -> CassetteHeader:
        """Return a header with these keys; what it states itself stays."""
        close = header.close
        if close is not None and self.close:
            close = close.model_copy(update=self.close)
        stated = {key for key, value in header if value is not None}
        mine = {key: value for key, value in self.header.items() if key not in stated}
        return header.model_copy(update={**mine, "close": close})


def kept_of(cassette: Cassette, shift: int) -> Json | None:
    """Return what to keep of a cassette, each part as JSON text; None if there is nothing.

    Args:
        cassette: as read.
        shift: by how much the seqs of its records grow.
    """
    header = dict(cassette.header.model_extra or {})
    if shift and cassette.header.url is not None:  # no record of its own says where the handshake went
        header["url"] = cassette.header.url
    close = cassette.header.close
    extras = {str(seq + shift): _text(more) for seq, more in cassette.extras.items() if _unknown(more)}
    kept = {
        "header": header and _text(header),
        "close": _text(close.model_extra) if close is not None and close.model_extra else {},
        "lines": [[seq + shift if seq else 0, line] for seq, line in cassette.others],
        "extras": extras,
    }
    return {key: value for key, value in kept.items() if value} or None


def take_kept(opening: Frame) -> tuple[Frame, Kept]:
    """Return an ``open`` record without what is kept in it, and that."""
    stated = statement_of(opening)
    if opening.kind != "open" or not isinstance(stated.get(KEPT), dict):
        return opening, Kept()
    fields = members(stated, KEPT)
    lines: list[tuple[int, str]] = []
    found = fields.get("lines")
    for line in cast("list[Any]", found) if isinstance(found, list) else []:
        match line:
            case [int(seq), str(text)] if "\n" not in text:
                lines.append((seq, text))
            case _:
                pass
    extras = {
        int(seq): cast("list[Any]", more)
        for seq, text in members(fields, "extras").items()
        if seq.isdecimal() and isinstance(more := _value(text), list) and more
    }
    del stated[KEPT]
    try:
        body = json.dumps(stated, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        body = json.dumps(stated, separators=(",", ":")).encode()
    kept = Kept(_object(fields.get("header")), _object(fields.get("close")), lines, extras)
    return msgspec.structs.replace(opening, body=body), kept


def _text(value: Any) -> str:
    """As a text: the recorder's statements take neither NaN nor lone surrogates, which a cassette may hold."""
    return json.dumps(value, separators=(",", ":"))


def _value(text: Any) -> Any:
    try:
        return json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return None


def _object(text: Any) -> Json:
    value = _value(text)
    return cast("Json", value) if isinstance(value, dict) else {}


def _unknown(more: list[Any]) -> bool:
    """Whether the elements after a record's event say more than what was redacted."""
    return len(more) > 1 or not isinstance(more[0], dict) or any(key != "redacted" for key in cast("Json", more[0]))
