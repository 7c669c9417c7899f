"""The cassette: one session as one text file that git can diff.

NDJSON in UTF-8. The first line is the header, an object with ``"earwitness": "cassette"`` and ``"version": 1``. Every
further line that is an array is a record::

    [seq, offset_ns or null, "client"|"server"|"recorder", kind, event]
    [seq, offset_ns or null, sender, kind, event, {"redacted": [...], …}]

``event`` is the JSON value of a text frame, or the recorder's statement. What JSON cannot represent without loss is
wrapped in an object whose only key is ``$raw``: ``{"$raw": {"text": …}}``, ``{"$raw": {"base64": …}}`` or
``{"$raw": {"erased": true, "type": …}}``.

A cassette keeps all event content: folding it gives the state, and the full digest, of the session that it was made
from. The formatting of the JSON is not kept; the journal is the byte-exact form. Unknown header keys, unknown lines
(objects) and elements after the sixth survive reading and writing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, cast

import orjson
import pybase64
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..errors import DamagedFile, NotRecognised
from ..frame import KINDS, SENDERS, Frame, parse_json, sniff_type
from ..recording import SessionInfo
from ..statements import CloseStatement, CutoffStatement, OpenStatement, Statement
from ..summary import statement_of, time_text
from ..values import TOO_DEEP, too_deep
from .imported import FrameList, NewFrameList

__all__ = [
    "CASSETTE_VERSION",
    "Cassette",
    "CassetteClose",
    "CassetteHeader",
    "cassette_header",
    "decode_record",
    "encode_header",
    "encode_record",
    "is_cassette",
    "read_cassette",
    "write_cassette",
]

CASSETTE_VERSION: Final = 1

_RAW: Final = "$raw"
_RECORD_LENGTH: Final = 5
_EVENT: Final = 4
_BEGIN: Final = re.compile(r'\s*\{\s*"earwitness"\s*:\s*"cassette"')
_INT64: Final = range(-(1 << 63), 1 << 63)
_BOUNDS: Final[dict[str, type[Statement]]] = {
    model.kind: model for model in (OpenStatement, CloseStatement, CutoffStatement)
}
"""The statements that begin and end a session, with the only shapes that a journal accepts."""


class CassetteClose(BaseModel):
    """How the session ended, for a person to read; the ``close`` record has it in full."""

    model_config = ConfigDict(extra="allow", frozen=True)

    code: int | None = None
    reason: str = ""


class CassetteHeader(BaseModel):
    """First line of a cassette."""

    model_config = ConfigDict(extra="allow", frozen=True, populate_by_name=True)

    earwitness: str = "cassette"
    version: int = CASSETTE_VERSION
    session: str | None = None
    """Public id of the session that it was made from."""
    dialect: str = "unknown"
    url: str | None = None
    """Where the client's handshake went, secrets replaced."""
    opened_at: str | None = None
    close: CassetteClose | None = None
    labels: dict[str, str] = Field(default_factory=dict[str, str])
    match: dict[str, Any] | None = None
    """What counts as equal in a replay (``MatchPolicy`` of the replay server); absent for the defaults."""


@dataclass(slots=True)
class Cassette:
    """A cassette in memory.

    Attributes:
        header: its first line.
        frames: its records; ``frames[n].seq == n``.
        extras: what a record's line holds besides the frame, by seq: elements from the sixth on.
        others: lines that are not records, each with the seq of the record that follows it.
    """

    header: CassetteHeader
    frames: FrameList = field(default_factory=list[Frame])
    extras: dict[int, list[Any]] = field(default_factory=dict[int, list[Any]])
    others: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])


def is_cassette(first_line: str) -> bool:
    """Whether a file that begins with this line is a cassette, of any version."""
    try:
        value = parse_json(first_line)
    except ValueError:
        return _BEGIN.match(first_line) is not None  # a damaged one: its line will be named
    return isinstance(value, dict) and cast("dict[str, Any]", value).get("earwitness") == "cassette"


def cassette_header(info: SessionInfo, last: Frame | None) -> CassetteHeader:
    """Return the header of a recording's cassette.

    Args:
        info: the session's summary.
        last: its last record; the header tells how a ``close`` record ends it.
    """
    close = None
    if last is not None and last.kind == "close":
        stated = statement_of(last)
        try:
            close = CassetteClose(code=stated.get("code"), reason=stated.get("reason") or "")
        except ValidationError:
            close = None
    return CassetteHeader(
        session=info.id,
        dialect=info.dialect,
        url=info.url,
        opened_at=None if info.opened_at is None else time_text(info.opened_at),
        close=close,
        labels=dict(info.labels),
        match=None if info.match is None else dict(info.match),
    )


def encode_header(header: CassetteHeader) -> str:
    """Return the first line of a cassette, without the line end."""
    extra = header.model_extra or {}
    value = {**header.model_dump(exclude_none=True, exclude=set(extra)), **extra}
    if header.close is not None:  # also of what is unknown nothing is left out
        value["close"].update(header.close.model_extra or {})
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        return json.dumps(value, separators=(",", ":"))


def encode_record(frame: Frame, extras: list[Any] | None = None) -> str:
    """Return a frame as a cassette's line, without the line end."""
    envelope = orjson.dumps([frame.seq, frame.offset_ns, frame.sender, frame.kind]).decode()
    more = _extras(frame, extras)
    rest = f",{_array(more)[1:]}" if more else "]"
    return f"{envelope[:-1]},{_event(frame)}{rest}"


def _array(values: list[Any]) -> str:
    try:
        return orjson.dumps(values).decode()
    except TypeError:
        # The path of a redacted value may hold a lone surrogate, which only an escape can write.
        return json.dumps(values, separators=(",", ":"))


def _event(frame: Frame) -> str:
    """Return the frame's event as JSON text.

    By the standard library's parser, slower than orjson, because it keeps integers of any length.
    """
    payload = frame.payload
    if payload is not None and frame.kind != "binary":
        try:
            value = json.loads(payload.decode("utf-8"))
            if not (isinstance(value, dict) and _RAW in value) and not too_deep(value):
                # Numbers too large for a double, NaN and lone surrogates cannot be written: then the text itself is.
                text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
                text.encode("utf-8")
                return text
        except (ValueError, RecursionError):
            pass
    return orjson.dumps(_raw(frame)).decode()


def _extras(frame: Frame, extras: list[Any] | None) -> list[Any]:
    known = {"redacted": list(frame.redacted)} if frame.redacted else {}
    if not extras:
        return [known] if known else []
    first, *rest = extras
    if isinstance(first, dict):
        kept = {key: value for key, value in cast("dict[str, Any]", first).items() if key != "redacted"}
        return [{**known, **kept}, *rest] if known or kept or rest else []
    return extras


def _raw(frame: Frame) -> dict[str, Any]:
    payload = frame.payload
    if payload is None:
        named = {} if frame.type is None else {"type": frame.type}
        return {_RAW: {"erased": True, **named}}
    if frame.kind != "binary":
        try:
            return {_RAW: {"text": payload.decode("utf-8")}}
        except UnicodeDecodeError:
            pass
    return {_RAW: {"base64": pybase64.b64encode(payload).decode()}}


def decode_record(record: list[Any]) -> Frame:
    """Read a cassette's array as a frame.

    Raises:
        ValueError: it is not a record; the text says why.
    """
    if len(record) < _RECORD_LENGTH:
        raise ValueError(f"a record has {_RECORD_LENGTH} elements, this has {len(record)}")
    seq, offset, sender, kind, event = record[:_RECORD_LENGTH]
    if not isinstance(seq, int) or isinstance(seq, bool):
        raise ValueError("the seq (first element) is not an integer")
    if offset is not None and (not isinstance(offset, int) or isinstance(offset, bool)):
        raise ValueError("the offset_ns (second element) is neither an integer nor null")
    if offset is not None and offset not in _INT64:
        raise ValueError("the offset_ns (second element) has more than 64 bits")
    if sender not in SENDERS:
        raise ValueError(f"the sender (third element) is not one of {', '.join(SENDERS)}")
    if kind not in KINDS:
        raise ValueError(f"the kind (fourth element) is not one of {', '.join(KINDS)}")
    redacted: tuple[str, ...] = ()
    if len(record) > _RECORD_LENGTH and isinstance(record[_RECORD_LENGTH], dict):
        paths = cast("dict[str, Any]", record[_RECORD_LENGTH]).get("redacted", [])
        if not isinstance(paths, list) or not all(isinstance(path, str) for path in cast("list[Any]", paths)):
            raise ValueError("'redacted' (sixth element) is not a list of strings")
        redacted = tuple(cast("list[str]", paths))
    body = _body(event)
    type_: str | None = None
    if kind == "text" and isinstance(event, dict):
        fields = cast("dict[str, Any]", event)
        if _RAW not in fields:
            stated = fields.get("type")
        else:
            stated = fields[_RAW].get("type") if body is None else sniff_type(body)
        type_ = stated if isinstance(stated, str) else None
    return Frame(seq, offset, kind, sender, type_, body, redacted=redacted)


def _body(event: Any) -> bytes | None:
    if isinstance(event, dict) and _RAW in event:
        raw = cast("dict[str, Any]", event)[_RAW]
        if isinstance(raw, dict):
            match cast("dict[str, Any]", raw):
                case {"erased": True}:
                    return None
                case {"text": str(text)}:
                    return text.encode("utf-8")
                case {"base64": str(text)}:
                    try:
                        return pybase64.b64decode(text, validate=True)
                    except ValueError as error:
                        raise ValueError("'$raw' does not hold valid base64") from error
                case _:
                    pass
        raise ValueError("'$raw' holds neither 'text', 'base64' nor 'erased'")
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


def write_cassette(cassette: Cassette) -> Iterator[str]:
    """Yield a cassette's lines, without line ends."""
    yield encode_header(cassette.header)
    others = iter(cassette.others)
    waiting = next(others, None)
    for frame in cassette.frames:
        while waiting is not None and waiting[0] <= frame.seq:
            yield waiting[1]
            waiting = next(others, None)
        yield encode_record(frame, cassette.extras.get(frame.seq))
    while waiting is not None:
        yield waiting[1]
        waiting = next(others, None)


def read_cassette(lines: Iterable[str], *, name: str = "cassette", keep: NewFrameList = list) -> Cassette:
    """Read a cassette from its lines; ``keep`` makes the list in which its frames are kept.

    Raises:
        NotRecognised: the first line is not a cassette header, or is of a newer version.
        DamagedFile: a line cannot be read. ``data``: ``line`` (from 1), ``reason``, and ``cassette`` with all that
            was read before it.
    """
    numbered = ((number, line.rstrip("\r\n")) for number, line in enumerate(lines, 1))
    header = _header(next(numbered, (1, ""))[1], name)
    cassette = Cassette(header, keep())
    for number, line in numbered:
        if not line.strip():
            continue
        try:
            value = json.loads(line)
            parts = cast("list[Any]", value)[_EVENT:] if isinstance(value, list) else [value]
            if any(map(too_deep, parts)):
                raise ValueError(TOO_DEEP)
            if isinstance(value, dict):
                cassette.others.append((len(cassette.frames), line))
                continue
            if not isinstance(value, list):
                raise ValueError("it is neither a record (array) nor an object")
            record = cast("list[Any]", value)
            frame = decode_record(record)
            if frame.seq != len(cassette.frames):
                raise ValueError(f"its seq is {frame.seq}, but {len(cassette.frames)} is next")
            _check_place(frame, cassette.frames[-1] if cassette.frames else None)
        except (ValueError, RecursionError) as error:
            reason = TOO_DEEP if isinstance(error, RecursionError) else str(error)
            raise DamagedFile(
                f"{name}, line {number}: {reason}.",
                hint=f"The {len(cassette.frames)} records before it can be read; --partial imports them.",
                line=number,
                reason=reason,
                cassette=cassette,
            ) from None
        cassette.frames.append(frame)
        if len(record) > _RECORD_LENGTH:
            cassette.extras[frame.seq] = record[_RECORD_LENGTH:]
    return cassette


def _check_place(frame: Frame, before: Frame | None) -> None:
    """Check that a session begins and ends where it says so, with statements of the right shape.

    Raises:
        ValueError: it does not; the text says why.
    """
    if before is not None and before.kind in ("close", "cutoff"):
        raise ValueError(f"it follows the {before.kind!r} record, which ends the session")
    if frame.kind == "open" and before is not None:
        raise ValueError("only the first record can be 'open'")
    model = _BOUNDS.get(frame.kind)
    if model is None:
        return
    if frame.payload is None:
        raise ValueError(f"the {frame.kind!r} record cannot be erased")
    try:
        model.model_validate(parse_json(frame.payload))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"the {frame.kind!r} statement{where and f', {where!r}'}: {first['msg']}") from None


def _header(line: str, name: str) -> CassetteHeader:
    if not is_cassette(line):
        raise NotRecognised(
            f"{name} is not a cassette: its first line is not the header object.",
            hint='A cassette begins with {"earwitness": "cassette", "version": 1, …}.',
            file=name,
        )
    try:
        value = cast("dict[str, Any]", parse_json(line))
        if too_deep(value):
            raise ValueError(TOO_DEEP)
    except ValueError as error:
        raise _damaged_header(name, str(error)) from None
    version = value.get("version")
    if isinstance(version, int) and version > CASSETTE_VERSION:
        raise NotRecognised(
            f"{name} is a cassette of version {version}; this program reads versions up to {CASSETTE_VERSION}.",
            hint="Update earwitness.",
            file=name,
        )
    try:
        return CassetteHeader.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise _damaged_header(name, first["msg"], f"the header's {where!r}: ") from None


def _damaged_header(name: str, reason: str, where: str = "") -> DamagedFile:
    return DamagedFile(
        f"{name}, line 1: {where}{reason}.",
        hint="The header's fields are described in docs/cassettes.md.",
        line=1,
        reason=reason,
        cassette=Cassette(CassetteHeader()),
    )
