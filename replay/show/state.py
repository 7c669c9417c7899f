"""What ``show`` prints of a conversation's state, for a person."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from http import HTTPStatus
from typing import Any, Final, cast

from ...schemas.failures import failure_of_transcription, reason_of, server_error_words
from ...schemas.recording import SessionInfo
from ...schemas.refs import Seqs
from ...schemas.state import Call, Conversation, Item, Part, Refusal, Response, Session
from ...schemas.summary import model_of
from ...schemas.values import string
from ..times import point, wall_clock
from ..unread import doubtful_formats, grouped, named, numbered, unread
from ..usage import counts_of, usage_of
from .keys import Revealed, key_presses
from .terminal import shortened, visible
from .tools import ServerCall, approvals, server_call
from .usage_text import usage_pairs
from .voices import labelled, voices_of

__all__ = ["formats_in_words", "refusal_words", "render_state", "tokens_in_words"]

_LONGEST_BODY: Final = 400


def render_state(info: SessionInfo, conversation: Conversation, reveal: Collection[Revealed] = ()) -> str:
    """Write the state for a person: what the session is, what was said, what the responses became, what it cost.

    Args:
        info: the session's summary.
        conversation: its state.
        reveal: what is shown though it is hidden by default.
    """
    blocks = [
        _head(info, conversation),
        unread(conversation).of_vocabulary("state"),
        _items(conversation),
        _keys(conversation, reveal),
        _responses(conversation),
        _usage(conversation),
        _remarks(conversation),
    ]
    return visible("\n\n".join(block for block in blocks if block))


def _head(info: SessionInfo, conversation: Conversation) -> str:
    session = conversation.session
    opened = wall_clock(info.opened_at, "Z") if info.opened_at else "time unknown"
    formats = formats_in_words(session)
    lines = [
        f"session   {info.id}",
        f"          {conversation.dialect}, {model_of(info, conversation) or 'model unknown'}, {formats}",
        f"          {opened}, {point(conversation.last_ns)}, {conversation.last_seq + 1} records, {_end(conversation)}",
    ]
    if info.url:
        lines.append(f"          {info.url}")
    if conversation.refusal is not None:
        lines.append(f"          the upstream refused the handshake with {refusal_words(conversation.refusal)}")
    if info.labels:
        lines += [f"          {key}={value}" for key, value in sorted(info.labels.items())]
    return _lines(lines)


def _lines(lines: Iterable[str]) -> str:
    """Join lines. A line feed in what was recorded begins none: nobody writes a line of this but the program."""
    return "\n".join(line.replace("\n", " ") for line in lines)


def _end(conversation: Conversation) -> str:
    close = conversation.close
    if conversation.refusal is not None:
        return f"refused with {conversation.refusal.status}"
    if close is None:
        return "still open at this point"
    if close.kind == "cutoff":
        return f"cut off ({close.reason})" if close.reason else "cut off"
    if close.code is None:
        return close.reason
    reason = f" ({close.reason})" if close.reason else ""
    return f"closed {close.code}{reason} by the {close.by}"


def refusal_words(refusal: Refusal) -> str:
    """Return the answer to a handshake that made no session: status, its meaning, body."""
    known = {status.value: status.phrase for status in HTTPStatus}
    head = " ".join(filter(None, (str(refusal.status), known.get(refusal.status))))
    body = " ".join((refusal.body or "").split())
    return f"{head}: {shortened(body, _LONGEST_BODY)}" if body else f"{head}, without a body"


def formats_in_words(session: Session) -> str:
    """Return the audio formats of both sides; what nobody stated is called so, also where a default applies."""
    sides = ((session.input_format, "in"), (session.output_format, "out"))
    if not any(change.by == "server" for change in session.history) and not any(side.stated for side, _ in sides):
        return "audio formats not stated"
    return ", ".join(
        f"{side.type} {side.rate / 1000:g} kHz {name}{'' if side.stated else ' (the default; not stated)'}"
        for side, name in sides
    )


def _items(conversation: Conversation) -> str:
    if not conversation.items and not conversation.unacknowledged:
        return "items     none on record"
    calls = {call.item_id: call for call in conversation.calls}
    approved = approvals((*conversation.items, *conversation.deleted, *conversation.out_of_band))
    rows = [_item(item, calls.get(item.id), conversation, approved) for item in conversation.items]
    rows += [
        f"{_item(item, None, conversation, approved)}, not acknowledged by the server"
        for item in conversation.unacknowledged
    ]
    return "items (in brackets: from which to which record)\n" + _lines(f"  {row}" for row in rows)


def _item(item: Item, call: Call | None, conversation: Conversation, approved: dict[str, bool]) -> str:
    head = f"{point(item.first_ns):>9}  {_who(item):<10}"
    state = f" ({item.status})" if item.status not in (None, "completed") else ""
    said = _served(server_call(item, approved)) if item.type in _SERVED else _said(item, call)
    return f"{head}  {said}{state}{_cut(item, conversation)}  [{_span(item.seqs)}] {item.id}"


def _span(seqs: Seqs) -> str:
    return "" if seqs.first is None else f"{seqs.first}" if seqs.first == seqs.last else f"{seqs.first}-{seqs.last}"


_SERVED: Final = ("mcp_call", "mcp_approval_request")
_NAMES: Final = {
    "function_call": "call",
    "function_call_output": "output",
    "mcp_call": "mcp call",
    "mcp_approval_request": "asks",
    "mcp_approval_response": "answers",
    "mcp_list_tools": "mcp tools",
}


def _who(item: Item) -> str:
    return item.role or "message" if item.type == "message" else _NAMES.get(item.type, item.type)


def _served(call: ServerCall) -> str:
    """A call that the server makes itself, or its request for approval."""
    said = f"{call.server or '?'}: {call.name or '?'} {shortened(' '.join(call.arguments.split()))}".rstrip()
    if call.output is not None:
        said += f" → {shortened(' '.join(call.output.split()))}"
    if call.error is not None:
        said += " (failed)" if call.error == "failed" else f" (failed: {call.error})"
    if call.asked:
        said += (
            " (approval not answered)" if call.approved is None else " (approved)" if call.approved else " (refused)"
        )
    return said


def _said(item: Item, call: Call | None) -> str:
    if item.type == "function_call":
        arguments = item.arguments if item.arguments is not None else (call.arguments if call else "")
        return f"{item.name or '?'} {shortened(' '.join((arguments or '').split()))}"
    if item.type == "function_call_output":
        return shortened(item.output or "")
    if item.type == "mcp_approval_response":
        approve = item.fields.get("approve")
        return "approved" if approve is True else "refused" if approve is False else "(no answer stated)"
    if item.type == "mcp_list_tools":
        tools = item.fields.get("tools")
        names = cast("list[Any]", tools) if isinstance(tools, list) else None
        count = "(no tools stated)" if names is None else f"{len(names)} tool{'' if len(names) == 1 else 's'}"
        return f"{string(item.fields, 'server_label') or '?'}: {count}"
    if item.content:
        return " | ".join(_part(part) for part in item.content)
    return "(no content stated)" if item.type == "message" else ""


def _part(part: Part) -> str:
    if part.text is not None:
        return f"“{shortened(part.text)}”"
    if part.type == "input_audio":
        status = part.transcription.status if part.transcription else None
        failure = failure_of_transcription(part.transcription)
        if part.transcript:
            said = f"“{shortened(labelled(part.transcript, voices_of(part)))}”"
            return said + (" (partial)" if status == "partial" else f" ({failure})" if failure else "")
        said = failure or f"transcription {status or 'none'}"
        return f"(audio, {said})"
    if part.transcript is not None:
        return f"“{shortened(part.transcript)}”"
    if part.image_url is not None:
        return "(image)"
    return f"({part.type})"


def _cut(item: Item, conversation: Conversation) -> str:
    cut = next((t for t in conversation.truncations if t.item_id == item.id and t.status != "refused"), None)
    return "" if cut is None else f" — cut at {cut.audio_end_ms} ms"


def _responses(conversation: Conversation) -> str:
    if not conversation.responses:
        return ""
    return "responses\n" + _lines(f"  {_response(response)}" for response in conversation.responses)


def _response(response: Response) -> str:
    tokens = tokens_in_words(response)
    reason = f" ({stated})" if (stated := reason_of(response.status_details)) else ""
    if not reason and response.status in ("failed", "incomplete"):
        reason = " (no reason stated)"
    latency, asked, first = "", response.trigger_ns, response.first_audio_ns
    if asked is not None and first is not None and first >= asked:  # else the clock stepped back
        latency = f", first audio after {(first - asked) / 1e6:.0f} ms"
    band = "" if response.in_band else ", out of band"
    return (
        f"{point(response.created_ns):>9}  {response.status}{reason}{latency}, {tokens}{band}"
        f"  [{_span(response.seqs)}] {response.id}"
    )


def tokens_in_words(response: Response) -> str:
    """Return the tokens that a response states, in and out; what it does not state is called so."""
    counts = counts_of(response.usage or {})
    if "total" not in counts:
        return "tokens not stated"
    sides = (counts.get("input.tokens"), counts.get("output.tokens"))
    taken, given = ("?" if side is None else f"{side:g}" for side in sides)
    return f"{counts['total']:g} tokens ({taken} in, {given} out)"


def _keys(conversation: Conversation, reveal: Collection[Revealed]) -> str:
    rows = [f"  {point(press.offset_ns):>9}  {press.key}  [{press.seq}]" for press in key_presses(conversation, reveal)]
    if not rows:
        return ""
    hint = "" if "dtmf" in reveal else " (hidden; --reveal dtmf shows them)"
    return f"keys pressed{hint}\n" + _lines(rows)


def _usage(conversation: Conversation) -> str:
    rows = [f"  {name:<13}  {text}" for name, text in usage_pairs(usage_of(conversation))]
    return "usage\n" + _lines(rows) if rows else ""


def _remarks(conversation: Conversation) -> str:
    lines = [
        f"{point(error.offset_ns):>9}  error {server_error_words(error)}"
        + (f" (caused by record {error.cause_seq})" if error.cause_seq is not None else "")
        + f"  [{error.seq}]"
        for error in conversation.errors
    ]
    lines += [
        f"           gap: {gap.frames} frames, {gap.bytes} bytes lost ({gap.reason})  [{gap.seq}]"
        for gap in conversation.gaps
    ]
    lines += [
        f"           {problem.what}: {problem.detail}  [{numbered(seqs)}]"
        for problem, seqs in grouped(conversation.problems)
    ]
    lines += [f"           not read: {each}" for each in unread(conversation).of_binary()]
    lines += [f"           format: {text}" for _, text in doubtful_formats(conversation)]
    if conversation.unknown:
        lines.append(f"           events of unknown type: {named(conversation.unknown)}")
    return "remarks\n" + _lines(f"  {line}" for line in lines) if lines else ""
