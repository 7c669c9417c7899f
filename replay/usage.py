"""What a session cost, added up from all responses and transcriptions, deleted and out of band ones included. Pure.

Most servers state the usage of each response (OpenAI's reference: "Usage statistics for the Response"); some state what
the session has used so far. Adding up the second kind counts everything several times, and nothing in the event tells
the two apart. :func:`_basis` decides by what the responses put out:

- A count that becomes smaller, or that grows by fewer tokens than a response has words, is not of the session so far.
- Output tokens for a response that put out nothing are not its own, if they repeat the statement before.
- A second of sound costs as many tokens in each response of a session. The reading in which it does is the right one.

Where that leaves it open, the documentation of the model's vendor decides: OpenAI's models (``gpt-…``) state the usage
of each response. For any other model it stays open.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import fsum
from typing import Any, Final, cast

from ..schemas.audio import AudioFormat
from ..schemas.state import Conversation, Item, Response, Transcription
from ..schemas.usage import Basis, ResponseUsage, TranscriptionUsage, Usage
from ..schemas.values import is_number

__all__ = ["Counts", "counts_of", "usage_of"]

Counts = dict[str, float]

_SIDES: Final = {
    "input_tokens": "input",
    "prompt_tokens": "input",
    "output_tokens": "output",
    "completion_tokens": "output",
}
_DETAILS: Final = {
    "input_token_details": "input",
    "input_tokens_details": "input",
    "prompt_tokens_details": "input",
    "output_token_details": "output",
    "output_tokens_details": "output",
    "completion_tokens_details": "output",
}
"""The spellings of OpenAI and of others (Qwen, LiteLLM)."""
_KINDS: Final = ("text", "audio", "image", "cached", "reasoning")
_UNREAD: Final = ("session.closed", "session.usage.updated", "transcription.done")
"""Events of vocabularies that are not folded, and that state usage."""
_PER_RESPONSE: Final = "gpt-"
"""How the names of OpenAI's models begin (reference, ``response.done``: "Usage statistics for the Response")."""
_LEAST_SOUND_S: Final = 1.0
"""Less is not counted exactly: some vendors count a whole second."""
_CLEARLY: Final = 1.1
"""How much less even a rate must be to be the wrong reading; sound of one kind is exact to a token."""


def usage_of(conversation: Conversation) -> Usage:
    """Add up what a session cost, as far as its server stated it."""
    responses = conversation.responses
    basis = _basis(conversation)
    outside = [response for response in responses if not response.in_band]
    return Usage(
        _of_responses(responses, basis),
        _of_responses(outside, "sum") if outside and basis == "sum" else None,
        _of_transcriptions(conversation),
        {name: conversation.unknown[name] for name in _UNREAD if name in conversation.unknown},
    )


def counts_of(usage: Mapping[str, Any]) -> Counts:
    """Return the numbers of one statement of usage, by path.

    Paths of tokens are those of :class:`~earwitness.schemas.usage.ResponseUsage`: ``total``, ``input.tokens``,
    ``output.audio``, …; others are the vendor's own. If a number is stated under several spellings, the first counts;
    null is not stated.
    """
    found: Counts = {}
    for key, value in usage.items():
        if key in _DETAILS and isinstance(value, dict):
            _details(found, _DETAILS[key], cast("dict[str, Any]", value))
        elif key in _SIDES:
            _put(found, f"{_SIDES[key]}.tokens", value)
        elif key == "total_tokens":
            _put(found, "total", value)
        elif isinstance(value, dict):
            for path, number in counts_of(cast("dict[str, Any]", value)).items():
                _put(found, f"other.{key}.{path.removeprefix('other.')}", number)
        else:
            _put(found, f"other.{key}", value)
    if "total" not in found and "input.tokens" in found and "output.tokens" in found:
        found["total"] = found["input.tokens"] + found["output.tokens"]
    return found


def _details(found: Counts, side: str, details: Mapping[str, Any]) -> None:
    for key, value in details.items():
        kind = key.removesuffix("_tokens")
        if key == "cached_tokens_details" and isinstance(value, dict):
            for inner, number in cast("dict[str, Any]", value).items():
                _put(found, f"{side}.cached_{inner.removesuffix('_tokens')}", number)
        elif kind in _KINDS and kind != key:
            _put(found, f"{side}.{kind}", value)
        else:
            _put(found, f"other.{side}.{key}", value)


def _put(found: Counts, path: str, value: Any) -> None:
    if is_number(value):
        found.setdefault(path, value)


def _summed(statements: Sequence[Counts]) -> tuple[Counts, list[str]]:
    """Add statements up; also return the paths that some of them lack."""
    paths = dict.fromkeys(path for statement in statements for path in statement)
    total = {path: _plain(fsum(statement.get(path, 0) for statement in statements)) for path in paths}
    return total, [path for path in paths if any(path not in statement for statement in statements)]


def _plain(value: float) -> float:
    return int(value) if value.is_integer() else value


def _side(counts: Counts, side: str) -> Counts:
    return {path.removeprefix(f"{side}."): value for path, value in counts.items() if path.startswith(f"{side}.")}


def _of_responses(responses: Sequence[Response], basis: Basis) -> ResponseUsage:
    statements = [counts_of(response.usage) for response in _in_order(responses) if response.usage]
    summed, partial = _summed(statements)
    if basis == "not known":
        last = statements[-1].get("total")
        return ResponseUsage(len(responses), len(statements), basis, if_sum=summed.get("total"), if_last=last)
    counts, partial = (statements[-1], []) if basis == "last" else (summed, partial)
    return ResponseUsage(
        len(responses), len(statements), basis, counts.get("total"),
        _side(counts, "input"), _side(counts, "output"), _side(counts, "other"), partial,
    )  # fmt: skip


def _of_transcriptions(conversation: Conversation) -> TranscriptionUsage:
    ended = [
        part.transcription
        for item in _items(conversation)
        for part in item.content
        if part.transcription is not None and _ended(part.transcription)
    ]
    statements = [counts_of(each.usage) for each in ended if each.usage]
    counts, partial = _summed(statements)
    seconds = counts.pop("other.seconds", None)
    return TranscriptionUsage(
        len(ended), len(statements), counts.get("total"), _side(counts, "input"), _side(counts, "output"), seconds,
        _side(counts, "other"), partial if seconds is None else [path for path in partial if path != "other.seconds"],
    )  # fmt: skip


def _ended(transcription: Transcription) -> bool:
    return transcription.status in ("completed", "failed") or transcription.usage is not None


def _items(conversation: Conversation) -> tuple[Item, ...]:
    return (*conversation.items, *conversation.deleted, *conversation.out_of_band)


def _in_order(responses: Iterable[Response]) -> list[Response]:
    """Responses in the order in which they stated their usage."""
    return sorted(responses, key=lambda each: (each.done_seq is None, each.done_seq or 0))


# What the statements are of


@dataclass(frozen=True, slots=True)
class _PutOut:
    """What a response put out, by its items."""

    words: int = 0
    """At least so many tokens: a word takes one or more, and so does a call."""
    seconds: float = 0.0
    whole: bool = True
    """Whether that is all that its output tokens paid for."""
    nothing: bool = True


def _basis(conversation: Conversation) -> Basis:
    stating = [response for response in _in_order(conversation.responses) if response.usage]
    statements = [counts_of(response.usage or {}) for response in stating]
    if len(statements) < 2 or _same_either_way(statements):
        return "sum"
    items = {item.id: item for item in _items(conversation)}
    puts = [_put_out(response, items, conversation.session.output_format) for response in stating]
    silent = any(each.done_seq is not None and not each.usage for each in conversation.responses)
    own, running = (None, None) if silent else _rates(statements, puts)
    not_running = _cannot_be_running(statements, puts)
    not_own = not conversation.gaps and _cannot_be_own(statements, puts)
    if not_running != not_own:
        return "sum" if not_running else "last"
    if not not_running and own is not None and running is not None:
        if own * _CLEARLY < running:
            return "sum"
        if running * _CLEARLY < own:
            return "last"
    documented = (conversation.session.model or "").startswith(_PER_RESPONSE)
    return "sum" if documented and not not_own else "not known"


def _same_either_way(statements: Sequence[Counts]) -> bool:
    """Whether the sum is what the last one states: those before it state zeros."""
    return not any(value for statement in statements[:-1] for value in statement.values())


def _put_out(response: Response, items: Mapping[str, Item], form: AudioFormat) -> _PutOut:
    outputs = [items[item_id] for item_id in response.output if item_id in items]
    parts = [part for item in outputs for part in item.content]
    sound = sum(part.audio.total for part in parts) / (form.bytes_per_ms * 1000)
    words = sum(len((part.text or part.transcript or "").split()) for part in parts)
    calls = sum(item.type in ("function_call", "mcp_call", "mcp_approval_request") for item in outputs)
    whole = response.status == "completed" and all(part.audio_done or not part.audio for part in parts)
    return _PutOut(words + calls, sound, whole, not outputs and response.status in ("failed", "cancelled"))


def _cannot_be_running(statements: Sequence[Counts], puts: Sequence[_PutOut]) -> bool:
    # Some servers count no text tokens for the transcript of sound: then they tell nothing.
    counts_words = 0 < puts[0].words <= statements[0].get("output.text", 0)
    for before, after, put in zip(statements, statements[1:], puts[1:], strict=False):
        if any(after[path] < before[path] for path in before.keys() & after.keys()):
            return True
        for path in ("output.tokens", *(("output.text",) if counts_words else ())):
            if path in before and path in after and after[path] - before[path] < put.words:
                return True
    return False


def _cannot_be_own(statements: Sequence[Counts], puts: Sequence[_PutOut]) -> bool:
    return any(
        put.nothing and after == before and after.get("output.tokens", 0) > after.get("output.reasoning", 0)
        for before, after, put in zip(statements, statements[1:], puts[1:], strict=False)
    )


def _rates(statements: Sequence[Counts], puts: Sequence[_PutOut]) -> tuple[float | None, float | None]:
    """How uneven the cost of a second of sound is, greatest by least, in each of the two readings.

    None where fewer than two responses have sound enough to tell.
    """
    path = "output.audio"
    own: list[float] = []
    running: list[float] = []
    for number, (after, put) in enumerate(zip(statements, puts, strict=True)):
        before = statements[number - 1] if number else {path: 0.0}
        if path in before and path in after and put.whole and put.seconds >= _LEAST_SOUND_S:
            own.append(after[path] / put.seconds)
            running.append((after[path] - before[path]) / put.seconds)
    return _unevenness(own), _unevenness(running)


def _unevenness(rates: Sequence[float]) -> float | None:
    if len(rates) < 2 or max(rates) <= 0:
        return None
    return float("inf") if min(rates) <= 0 else max(rates) / min(rates)
