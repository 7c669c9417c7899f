"""Digests of a conversation: SHA-256 over canonical JSON (RFC 8785).

The **full** digest covers the whole state, seqs and times included: it is equal for the same records, wherever they
are kept. The **content** digest covers what the conversation is: it leaves out seqs, times and everything that
depends on how fast or in which pieces things came, and puts the order of appearance in place of ids that the server
made. Ids that the client chose count. So it is equal for two recordings of the same conversation.

Three kinds of JSON value have no canonical form in RFC 8785, which builds on I-JSON (RFC 7493). They are written as
objects, the same on every machine: an integer beyond 2**53 as ``{"$integer": "…"}``, an infinite number (JSON text may
hold ``1e999``) as ``{"$number": "Infinity"}``, a string with lone surrogates as ``{"$utf-16": hex}``; such a key gets
``$utf-16:`` and the hex digits.
"""

from __future__ import annotations

import hashlib
import math
import re
from typing import Any, Final, cast

import rfc8785

from ...schemas.refs import to_plain
from ...schemas.state import Conversation, Item, Part, Response

__all__ = ["CONTENT_DIGEST", "FULL_DIGEST", "canonical_json", "content_digest", "content_of", "full_digest"]

FULL_DIGEST: Final = "earwitness/full/2"
CONTENT_DIGEST: Final = "earwitness/content/2"
"""The versions of the two digests. A digest of another version covers another reading of the same records: the two can
be compared with nothing but each other's kind."""

_MAX_SAFE: Final = 2**53 - 1
_MIN_ID_LENGTH: Final = 6
_TOKEN: Final = re.compile(r"[A-Za-z0-9_\-]+")

_SECRET_OR_PASSING: Final = frozenset(("id", "object", "expires_at", "client_secret", "event_id"))
"""Fields of configuration that name or date this one session."""

_ORDERLY_CLOSES: Final = frozenset((None, 1000, 1001, 1005))


def full_digest(conversation: Conversation) -> str:
    """Return the digest of the whole state, as 64 hex digits."""
    return _digest(FULL_DIGEST, to_plain(conversation))


def content_digest(conversation: Conversation) -> str:
    """Return the digest of what was said and done, as 64 hex digits; :func:`content_of` is what it covers."""
    return _digest(CONTENT_DIGEST, content_of(conversation))


def _digest(domain: str, value: Any) -> str:
    return hashlib.sha256(canonical_json({"digest": domain, "value": value})).hexdigest()


def canonical_json(value: Any) -> bytes:
    """Write a JSON value in canonical form; values that RFC 8785 has no form for as described above."""
    return rfc8785.dumps(_representable(value))


def _representable(value: Any) -> Any:
    if isinstance(value, str):
        return {"$utf-16": _utf16(value)} if _has_surrogate(value) else value
    if isinstance(value, dict):
        return {
            f"$utf-16:{_utf16(key)}" if _has_surrogate(key) else key: _representable(each)
            for key, each in cast("dict[str, Any]", value).items()
        }
    if isinstance(value, list):
        return [_representable(each) for each in cast("list[Any]", value)]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > _MAX_SAFE:
        return {"$integer": str(value)}
    if isinstance(value, float) and not math.isfinite(value):
        return {"$number": "-Infinity" if value < 0 else "Infinity"}
    return value


def _has_surrogate(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _utf16(text: str) -> str:
    return text.encode("utf-16-be", "surrogatepass").hex()


def content_of(conversation: Conversation) -> dict[str, Any]:
    """Return what the content digest covers, as plain JSON.

    In it: the configurations asked for and stated; items in order with their texts, transcripts, calls and amount of
    audio; responses with status, usage and what asked for them; utterances by the sample clock; truncations,
    interruptions, errors, playback, listings of tools, an end that was no orderly close. Not in it: rate limits,
    counts of events, requests without an answer, positions of chunks, gaps of the recording.
    """
    content = {
        "session": [
            {"by": change.by, "config": _without(change.config, _SECRET_OR_PASSING)}
            for change in conversation.session.history
        ],
        "items": [_item(item) for item in conversation.items],
        "deleted": [_item(item) for item in conversation.deleted],
        "out_of_band": [_item(item) for item in conversation.out_of_band],
        "responses": [_response(response) for response in conversation.responses],
        "calls": [[call.item_id, call.output_item_id] for call in conversation.calls],
        "mcp": [_without(to_plain(tools), {"seqs"}) for tools in conversation.mcp],
        "input_audio": {
            "bytes": conversation.input_audio.audio.total,
            "speech": [[span.item_id, span.start_ms, span.end_ms] for span in conversation.input_audio.speech],
            "events": [[e.type, e.item_id, e.fields] for e in conversation.input_audio.events],
        },
        "truncations": [
            [cut.item_id, cut.content_index, cut.audio_end_ms, cut.status, cut.by] for cut in conversation.truncations
        ],
        "interruptions": [[cut.item_id, cut.response_id, cut.by] for cut in conversation.interruptions],
        "playback": [[event.type, event.response_id] for event in conversation.playback],
        "errors": [[error.type, error.code, error.message, error.param] for error in conversation.errors],
        "unknown": sorted(conversation.unknown),
        "end": _end(conversation),
    }
    return cast("dict[str, Any]", _Labels(_server_ids(conversation)).put_in(content))


def _without(fields: dict[str, Any], names: frozenset[str] | set[str]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if key not in names}


def _item(item: Item) -> dict[str, Any]:
    return {
        "id": item.id,
        "type": item.type,
        "role": item.role,
        "status": item.status,
        "content": [_part(part) for part in item.content],
        "name": item.name,
        "call_id": item.call_id,
        "arguments": item.arguments,
        "output": item.output,
        "fields": _without(item.fields, {"previous_item_id"}),
        "response": item.response_id,
        "created_by": item.created_by,
        "span": None if item.span is None else [item.span.source, item.span.start_ms, item.span.end_ms],
    }


def _part(part: Part) -> dict[str, Any]:
    transcription = part.transcription
    return {
        "type": part.type,
        "text": part.text,
        "transcript": part.transcript,
        "status": part.status,
        "audio": part.audio.total,
        "image": [part.image_url, part.detail],
        "fields": part.fields,
        "transcription": None
        if transcription is None
        else {
            "status": transcription.status,
            "text": transcription.text,
            "segments": [_without(segment, {"id", "obfuscation"}) for segment in transcription.segments],
            "error": transcription.error,
            "usage": transcription.usage,
        },
    }


def _response(response: Response) -> dict[str, Any]:
    return {
        "id": response.id,
        "status": response.status,
        "status_details": response.status_details,
        "output": response.output,
        "in_band": response.in_band,
        "metadata": response.metadata,
        "usage": response.usage,
        "config": _without(response.config, _SECRET_OR_PASSING),
        "request": response.request,
        "trigger": response.trigger,
        "cancelled_by_client": response.cancel_seq is not None,
    }


def _end(conversation: Conversation) -> Any:
    close = conversation.close
    return None if close is None or close.code in _ORDERLY_CLOSES else [close.code, close.reason]


def _server_ids(conversation: Conversation) -> set[str]:
    ids = {response.id for response in conversation.responses}
    ids.update(span.item_id for span in conversation.input_audio.speech if span.item_id is not None)
    for item in (*conversation.items, *conversation.deleted, *conversation.out_of_band):
        if not item.id_by_client:
            ids.add(item.id)
        if item.call_id is not None and item.created_by == "model":
            ids.add(item.call_id)
    chosen = {
        item.id for item in (*conversation.items, *conversation.deleted, *conversation.out_of_band) if item.id_by_client
    }
    for value in (conversation.session.id, conversation.conversation_id):
        if value is not None:
            ids.add(value)
    return ids - chosen


class _Labels:
    """Puts ``#1``, ``#2``, … in place of ids, in the order in which they are met."""

    def __init__(self, ids: set[str]) -> None:
        self._ids = ids
        self._labels: dict[str, str] = {}

    def put_in(self, value: Any) -> Any:
        """Replace ids everywhere: as whole values, and as words of longer texts (error messages name items)."""
        if isinstance(value, str):
            if value in self._ids:
                return self._label(value)
            return _TOKEN.sub(self._word, value) if self._ids else value
        if isinstance(value, dict):
            fields = cast("dict[str, Any]", value)
            return {key: self.put_in(fields[key]) for key in sorted(fields)}
        if isinstance(value, list):
            return [self.put_in(each) for each in cast("list[Any]", value)]
        return value

    def _word(self, match: re.Match[str]) -> str:
        word = match.group()
        # Shorter ids are words that anybody may say.
        return self._label(word) if len(word) >= _MIN_ID_LENGTH and word in self._ids else word

    def _label(self, value: str) -> str:
        return self._labels.setdefault(value, f"#{len(self._labels) + 1}")
