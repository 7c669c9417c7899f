"""What ``list`` and ``show`` print: tables and JSON of sessions, records and state."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ...schemas.frame import Frame
from ...schemas.recording import Recording, SessionInfo
from ...schemas.refs import Seqs, to_plain
from ...schemas.state import Call, Conversation, Item, Part, Response
from ...schemas.summary import model_of
from ..times import point, wall_clock
from .terminal import visible

if TYPE_CHECKING:  # `list` folds nothing
    from ..fold import Until

__all__ = ["EventRow", "event_rows", "info_json", "list_rows", "render_state"]

_SHORT_ID: Final = 8
_LONGEST_QUOTE: Final = 90
_LONGEST_LABEL: Final = 24


def info_json(info: SessionInfo) -> dict[str, Any]:
    """Return a session's summary for JSON: the fields of :class:`SessionInfo`, less the match policy."""
    return {key: value for key, value in to_plain(info).items() if key != "match"}


def list_rows(sessions: Sequence[SessionInfo]) -> tuple[list[str], list[list[str]]]:
    """Return the table of ``list``: its header and a row for each session."""
    short = _short_ids([info.id for info in sessions])
    rows = [
        [
            short[info.id],
            "-" if info.opened_at is None else wall_clock(info.opened_at, "Z"),
            info.dialect,
            info.model or "-",
            point(info.duration_ns),
            str(info.frames),
            info.status if info.close_code is None else f"{info.status} {info.close_code}",
            " ".join([*_labels(info), info.source or ""]).strip(),
        ]
        for info in sessions
    ]
    return ["session", "opened", "dialect", "model", "length", "records", "status", "labels, source"], rows


def _labels(info: SessionInfo) -> list[str]:
    return [f"{key}={_quote(value, _LONGEST_LABEL)}" for key, value in sorted(info.labels.items())]


def _short_ids(ids: Sequence[str]) -> dict[str, str]:
    """Shorten ids to a common length at which they still differ."""
    length = _SHORT_ID
    while len({value[:length] for value in ids}) < len(set(ids)):
        length += 1
    return {value: value[:length] for value in ids}


@dataclass(frozen=True, slots=True)
class EventRow:
    """A record as ``show --events`` lists it."""

    frame: Frame

    @property
    def size(self) -> int | None:
        """Bytes of the payload as it crossed the wire; None if erased."""
        payload = self.frame.payload
        return None if payload is None else len(payload)

    @property
    def remark(self) -> str:
        """Whether it was erased, and what was redacted."""
        remarks = ["erased"] if self.frame.erased else []
        if self.frame.redacted:
            remarks.append(f"redacted: {', '.join(self.frame.redacted)}")
        return "; ".join(remarks)

    def cells(self) -> list[str]:
        """Return the row for a table."""
        frame, size = self.frame, self.size
        return [
            str(frame.seq),
            point(frame.offset_ns),
            frame.sender,
            frame.kind,
            frame.type or "-",
            "-" if size is None else str(size),
            self.remark,
        ]

    def to_json(self) -> dict[str, Any]:
        """Return the row for JSON, with the event if it is JSON."""
        frame = self.frame
        try:
            event = frame.json() if frame.kind != "binary" else None
        except ValueError:
            event = None
        return {
            "seq": frame.seq,
            "offset_ns": frame.offset_ns,
            "sender": frame.sender,
            "kind": frame.kind,
            "type": frame.type,
            "bytes": self.size,
            "redacted": list(frame.redacted),
            "erased": frame.erased,
            "event": event,
        }


async def event_rows(recording: Recording, until: Until | None = None) -> AsyncIterator[EventRow]:
    """Yield a row for each record up to a point.

    Raises:
        RequestError: the recording ends before it.
    """
    frames = (frame async for batch in recording.batches() for frame in batch)
    async for frame in frames if until is None else until.cut_async(frames):
        yield EventRow(frame)


def render_state(info: SessionInfo, conversation: Conversation) -> str:
    """Write the state for a person: what the session is, what was said, what the responses became."""
    blocks = [_head(info, conversation), _items(conversation), _responses(conversation), _remarks(conversation)]
    return visible("\n\n".join(block for block in blocks if block))


def _head(info: SessionInfo, conversation: Conversation) -> str:
    session = conversation.session
    opened = wall_clock(info.opened_at, "Z") if info.opened_at else "time unknown"
    heard = _format(session.input_format.type, session.input_format.rate)
    spoken = _format(session.output_format.type, session.output_format.rate)
    formats = f"{heard} in, {spoken} out"
    lines = [
        f"session   {info.id}",
        f"          {conversation.dialect}, {model_of(info, conversation) or 'model unknown'}, {formats}",
        f"          {opened}, {point(conversation.last_ns)}, {conversation.last_seq + 1} records, {_end(conversation)}",
    ]
    if info.url:
        lines.append(f"          {info.url}")
    if info.labels:
        lines += [f"          {key}={value}" for key, value in sorted(info.labels.items())]
    return _lines(lines)


def _lines(lines: Iterable[str]) -> str:
    """Join lines. A line feed in what was recorded begins none: nobody writes a line of this but the program."""
    return "\n".join(line.replace("\n", " ") for line in lines)


def _end(conversation: Conversation) -> str:
    close = conversation.close
    if close is None:
        return "still open at this point"
    if close.kind == "cutoff":
        return f"cut off ({close.reason})" if close.reason else "cut off"
    if close.code is None:
        return close.reason
    reason = f" ({close.reason})" if close.reason else ""
    return f"closed {close.code}{reason} by the {close.by}"


def _format(name: str, rate: int) -> str:
    return f"{name} {rate / 1000:g} kHz"


def _items(conversation: Conversation) -> str:
    if not conversation.items and not conversation.unacknowledged:
        return "items     none on record"
    calls = {call.item_id: call for call in conversation.calls}
    rows = [_item(item, calls.get(item.id), conversation) for item in conversation.items]
    rows += [
        f"{_item(item, None, conversation)}, not acknowledged by the server" for item in conversation.unacknowledged
    ]
    return "items (in brackets: from which to which record)\n" + _lines(f"  {row}" for row in rows)


def _item(item: Item, call: Call | None, conversation: Conversation) -> str:
    head = f"{point(item.first_ns):>9}  {_who(item):<10}"
    state = f" ({item.status})" if item.status not in (None, "completed") else ""
    return f"{head}  {_said(item, call)}{state}{_cut(item, conversation)}  [{_span(item.seqs)}] {item.id}"


def _span(seqs: Seqs) -> str:
    return "" if seqs.first is None else f"{seqs.first}" if seqs.first == seqs.last else f"{seqs.first}-{seqs.last}"


def _who(item: Item) -> str:
    if item.type == "message":
        return item.role or "message"
    return {"function_call": "call", "function_call_output": "output"}.get(item.type, item.type)


def _said(item: Item, call: Call | None) -> str:
    if item.type == "function_call":
        arguments = item.arguments if item.arguments is not None else (call.arguments if call else "")
        return f"{item.name or '?'} {_quote(' '.join((arguments or '').split()))}"
    if item.type == "function_call_output":
        return _quote(item.output or "")
    if item.content:
        return " | ".join(_part(part) for part in item.content)
    return "(no content stated)" if item.type == "message" else ""


def _part(part: Part) -> str:
    if part.text is not None:
        return f"“{_quote(part.text)}”"
    if part.type == "input_audio":
        status = part.transcription.status if part.transcription else None
        if part.transcript:
            return f"“{_quote(part.transcript)}”" + (" (partial)" if status == "partial" else "")
        return f"(audio, transcription {status or 'none'})"
    if part.transcript is not None:
        return f"“{_quote(part.transcript)}”"
    if part.image_url is not None:
        return "(image)"
    return f"({part.type})"


def _cut(item: Item, conversation: Conversation) -> str:
    cut = next((t for t in conversation.truncations if t.item_id == item.id and t.status != "refused"), None)
    return "" if cut is None else f" — cut at {cut.audio_end_ms} ms"


def _quote(text: str, longest: int = _LONGEST_QUOTE) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _responses(conversation: Conversation) -> str:
    if not conversation.responses:
        return ""
    return "responses\n" + _lines(f"  {_response(response)}" for response in conversation.responses)


def _response(response: Response) -> str:
    usage = response.usage or {}
    tokens = ""
    if isinstance(usage.get("total_tokens"), int):
        tokens = f", {usage['total_tokens']} tokens ({usage.get('input_tokens')} in, {usage.get('output_tokens')} out)"
    reason = ""
    match response.status_details:
        case {"reason": str(stated)}:
            reason = f" ({stated})"
        case _:
            pass
    latency = ""
    if response.trigger_ns is not None and response.first_audio_ns is not None:
        latency = f", first audio after {(response.first_audio_ns - response.trigger_ns) / 1e6:.0f} ms"
    band = "" if response.in_band else ", out of band"
    return (
        f"{point(response.created_ns):>9}  {response.status}{reason}{latency}{tokens}{band}  [{_span(response.seqs)}]"
    )


def _remarks(conversation: Conversation) -> str:
    lines = [
        f"{point(error.offset_ns):>9}  error {error.code or error.type or ''}: {error.message or ''}"
        + (f" (caused by record {error.cause_seq})" if error.cause_seq is not None else "")
        + f"  [{error.seq}]"
        for error in conversation.errors
    ]
    lines += [
        f"           gap: {gap.frames} frames, {gap.bytes} bytes lost ({gap.reason})  [{gap.seq}]"
        for gap in conversation.gaps
    ]
    lines += [f"           {problem.what}: {problem.detail}  [{problem.seq}]" for problem in conversation.problems]
    if conversation.unknown:
        named = ", ".join(f"{name} ({count})" for name, count in sorted(conversation.unknown.items()))
        lines.append(f"           events of unknown type: {named}")
    return "remarks\n" + _lines(f"  {line}" for line in lines) if lines else ""
