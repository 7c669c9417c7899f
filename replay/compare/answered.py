"""Compare what a server answers with the client's request that it answers: settings, items, cuts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from ...schemas.audio import FORMAT_NAMES, audio_format
from ...schemas.dialects.shapes import SESSION_FIELDS
from ...schemas.paths import Path, write_path
from ...schemas.refs import Seqs
from ...schemas.state import ConfigChange
from ...schemas.values import Json, integer, objects, same_scalar, string
from ..fold.working import State
from .difference import Compared, Difference, Explanation

__all__ = ["of_cut", "of_item", "of_updates"]

_OWN: Final = frozenset(("id", "object", "expires_at", "client_secret", "event_id"))
"""Settings that name or date the one session."""
_TURNED_OFF: Final = frozenset(("turn_detection", "transcription", "noise_reduction"))
"""Settings for which null means off. For any other, null or an empty text asks for the default, whatever that is."""
_SLACK: Final = 1.5
_SLACK_MS: Final = 500
"""How much more audio than voice activity has counted may have come: it counts up to the end of speech."""
_DATE_LENGTHS: Final = (len("2024-12-17"), len("20241217"))


# Settings


def of_updates(state: State) -> Iterator[Compared]:
    """Compare each ``session.updated`` with the ``session.update`` that it answers."""
    asked = {change.seq: change for change in state.session.history if change.by == "client"}
    for change in state.session.history:
        found = state.answers.get(change.seq)
        request = None if found is None else asked.get(found.seq)
        if change.by == "server" and request is not None:
            yield from _of_update(state, request, change)


def _of_update(state: State, request: ConfigChange, change: ConfigChange) -> Iterator[Compared]:
    config = {key: value for key, value in request.config.items() if key not in _OWN}
    for path, wanted, got, explanation in _settings(config, change.config, ()):
        if explanation is None and _same(wanted, got):
            yield None
            continue
        subject = f"session, {_name(state, path)}"
        note = None
        if path == ("audio", "input", "format"):
            note = _what_the_bytes_say(state, wanted, got)
        values = _written(got), _written(wanted)
        seqs = Seqs([(request.seq, request.seq)])
        yield Difference(change.seq, change.type, subject, *values, seqs, explanation, "asked", note)


def _settings(asked: Json, stated: Json, path: Path) -> Iterator[tuple[Path, Any, Any, Explanation | None]]:
    """Pair each setting that was asked for with what is stated of it."""
    for key, wanted in asked.items():
        here = (*path, key)
        got = stated.get(key)
        if wanted == "" or (wanted is None and key not in _TURNED_OFF):
            continue
        if key not in stated:
            if wanted is not None:
                yield here, wanted, None, "not stated"
        elif isinstance(wanted, dict) and isinstance(got, dict) and key != "format":
            yield from _settings(cast("Json", wanted), cast("Json", got), here)
        elif key == "model" and _is_dated(wanted, got):
            yield here, wanted, got, "dated model"
        else:
            yield here, wanted, got, None


def _is_dated(wanted: Any, got: Any) -> bool:
    if not isinstance(wanted, str) or not isinstance(got, str) or not got.startswith(f"{wanted}-"):
        return False
    date = got[len(wanted) + 1 :]
    return len(date) in _DATE_LENGTHS and date.replace("-", "").isdigit()


def _same(wanted: Any, got: Any) -> bool:
    """Whether what is stated has all that was asked for; a server may fill in more."""
    form, other = audio_format(wanted), audio_format(got)
    if form is not None and other is not None:
        return form == other
    if isinstance(wanted, dict) and isinstance(got, dict):
        fields = cast("Json", got)
        return all(
            each is None or (key in fields and _same(each, fields[key])) for key, each in cast("Json", wanted).items()
        )
    if isinstance(wanted, list) and isinstance(got, list):
        ours, theirs = cast("list[Any]", wanted), cast("list[Any]", got)
        if all(isinstance(each, str) for each in (*ours, *theirs)):
            return sorted(ours) == sorted(theirs)
        return len(ours) == len(theirs) and all(map(_same, ours, theirs))
    if isinstance(got, dict) and isinstance(wanted, str):  # Azure answers a voice's name with an object
        return cast("Json", got).get("name") == wanted
    return same_scalar(wanted, got)


_PREVIEW_NAMES: Final[Mapping[Path, str]] = {rule.ga: rule.preview for rule in SESSION_FIELDS}


def _name(state: State, path: Path) -> str:
    """A setting as the session's own vocabulary calls it."""
    if state.session.config.get("type") is None:  # only GA states one
        for length in range(len(path), 0, -1):
            preview = _PREVIEW_NAMES.get(path[:length])
            if preview is not None:
                return write_path((preview, *path[length:]))
    return write_path(path)


def _written(value: Any) -> Any:
    """An audio format by its short name, if it has one; any other value as it is."""
    form = audio_format(value)
    if form is None:
        return value
    name = FORMAT_NAMES.get(form.type, form.type)
    return name if form.rate == (24_000 if name == "pcm16" else 8_000) else f"{form.type} at {form.rate} Hz"


def _what_the_bytes_say(state: State, wanted: Any, got: Any) -> str | None:
    """Say which of two formats the input's bytes fit, by the milliseconds that voice activity counts in them."""
    forms = [form for value in (wanted, got) if (form := audio_format(value)) is not None]
    spans = [span for span in state.speech if span.end_ms and span.stopped_seq is not None]
    if len(forms) < 2 or not spans:
        return None
    last = max(spans, key=lambda span: span.end_ms or 0)
    size = sum(length for seq, length in state.input_audio if seq < (last.stopped_seq or 0))
    end = last.end_ms or 0
    lengths = {str(_written(value)): size / form.bytes_per_ms for value, form in zip((wanted, got), forms, strict=True)}
    said = ", ".join(f"{length:,.0f} ms as {name}" for name, length in lengths.items())
    fits = [name for name, length in lengths.items() if end <= length <= end * _SLACK + _SLACK_MS]
    verdict = f"; they fit {fits[0]}" if len(fits) == 1 else ""
    return f"{size:,} bytes came until voice activity counted {end:,} ms: {said}{verdict}"


# Items


def of_item(seq: int, kind: str, item: Json, sent: Json, sent_seq: int) -> Iterator[Compared]:
    """Compare an item that a server repeats with what the client sent of it: texts, output, arguments, names."""
    item_id = string(item, "id") or ""
    names = ("output", "call_id", "role", "name", "arguments")
    pairs = [(name, string(sent, name), item.get(name)) for name in names if name in item]
    parts = objects(item, "content")
    for index, part in enumerate(objects(sent, "content")):
        other = parts[index] if index < len(parts) else None
        if part is not None and other is not None:
            texts = [name for name in ("text", "transcript") if name in other]
            pairs += [(f"part {index}, {name}", string(part, name), other[name]) for name in texts]
    for name, ours, theirs in pairs:
        if ours is None or theirs is None:  # a server may fill in, and need not repeat
            continue
        yield (
            None
            if ours == theirs
            else Difference(
                seq, kind, f"item {item_id}, {name}", theirs, ours, Seqs([(sent_seq, sent_seq)]), None, "sent"
            )
        )


# Cuts


def of_cut(state: State, seq: int, event: Json, asked: Mapping[int, int]) -> Compared:
    """Compare where a server cut an item with where the client asked for it.

    Args:
        state: the working state after the event.
        seq: the record of ``conversation.item.truncated``.
        event: the event.
        asked: ``audio_end_ms`` of the client's truncations, by record.
    """
    found = state.answers.get(seq)
    wanted = None if found is None else asked.get(found.seq)
    got = integer(event, "audio_end_ms")
    if found is None or wanted is None or wanted == got:
        return None
    subject = f"item {string(event, 'item_id') or ''}, part {integer(event, 'content_index') or 0}, audio_end_ms"
    return Difference(
        seq, "conversation.item.truncated", subject, got, wanted, Seqs([(found.seq, found.seq)]), None, "asked"
    )
