"""A recording made fit to be shared: what identifies people and sessions is replaced, and the rest still replays.

A scrubbed recording is a recording (:class:`ScrubbedRecording`); exporting it gives the cassette. It has as many frames
as the original, at the same times, of the same types, with as many bytes of audio in each. Its match policy says what
was taken out of the client's frames, so that a client is compared strictly in all that is left.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import replace
from typing import Any, Final, cast

import orjson
import pybase64

from ...schemas.audio import APPEND_TYPES, audio_key, decode_base64, silence
from ...schemas.dialects.vocabulary import canonical_type
from ...schemas.errors import RequestError
from ...schemas.frame import Frame, parse_json
from ...schemas.recording import Recording, SessionInfo
from ...schemas.state import Session
from ...schemas.values import json_differences, too_deep
from ..fold import Folder
from ..playing.ids import ID_KEYS
from ..playing.match import canonical_client_event
from .placeholder import tone
from .rules import Replacement, ScrubRules

__all__ = ["ScrubbedRecording", "replace_in_chunks", "scrub_recording"]

Json = dict[str, Any]

_KEPT_HEADERS: Final = frozenset(("openai-beta", "sec-websocket-protocol", "user-agent", "content-type"))
_NO_TEXT: Final = frozenset(
    (
        *("type", "object", "status", "role", "phase", "model", "voice", "format", "modalities", "output_modalities"),
        *("tool_choice", "language", "code", "truncation", "eagerness", "effort", "by", "opened_at", "found_at"),
        *("origin", "program", "upstream", "target", "dialect"),
    )
)
"""Keys whose values are words of the protocol or of the recorder, not of the people who speak."""
_ROOT: Final = "root"
"""``previous_item_id`` of an item that goes to the front: a word, not an id."""
_BLANK: Final = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
"""One transparent pixel."""
_SHORTEST_SOUND: Final = 32
"""Base64 characters: a millisecond or less."""

_SHORTEST_ID_IN_TEXT: Final = 6
_WORD: Final = re.compile(r"[A-Za-z0-9_\-]+")
_PREFIX: Final = re.compile(r"^([a-z]{2,12})_")
_INDEX: Final = re.compile(r"\[\d+\]")


class ScrubbedRecording:
    """A recording as it is after scrubbing. Made by :func:`scrub_recording`."""

    def __init__(self, recording: Recording, scrubber: _Scrubber) -> None:
        self._recording = recording
        self._scrubber = scrubber
        self.info = scrubber.info(recording.info)

    async def batches(self, start: int = 0, stop: int | None = None) -> AsyncIterator[list[Frame]]:
        """Yield the scrubbed frames with ``start <= seq < stop`` in order."""
        async for batch in self._recording.batches(start, stop):
            yield [self._scrubber.frame(frame) for frame in batch]


async def scrub_recording(recording: Recording, rules: ScrubRules) -> ScrubbedRecording:
    """Scrub a recording. It is read twice here, and once more for each reading of the result.

    Raises:
        RequestError: a text that the rules forbid is left; the message names the record.
    """
    scrubber = _Scrubber(rules)
    async for batch in recording.batches():
        for frame in batch:
            scrubber.learn(frame)
    scrubber.learned()
    async for batch in recording.batches():
        for frame in batch:
            scrubber.inspect(frame)
    return ScrubbedRecording(recording, scrubber)


def replace_in_chunks(chunks: list[str], replacements: Iterable[Replacement]) -> list[str]:
    """Replace in a text that came in pieces; the pieces put together are the text with everything replaced.

    What a match is replaced by stands in the piece where the match begins; the others lose what belonged to it.
    """
    for replacement in replacements:
        text = "".join(chunks)
        matches = list(replacement.regex.finditer(text))
        if matches:
            chunks = _cut_at(chunks, text, [(m.start(), m.end(), m.expand(replacement.by)) for m in matches])
    return chunks


def _cut_at(chunks: list[str], text: str, edits: list[tuple[int, int, str]]) -> list[str]:
    out: list[str] = []
    end = 0
    for number, chunk in enumerate(chunks):
        start, end = end, end + len(chunk)
        last = number == len(chunks) - 1
        pieces: list[str] = []
        at = start
        for first, behind, by in edits:
            if behind < start or first > end:
                continue
            pieces.append(text[at : max(first, at)] if first > at else "")
            # An empty match at the very end belongs to the last piece, any other to the piece that begins there.
            if start <= first < end or (last and first == end):
                pieces.append(by)
            at = max(at, min(behind, end))
        pieces.append(text[at:end])
        out.append("".join(pieces))
    return out


class _Scrubber:
    def __init__(self, rules: ScrubRules) -> None:
        self._rules = rules
        self._folder = Folder()
        self._formats = Session()
        self._ids: dict[str, str] = {}
        self._numbers: dict[str, int] = {}
        self._streams: dict[tuple[Any, ...], tuple[list[int], list[str]]] = {}
        self._deltas: dict[int, str] = {}
        self._offsets: dict[int, int] = {}
        self._positions: dict[tuple[Any, ...], int] = {}
        self._changed: dict[str, None] = {}
        self._in_pieces = bool(rules.replace or rules.forbid)
        self._forbidden = [re.compile(pattern) for pattern in rules.forbid]

    # First reading: what there is

    def learn(self, frame: Frame) -> None:
        """Note ids, formats, texts that come in pieces, positions in streams of sound."""
        self._folder.apply(frame)
        event = _event(frame)
        if event is None:
            return
        if self._rules.ids == "stable":
            self._learn_ids(event)
        if frame.kind != "text":
            return
        name = canonical_type(frame.type or "")
        if self._rules.audio == "tone":
            self._learn_position(frame, event)
        delta = event.get("delta")
        if self._in_pieces and name.endswith(".delta") and audio_key(name) is None and isinstance(delta, str):
            place = (name, *(event.get(key) for key in ("response_id", "item_id", "output_index", "content_index")))
            seqs, texts = self._streams.setdefault(place, ([], []))
            seqs.append(frame.seq)
            texts.append(delta)

    def _learn_ids(self, value: Any, key: str = "") -> None:
        if isinstance(value, dict):
            for name, each in cast("Json", value).items():
                # A stored prompt is named by the developer; its id is part of the configuration.
                if name not in ("prompt", "metadata"):
                    self._learn_ids(each, name)
        elif isinstance(value, list):
            for each in cast("list[Any]", value):
                self._learn_ids(each)
        elif isinstance(value, str) and key in ID_KEYS and value and value != _ROOT and value not in self._ids:
            found = _PREFIX.match(value)
            kind = found[1] if found else key.removesuffix("_id").removeprefix("previous_") or "id"
            number = self._numbers[kind] = self._numbers.get(kind, 0) + 1
            self._ids[value] = f"{kind}_{number:06d}"

    def _learn_position(self, frame: Frame, event: Json) -> None:
        key = audio_key(frame.type)
        sound = None if key is None else event.get(key)
        if isinstance(sound, str):
            stream = (event.get("item_id"), event.get("content_index")) if key == "delta" else ()
            self._offsets[frame.seq] = self._positions.get(stream, 0)
            self._positions[stream] = self._offsets[frame.seq] + len(decode_base64(sound) or b"")

    def learned(self) -> None:
        """Replace in the texts that came in pieces, now that they are whole."""
        self._formats = self._folder.conversation().session
        for seqs, texts in self._streams.values():
            replaced = replace_in_chunks(texts, self._rules.replace)
            self._refuse("".join(replaced), seqs[0])
            self._deltas.update(zip(seqs, replaced, strict=True))
        self._streams.clear()

    # Second reading: what a client need not repeat

    def inspect(self, frame: Frame) -> None:
        """Note what changes in a client's frame; refuse what the rules forbid."""
        scrubbed = self.frame(frame)
        after = _event(scrubbed)
        if after is None:
            return
        sound = after.get("delta") if frame.kind == "text" and audio_key(frame.type) == "delta" else None
        for text in _texts(after):
            if text != sound:
                self._refuse(text, frame.seq)
        before = _event(frame)
        if frame.sender != "client" or before is None or frame.type in APPEND_TYPES:
            return
        old, new = canonical_client_event(before), canonical_client_event(after)
        for path, _, _ in json_differences(old, new):
            steps = _INDEX.sub(".*", path)
            if steps.rpartition(".")[2] not in ID_KEYS:
                self._changed[f"{old.get('type')}.{steps}"] = None

    def _refuse(self, text: str, seq: int) -> None:
        for pattern in self._forbidden:
            if pattern.search(text):
                raise RequestError(
                    f"record {seq} still has what the rules forbid: {pattern.pattern!r}.",
                    hint="Add a replacement for it.",
                    seq=seq,
                    pattern=pattern.pattern,
                )

    def info(self, info: SessionInfo) -> SessionInfo:
        """Return the summary of the scrubbed recording, with its match policy."""
        policy: Json = dict(info.match or {})
        ignore = [*policy.get("ignore", ()), *self._changed, *self._rules.match.ignore]
        policy.update({name: getattr(self._rules.match, name) for name in self._rules.match.model_fields_set})
        if ignore:
            policy["ignore"] = list(dict.fromkeys(ignore))
        if self._rules.match.tolerances:
            policy["tolerances"] = {**(info.match or {}).get("tolerances", {}), **self._rules.match.tolerances}
        if self._rules.audio != "keep" and policy.get("audio") != "ignore":
            policy["audio"] = "length"
        stable = self._rules.ids == "stable"
        return replace(
            info,
            id="scrubbed" if stable else info.id,
            links={} if stable else info.links,
            labels={key: self._text(value) for key, value in info.labels.items()},
            match=policy or None,
        )

    # One frame

    def frame(self, frame: Frame) -> Frame:
        """Return a frame as it is after scrubbing.

        What cannot be read as JSON is erased: nobody can tell what it holds.
        """
        if frame.erased:
            return frame
        event = _event(frame)
        body: bytes | None = None
        if event is not None:
            if frame.kind == "open":
                self._opening(event)
            body = _dump(self._event(event, frame))
        return Frame(frame.seq, frame.offset_ns, frame.kind, frame.sender, frame.type, body, redacted=frame.redacted)

    def _opening(self, statement: Json) -> None:
        for side in ("request", "response"):
            part = statement.get(side)
            headers = cast("Json", part).get("headers") if isinstance(part, dict) else None
            if self._rules.headers == "drop" and isinstance(headers, list):
                kept = [each for each in cast("list[Any]", headers) if _name(each) in _KEPT_HEADERS]
                cast("Json", part)["headers"] = kept
        if self._rules.ids == "stable":
            statement.pop("links", None)

    def _event(self, event: Json, frame: Frame) -> Json:
        sound = audio_key(frame.type)
        offset = self._offsets.get(frame.seq, 0)
        out: Json = {}
        for key, value in event.items():
            if key == sound and isinstance(value, str):
                out[key] = self._sound(value, offset, of_input=key == "audio")
            elif key == "delta" and frame.seq in self._deltas:
                out[key] = self._deltas[frame.seq]
            else:
                self._put(out, key, value, of_input=frame.sender == "client")
        return out

    def _put(self, out: Json, key: str, value: Any, *, of_input: bool) -> None:
        """Put a scrubbed value where it belongs, or nothing."""
        if key == "instructions" and self._rules.instructions == "drop":
            return
        if key == "logprobs" and self._rules.replace:  # its tokens spell what was replaced
            return
        if key == "audio" and isinstance(value, str):
            out[key] = self._sound(value, 0, of_input=of_input)
        elif isinstance(value, dict):
            inner: Json = {}
            fields = cast("Json", value)
            stays = of_input or fields.get("role") == "user"
            for name, each in fields.items():
                self._put(inner, name, each, of_input=stays)
            out[key] = inner
        elif isinstance(value, list):
            out[key] = [self._element(key, each, of_input=of_input) for each in cast("list[Any]", value)]
        elif isinstance(value, str):
            out[key] = self._string(key, value)
        else:
            out[key] = value

    def _element(self, key: str, value: Any, *, of_input: bool) -> Any:
        holder: Json = {}
        name = "" if key in ID_KEYS else key  # a list is no id, whatever it is called
        self._put(holder, name, value, of_input=of_input)
        return holder.get(name)

    def _string(self, key: str, value: str) -> str:
        if self._rules.images == "blank" and value.startswith("data:image/"):
            return _BLANK
        if key.endswith("id") and value in self._ids:
            return self._ids[value]
        if key in _NO_TEXT or key in ID_KEYS:
            return value
        if key in ("arguments", "output") and self._rules.replace:
            value = _unescaped(value)
        if key in ("message", "param"):  # errors name items and events
            value = _WORD.sub(lambda word: self._ids.get(word[0], word[0]) if _is_long(word[0]) else word[0], value)
        return self._text(value)

    def _text(self, value: str) -> str:
        return replace_in_chunks([value], self._rules.replace)[0]

    def _sound(self, text: str, offset: int, *, of_input: bool) -> str:
        if self._rules.audio == "keep":
            return text if _is_sound(text) else self._text(text)
        audio = decode_base64(text)
        if audio is None:
            return ""
        stated = self._formats.input_format if of_input else self._formats.output_format
        made = silence(len(audio), stated) if self._rules.audio == "silence" else tone(len(audio), stated, offset)
        return pybase64.b64encode(made).decode()


def _name(header: Any) -> str:
    """Return the name of a header, in lower case."""
    pair = cast("list[Any]", header) if isinstance(header, list) else []
    return str(pair[0]).lower() if pair else ""


def _is_long(word: str) -> bool:
    return len(word) >= _SHORTEST_ID_IN_TEXT


def _unescaped(text: str) -> str:
    r"""Write a JSON text without escapes like ``\u00e9``, behind which a name would hide from its pattern."""
    if "\\u" not in text:
        return text
    try:
        value = None if too_deep(text) else parse_json(text)
        if value is None:
            return text
        plain = json.dumps(value, ensure_ascii=False)
        plain.encode()
    except (ValueError, RecursionError):
        return text
    return plain


def _is_sound(text: str) -> bool:
    """Whether what stands where audio belongs can be some: words may stand there too, and be base64 by chance."""
    return len(text) >= _SHORTEST_SOUND and decode_base64(text) is not None


def _event(frame: Frame) -> Json | None:
    """Read a frame as a JSON object; None for anything else, and for what nests too deep to be read."""
    payload = frame.payload
    if payload is None or frame.kind == "binary" or too_deep(payload.decode("utf-8", "replace")):
        return None
    try:
        value = parse_json(payload)
    except ValueError:
        return None
    return cast("Json", value) if isinstance(value, dict) else None


def _dump(event: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(event)
    except TypeError:  # lone surrogates, integers beyond 64 bits
        return json.dumps(event, separators=(",", ":")).encode()


def _texts(value: Any, key: str = "") -> Iterable[str]:
    """Yield every text of an event but its sound."""
    if isinstance(value, dict):
        for name, each in cast("Json", value).items():
            yield from _texts(each, name)
    elif isinstance(value, list):
        for each in cast("list[Any]", value):
            yield from _texts(each, key)
    elif isinstance(value, str) and not (key == "audio" and _is_sound(value)):
        yield value
