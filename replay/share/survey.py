"""Survey a recording before it is scrubbed: its ids, audio formats, texts in pieces and streams of sound."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, cast

from ...schemas.audio import audio_key, decode_base64
from ...schemas.dialects.vocabulary import canonical_type
from ...schemas.frame import Frame, parse_object
from ...schemas.state import Session
from ...schemas.values import Json, too_deep
from ..fold import Folder
from ..playing.ids import ID_KEYS
from .rules import ScrubRules
from .streams import Streams

__all__ = ["Survey", "read_event"]

_ROOT: Final = "root"
"""``previous_item_id`` of an item that goes to the front: a word, not an id."""
_PREFIX: Final = re.compile(r"^([a-z]{2,12})_")


class Survey:
    """What a first reading of a recording finds. Every frame goes to :meth:`learn`, in order; then :meth:`finish`.

    Attributes:
        formats: the session, for the formats of its audio.
        ids: what each id is replaced by; empty if the rules keep ids.
        pieces: the scrubbed text of what came in pieces, by seq and key.
        streams: replaces in all other text.
        offsets: byte position of a frame's sound in its stream, by seq; empty unless the rules want a tone.
    """

    def __init__(self, rules: ScrubRules) -> None:
        self._rules = rules
        self._folder = Folder()
        self.formats = Session()
        self.ids: dict[str, str] = {}
        self.pieces: dict[tuple[int, str], str] = {}
        self.streams = Streams(rules.replace)
        self.offsets: dict[int, int] = {}
        self._numbers: dict[str, int] = {}
        self._positions: dict[tuple[Any, ...], int] = {}
        self._in_pieces = bool(rules.replace or rules.forbid)

    def learn(self, frame: Frame) -> None:
        """Take the next frame."""
        self._folder.apply(frame)
        event = read_event(frame)
        if event is None:
            return
        if self._rules.ids == "stable":
            self._learn_ids(event)
        if frame.kind != "text":
            return
        name = canonical_type(frame.type or "")
        if self._rules.audio == "tone":
            self._learn_position(frame, event)
        if self._in_pieces:
            self.streams.learn(frame.seq, name, event)

    def _learn_ids(self, value: Any, key: str = "") -> None:
        if isinstance(value, dict):
            for name, each in cast("Json", value).items():
                # A stored prompt is named by the developer; its id is part of the configuration.
                if name not in ("prompt", "metadata"):
                    self._learn_ids(each, name)
        elif isinstance(value, list):
            for each in cast("list[Any]", value):
                self._learn_ids(each)
        elif isinstance(value, str) and key in ID_KEYS and value and value != _ROOT and value not in self.ids:
            found = _PREFIX.match(value)
            if found and self.streams.text(value) != value:
                found = None  # its beginning may be a name
            kind = found[1] if found else key.removesuffix("_id").removeprefix("previous_") or "id"
            number = self._numbers[kind] = self._numbers.get(kind, 0) + 1
            self.ids[value] = f"{kind}_{number:06d}"

    def _learn_position(self, frame: Frame, event: Json) -> None:
        key = audio_key(frame.type)
        sound = None if key is None else event.get(key)
        if isinstance(sound, str):
            stream = (event.get("item_id"), event.get("content_index")) if key == "delta" else ()
            self.offsets[frame.seq] = self._positions.get(stream, 0)
            self._positions[stream] = self.offsets[frame.seq] + len(decode_base64(sound) or b"")

    def finish(self) -> Iterator[tuple[int, str]]:
        """Replace in the texts that came in pieces. Yields the seq of each one's first piece, and its whole text."""
        self.formats = self._folder.conversation().session
        for seq, pieces, whole in self.streams.finish():
            self.pieces.update(pieces)
            yield seq, whole


def read_event(frame: Frame) -> Json | None:
    """Read a frame as a JSON object; None if it is something else, or nested too deep to be read."""
    event = parse_object(frame.payload) if frame.kind != "binary" else None
    return None if too_deep(event) else event
