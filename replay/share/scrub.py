"""Scrub a recording so that it can be shared: replace what identifies people and sessions; the rest still replays.

A scrubbed recording is a recording (:class:`ScrubbedRecording`); export it to get a cassette. It has as many frames as
the original, at the same times, of the same types, with as many bytes of audio in each. Its match policy names what was
removed from the client's frames, so a client is compared strictly in everything else.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import replace
from typing import Any, Final, cast
from urllib.parse import quote_plus, unquote_plus

import orjson
import pybase64

from ...schemas.audio import APPEND_TYPES, audio_key, decode_base64, silence
from ...schemas.errors import RequestError
from ...schemas.files.kept import KEPT
from ...schemas.frame import Frame
from ...schemas.paths import write_path
from ...schemas.recording import Recording, SessionInfo
from ...schemas.summary import MODEL_PARAMETERS
from ...schemas.values import Comparison, Json
from ..playing.ids import ID_KEYS
from ..playing.match import canonical_client_event
from .chunks import replace_across, unescaped
from .placeholder import tone
from .rules import ScrubRules
from .streams import list_pieces
from .survey import Survey, read_event

__all__ = ["ScrubbedRecording", "scrub_recording"]

_KEPT_HEADERS: Final = frozenset(("openai-beta", "sec-websocket-protocol", "user-agent", "content-type"))
_NO_TEXT: Final = frozenset(
    (
        *("type", "object", "status", "role", "phase", "model", "voice", "format", "modalities", "output_modalities"),
        *("tool_choice", "language", "code", "truncation", "eagerness", "effort", "by", "opened_at", "found_at"),
        *("origin", "program", "upstream", "dialect"),
    )
)
"""Keys whose values are words of the protocol or the recorder, not of the speakers."""
_FREE: Final = frozenset(("labels", "metadata", "variables", "properties", "extra", "kept"))
"""Keys of objects whose keys and values are anybody's words."""
_PROTOCOL_KEY: Final = re.compile(r"\$?[a-z][a-z0-9_]*")
_PROTOCOL_PARAMETERS: Final = frozenset((*MODEL_PARAMETERS, "api-version", "intent"))
_BLANK: Final = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
"""One transparent pixel."""
_BLOB: Final = re.compile(r"[A-Za-z0-9+/]{256,}={0,2}")
"""Base64 of sound, wherever it stands: no word is as long."""
_SHORTEST_SOUND: Final = 32
"""Base64 characters: a millisecond or less."""

_SHORTEST_ID_IN_TEXT: Final = 6
_WORD: Final = re.compile(r"[A-Za-z0-9_\-]+")


class ScrubbedRecording:
    """A recording as :func:`scrub_recording` leaves it."""

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
    scrubber.inspect_info(recording.info)
    return ScrubbedRecording(recording, scrubber)


class _Scrubber:
    def __init__(self, rules: ScrubRules) -> None:
        self._rules = rules
        self._found = Survey(rules)
        self._changed: dict[str, None] = {}
        self._forbidden = [re.compile(pattern) for pattern in rules.forbid]

    # First reading: what there is

    def learn(self, frame: Frame) -> None:
        """Take the next frame of the first reading."""
        self._found.learn(frame)

    def learned(self) -> None:
        """End the first reading."""
        for seq, text in self._found.finish():
            self._refuse(text, seq)

    # Second reading: what a client need not repeat

    def inspect(self, frame: Frame) -> None:
        """Note what changes in a client's frame; refuse what the rules forbid."""
        scrubbed = self.frame(frame)
        after = read_event(scrubbed)
        if after is None:
            return
        sound = after.get("delta") if frame.kind == "text" and audio_key(frame.type) == "delta" else None
        for text in _texts(after):
            if text != sound:
                self._refuse(text, frame.seq)
        before = read_event(frame)
        if frame.sender != "client" or before is None or frame.type in APPEND_TYPES:
            return
        old, new = canonical_client_event(before), canonical_client_event(after)
        for path, _, _ in Comparison().differences(old, new):
            if path[-1] not in ID_KEYS:
                # A rule for all elements of a list.
                steps = (None if isinstance(step, int) else step for step in path)
                self._changed[write_path((*str(old.get("type")).split("."), *steps))] = None

    def inspect_info(self, info: SessionInfo) -> None:
        """Refuse what the rules forbid in what the header of a cassette states."""
        made = self.info(info)
        for text in (*made.labels, *made.labels.values(), made.target or "", made.source or ""):
            self._refuse(text, 0)

    def _refuse(self, text: str, seq: int) -> None:
        plain = unquote_plus(unescaped(text))
        for pattern in self._forbidden:
            if pattern.search(text) or pattern.search(plain):
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
            labels={self._text(key): self._text(value) for key, value in info.labels.items()},
            target=None if info.target is None else self._target(info.target),
            source=None if info.source is None else self._text(info.source),
            match=policy or None,
        )

    # One frame

    def frame(self, frame: Frame) -> Frame:
        """Return a frame as it is after scrubbing.

        What cannot be read as JSON is erased: nobody can tell what it holds.
        """
        if frame.erased:
            return frame
        event = read_event(frame)
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
        statement.pop(KEPT, None)  # nobody knows what it is
        if self._rules.ids == "stable":
            statement.pop("links", None)

    def _event(self, event: Json, frame: Frame) -> Json:
        sound = audio_key(frame.type)
        offset = self._found.offsets.get(frame.seq, 0)
        out: Json = {}
        for key, value in event.items():
            if key == sound and isinstance(value, str):
                out[key] = self._sound(value, offset, of_input=key == "audio")
            elif (frame.seq, key) in self._found.pieces:
                out[key] = self._found.pieces[frame.seq, key]
            else:
                self._put(out, key, value, of_input=frame.sender == "client")
        return {self._key(key, free=False): value for key, value in out.items()}

    def _put(self, out: Json, key: str, value: Any, *, of_input: bool, free: bool = False) -> None:
        """Put a scrubbed value where it belongs, or nothing.

        Args:
            out: the object that it is put into.
            key: its key.
            value: as recorded.
            of_input: whether sound in it is the user's.
            free: whether the object's keys and values are anybody's words, not the protocol's.
        """
        if key == "instructions" and self._rules.instructions == "drop":
            return
        if key == "logprobs" and self._rules.replace:  # its tokens spell what was replaced
            return
        if key == "audio" and isinstance(value, str):
            out[key] = self._sound(value, 0, of_input=of_input)
        elif isinstance(value, dict):
            inner: Json = {}
            fields = cast("Json", value)
            stays, anybodys = of_input or fields.get("role") == "user", free or key in _FREE
            for name, each in fields.items():
                self._put(inner, name, each, of_input=stays, free=anybodys)
            out[key] = {self._key(name, free=anybodys): each for name, each in inner.items()}
        elif isinstance(value, list):
            made = [self._element(key, each, of_input=of_input, free=free) for each in cast("list[Any]", value)]
            out[key] = self._across(made)
        elif isinstance(value, str):
            blob = self._rules.audio != "keep" and _BLOB.fullmatch(value)
            if blob and not ("image" in key and self._rules.images == "keep"):
                out[key] = self._sound(value, 0, of_input=of_input)
            else:
                out[key] = self._string(key, value, free=free)
        else:
            out[key] = value

    def _across(self, values: list[Any]) -> list[Any]:
        """Replace what only elements of a list spell together: words with their times, parts of a content."""
        places = list_pieces(values)
        if len(places) > 1 and self._rules.replace:
            texts = [cast("str", values[index][key]) for index, key in places]
            for (index, key), text in zip(places, replace_across(texts, self._rules.replace), strict=True):
                values[index][key] = text
        return values

    def _element(self, key: str, value: Any, *, of_input: bool, free: bool) -> Any:
        holder: Json = {}
        name = "" if key in ID_KEYS else key  # a list is not an id, whatever its key
        self._put(holder, name, value, of_input=of_input, free=free)
        return holder.get(name)

    def _key(self, key: str, *, free: bool) -> str:
        """Replace in a key, unless it can be one of the protocol's."""
        return key if not free and _PROTOCOL_KEY.fullmatch(key) else self._text(key)

    def _string(self, key: str, value: str, *, free: bool) -> str:
        if self._rules.images == "blank" and value.startswith("data:image/"):
            return _BLANK
        if key.endswith("id") and value in self._found.ids:
            return self._found.ids[value]
        if not free and (key in _NO_TEXT or key in ID_KEYS):
            return value
        if key == "target":
            return self._target(value)
        if key in ("message", "param"):  # errors name items and events
            value = _WORD.sub(
                lambda word: self._found.ids.get(word[0], word[0]) if _is_long(word[0]) else word[0], value
            )
        return self._text(value)

    def _target(self, target: str) -> str:
        """Replace in the query of a request, but for what selects model and version: a client must find its session."""
        path, mark, query = target.partition("?")
        parts = [part.partition("=") for part in query.split("&")]
        made = [
            (name, equals, value if name in _PROTOCOL_PARAMETERS else self._quoted(value))
            for name, equals, value in parts
        ]
        return path + mark + "&".join("".join(part) for part in made)

    def _quoted(self, value: str) -> str:
        plain = unquote_plus(value)
        made = self._text(plain)
        return value if made == plain else quote_plus(made)

    def _text(self, value: str) -> str:
        return self._found.streams.text(value)

    def _sound(self, text: str, offset: int, *, of_input: bool) -> str:
        if self._rules.audio == "keep":
            return text if _is_sound(text) else self._text(text)
        audio = decode_base64(text)
        if audio is None:
            return ""
        formats = self._found.formats
        stated = formats.input_format if of_input else formats.output_format
        made = silence(len(audio), stated) if self._rules.audio == "silence" else tone(len(audio), stated, offset)
        return pybase64.b64encode(made).decode()


def _name(header: Any) -> str:
    """Return the name of a header, in lower case."""
    pair = cast("list[Any]", header) if isinstance(header, list) else []
    return str(pair[0]).lower() if pair else ""


def _is_long(word: str) -> bool:
    return len(word) >= _SHORTEST_ID_IN_TEXT


def _is_sound(text: str) -> bool:
    """Whether a text in place of audio can be audio: words may stand there too, and be base64 by chance."""
    return len(text) >= _SHORTEST_SOUND and decode_base64(text) is not None


def _dump(event: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(event)
    except TypeError:  # lone surrogates, integers beyond 64 bits
        return json.dumps(event, separators=(",", ":")).encode()


def _texts(value: Any, key: str = "", *, free: bool = False) -> Iterable[str]:
    """Yield every text of an event but its sound, what it is called, and what the elements of a list spell together."""
    if isinstance(value, dict):
        anybodys = free or key in _FREE
        for name, each in cast("Json", value).items():
            if anybodys or not _PROTOCOL_KEY.fullmatch(name):
                yield name
            yield from _texts(each, name, free=anybodys)
    elif isinstance(value, list):
        values = cast("list[Any]", value)
        pieces = [cast("str", values[index][name]) for index, name in list_pieces(values)]
        if len(pieces) > 1:
            yield from ("".join(pieces), " ".join(pieces))
        for each in values:
            yield from _texts(each, key, free=free)
    elif isinstance(value, str) and not (key == "audio" and _is_sound(value)):
        yield value
